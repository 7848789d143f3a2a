"""A site over the library with somebody signed in."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from lxml import etree

from storage.accounts import Accounts
from storage.database import Database
from storage.torrents import Torrents
from tests.fakes.library import LIBRARY
from tests.fakes.passwords import cheap_passwords
from tests.fakes.website import Website, parts_over, serving
from web.auth.forgery import TOKEN_HEADER, token_for


@dataclass
class Reader:
    """The site, and ways to ask it as a feed reader, as an administrator's key and as somebody signed in."""

    site: Website
    database: Database
    admin_key: str
    session: str

    async def save(self, **wanted: str) -> Any:
        """Save a search by JSON."""
        response = await self.json("POST", "", {"name": "Sintel", **wanted})
        assert response.status_code == 201, response.text
        return response.json()

    async def json(self, method: str, path: str = "", body: Any = None, key: str = "") -> httpx.Response:
        return await self.site.client.request(method, f"/api/v1/searches{path}", json=body, headers={"X-Api-Key": key or self.admin_key})

    async def feed(self, number: int, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return await self.site.get(f"/feeds/{number}", apikey=self.site.key, headers=dict(headers or {}))

    async def titles(self, number: int) -> list[str]:
        return [item.findtext("title") or "" for item in etree.fromstring((await self.feed(number)).content).findall("channel/item")]

    async def page(self, path: str) -> httpx.Response:
        return await self.site.get(path, headers={"Cookie": f"swx={self.session}", "Accept": "text/html"})

    async def post(self, path: str, **fields: str) -> httpx.Response:
        headers = {"Cookie": f"swx={self.session}", "Origin": self.site.url, TOKEN_HEADER: token_for(self.session)}
        return await self.site.client.post(path, data=fields, headers=headers)


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[Reader]:
    for torrent in LIBRARY:
        await Torrents(database).store([torrent])  # one after the other, so that each was seen first at a time of its own
    accounts = Accounts(database, passwords=cheap_passwords())
    search, admin = await accounts.create_key("reader", ["search"]), await accounts.create_key("boss", ["admin"])
    user = await accounts.create_user("ada", "correct horse", is_admin=True)
    session = await accounts.open_session(user.id)
    async with serving(parts_over(database, accounts=accounts), search.text) as website:
        yield Reader(website, database, admin.text, session.text)
