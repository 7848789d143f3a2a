"""Statements 34 and 76 of Torznab's checklist: what a feed links to can be fetched, by nobody but who holds the link."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import libtorrent
import pytest
from lxml import etree

from catalog.model import ClassifiedTorrent, File, Kind, ParsedTitle, Torrent
from protocol.identifiers import InfoHash
from protocol.metainfo import parse_torrent_file
from storage.accounts import Accounts, download_token
from storage.database import Database
from storage.torrents import Torrents
from tests.fakes.library import SINTEL_SD
from tests.fakes.passwords import cheap_passwords
from tests.fakes.torrents import make_torrent
from tests.fakes.website import Website, attributes_of, parts_over, serving

TRACKERS = ("udp://tracker.example:6969/announce", "https://tracker.example/announce")
HASH = InfoHash(b"\x07" * 20)


def stored(raw: bytes, name: str, *, is_uploaded: bool) -> ClassifiedTorrent:
    """A .torrent file as the upload hands it on, or its info dict as the fetcher does."""
    read = parse_torrent_file(raw)
    torrent = Torrent(
        read.info.swarm_key, name, read.info.size, tuple(File(*file) for file in read.info.files), read.info.file_count, "dht",
        info_hash_v2=read.info.info_hash_v2, trackers=TRACKERS if is_uploaded else (), info=read.raw_info,
        piece_layers=read.piece_layers if is_uploaded else b"",
    )  # fmt: skip
    return ClassifiedTorrent(torrent, ParsedTitle(name), Kind.MOVIE, 0.9, 1)


@dataclass
class Shop:
    """A site with torrents of every version, some with a .torrent file."""

    site: Website
    accounts: Accounts

    async def items(self, text: str = "", **parameters: str) -> list[Any]:
        return await self.site.items(t="search", q=text, **parameters)

    async def item(self, text: str) -> Any:
        [item] = await self.items(text)
        return item

    async def follow(self, item: Any) -> httpx.Response:
        """Fetch what the item links to, as a client does: no cookie, no header."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(item.find("enclosure").get("url"))


@pytest.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    torrents = Torrents(database)
    for version in ("v1", "v2", "hybrid"):
        for is_uploaded in (True, False):
            name = f"Sintel {version} {'uploaded' if is_uploaded else 'crawled'}"
            folder = tmp_path / name
            made = make_torrent(folder, version, ((f"{name}/Sintel.mkv", 50_000), (f"{name}/Sintel.srt", 900)))
            await torrents.store([stored(made.raw, name, is_uploaded=is_uploaded)])
    await torrents.store([SINTEL_SD])
    accounts = Accounts(database, passwords=cheap_passwords())
    key = await accounts.create_key("cross-seed", ["search"])
    async with serving(parts_over(database, accounts=accounts), key.text) as site:
        yield Shop(site, accounts)


@pytest.mark.parametrize("name", ["v1 uploaded", "v1 crawled", "v2 uploaded", "hybrid uploaded"])
async def test_76_libtorrent_loads_what_a_feed_links_to_and_it_is_that_torrent(shop: Shop, name: str) -> None:
    item = await shop.item(name)
    enclosure, attributes = item.find("enclosure"), attributes_of(item)
    assert enclosure.get("type") == "application/x-bittorrent"
    assert item.findtext("link") == enclosure.get("url")
    answer = await shop.follow(item)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-bittorrent")
    loaded = libtorrent.load_torrent_buffer(answer.content)
    hashes = loaded.info_hashes
    assert attributes["infohash"] == (hashes.v1 if hashes.has_v1() else hashes.v2).to_bytes().hex()
    assert parse_torrent_file(answer.content).has_piece_layers
    assert tuple(loaded.trackers) == (TRACKERS if "uploaded" in name else ())
    assert attributes["magneturl"].startswith("magnet:?xt=urn:bt")


@pytest.mark.parametrize("name", ["v2 crawled", "hybrid crawled", "2010 480p"])
async def test_34_where_no_file_would_be_whole_the_link_is_the_magnet(shop: Shop, name: str) -> None:
    """Peers send v2 info dicts without the piece layers that a .torrent file must have."""
    item = await shop.item(name)
    assert item.find("enclosure").get("type") == "application/x-bittorrent;x-scheme-handler/magnet"
    assert item.find("enclosure").get("url") == item.findtext("link") == attributes_of(item)["magneturl"]


