"""A website with everything behind it that the API gives orders to, over a database of its own."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import trio

from actors.classifier import Classifier
from actors.reprocessor import Reprocessor
from actors.writer import Writer
from catalog.messages import JobOrdered, MetadataWanted, TorrentsClassified, TorrentsFound
from config.settings import ClassifierSettings, HttpSettings, IngestSettings, WriterSettings
from storage.accounts import Accounts
from storage.blocked import Blocked
from storage.database import Database
from storage.history import History
from storage.ingest_answers import IngestAnswers
from storage.jobs import Jobs
from storage.torrents import Torrents
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from tests.fakes.website import Website, parts_over, serving
from web.parts import ApiParts, IngestParts, WebParts


@dataclass
class ApiSite:
    """A website, a key that may do everything there, and what it is connected with."""

    site: Website
    database: Database
    torrents: Torrents
    wanted: Mailbox[MetadataWanted]
    parts: WebParts

    async def ask(self, method: str, path: str, body: object = None, key: str | None = None, **parameters: Any) -> httpx.Response:
        """Ask with the administrator's key, or another."""
        headers = {"X-Api-Key": self.site.key if key is None else key}
        return await self.site.client.request(method, path, json=body, params=parameters or None, headers=headers)

    async def get(self, path: str, **parameters: Any) -> Any:
        """The answer that must be there."""
        response = await self.ask("GET", path, **parameters)
        assert response.status_code == 200, response.text
        return response.json()

    async def get_when(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """The answer once something holds of it."""
        for _ in range(400):
            if holds(answer := await self.get(path)):
                return answer
            await trio.sleep(0.05)
        raise AssertionError(f"{path} stays {answer}")


@pytest.fixture
async def api(database: Database) -> AsyncIterator[ApiSite]:
    """The whole way from an order to the store."""
    torrents = Torrents(database)
    found, classified = Mailbox[TorrentsFound]("found", 64), Mailbox[TorrentsClassified]("classified", 64)
    jobs, wanted = Mailbox[JobOrdered]("jobs", 8), Mailbox[MetadataWanted]("wanted", 4)
    parts = parts_over(
        database,
        HttpSettings(bind="127.0.0.1:0", requests_per_minute=0),
        torrents=torrents,
        ingest=IngestParts(found, IngestAnswers(database), IngestSettings(deadline_s=20), 2000, 0),
        api=ApiParts(Blocked(database), History(database), Jobs(database), jobs, wanted),
    )
    key = (await Accounts(database).create_key("admin", ["admin"])).text
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Classifier(Heart(), found.open_inbox(), classified, ClassifierSettings(timeout_s=10)).run)
        nursery.start_soon(Writer(Heart(), classified.open_inbox(), torrents, WriterSettings(max_wait_s=0.02)).run)
        nursery.start_soon(Reprocessor(Heart(), jobs.open_inbox(), Jobs(database), found, classified).run)
        async with serving(parts, key) as site:
            yield ApiSite(site, database, torrents, wanted, parts)
        nursery.cancel_scope.cancel()
