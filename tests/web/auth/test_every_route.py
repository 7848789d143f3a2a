"""Walks every address of web/routes.py, with every kind of caller."""

import re
from pathlib import Path

import pytest

from config.settings import HttpSettings
from storage.accounts import Accounts
from tests.fakes.website import parts_over
from web.access import Access
from web.app import create_app
from web.assets import Assets
from web.errors import Language, language_of
from web.journal.recorder import Recorder
from web.parts import WebParts
from web.routes import Route, routes
from web.traffic import Traffic

INTERNAL = "the internal secret of these tests"
OPEN = {
    "GET /static/<name>",
    "GET /robots.txt",
    "GET /healthz",
    "GET /readyz",
    "GET /openapi.json",
    "GET /login",
    "POST /login",
}
"""Whoever adds to these opens a door to everybody."""
ALLOWED = {
    Access.PAGE: {"search", "admin", "run"},
    Access.ACCOUNT: set[str](),
    Access.TORZNAB: {"search", "admin", "run"},
    Access.FEED: {"search", "admin", "run"},
    Access.DOWNLOAD: {"search", "admin", "run"},
    Access.SEARCH: {"search", "admin", "run"},
    Access.INGEST: {"ingest", "admin", "run", "internal"},
    Access.METRICS: {"metrics", "admin", "run"},
    Access.ADMIN: {"admin", "run"},
}
"""Who gets through with a key or a secret; everybody else who is somebody gets 403."""
TYPES = {
    Language.XML: "application/xml; charset=utf-8",
    Language.JSON: "application/problem+json",
    Language.HTML: "text/html; charset=utf-8",
}


def routes_of(parts: WebParts) -> list[Route]:
    return list(routes(parts, Assets(Path(__file__).parent), Traffic(), Recorder(0, parts.search)))


def path_of(route: Route) -> str:
    """An address of this route; nothing stands at it."""
    filled = {"info_hash": "00" * 20, "name": "style.css", "key_id": "00000000"}
    return re.sub(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>", lambda found: "1" if found[1] == "int" else filled.get(found[2], "x"), route.rule)


@pytest.fixture
async def parts(library_database, library) -> WebParts:
    return parts_over(library_database, HttpSettings(bind="0.0.0.0:0"), internal_secrets=(INTERNAL,))


async def test_every_address_is_in_the_table_and_says_what_it_asks_for(parts):
    table = {route.endpoint: route.access for route in routes_of(parts)}
    served = {
        f"{method} {rule.rule}"
        for rule in create_app(parts).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == set(table)
    assert {endpoint for endpoint, access in table.items() if access is Access.OPEN} - OPEN == set()
    assert {endpoint for endpoint, access in table.items() if access is Access.SETUP} == {"GET /setup", "POST /setup"}


async def test_every_route_refuses_those_it_should_in_its_own_language(parts, library_database):
    accounts = Accounts(library_database)
    keys = {scope: (await accounts.create_key(f"walks with {scope}", [scope])).text for scope in ("search", "ingest", "metrics", "admin")}
    callers = {
        "nobody": {},
        "wrong": {"X-Api-Key": "0" * 40},
        "wrong secret": {"X-Internal-Secret": "0" * 40},
        "planted session": {"Cookie": f"swx={'A' * 43}"},
        **{scope: {"X-Api-Key": key} for scope, key in keys.items()},
        "run": {"X-Api-Key": parts.run_token},
        "internal": {"X-Internal-Secret": INTERNAL},
    }
    client = create_app(parts).test_client()
    walked = 0
    for route in routes_of(parts):
        if route.access in {Access.OPEN, Access.SETUP}:
            continue
        for caller, headers in callers.items():
            if caller in ALLOWED[route.access]:
                continue
            anonymous = caller in {"nobody", "wrong", "wrong secret", "planted session"}
            response = await client.open(path_of(route), method=route.method, headers={"Host": "127.0.0.1", **headers})
            assert response.status_code == (401 if anonymous else 403), (route.endpoint, caller)
            assert response.headers["Content-Type"] == TYPES[language_of(path_of(route))], (route.endpoint, caller)
            walked += 1
    assert walked > 100


async def test_every_page_that_is_only_read_lets_in_those_it_should(parts, library_database):
    accounts = Accounts(library_database)
    keys = {scope: (await accounts.create_key(f"reads with {scope}", [scope])).text for scope in ("search", "ingest", "metrics", "admin")}
    keys["run"] = parts.run_token
    client = create_app(parts).test_client()
    for route in routes_of(parts):
        if route.method != "GET" or route.access in {Access.OPEN, Access.SETUP}:
            continue
        for caller in ALLOWED[route.access] - {"internal"}:
            response = await client.get(path_of(route), headers={"Host": "127.0.0.1", "X-Api-Key": keys[caller]})
            assert response.status_code not in {401, 403, 429}, (route.endpoint, caller)
            assert response.status_code < 500, (route.endpoint, caller)


async def test_head_asks_for_no_less_than_get(parts):
    client = create_app(parts).test_client()
    for route in routes_of(parts):
        if route.method == "GET" and route.access not in {Access.OPEN, Access.SETUP}:
            assert (await client.head(path_of(route), headers={"Host": "127.0.0.1"})).status_code == 401, route.endpoint


async def test_what_does_not_exist_says_so_in_the_language_of_its_address(parts):
    client = create_app(parts).test_client()
    for path in ("/nothing", "/api/nothing", "/torznab/nothing/at/all", "/api/v1/nothing", "/static/../app.py", "/static/%2e%2e/app.py"):
        response = await client.get(path, headers={"Host": "127.0.0.1"})
        assert response.status_code == 404
        assert response.headers["Content-Type"] == TYPES[language_of(path)]


def test_the_security_page_names_every_kind_of_access():
    page = (Path(__file__).parents[3] / "docs/security.md").read_text()
    assert [access.name for access in Access if f"\n| `{access.name}` |" not in page] == []