async def test_76_without_a_file_the_download_leads_to_the_magnet(shop: Shop) -> None:
    token = download_token(shop.site.key, SINTEL_SD.torrent.info_hash)
    answer = await shop.site.get(f"/api/download/{SINTEL_SD.torrent.info_hash.hex()}.torrent", token=token)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"magnet:?xt=urn:btih:{SINTEL_SD.torrent.info_hash.hex()}&")


async def test_76_an_unknown_hash_is_404_in_xml(shop: Shop) -> None:
    token = download_token(shop.site.key, HASH)
    for path, parameters in ((HASH.hex(), {"token": token}), ("nonsense", {"apikey": shop.site.key}), ("nonsense", {"token": token})):
        answer = await shop.site.get(f"/api/download/{path}.torrent", **parameters)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/xml; charset=utf-8")
        assert etree.fromstring(answer.content).get("code") == "300"


async def test_9_the_key_is_in_no_link(shop: Shop) -> None:
    response = await shop.site.torznab(t="search")
    assert "/api/download/" in response.text
    assert shop.site.key not in response.text
    assert shop.site.key[8:] not in response.text


async def test_a_link_opens_its_torrent_alone_and_dies_with_its_key(shop: Shop) -> None:
    one, other = (await shop.item("v1 uploaded")).findtext("link"), (await shop.item("v1 crawled")).findtext("link")
    assert (await shop.site.client.get(one)).status_code == 200
    swapped = other.partition("?")[0] + "?" + one.partition("?")[2]
    for url in (swapped, one[:-1], one.partition("?")[0], one.partition("?")[0] + "?token="):
        refused = await shop.site.client.get(url)
        assert (refused.status_code, etree.fromstring(refused.content).get("code")) == (401, "100")
    await shop.accounts.revoke_key(shop.site.key[:8])
    assert (await shop.site.client.get(one)).status_code == 401


async def test_a_key_of_its_own_opens_it_too_and_one_for_other_things_does_not(shop: Shop) -> None:
    path = (await shop.item("v1 uploaded")).findtext("link").partition("?")[0]
    assert (await shop.site.client.get(path, headers={"X-Api-Key": shop.site.key})).status_code == 200
    other = await shop.accounts.create_key("prometheus", ["metrics"])
    assert (await shop.site.client.get(path, headers={"X-Api-Key": other.text})).status_code == 403
    token = download_token(other.text, bytes.fromhex(path.rpartition("/")[2].removesuffix(".torrent")))
    assert (await shop.site.client.get(f"{path}?token={token}")).status_code == 401


async def test_the_file_is_named_by_its_hash_and_not_compressed(shop: Shop) -> None:
    item = await shop.item("v1 uploaded")
    answer = await shop.follow(item)
    name = f"{attributes_of(item)['infohash']}.torrent"
    assert answer.headers["content-disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    assert "content-encoding" not in answer.headers
    head = await shop.site.client.head(item.findtext("link"))
    assert (head.headers["content-length"], head.content) == (str(len(answer.content)), b"")


async def test_each_key_gets_links_of_its_own_and_the_runs_token_magnets(shop: Shop) -> None:
    second = await shop.accounts.create_key("second", ["search"])
    mine = (await shop.item("v1 uploaded")).findtext("link")
    theirs = (await replace(shop, site=replace(shop.site, key=second.text)).item("v1 uploaded")).findtext("link")
    assert mine != theirs
    assert (await shop.site.client.get(theirs)).status_code == 200
    by_run = (await replace(shop, site=replace(shop.site, key="the-token-of-this-run")).item("v1 uploaded")).findtext("link")
    assert by_run.startswith("magnet:")


async def test_the_page_of_a_torrent_offers_the_file_to_whoever_is_signed_in(shop: Shop) -> None:
    user = await shop.accounts.create_user("ada", "correct horse", is_admin=True)
    cookie = {"Cookie": f"swx={(await shop.accounts.open_session(user.id)).text}"}
    path = (await shop.item("v1 uploaded")).findtext("link").partition("?")[0].removeprefix(shop.site.url)
    info_hash = path.rpartition("/")[2].removesuffix(".torrent")
    assert f'href="{path}"' in (await shop.site.get(f"/t/{info_hash}", headers=cookie)).text
    assert (await shop.site.get(path, headers=cookie)).status_code == 200
    other = SINTEL_SD.torrent.info_hash.hex()
    assert "/api/download/" not in (await shop.site.get(f"/t/{other}", headers=cookie)).text
