"""What a demo found, asked for as a user would: by name on the search page and over Torznab."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import httpx
import trio

from cli.demo.planted import Planted

_AT_A_TIME = 4
_TORZNAB = "{http://torznab.com/schemas/2015/feed}"


@dataclass(slots=True)
class Finds:
    """How many of the reachable torrents a search by name brings up, and what the newest-first feed holds."""

    on_page: int = 0
    by_torznab: int = 0
    torznab_items: int = 0


async def check_finds(url: str, key: str, planted: Sequence[Planted]) -> Finds:
    """Search for each of them by its name."""
    finds = Finds()
    waiting = iter(planted)
    transport = httpx.AsyncHTTPTransport(retries=5)  # a page that was just made to crash is back within a second
    async with httpx.AsyncClient(base_url=url, headers={"X-Api-Key": key}, timeout=30, trust_env=False, transport=transport) as client:
        finds.torznab_items = await _count_items(client)
        async with trio.open_nursery() as nursery:
            for _ in range(_AT_A_TIME):
                nursery.start_soon(_check, client, waiting, finds)
    return finds


async def _check(client: httpx.AsyncClient, waiting: Iterator[Planted], finds: Finds) -> None:
    for each in waiting:
        info_hash = each.info_hash.hex()
        page = await client.get("/", params={"q": each.name})
        finds.on_page += page.status_code == httpx.codes.OK and info_hash in page.text
        feed = await client.get("/api", params={"t": "search", "q": each.name})
        finds.by_torznab += feed.status_code == httpx.codes.OK and info_hash in _info_hashes(feed.content)


async def _count_items(client: httpx.AsyncClient) -> int:
    """Page through the whole feed, as Sonarr would; distinct items."""
    seen: set[str] = set()
    offset = 0
    while True:
        feed = await client.get("/api", params={"t": "search", "limit": 100, "offset": offset})
        found = _info_hashes(feed.content) if feed.status_code == httpx.codes.OK else set()
        if not found:
            return len(seen)
        offset += len(found)  # some of them twice, when new ones have moved them to a later page meanwhile
        seen |= found


def _info_hashes(feed: bytes) -> set[str]:
    # A torrent of v2 alone is named by its whole SHA-256 there; the DHT knows the first 20 bytes of it.
    attributes = ElementTree.fromstring(feed).iter(f"{_TORZNAB}attr")  # noqa: S314  (our own server's)
    return {attribute.get("value", "")[:40] for attribute in attributes if attribute.get("name") == "infohash"}
