"""Endpoint and keys: statements 1 to 9."""

import logging

import pytest
from lxml import etree

from config.settings import HttpSettings
from tests.fakes.website import error_of, parts_over, serving

WRONG_KEY = "0" * 40
ADDRESSES = ("/api", "/api/", "/torznab/api", "/torznab/api/")


async def test_statement_01_capabilities_are_xml(site):
    response = await site.get("/api", t="caps")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert etree.fromstring(response.content).tag == "caps"


@pytest.mark.parametrize("address", ADDRESSES)
async def test_statement_02_every_address_answers_without_a_redirect(site, address):
    assert (await site.get(address, t="caps")).status_code == 200
    response = await site.get(address, t="search", apikey=site.key)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/rss+xml; charset=utf-8"


async def test_statement_03_capabilities_need_no_key_but_refuse_a_wrong_one(site):
    assert (await site.get("/api", t="caps")).status_code == 200
    assert (await site.get("/api", t="caps", apikey=site.key)).status_code == 200
    for wrong in (WRONG_KEY, "short", site.key[:-1]):
        assert error_of(await site.get("/api", t="caps", apikey=wrong))[:2] == (401, 100)


async def test_statement_04_a_search_without_a_key_or_with_a_wrong_one_is_refused_in_xml(site):
    for parameters in ({}, {"apikey": ""}, {"apikey": WRONG_KEY}, {"apikey": "'; DROP TABLE api_key; --"}):
        response = await site.get("/api", t="search", **parameters)
        assert error_of(response)[:2] == (401, 100)
        assert response.headers["Content-Type"].startswith("application/xml")
        assert "WWW-Authenticate" not in response.headers


async def test_statement_05_keys_consist_of_letters_and_digits(site):
    assert site.key.isascii()
    assert site.key.isalnum()


async def test_statement_06_a_key_is_taken_in_any_spelling_and_from_headers(site):
    for name in ("apikey", "ApiKey", "APIKEY"):
        assert (await site.get("/api", **{name: site.key, "T": "search"})).status_code == 200
    for headers in ({"X-Api-Key": site.key}, {"Authorization": f"Bearer {site.key}"}):
        assert (await site.get("/api", headers=headers, t="search")).status_code == 200


async def test_a_key_without_the_scope_is_not_authorised(site, library):
    assert error_of(await site.get("/api", t="search", apikey=library.useless_key))[:2] == (403, 102)
    assert (await site.get("/api", t="search", apikey=library.admin_key)).status_code == 200


async def test_statement_07_missing_unknown_and_unavailable_functions(site):
    assert error_of(await site.torznab())[:2] == (400, 200)
    assert error_of(await site.torznab(t="dance"))[:2] == (400, 202)
    for name in ("details", "get", "getnfo", "register", "user"):
        assert error_of(await site.torznab(t=name))[:2] == (400, 203)


async def test_statement_08_nothing_on_the_api_ever_answers_html(site):
    for method, path in (
        ("GET", "/api/nothing"),
        ("POST", "/api"),
        ("DELETE", "/torznab/api"),
        ("GET", "/torznab/none/nothing"),
        ("GET", "/api/%00"),
        ("OPTIONS", "/api"),
    ):
        response = await site.get(path, method=method)
        assert response.status_code in {404, 405}, (method, path)
        assert error_of(response)[0] == response.status_code


async def test_statement_08_a_bug_answers_xml_with_status_500(library_database, library, caplog):
    class Broken:
        async def search(self, _query):
            raise RuntimeError("a bug")

    async with serving(parts_over(library_database, search=Broken()), library.search_key) as site:
        assert error_of(await site.torznab(t="search", q="Sintel"))[:2] == (500, 900)
        assert (await site.get("/healthz")).status_code == 200
    assert "a bug" in caplog.text


async def test_statement_09_the_key_appears_in_no_log_line_and_in_no_feed(site, caplog):
    caplog.set_level(logging.DEBUG)
    response = await site.torznab(t="search", q="Sintel")
    await site.torznab(t="search", cat="abc")
    await site.get("/api", t="search", apikey=WRONG_KEY)
    assert site.key not in response.text
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore")))
    assert "/api 200" in logged
    assert site.key not in logged
    assert WRONG_KEY not in logged


@pytest.mark.parametrize("public_url", ["", "https://index.example/"])
async def test_links_lead_where_the_caller_reaches_this_instance(library_database, library, public_url):
    settings = HttpSettings(bind="127.0.0.1:0", public_url=public_url)
    async with serving(parts_over(library_database, settings), library.search_key) as site:
        (item, *_) = await site.items(t="search")
        base = public_url.rstrip("/") or site.url
        assert item.findtext("comments").startswith(f"{base}/t/")
