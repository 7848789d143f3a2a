"""Keys and hosts; tests/web/auth/ has the rest."""

import base64

from config.settings import HttpSettings
from storage.accounts import Accounts
from tests.fakes.website import parts_over, serving
from web.app import create_app


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{key}".encode()).decode()}


async def test_beyond_loopback_a_script_is_asked_for_the_key(library_database, library):
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
    accounts = Accounts(database)
    key = await accounts.create_key("tests", ["search"])
    async with serving(parts_over(database, accounts=accounts), key.text) as site:
        assert (await site.torznab(t="search")).status_code == 200
        await accounts.revoke_key(key.info.id)
        assert (await site.torznab(t="search")).status_code == 401
