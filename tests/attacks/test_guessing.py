"""Guessing passwords, names and keys: what is slow stays slow, what differs looks the same, and comparisons tell nothing by their time.

The time itself is not measured, a busy machine would say anything; what is tested is that the same work is done for the known and the
unknown, whatever is compared.
"""

import hmac
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

import storage.accounts.download_tokens
import storage.accounts.keys
import web.access
from config.settings import HttpSettings
from storage.accounts import Accounts
from storage.accounts.download_tokens import download_token
from storage.accounts.passwords import Passwords
from tests.attacks.hostile import PASSWORD
from tests.fakes.passwords import cheap_passwords
from tests.fakes.website import parts_over, serving
from web.auth.limits import SETUP_TRIES, TRIES_PER_NAME, TRIES_PER_NETWORK
from web.auth.setup_token import SetupToken

SECRETS = ("first-secret-of-thirty-two-letters!", "second-secret-of-thirty-two-letters")


class Counted(PasswordHasher):
    """Counts how often the expensive part is done."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - argon2 named it
        self.verified.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return super().verify(hash, password)


async def sign_in(site, name: str, password: str, **headers: str):
    return await site.client.post("/login", data={"name": name, "password": password}, headers={"Origin": site.url, **headers})


async def test_an_unknown_name_and_a_wrong_password_look_and_cost_the_same(database):
    hasher = Counted()
    accounts = Accounts(database, passwords=Passwords(hasher))
    await accounts.create_first_admin("Jane", PASSWORD)
    async with serving(parts_over(database, accounts=accounts)) as site:
        wrong = await sign_in(site, "Jane", "not her password")
        unknown = await sign_in(site, "Joan", "not her password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("Jane", "") == unknown.text.replace("Joan", "")
    assert set(wrong.headers) == set(unknown.headers)
    first, second = hasher.verified
    assert first == second, "the same algorithm with the same parameters"


async def test_odd_names_and_passwords_are_just_wrong(shop, monkeypatch):
    monkeypatch.setattr("web.auth.limits.TRIES_PER_NETWORK", 1000)
    monkeypatch.setattr("web.auth.limits.TRIES_PER_NAME", 1000)
    site, accounts = shop
    await accounts.create_first_admin("Jane", PASSWORD)
    for name in ("", " ", "Jane\x00", "jane\u202e", "x" * 10_000, "' OR '1'='1", "?", "JANE "):
        for password in ("", "x" * 10_000, "\x00" * 20, "' OR '1'='1"):
            response = await sign_in(site, name, password)
            assert response.status_code in {401, 413}, (name[:20], password[:20])
            assert "set-cookie" not in response.headers


async def test_one_name_is_tried_a_few_times_a_minute_from_wherever(shop):
    site, accounts = shop
    await accounts.create_first_admin("Jane", PASSWORD)
    answers = [await sign_in(site, name, "guess") for name in ("Jane", " jane", "J\0ANE", "Ｊａｎｅ", "\t" * 200 + "jAnE")]
    assert [answer.status_code for answer in answers] == [401] * TRIES_PER_NAME
    refused = await sign_in(site, "Jane", PASSWORD)
    assert refused.status_code == 429, "the right password too: else guessing went on"
    assert int(refused.headers["retry-after"]) > 0
    assert "set-cookie" not in refused.headers


async def test_one_network_tries_a_few_names_a_minute_whoever_it_claims_to_be(shop):
    """X-Forwarded-For of a stranger is not another network (Cleanuparr CVE-2026-44183)."""
    site, accounts = shop
    await accounts.create_first_admin("Jane", PASSWORD)
    statuses = []
    for number in range(TRIES_PER_NETWORK + 3):
        claims = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"}
        statuses.append((await sign_in(site, f"name {number}", "guess", **claims)).status_code)
    assert statuses == [401] * TRIES_PER_NETWORK + [429] * 3


async def test_behind_our_proxy_the_right_most_entry_is_who_tries(database):
    """What stands further left the caller made up."""
    settings = HttpSettings(bind="127.0.0.1:0", trusted_proxies=("127.0.0.1",))
    accounts = Accounts(database, passwords=cheap_passwords())
    await accounts.create_first_admin("Jane", PASSWORD)
    async with serving(parts_over(database, settings, accounts=accounts)) as site:
        statuses = [
            (await sign_in(site, f"name {number}", "guess", **{"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.7"})).status_code
            for number in range(TRIES_PER_NETWORK + 1)
        ]
        assert statuses == [401] * TRIES_PER_NETWORK + [429]
        other = await sign_in(site, "somebody else", "guess", **{"X-Forwarded-For": "203.0.113.7, 203.0.113.8"})
        assert other.status_code == 401
        # An IPv6 network has more addresses than there are guesses.
        statuses = [
            (await sign_in(site, f"v6 {number}", "guess", **{"X-Forwarded-For": f"2001:db8::{number:x}"})).status_code
            for number in range(1, TRIES_PER_NETWORK + 2)
        ]
        assert statuses == [401] * TRIES_PER_NETWORK + [429]


async def test_the_set_up_token_is_not_guessed(database):
    token = SetupToken()
    text = token.issue()
    parts = parts_over(database, accounts=Accounts(database, passwords=cheap_passwords()), setup_token=token)
    form = {"name": "Mallory", "password": PASSWORD, "password_again": PASSWORD}
    async with serving(parts) as site:
        headers = {"Origin": site.url}
        for guess in ("", "0", text[:-1], text + "A", "A" * 24)[:SETUP_TRIES]:
            assert (await site.client.post("/setup", data={**form, "token": guess}, headers=headers)).status_code == 403
        assert (await site.client.post("/setup", data={**form, "token": text}, headers=headers)).status_code == 429
    assert not await parts.accounts.has_admin()


async def test_without_a_token_nobody_sets_anything_up(database):
    """No token was issued: an empty one is not it."""
    parts = parts_over(database, accounts=Accounts(database, passwords=cheap_passwords()))
    form = {"name": "Mallory", "password": PASSWORD, "password_again": PASSWORD, "token": ""}
    async with serving(parts) as site:
        assert (await site.client.post("/setup", data=form, headers={"Origin": site.url})).status_code == 403
    assert not await parts.accounts.has_admin()


@pytest.fixture
def compared(monkeypatch):
    """The lengths of what was compared, every time."""
    seen: list[tuple[int, int]] = []

    class Watched:
        def __getattr__(self, name):
            return getattr(hmac, name)

        @staticmethod
        def compare_digest(left, right):
            seen.append((len(left), len(right)))
            return hmac.compare_digest(left, right)

    for module in (storage.accounts.keys, storage.accounts.download_tokens, web.access):
        monkeypatch.setattr(module, "hmac", Watched())
    return seen


async def test_every_key_is_compared_once_known_or_not(database, compared):
    """Equal lengths, and no way out before."""
    accounts = Accounts(database, passwords=cheap_passwords(), key_memory_s=0)
    good, revoked = await accounts.create_key("good", ["search"]), await accounts.create_key("revoked", ["search"])
    expired = await accounts.create_key("expired", ["search"], expires=datetime.now(UTC) - timedelta(days=1))
    await accounts.revoke_key(revoked.info.id)
    for text, is_good in (
        (good.text, True),
        (good.text[:8] + "x" * 32, False),
        ("x" * 8 + good.text[8:], False),
        ("x" * 40, False),
        (revoked.text, False),
        (expired.text, False),
    ):
        compared.clear()
        assert (await accounts.check_key(text) is not None) == is_good
        assert compared == [(32, 32)], text
        compared.clear()
        token = download_token(text, bytes(20))
        assert (await accounts.check_download_token(token, bytes(20)) is not None) == is_good
        assert compared == [(32, 32)]


@pytest.mark.parametrize("presented", ["x", SECRETS[0], SECRETS[1], SECRETS[0][:-1], "x" * 5000])
async def test_both_internal_secrets_are_compared_whichever_it_is(victim_database, compared, presented):
    """During a rotation there are two; the first must not answer sooner."""
    async with serving(parts_over(victim_database, internal_secrets=SECRETS)) as site:
        response = await site.client.post("/api/ingest", json={}, headers={"X-Internal-Secret": presented})
    assert response.status_code == (400 if presented in SECRETS else 401)
    assert len(compared) == len(SECRETS)


async def test_an_empty_secret_opens_nothing(victim_database):
    for secrets in ((), ("",), ("", "")):
        async with serving(parts_over(victim_database, internal_secrets=secrets, run_token="")) as site:
            for headers in ({"X-Internal-Secret": ""}, {"X-Api-Key": ""}, {"Authorization": "Bearer"}, {}):
                assert (await site.client.post("/api/ingest", json={}, headers=headers)).status_code == 401


async def test_a_key_makes_so_many_requests_a_minute_and_others_go_on(shop):
    site, accounts = shop
    slow = await accounts.create_key("slow", ["search"], requests_per_minute=3)
    free = await accounts.create_key("free", ["search"])
    statuses = [(await site.get("/api", t="search", apikey=slow.text)).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    by_header = await site.get("/api/v1/search", headers={"X-Api-Key": slow.text})
    assert by_header.status_code == 429
    assert int(by_header.headers["retry-after"]) > 0
    assert (await site.get("/api", t="search", apikey=free.text)).status_code == 200
