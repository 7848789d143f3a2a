from datetime import UTC, datetime, timedelta

import pytest
import trio

from storage.accounts import SCOPES, Accounts
from storage.accounts.passwords import Passwords
from storage.database import Database


@pytest.fixture
def accounts(database: Database) -> Accounts:
    """One that asks the database each time."""
    return Accounts(database, key_memory_s=0)


async def test_a_key_is_checked_by_its_text(accounts: Accounts) -> None:
    key = await accounts.create_key("Sonarr", ["search"])
    assert len(key.text) == 40
    assert key.text.isalnum()
    assert key.text.isascii()
    assert key.info.id == key.text[:8]
    found = await accounts.check_key(key.text)
    assert found is not None
    assert (found.id, found.name, found.scopes) == (key.info.id, "Sonarr", {"search"})
    assert await accounts.count_keys() == 1


async def test_only_the_digest_is_stored_and_shown(accounts: Accounts, database: Database) -> None:
    key = await accounts.create_key("Sonarr", ["search"])
    stored = await database.run(lambda connection: str(connection.execute("SELECT api_key FROM api_key").fetchall()))
    assert key.text[8:] not in stored + repr(key) + repr(key.info)


@pytest.mark.parametrize("change", ["last", "secret", "id", "short", "long", "empty", "odd", "NUL", "surrogate"])
async def test_anything_else_is_no_key(accounts: Accounts, change: str) -> None:
    text = (await accounts.create_key("Sonarr", ["search"])).text
    other = "0" if text[-1] != "0" else "1"
    wrong = {
        "last": text[:-1] + other,
        "secret": text[:8] + "0" * 32,
        "id": "00000000" + text[8:],
        "short": text[:-1],
        "long": text + other,
        "empty": "",
        "odd": text[:-1] + "é",
        "NUL": text[:-1] + "\0",
        "surrogate": text[:-1] + "\ud800",
    }
    assert await accounts.check_key(wrong[change]) is None


async def test_revoked_and_expired_keys_are_refused(accounts: Accounts) -> None:
    now = datetime.now(UTC)
    revoked = await accounts.create_key("revoked", ["search"])
    expired = await accounts.create_key("expired", ["search"], expires=now - timedelta(seconds=1))
    good = await accounts.create_key("good", ["search"], expires=now + timedelta(days=1))
    assert await accounts.revoke_key(revoked.info.id)
    assert not await accounts.revoke_key(revoked.info.id)
    assert not await accounts.revoke_key("no such")
    assert [await accounts.check_key(key.text) is not None for key in (revoked, expired, good)] == [False, False, True]
    assert [key.name for key in await accounts.keys()] == ["revoked", "expired", "good"]


async def test_last_used_is_written_at_most_once_a_minute(accounts: Accounts, database: Database) -> None:
    key = await accounts.create_key("Sonarr", ["search"])

    async def last_used() -> datetime | None:
        return (await accounts.keys())[0].last_used

    assert await last_used() is None
    await accounts.check_key(key.text)
    first = await last_used()
    assert first is not None
    await accounts.check_key(key.text)
    assert await last_used() == first
    await database.run(lambda connection: connection.execute("UPDATE api_key SET last_used = now() - interval '61 seconds'"))
    await accounts.check_key(key.text)
    later = await last_used()
    assert later is not None
    assert later > first


async def test_the_last_use_says_where_it_came_from_in_printable_words(accounts: Accounts) -> None:
    key = await accounts.create_key("Sonarr", ["search"])
    await accounts.check_key(key.text, address="192.0.2.7", agent="Sonarr/4.0\x00\x1b[31m" + "x" * 500)
    shown = (await accounts.keys())[0]
    assert shown.last_address == "192.0.2.7"
    assert shown.last_agent.startswith("Sonarr/4.0??[31mxxx")
    assert len(shown.last_agent) == 200


async def test_a_key_found_good_is_remembered_until_it_ends(database: Database) -> None:
    accounts, elsewhere = Accounts(database, key_memory_s=60), Accounts(database)
    key = await accounts.create_key("Sonarr", ["search"])
    assert await accounts.check_key(key.text) is not None
    asked = database.statistics().transactions
    assert await accounts.check_key(key.text) is not None
    assert database.statistics().transactions == asked
    assert await accounts.check_key(key.text[:8] + "0" * 32) is None  # another secret asks anew
    assert await accounts.revoke_key(key.info.id)
    assert await accounts.check_key(key.text) is None
    other = await accounts.create_key("Radarr", ["search"])
    assert await accounts.check_key(other.text) is not None
    await elsewhere.revoke_key(other.info.id)
    assert await accounts.check_key(other.text) is not None  # for as long as its memory lasts
    accounts.forget_checked_keys()
    assert await accounts.check_key(other.text) is None


async def test_a_remembered_key_expires_in_time(database: Database) -> None:
    accounts = Accounts(database, key_memory_s=60)
    key = await accounts.create_key("short", ["search"], expires=datetime.now(UTC) + timedelta(seconds=0.3))
    assert await accounts.check_key(key.text) is not None
    await trio.sleep(0.35)
    assert await accounts.check_key(key.text) is None


async def test_a_check_under_way_does_not_remember_a_key_that_ends_meanwhile(database: Database) -> None:
    accounts = Accounts(database, key_memory_s=60)
    key = await accounts.create_key("Sonarr", ["search"])
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(accounts.check_key, key.text)
        nursery.start_soon(accounts.revoke_key, key.info.id)
    assert await accounts.check_key(key.text) is None


async def test_keys_of_users_are_theirs_and_go_with_them(database: Database, cheap_passwords: Passwords) -> None:
    accounts = Accounts(database, passwords=cheap_passwords, key_memory_s=60)
    await accounts.create_user("boss", "correct horse battery", is_admin=True)
    jane = await accounts.create_user("Jane", "correct horse battery")
    hers = await accounts.create_key("hers", ["search"], owner=jane.id)
    anyones = await accounts.create_key("from the shell", ["search"])
    assert [key.name for key in await accounts.keys(jane.id)] == ["hers"]
    assert not await accounts.revoke_key(anyones.info.id, owner=jane.id)
    assert await accounts.check_key(hers.text) is not None
    await accounts.remove_user(jane.id)
    assert await accounts.check_key(hers.text) is None
    assert [key.name for key in await accounts.keys()] == ["from the shell"]


async def test_scopes(accounts: Accounts) -> None:
    admin = (await accounts.create_key("admin", ["admin"])).info
    search = (await accounts.create_key("search", ["search", "metrics"])).info
    assert [scope for scope in SCOPES if admin.allows(scope)] == list(SCOPES)
    assert [scope for scope in SCOPES if search.allows(scope)] == ["search", "metrics"]


@pytest.mark.parametrize(
    ("name", "scopes", "words"),
    [
        ("x", ["everything"], "no such scope"),
        ("x", [], "needs a scope"),
        ("", ["search"], "name"),
        ("a\0b", ["search"], "name"),
        ("x" * 101, ["search"], "name"),
    ],
)
async def test_nonsense_is_refused_in_words(accounts: Accounts, name: str, scopes: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        await accounts.create_key(name, scopes)


async def test_a_limit_of_requests_belongs_to_the_key(accounts: Accounts) -> None:
    for limit in (None, 0, 60):
        assert (await accounts.create_key("x", ["search"], requests_per_minute=limit)).info.requests_per_minute == limit
    with pytest.raises(ValueError, match="a minute"):
        await accounts.create_key("x", ["search"], requests_per_minute=-1)
