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
        shown = await self.open(page)
        tree = html.fromstring(shown.text)
        (form,) = tree.xpath("//form[@action=$action]", action=action)
        hidden = {field.get("name"): field.get("value") for field in form.xpath(".//input[@type='hidden']")}
        # From a page that tells nobody where its links are, a form does not say where it comes from either (Fetch, 3.2, "append a
        # request `Origin` header"); Chromium and Firefox do so.
        origin = "null" if shown.headers["Referrer-Policy"] == "no-referrer" else self.origin
        return await self._send(action, {**hidden, **fields}, origin)

    async def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form without having loaded its page."""
        return await self._send(path, fields, self.origin)

    async def sign_in(self, name: str, password: str, **fields: str) -> httpx.Response:
        return await self.submit("/login", "/login", name=name, password=password, **fields)

    async def _send(self, path: str, fields: dict[str, str | list[str]], origin: str) -> httpx.Response:
        return await self.client.post(path, data=fields, headers={"Origin": origin})

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
