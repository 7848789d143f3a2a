"""Rights by address (Sonarr CVE-2026-30975, Cleanuparr CVE-2026-44183) and other things that headers claim.

No address gives a right here, whoever claims it; what a proxy says about its caller is believed from listed proxies alone, the
right-most entry of it; names that differ in case, in dashes or in number change nothing.
"""

import pytest

from config.settings import HttpSettings
from storage.accounts import Accounts
from tests.attacks.hostile import HASHES
from tests.attacks.walk import addresses
from tests.fakes.passwords import cheap_passwords
from tests.fakes.raw_http import connected, get, is_alive
from tests.fakes.website import parts_over, serving

SECRET = "correct-horse-battery-staple-and-some-more"  # noqa: S105 - of nobody
LOCAL = ("127.0.0.1", "::1", "localhost", "10.0.0.1", "127.0.0.1, 203.0.113.7", "203.0.113.7, 127.0.0.1")
CLAIMS = (
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Client-IP",
    "X-Originating-IP",
    "X-Remote-Addr",
    "Remote-Addr",
    "X-Remote-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Cluster-Client-IP",
    "X-ProxyUser-IP",
    "Client-IP",
    "Via",
)
PRIVATE = "/api/v1/status"
RESEMBLING = (
    f"X-Internal-Secret: {SECRET.upper()}",
    f"X-Internal-Secret: {SECRET[:-1]}",
    f"X-Internal-Secret: {SECRET}x",
    f"X-Internal-Secret: {SECRET}, {SECRET}",
    f'X-Internal-Secret: "{SECRET}"',
    "X-Internal-Secret:",
    "X-Internal-Secret: ,",
    f"X_Internal_Secret: {SECRET}",
    f"X-Internal-Secret\xa0: {SECRET}",
    f"X-Internal-Secret: x\r\nX-Internal-Secret: {SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"X-Api-Key: {SECRET}",
    f"Cookie: swx={SECRET}",
    f"X-Forwarded-For: 127.0.0.1\r\nX-Internal-Secret: {SECRET}\x00",
)
OURS = ("LOCALHOST", "localhost.", "127.0.0.1:9", "[::1]:9")
NOT_OURS = (
    "evil.example",
    "localhost.evil.example",
    "evil.example:80",
    "localhost@evil.example",
    "evil.example#localhost",
    "evil.example\\.localhost",
    "localhost:80:80",
    "localhost:x",
    "[::1",
    "[::1]evil",
    "[::1%<evil>]",
    "localhost:",
    "[evil]",
    "",
    "127.0.0.1.evil.example",
    "0x7f.1.evil",
    "xn--localhost-",
    "localhost,evil.example",
    "locaßhost",
)


async def test_no_claim_to_be_local_opens_anything(site):
    for claim in CLAIMS:
        for value in LOCAL:
            assert (await site.get(PRIVATE, headers={claim: value})).status_code == 401, (claim, value)
    assert (await site.get(PRIVATE, headers={"Forwarded": f'for="{LOCAL[0]}";proto=https;by=127.0.0.1'})).status_code == 401


@pytest.mark.parametrize("trusted", [(), ("127.0.0.0/8",), ("192.0.2.0/24",)])
async def test_every_private_address_refuses_whoever_claims_to_be_local(victim_database, trusted):
    """From a trusted proxy as from a stranger."""
    settings = HttpSettings(bind="127.0.0.1:0", trusted_proxies=trusted)
    parts = parts_over(victim_database, settings)
    headers = dict.fromkeys(CLAIMS, "127.0.0.1") | {"Forwarded": "for=127.0.0.1", "Accept": "application/json"}
    open_to_all = set()
    async with serving(parts) as site:
        for address in addresses(parts):
            response = await site.get(
                address.path({"name": "style.css"}), method=address.method, headers={**headers, "Origin": site.url}, t="search"
            )
            if response.status_code not in {401, 403}:
                open_to_all.add(f"{address.method} {address.rule}")
    assert open_to_all <= {
        "GET /static/<name>", "GET /robots.txt", "GET /login", "POST /login", "GET /setup", "POST /setup",
        "GET /healthz", "GET /readyz", "GET /openapi.json", "GET /docs",
    }  # fmt: skip


