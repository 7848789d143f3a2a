"""The daemon's way of a torrent, from the web server to PostgreSQL: the real classifier, the real writer, restarted when they crash."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import trio

from actors.classifier import Classifier
from actors.writer import Writer
from catalog.messages import TorrentsClassified, TorrentsFound
from config.settings import ClassifierSettings, HttpSettings, IngestSettings, WriterSettings
from storage.accounts import Accounts
from storage.database import Database
from storage.ingest_answers import IngestAnswers
from storage.torrents import Torrents
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from tests.fakes.processes import wait_until
from tests.fakes.website import Website, parts_over, serving
from web.parts import IngestParts

WRITER = WriterSettings(max_wait_s=0.02)


@dataclass
class IngestSite:
    """A website whose torrents are stored."""

    site: Website
    torrents: Torrents
    database: Database
    found: Mailbox[TorrentsFound]
    classified: Mailbox[TorrentsClassified]
    crashes: list[BaseException] = field(default_factory=list)

    async def post(self, path: str, body: object, *, key: str | None = None, **headers: str) -> httpx.Response:
        """Send bytes as they are, anything else as JSON; with the key that may ingest."""
        sent = body if isinstance(body, bytes) else msgspec.json.encode(body)
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        if "content-type" not in named and not isinstance(body, bytes):
            named["content-type"] = "application/json"
        return await self.site.client.post(path, content=sent, headers={"X-Api-Key": self.site.key if key is None else key, **named})

    async def one(self, item: object, **headers: str) -> Any:
        """The result of one item that is taken."""
        response = await self.post("/api/ingest", item, **headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def bulk(self, body: object, **headers: str) -> Any:
        """The answer to many items."""
        response = await self.post("/api/ingest/bulk", body, **headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def statuses(self, body: object, **headers: str) -> list[str]:
        return [result["status"] for result in (await self.bulk(body, **headers))["results"]]

    async def count(self) -> int:
        return (await self.torrents.counts()).torrents


@asynccontextmanager
async def ingesting(
    database: Database, settings: IngestSettings | None = None, *, stored_by: Torrents | None = None, info_limit_bytes: int = 0
) -> AsyncIterator[IngestSite]:
    """The server and what is behind it, for as long as the block lasts."""
    torrents = Torrents(database)
    found, classified = Mailbox[TorrentsFound]("found", 64), Mailbox[TorrentsClassified]("classified", 64)
    ingest = IngestParts(found, IngestAnswers(database), settings or IngestSettings(deadline_s=20), 2000, info_limit_bytes)
    key = (await Accounts(database).create_key("ingest", ["ingest"])).text
    async with serving(parts_over(database, HttpSettings(bind="127.0.0.1:0"), ingest=ingest), key) as site:
        running = IngestSite(site, torrents, database, found, classified)
        async with trio.open_nursery() as nursery:
            classifies, writes = Heart(), Heart()

            async def classify() -> None:
                await Classifier(classifies, found.open_inbox(), classified, ClassifierSettings(timeout_s=10)).run()

            async def write() -> None:
                await Writer(writes, classified.open_inbox(), stored_by or torrents, WRITER).run()

            nursery.start_soon(_restarted, classify, running)
            nursery.start_soon(_restarted, write, running)
            await wait_until(lambda: classifies.is_ready and writes.is_ready)
            yield running
            nursery.cancel_scope.cancel()


async def _restarted(run: Callable[[], Awaitable[None]], site: IngestSite) -> None:
    while True:
        try:
            await run()
        except* RuntimeError as crash:
            site.crashes.append(crash)
        else:
            return
