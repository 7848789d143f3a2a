"""Limits, outages, downloads and transport: statements 73 to 77."""

import gzip
import json
from dataclasses import replace

import httpx
import pytest
import trio

from config.settings import DatabaseSettings
from protocol.bencode import encode
from protocol.magnet import parse_magnet
from protocol.metainfo import parse_torrent_file
from storage.accounts import Accounts
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.errors import DatabaseUnavailable
from storage.migrations.runner import migrate
from storage.search import postgres
from storage.works import Works
from tests.fakes.library import NIGHT, SINTEL, SINTEL_SD, TEARS
from tests.fakes.torrents import single_file_info
from tests.fakes.website import attributes_of, error_of, parts_over, serving, site_of


async def test_statement_73_over_the_limit_a_client_is_told_when_to_come_again(database):
    async with site_of(database, [SINTEL]) as site:
        key = await Accounts(database).create_key("hasty", ["search"], requests_per_minute=2)
        answers = [await site.get("/api", t="search", apikey=key.text) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert error_of(answers[2])[2] == "Request limit reached"
        assert answers[2].headers["Content-Type"].startswith("application/xml")
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
        assert (await site.torznab(t="search")).status_code == 200  # others are not concerned


async def test_statement_74_a_stopped_database_is_a_503_in_xml_and_leaves_the_capabilities(data_dir):
    """With a server of its own, which really stops: statement 19 once more."""
    server = EmbeddedServer(data_dir, DatabaseSettings(), durable=False)
    with trio.fail_after(60):
        await server.start()
    try:
        await trio.to_thread.run_sync(migrate, server.conninfo)
        async with Database(server.conninfo, DatabaseSettings()) as database:
            works = Works(database)
            async with site_of(database, [NIGHT], works=works) as site:
                await works.refresh()
                assert await site.titles(t="search") == [NIGHT.torrent.name]
                await server.aclose()
                for parameters in ({"q": "Night"}, {"imdbid": "tt0063350"}, {}):
                    with trio.fail_after(5):
                        response = await site.torznab(t="movie", **parameters)
                    assert error_of(response)[:2] == (503, 900)
                    assert response.headers["Content-Type"].startswith("application/xml")
                    assert int(response.headers["Retry-After"]) > 0
                with trio.fail_after(1):
                    caps = await site.get("/api", t="caps")
                assert caps.status_code == 200
                assert "imdbid,tmdbid" in caps.text  # remembered
    finally:
        await server.aclose()


async def test_statement_74_the_words_of_a_database_are_not_passed_on(library_database, library):
    class Gone:
        async def search(self, _query):
            raise DatabaseUnavailable("the server is gone")

    async with serving(parts_over(library_database, search=Gone()), library.search_key) as site:
        response = await site.torznab(t="search", q="Sintel")
        assert error_of(response)[:2] == (503, 900)
        assert "server is gone" not in response.text


async def test_statement_74_a_search_that_hangs_is_a_503_before_the_client_gives_up(library_database, library, monkeypatch):
    class Hanging:
        async def search(self, _query):
            await trio.sleep_forever()

    monkeypatch.setattr("web.torznab.endpoint.SEARCH_DEADLINE_S", 0.1)
    async with serving(parts_over(library_database, search=Hanging()), library.search_key) as site:
        with trio.fail_after(5):
            response = await site.torznab(t="search")
        assert error_of(response)[0] == 503
        assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "parameters",
    [
        {"t": "search"},
        {"t": "search", "q": "Sintel 2010"},
        {"t": "tvsearch", "cat": "5030,5040"},
        {"t": "tvsearch", "tvdbid": "71471", "season": "1", "ep": "2"},
        {"t": "movie", "imdbid": "tt0063350", "q": "Night of the Living Dead"},
    ],
)
async def test_statement_75_a_search_reads_no_table_whole(site, parameters, monkeypatch):
    """The clock is bench/torznab's. Here: with indexes preferred, as they are in a large index, no step of a search scans the table."""
    plans = []
    original = postgres._Finder._row

    def explained(finder, statement):
        finder._connection.execute("SET LOCAL enable_seqscan = off")
        plan = finder._connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", finder._parameters, prepare=False).fetchone()[0]
        plans.append(json.dumps(plan) if not isinstance(plan, str) else plan)
        return original(finder, statement)

    monkeypatch.setattr(postgres._Finder, "_row", explained)
    assert await site.titles(**parameters)
    assert plans
    for plan in plans:
        scans = [node for node in _nodes(json.loads(plan)) if node.get("Relation Name") == "search"]
        assert all(node["Node Type"] != "Seq Scan" for node in scans), plan


def _nodes(plan):
    if isinstance(plan, list):
        for part in plan:
            yield from _nodes(part)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        for part in plan.values():
            yield from _nodes(part)


async def test_statement_76_links_lead_to_torrent_files_or_to_magnet_links(database):
    raw = encode(single_file_info())
    info_hash = parse_torrent_file(encode({b"info": single_file_info()})).info.info_hash
    kept = replace(TEARS, torrent=replace(TEARS.torrent, info_hash=info_hash, info=raw))
    async with site_of(database, [kept], [SINTEL_SD]) as site, httpx.AsyncClient(trust_env=False) as stranger:
        item = await site.item_of(kept)
        link = item.find("enclosure").get("url")
        assert link.startswith("http")
        assert item.find("enclosure").get("type") == "application/x-bittorrent"
        response = await stranger.get(link)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/x-bittorrent")
        assert parse_torrent_file(response.content).info.info_hash.hex() == attributes_of(item)["infohash"]
        bare = await site.item_of(SINTEL_SD)
        assert bare.find("enclosure").get("url") == attributes_of(bare)["magneturl"]
        redirect = await site.get(f"/api/download/{attributes_of(bare)['infohash']}.torrent", apikey=site.key)
        assert redirect.status_code == 302
        assert parse_magnet(redirect.headers["Location"]).info_hash.hex() == attributes_of(bare)["infohash"]
        unknown = await site.get(f"/api/download/{'0' * 40}.torrent", apikey=site.key)
        assert unknown.status_code == 404


@pytest.mark.parametrize("parameters", [{"t": "caps"}, {"t": "search"}])
async def test_statement_77_head_answers_like_get_without_a_body(site, parameters):
    get, head = [await site.get("/api", method=method, apikey=site.key, **parameters) for method in ("GET", "HEAD")]
    assert (get.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert int(head.headers["Content-Length"]) > 500


async def test_statement_77_answers_are_packed_for_those_who_take_them_so(site):
    request = site.client.build_request("GET", "/api", params={"t": "search", "apikey": site.key}, headers={"Accept-Encoding": "gzip"})
    response = await site.client.send(request, stream=True)
    wire = b"".join([part async for part in response.aiter_raw()])
    await response.aclose()
    assert response.headers["Content-Encoding"] == "gzip"
    plain = await site.get("/api", t="search", apikey=site.key, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert len(wire) < len(plain.content) / 3
    assert gzip.decompress(wire).count(b"<item>") == plain.text.count("<item>")
