"""Endpoint, keys, capabilities and errors of Torznab: statements 1 to 19, 72, 74 and 77 of the conformance list."""

import logging
import time

import pytest
import trio
from lxml import etree

from config.settings import DatabaseSettings, HttpSettings
from storage.database import Database
from storage.errors import DatabaseUnavailable
from tests.fakes.website import error_of, parts_over, serving

WRONG_KEY = "0" * 40
ADDRESSES = ("/api", "/api/", "/torznab/api", "/torznab/api/")


async def test_01_02_capabilities_are_answered_at_every_address_without_a_redirect(site):
    for address in ADDRESSES:
        response = await site.get(address, t="caps")
        assert response.status_code == 200, address
        assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
        assert etree.fromstring(response.content).tag == "caps"


async def test_02_searches_are_answered_at_every_address(site):
    for address in ADDRESSES:
        response = await site.get(address, t="search", apikey=site.key)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/rss+xml; charset=utf-8"


async def test_03_capabilities_need_no_key_but_refuse_a_wrong_one(site):
    assert (await site.get("/api", t="caps")).status_code == 200
    assert (await site.get("/api", t="caps", apikey=site.key)).status_code == 200
    for wrong in (WRONG_KEY, "short", site.key[:-1]):
        assert error_of(await site.get("/api", t="caps", apikey=wrong))[:2] == (401, 100)


async def test_04_a_search_without_a_key_or_with_a_wrong_one_is_refused_in_xml(site):
    for parameters in ({}, {"apikey": ""}, {"apikey": WRONG_KEY}, {"apikey": "'; DROP TABLE api_key; --"}):
        response = await site.get("/api", t="search", **parameters)
        assert error_of(response)[:2] == (401, 100)
        assert response.headers["Content-Type"].startswith("application/xml")
        assert "WWW-Authenticate" not in response.headers


async def test_05_keys_consist_of_letters_and_digits(site):
    assert site.key.isascii()
    assert site.key.isalnum()


async def test_06_a_key_is_taken_in_any_spelling_and_from_headers(site):
    for name in ("apikey", "ApiKey", "APIKEY"):
        assert (await site.get("/api", **{name: site.key, "T": "search"})).status_code == 200
    for headers in ({"X-Api-Key": site.key}, {"Authorization": f"Bearer {site.key}"}):
        assert (await site.get("/api", headers=headers, t="search")).status_code == 200


async def test_a_key_without_the_scope_is_not_authorised(site, library):
    assert error_of(await site.get("/api", t="search", apikey=library.useless_key))[:2] == (403, 102)
    assert (await site.get("/api", t="search", apikey=library.admin_key)).status_code == 200


async def test_07_missing_unknown_and_unavailable_functions(site):
    assert error_of(await site.torznab())[:2] == (400, 200)
    assert error_of(await site.torznab(t="dance"))[:2] == (400, 202)
    for name in ("details", "get", "getnfo", "register", "user"):
        assert error_of(await site.torznab(t=name))[:2] == (400, 203)


async def test_08_nothing_on_the_api_ever_answers_html(site):
    for method, path in (
        ("GET", "/api/nothing"),
        ("POST", "/api"),
        ("DELETE", "/torznab/api"),
        ("GET", "/torznab/none/api"),
        ("GET", "/api/%00"),
        ("OPTIONS", "/api"),
    ):
        response = await site.get(path, method=method)
        assert response.status_code in {404, 405}, (method, path)
        assert error_of(response)[0] == response.status_code


async def test_08_a_bug_answers_xml_with_status_500(library_database, library, caplog):
    class Broken:
        async def search(self, _query):
            raise RuntimeError("a bug")

    async with serving(parts_over(library_database, search=Broken()), library.search_key) as site:
        assert error_of(await site.torznab(t="search", q="Sintel"))[:2] == (500, 900)
        assert (await site.get("/healthz")).status_code == 200
    assert "a bug" in caplog.text


async def test_09_the_key_appears_in_no_log_line_and_in_no_feed(site, caplog):
    caplog.set_level(logging.DEBUG)
    response = await site.torznab(t="search", q="Sintel")
    await site.torznab(t="search", cat="abc")
    await site.get("/api", t="search", apikey=WRONG_KEY)
    assert site.key not in response.text
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore")))
    assert "/api 200" in logged
    assert site.key not in logged
    assert WRONG_KEY not in logged


async def test_10_to_18_capabilities_over_http(site):
    root = etree.fromstring((await site.get("/api", t="caps")).content)
    assert root.find("limits").attrib == {"default": "100", "max": "100"}
    assert root.find("server").get("version") == "0.1.0"
    assert root.find("searching/tv-search").get("supportedParams") == "q,season,ep"
    assert root.find("categories/category[@id='5000']").get("name") == "TV"


async def test_19_capabilities_answer_quickly_while_the_database_is_gone():
    nowhere = Database("host=/nonexistent dbname=x", DatabaseSettings())
    async with serving(parts_over(nowhere)) as site:
        for parameters in ({}, {"apikey": WRONG_KEY}):
            await site.get("/api", t="caps", **parameters)  # the first one loads the templates of the connection
            started = time.perf_counter()
            assert (await site.get("/api", t="caps", **parameters)).status_code == 200
            assert time.perf_counter() - started < 0.2


async def test_19_capabilities_do_not_wait_for_a_database_that_hangs(library_database):
    class Hanging:
        async def check_key(self, _key):
            await trio.sleep_forever()

    async with serving(parts_over(library_database, accounts=Hanging())) as site:
        with trio.fail_after(1):
            assert (await site.get("/api", t="caps", apikey=WRONG_KEY)).status_code == 200


async def test_72_json_is_refused_rather_than_answered_in_xml(site):
    assert error_of(await site.torznab(t="search", o="json"))[:2] == (400, 201)


async def test_74_a_database_that_is_gone_is_a_503_with_retry_after(library_database, library):
    class Gone:
        async def search(self, _query):
            raise DatabaseUnavailable("the server is gone")

    async with serving(parts_over(library_database, search=Gone()), library.search_key) as site:
        response = await site.torznab(t="search", q="Sintel")
        assert error_of(response)[:2] == (503, 900)
        assert int(response.headers["Retry-After"]) > 0
        assert "server is gone" not in response.text


async def test_74_a_search_that_hangs_is_a_503_before_the_client_gives_up(library_database, library, monkeypatch):
    class Hanging:
        async def search(self, _query):
            await trio.sleep_forever()

    monkeypatch.setattr("web.torznab.endpoint.SEARCH_DEADLINE_S", 0.1)
    async with serving(parts_over(library_database, search=Hanging()), library.search_key) as site:
        with trio.fail_after(5):
            assert error_of(await site.torznab(t="search"))[0] == 503


async def test_77_head_answers_like_get_without_a_body(site):
    response = await site.get("/api", method="HEAD", t="search", apikey=site.key)
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["Content-Length"]) > 1000


@pytest.mark.parametrize("public_url", ["", "https://index.example/"])
async def test_links_lead_where_the_caller_reaches_this_instance(library_database, library, public_url):
    settings = HttpSettings(bind="127.0.0.1:0", public_url=public_url)
    async with serving(parts_over(library_database, settings), library.search_key) as site:
        (item, *_) = await site.items(t="search")
        base = public_url.rstrip("/") or site.url
        assert item.findtext("comments").startswith(f"{base}/t/")
