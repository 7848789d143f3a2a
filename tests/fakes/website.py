"""The web server on a real port, and a client that speaks Torznab to it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import trio
from lxml import etree

from catalog.model import ClassifiedTorrent
from config.settings import HttpSettings, IngestSettings, TorznabSettings
from storage.accounts import Accounts
from storage.blocked import Blocked
from storage.database import Database
from storage.history import History
from storage.info_dicts import InfoDicts
from storage.ingest_answers import IngestAnswers
from storage.jobs import Jobs
from storage.saved_searches import SavedSearches
from storage.search.postgres import PostgresSearch
from storage.torrents import Torrents
from storage.works import Works
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from supervisor.snapshot import ChildSnapshot
from web.connection import Patience
from web.parts import ApiParts, Check, IngestParts, Readiness, WebParts
from web.server import WebServer

TORZNAB = "{http://torznab.com/schemas/2015/feed}"
NEWZNAB = "{http://www.newznab.com/DTD/2010/feeds/attributes/}"
READY = Readiness((Check("database", is_ok=True), Check("writer", is_ok=True)))


async def ready() -> Readiness:
    return READY


def parts_over(
    database: Database, settings: HttpSettings | None = None, snapshot: Sequence[ChildSnapshot] = (), **changes: Any
) -> WebParts:
    """What the daemon would give the app, over a real database."""
    found: dict[str, Any] = {
        "torrents": Torrents(database),
        "search": PostgresSearch(database),
        "works": Works(database),
        "accounts": Accounts(database),
        "info_dicts": InfoDicts(database),
        "saved_searches": SavedSearches(database),
        "ingest": IngestParts(Mailbox("found", 64), IngestAnswers(database), IngestSettings(), max_files=2000, info_limit_bytes=1 << 20),
        "api": ApiParts(Blocked(database), History(database), Jobs(database), Mailbox("job-orders", 8), Mailbox("wanted", 16)),
        "settings": settings or HttpSettings(bind="127.0.0.1:0"),
        "torznab": TorznabSettings(),
        "snapshot": lambda: snapshot,
        "mailboxes": lambda: (Mailbox[str]("found", 8).statistics(),),
        "readiness": ready,
        "version": "0.1.0",
        "run_token": "the-token-of-this-run",
    }
    return WebParts(**{**found, **changes})


@dataclass
class Website:
    """A server that runs, and a client of it."""

    url: str
    client: httpx.AsyncClient
    server: WebServer
    heart: Heart
    key: str = ""

    async def get(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, **parameters: str) -> httpx.Response:
        """Ask without a key, redirects not followed."""
        return await self.client.request(method, path, params=parameters or None, headers=headers)

    async def torznab(self, **parameters: str) -> httpx.Response:
        """Ask with the key."""
        return await self.get("/api", apikey=self.key, **parameters)

    async def feed(self, **parameters: str) -> Any:
        """The channel of a feed that must be there."""
        response = await self.torznab(**parameters)
        assert response.status_code == 200, response.text
        return etree.fromstring(response.content).find("channel")

    async def items(self, **parameters: str) -> list[Any]:
        return (await self.feed(**parameters)).findall("item")

    async def titles(self, **parameters: str) -> list[str]:
        return [item.findtext("title") for item in await self.items(**parameters)]

    async def found(self, **parameters: str) -> set[str]:
        return set(await self.titles(**parameters))

    async def item_of(self, found: ClassifiedTorrent, **parameters: str) -> Any:
        """The item of a torrent, looked for by its name."""
        name = found.torrent.name
        (item,) = [item for item in await self.items(t="search", q=name, **parameters) if item.findtext("title") == name]
        return item


@asynccontextmanager
async def site_of(database: Database, *batches: Sequence[ClassifiedTorrent], **changes: Any) -> AsyncIterator[Website]:
    """A website over these batches, stored one after the other, with a key that may search."""
    for batch in batches:
        await Torrents(database).store(batch)
    key = await Accounts(database).create_key("tests", ["search"])
    async with serving(parts_over(database, **changes), key.text) as website:
        yield website


def attributes_of(item: Any) -> dict[str, str]:
    """The Torznab attributes of an item, without those that repeat."""
    return {attr.get("name"): attr.get("value") for attr in item.findall(f"{TORZNAB}attr") if attr.get("name") != "category"}


def categories_of(item: Any) -> list[int]:
    return [int(attr.get("value")) for attr in item.findall(f"{TORZNAB}attr") if attr.get("name") == "category"]


def error_of(response: httpx.Response) -> tuple[int, int, str]:
    """HTTP status, Torznab code and description of an error answer."""
    root = etree.fromstring(response.content)
    assert root.tag == "error", response.text
    return response.status_code, int(root.get("code")), root.get("description")


@asynccontextmanager
async def serving(parts: WebParts, key: str = "", patience: Patience | None = None) -> AsyncIterator[Website]:
    """The server on a port of its own for as long as the block lasts."""
    bound: list[str] = []
    server = WebServer(parts, bound.append, patience)
    async with trio.open_nursery() as nursery:
        is_ready = trio.Event()
        heart = Heart("swarmdex/services/web", is_ready.set)
        nursery.start_soon(server.run, heart)
        with trio.fail_after(10):
            await is_ready.wait()
        async with httpx.AsyncClient(base_url=bound[0], timeout=20, trust_env=False) as client:
            try:
                yield Website(bound[0], client, server, heart, key)
            finally:
                server.stop()
