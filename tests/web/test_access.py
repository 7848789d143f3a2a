"""Who reaches what: every route, every kind of caller."""

import base64

import pytest

from config.settings import HttpSettings
from tests.fakes.website import parts_over, serving
from web.access import Access
from web.app import create_app, routes
from web.assets import Assets
from web.traffic import Traffic

HASH = "00" * 20
EXPECTED = {
    "/": Access.PAGE,
    "/t/<info_hash>": Access.PAGE,
    "/static/<name>": Access.OPEN,
    "/robots.txt": Access.OPEN,
    "/healthz": Access.OPEN,
    "/readyz": Access.OPEN,
    "/api": Access.TORZNAB,
    "/api/": Access.TORZNAB,
    "/torznab/api": Access.TORZNAB,
    "/torznab/api/": Access.TORZNAB,
    "/api/v1/search": Access.SEARCH,
    "/api/v1/torrents/<info_hash>": Access.SEARCH,
    "/api/v1/status": Access.ADMIN,
}


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{key}".encode()).decode()}


async def test_every_route_says_what_it_asks_for_and_nothing_else_is_served(library_database, tmp_path):
    parts = parts_over(library_database)
    table = {route.rule: route.access for route in routes(parts, Assets(tmp_path), Traffic())}
    assert table == EXPECTED
    assert {rule.rule for rule in create_app(parts).url_map.iter_rules()} == set(EXPECTED)
    for rule in create_app(parts).url_map.iter_rules():
        assert rule.methods is not None
        assert rule.methods == {"GET", "HEAD"}


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "0.0.0.0:0"])
async def test_every_route_lets_in_exactly_those_it_should(library_database, library, bind):
    """Walks all routes with no key, a wrong one, one without the scope, one that may search, an admin's, and this run's token."""
    callers = {
        "nobody": "",
        "wrong": "0" * 40,
        "useless": library.useless_key,
        "search": library.search_key,
        "admin": library.admin_key,
        "run": "the-token-of-this-run",
    }
    refused = {
        Access.OPEN: {},
        Access.PAGE: {} if bind.startswith("127") else {"nobody": 401, "wrong": 401, "useless": 403},
        Access.TORZNAB: {"nobody": 401, "wrong": 401, "useless": 403},
        Access.SEARCH: {"nobody": 401, "wrong": 401, "useless": 403},
        Access.ADMIN: {"nobody": 401, "wrong": 401, "useless": 403, "search": 403},
    }
    client = create_app(parts_over(library_database, HttpSettings(bind=bind))).test_client()
    for rule, access in EXPECTED.items():
        path = rule.replace("<info_hash>", HASH).replace("<name>", "style.css")
        for caller, key in callers.items():
            response = await client.get(path, query_string={"t": "search"}, headers={"X-Api-Key": key, "Host": "127.0.0.1"})
            expected = refused[access].get(caller)
            if expected is None:
                assert response.status_code in {200, 404}, (path, caller, response.status_code)
            else:
                assert response.status_code == expected, (path, caller)


async def test_beyond_loopback_a_browser_is_asked_for_the_key(library_database, library):
    client = create_app(parts_over(library_database, HttpSettings(bind="0.0.0.0:0"))).test_client()
    response = await client.get("/", headers={"Host": "192.168.1.7"})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="swarmdex"'
    response = await client.get("/", headers={"Host": "192.168.1.7", **basic(library.search_key)})
    assert response.status_code == 200


async def test_an_empty_run_token_opens_nothing(library_database):
    client = create_app(parts_over(library_database, run_token="")).test_client()
    assert (await client.get("/api/v1/status", headers={"Host": "localhost", "X-Api-Key": " "})).status_code == 401


async def test_a_foreign_host_name_is_refused_with_the_cure(site):
    for path in ("/", "/api?t=caps", "/healthz", "/static/style.css"):
        response = await site.get(path, headers={"Host": "evil.example"})
        assert response.status_code == 421
        assert "allowed_hosts" in response.text
    assert (await site.get("/healthz", headers={"Host": "localhost:1"})).status_code == 200


async def test_a_revoked_key_is_refused_at_once(database):
    from storage.accounts import Accounts

    accounts = Accounts(database)
    key = await accounts.create_key("tests", ["search"])
    async with serving(parts_over(database, accounts=accounts), key.text) as site:
        assert (await site.torznab(t="search")).status_code == 200
        await accounts.revoke_key(key.info.id)
        assert (await site.torznab(t="search")).status_code == 401
