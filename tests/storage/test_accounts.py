from datetime import UTC, datetime, timedelta

import pytest

from storage.accounts import SCOPES, Accounts
from storage.database import Database


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database)


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
