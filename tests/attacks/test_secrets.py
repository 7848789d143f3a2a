"""Keys in places where others can read them: Radarr #4271 (in pages), bitplay #7 (in the answers of a settings page), bitmagnet (in the
source), and everybody's logs. No page, answer, feed, error or header holds a key, a session, a password or a secret, whoever asks.
"""

from dataclasses import replace
from urllib.parse import quote

import pytest

from storage.accounts import Accounts
from tests.attacks.hostile import ELEMENT, HASHES, PASSWORD, PAYLOADS
from tests.attacks.walk import addresses
from tests.fakes.browser import browsing
from tests.fakes.passwords import cheap_passwords
from tests.fakes.website import parts_over, serving

INTERNAL = "the-internal-secret-of-this-instance-32"


@pytest.fixture
def all_parts(victim_database):
    accounts = Accounts(victim_database, passwords=cheap_passwords())
    return parts_over(victim_database, accounts=accounts, internal_secrets=(INTERNAL,))


@pytest.fixture
async def stuffed(all_parts):
    """A site that has seen every secret there is."""
    async with serving(all_parts) as website:
        yield website


def everything(victim, parts) -> tuple[str, ...]:
    return (*victim.secrets(), parts.run_token, INTERNAL)


def leaks(text: str, secrets: tuple[str, ...]) -> list[str]:
    return [secret for secret in secrets if secret in text or quote(secret) in text]


async def test_no_answer_holds_a_secret_not_even_the_one_that_was_sent(stuffed, victim, all_parts):
    secrets = everything(victim, all_parts)
    for key in victim.keys.values():  # so that the journal, the lists of keys and of sessions have seen them
        await stuffed.get("/api", t="search", q=f"Sintel {key}", apikey=key)
        await stuffed.get("/api", t="nonsense", key=key, token=key, passkey=key, apikey=key)
        await stuffed.get(f"/torznab/{key}/api", apikey=key)
    for address in addresses(all_parts, "GET"):
        path = address.path({"info_hash": HASHES["script"], "name": "style.css", "number": str(victim.saved)})
        for headers, query in (
            (address.credentials(victim), {"t": "search"}),
            ({}, {"apikey": victim.keys["admin"], "t": "search", "limit": "nonsense", "page": "nonsense"}),
            ({"Authorization": f"Bearer {victim.keys['search']}", "Accept": "text/html"}, {"t": "nonsense"}),
        ):
            response = await stuffed.get(path, headers=headers, **query)
            assert not leaks(response.text, secrets), (address, response.status_code)
            assert not leaks(str(response.headers), secrets), (address, response.status_code)


async def test_no_error_repeats_the_key_it_was_asked_with(stuffed, victim, all_parts):
    for path in ("/nothing", "/api", "/api/v1/nothing", "/t/nothing", "/static/nothing", "/feeds/0"):
        for method in ("GET", "POST", "PUT", "OPTIONS"):
            for key in (victim.keys["search"], "0" * 40):
                response = await stuffed.get(path, method=method, apikey=key, headers={"X-Api-Key": key, "Origin": stuffed.url})
                assert not leaks(response.text, (*everything(victim, all_parts), "0" * 40)), (path, method)


async def test_a_page_gives_a_new_key_once_and_never_again(shop):
    site, accounts = shop
    await accounts.create_first_admin("Jane", PASSWORD)
    async with browsing(site.url) as browser:
        await browser.sign_in("Jane", PASSWORD)
        made = await browser.submit("/keys", "/keys", name="Sonarr", scope=["search"])
        assert made.status_code == 200
        assert made.headers["cache-control"] == "no-store"
        (info,) = await accounts.keys()
        at = made.text.index(info.id)
        key = made.text[at : at + 40]
        assert await accounts.check_key(key) is not None
        for path in ("/keys", "/account", "/", "/torznab/requests"):
            assert key not in (await browser.open(path)).text


async def test_the_database_holds_no_secret_only_what_tells_whether_one_is_right(victim_database, victim):
    def dump(connection) -> str:
        tables = ("account", "session", "api_key")
        return "\n".join(str(row) for table in tables for row in connection.execute(f"SELECT t::text FROM {table} t"))  # noqa: S608

    text = await victim_database.run(dump)
    assert "argon2id" in text
    assert not leaks(text, victim.secrets())
    for key in victim.keys.values():
        assert key[8:] not in text


async def test_no_representation_holds_a_secret(all_parts, victim):
    assert not leaks(repr(all_parts), everything(victim, all_parts))
    assert not leaks(repr(victim), victim.secrets())


async def test_no_line_of_the_log_holds_a_secret(all_parts, victim, caplog):
    caplog.set_level("DEBUG")
    secrets = everything(victim, all_parts)

    async def broken():
        raise RuntimeError("a mistake of ours")

    async with serving(replace(all_parts, readiness=broken)) as site:
        for address in addresses(all_parts):
            path = address.path({"info_hash": "00" * 20, "name": "style.css"})  # nothing that could be deleted
            for headers in (address.credentials(victim), {"X-Internal-Secret": INTERNAL}):
                body = {"name": f"<{ELEMENT}>", "password": PASSWORD}
                await site.client.request(
                    address.method,
                    path,
                    params={"apikey": victim.keys["admin"], "t": "x"},
                    headers={**headers, "Origin": site.url},
                    data=body,
                )
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert any("a mistake of ours" in (record.exc_text or "") for record in ours)
    for record in ours:
        assert not leaks(record.getMessage() + (record.exc_text or ""), secrets), record


async def test_a_log_line_is_one_line_whatever_is_asked(all_parts, victim, caplog):
    """Log injection: a line end in a path would let anybody write lines of the log, an escape sequence would steer the terminal."""
    caplog.set_level("DEBUG")
    async with serving(all_parts) as site:
        for payload in (*PAYLOADS.values(), "\nERROR swarmdex forged", "\r\n\x1b[2J"):
            text = quote(payload)
            for path in (f"/{text}", f"/t/{text}", f"/api?t={text}", f"/api/v1/jobs/{text}"):
                agent = "".join(letter for letter in payload if letter.isascii() and letter.isprintable()).strip()
                await site.get(path, headers={"User-Agent": agent, "X-Api-Key": victim.keys["admin"]})
    ours = [record for record in caplog.records if record.name.startswith("swarmdex")]
    assert ours
    for record in ours:
        message = record.getMessage()
        assert message.isprintable(), message
