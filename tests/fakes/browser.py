"""A browser without JavaScript: keeps cookies, says where its forms come from, and sends their hidden fields along."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from lxml import html


class Browser:
    """One person's browser on one site."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.origin = str(client.base_url).rstrip("/")

    async def open(self, path: str) -> httpx.Response:
        """Follow a link."""
        return await self.client.get(path)

    async def submit(self, page: str, action: str, **fields: str | list[str]) -> httpx.Response:
        """Fill in the form of `page` that goes to `action`, and send it."""
        tree = html.fromstring((await self.open(page)).text)
        (form,) = tree.xpath("//form[@action=$action]", action=action)
        hidden = {field.get("name"): field.get("value") for field in form.xpath(".//input[@type='hidden']")}
        return await self.post(action, **{**hidden, **fields})

    async def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form without having loaded its page."""
        return await self.client.post(path, data=fields, headers={"Origin": self.origin})

    async def sign_in(self, name: str, password: str, **fields: str) -> httpx.Response:
        return await self.submit("/login", "/login", name=name, password=password, **fields)

    @property
    def session(self) -> str | None:
        """What the session's cookie holds."""
        return self.client.cookies.get("swx")


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[Browser]:
    """A new browser, or somebody else's."""
    headers = {"Accept": "text/html,*/*;q=0.8", "User-Agent": "Browser/1.0"}
    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False, headers=headers) as client:
        yield Browser(client)
