"""A site over the library with somebody signed in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from storage.accounts import Accounts
from storage.database import Database
from storage.torrents import Torrents
from tests.fakes.library import LIBRARY
from tests.fakes.passwords import cheap_passwords
from tests.fakes.website import Website, parts_over, serving
from web.auth.forgery import TOKEN_HEADER, token_for


@dataclass
class Desk:
    """The site, and ways to ask it as a client, as an administrator's key and as somebody signed in."""

    site: Website
    admin_key: str
    session: str

    async def ask(self, agent: str = "Sonarr/4.0", **parameters: str) -> httpx.Response:
        return await self.site.get("/api", apikey=self.site.key, headers={"User-Agent": agent}, **parameters)

    async def journal(self, path: str = "", *, method: str = "GET") -> Any:
        response = await self.site.get(f"/api/v1/torznab/requests{path}", method=method, headers={"X-Api-Key": self.admin_key})
        assert response.status_code == 200, response.text
        return response.json()

    async def page(self, path: str = "", *, method: str = "GET", **headers: str) -> httpx.Response:
        sent = {"Cookie": f"swx={self.session}", "Accept": "text/html", **headers}
        return await self.site.get(f"/torznab/requests{path}", method=method, headers=sent)

    async def press_replay(self, number: int) -> httpx.Response:
        return await self.page(f"/{number}/replay", method="POST", **{"Origin": self.site.url, TOKEN_HEADER: token_for(self.session)})


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    await Torrents(database).store(LIBRARY)
    accounts = Accounts(database, passwords=cheap_passwords())
    search, admin = await accounts.create_key("sonarr", ["search"]), await accounts.create_key("boss", ["admin"])
    user = await accounts.create_user("ada", "correct horse", is_admin=True)
    session = await accounts.open_session(user.id)
    async with serving(parts_over(database, accounts=accounts), search.text) as website:
        yield Desk(website, admin.text, session.text)