async def test_only_known_names_are_answered(site):
    for host in OURS + NOT_OURS:
        async with connected(site) as client:
            answer = await client.ask(get("/healthz", host=host))
        assert answer.status in ({200} if host in OURS else {400, 421}), host


async def test_another_name_beside_the_host_changes_nothing(site, victim):
    claims = {
        "X-Forwarded-Host": "evil.example",
        "X-Host": "evil.example",
        "X-Original-Host": "evil.example",
        "X-Forwarded-Server": "evil.example",
        "X-Forwarded-Proto": "javascript",
        "X-Forwarded-Scheme": "https",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "//evil.example",
        "X-Original-URL": PRIVATE,
        "X-Rewrite-URL": PRIVATE,
        "Forwarded": "host=evil.example;proto=https",
    }
    plain = await site.get("/api", t="search", apikey=victim.keys["search"])
    claimed = await site.get("/api", headers=claims, t="search", apikey=victim.keys["search"])
    assert claimed.status_code == 200
    assert claimed.text == plain.text
    assert (await site.get("/", headers={**claims, "Accept": "text/html"})).headers["location"] == "/login"


async def test_a_method_is_what_the_request_line_says(site, victim):
    path = f"/api/v1/torrents/{HASHES['script']}"
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        headers = {name: "DELETE", "X-Api-Key": victim.keys["admin"]}
        for _ in range(2):
            assert (await site.get(path, headers=headers, _method="DELETE")).status_code == 200, "shown, not deleted"
    assert (await site.get("/healthz", method="TRACE", headers={"Cookie": "swx=x"})).status_code == 405


@pytest.fixture
async def guarded(victim_database):
    """With an internal secret."""
    parts = parts_over(victim_database, accounts=Accounts(victim_database, passwords=cheap_passwords()), internal_secrets=(SECRET,))
    async with serving(parts) as website:
        yield website


async def test_what_only_resembles_the_secret_opens_nothing(guarded):
    for header in RESEMBLING:
        async with connected(guarded) as client:
            head = f"POST /api/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n{header}"
            assert (await client.ask(f"{head}\r\n\r\n{{}}".encode("latin-1"))).status in {400, 401}, header
    assert await is_alive(guarded)


async def test_the_secret_opens_ingest_and_nothing_else(guarded):
    with_secret = {"X-Internal-Secret": SECRET, "Accept": "application/json"}
    response = await guarded.client.post("/api/ingest", json={}, headers=with_secret)
    assert response.status_code in {400, 422}
    parts = parts_over(guarded.server._parts.torrents._database)
    for address in addresses(parts):
        if not address.rule.startswith("/api/ingest"):
            path = address.path({"name": "style.css"})
            there = await guarded.get(path, method=address.method, headers={**with_secret, "Origin": guarded.url}, t="search")
            without = await guarded.get(
                path, method=address.method, headers={"Accept": "application/json", "Origin": guarded.url}, t="search"
            )
            assert there.status_code == without.status_code or there.status_code in {401, 403}, address


async def test_of_two_keys_none_is_picked_that_a_proxy_could_have_missed(site, victim):
    """Whichever is used, a good one beside a bad one gives no more than the good one alone."""
    good, bad = victim.keys["search"], "0" * 40
    for lines in (
        [f"X-Api-Key: {bad}", f"X-Api-Key: {good}"],
        [f"Authorization: Bearer {bad}", f"Authorization: Bearer {good}"],
        [f"X-Api-Key: {bad}", f"Authorization: Bearer {good}"],
    ):
        async with connected(site) as client:
            assert (await client.ask(get("/api/v1/search", *lines))).status == 401
    async with connected(site) as client:
        lines = [f"X-Api-Key: {good}", f"Authorization: Bearer {victim.keys['admin']}", f"Cookie: swx={victim.session}"]
        assert (await client.ask(get(PRIVATE, *lines))).status == 403
