import pytest

from storage.accounts import Accounts, User
from storage.accounts.passwords import Passwords
from storage.database import Database


@pytest.fixture
def accounts(database: Database, cheap_passwords: Passwords) -> Accounts:
    return Accounts(database, passwords=cheap_passwords)


@pytest.fixture
async def jane(accounts: Accounts) -> User:
    return await accounts.create_user("Jane", "correct horse battery")


async def age(database: Database, column: str, interval: str) -> None:
    statement = f"UPDATE session SET {column} = now() - interval '{interval}'"  # noqa: S608 - ours
    await database.run(lambda connection: connection.execute(statement))


async def test_a_session_is_found_by_its_text_and_says_who_and_whence(accounts: Accounts, jane: User) -> None:
    opened = await accounts.open_session(jane.id, address="192.0.2.7", agent="Firefox\x1b")
    assert len(opened.text) == 43  # 256 bits
    found = await accounts.find_session(opened.text)
    assert found is not None
    assert (found.id, found.user.name, found.address, found.agent) == (opened.id, "Jane", "192.0.2.7", "Firefox?")
    assert await accounts.find_session(opened.text[:-1] + ("A" if opened.text[-1] != "A" else "E")) is None


async def test_only_the_digest_is_stored(accounts: Accounts, jane: User, database: Database) -> None:
    opened = await accounts.open_session(jane.id)
    stored = await database.run(lambda connection: str(connection.execute("SELECT session FROM session").fetchall()))
    assert opened.text not in stored
    assert opened.text.encode().hex() not in stored
    assert opened.text not in repr(opened)


@pytest.mark.parametrize("text", ["", "x", "A" * 43, "A" * 44, "é" * 43, "A" * 42 + "\0", "A" * 42 + "\ud800"])
async def test_a_text_that_was_not_made_here_is_nobodys_session(accounts: Accounts, jane: User, text: str) -> None:
    await accounts.open_session(jane.id, replacing=text)
    assert await accounts.find_session(text) is None
    assert not await accounts.close_session(text)


async def test_a_session_ends_when_idle_and_in_any_case_after_a_month(accounts: Accounts, jane: User, database: Database) -> None:
    opened = await accounts.open_session(jane.id)
    await age(database, "last_seen", "6 days 23 hours")
    assert await accounts.find_session(opened.text) is not None  # and was seen just now
    await age(database, "created", "29 days 23 hours")
    assert await accounts.find_session(opened.text) is not None
    await age(database, "last_seen", "7 days 1 minute")
    assert await accounts.find_session(opened.text) is None
    await age(database, "last_seen", "1 minute")
    await age(database, "created", "30 days 1 minute")
    assert await accounts.find_session(opened.text) is None
    assert await accounts.sessions() == ()


async def test_ended_sessions_are_swept_out_when_another_begins(accounts: Accounts, jane: User, database: Database) -> None:
    await accounts.open_session(jane.id)
    await age(database, "created", "31 days")
    await accounts.open_session(jane.id)
    assert (await database.run(lambda connection: connection.execute("SELECT count(*) FROM session").fetchone())) == (1,)


async def test_when_it_was_seen_is_written_at_most_once_a_minute(accounts: Accounts, jane: User, database: Database) -> None:
    opened = await accounts.open_session(jane.id)
    seen = (await accounts.sessions())[0].last_seen
    await accounts.find_session(opened.text)
    assert (await accounts.sessions())[0].last_seen == seen
    await age(database, "last_seen", "2 minutes")
    await accounts.find_session(opened.text)
    assert (await accounts.sessions())[0].last_seen > seen


async def test_a_session_that_replaces_another_ends_it(accounts: Accounts, jane: User) -> None:
    first = await accounts.open_session(jane.id)
    second = await accounts.open_session(jane.id, replacing=first.text)
    assert await accounts.find_session(first.text) is None
    assert await accounts.find_session(second.text) is not None


async def test_sessions_are_listed_and_ended_one_by_one_or_all(accounts: Accounts, jane: User) -> None:
    boss = await accounts.create_user("boss", "correct horse battery", is_admin=True)
    hers = [await accounts.open_session(jane.id) for _ in range(3)]
    his = await accounts.open_session(boss.id)
    assert [session.id for session in await accounts.sessions(jane.id)] == [session.id for session in reversed(hers)]
    assert len(await accounts.sessions()) == 4
    assert not await accounts.revoke_session(his.id, user_id=jane.id)  # not hers
    assert await accounts.revoke_session(hers[0].id, user_id=jane.id)
    assert not await accounts.revoke_session(hers[0].id)
    assert await accounts.close_session(hers[1].text)
    assert await accounts.find_session(hers[1].text) is None
    assert await accounts.close_sessions(jane.id) == 1
    assert [session.user.name for session in await accounts.sessions()] == ["boss"]


async def test_a_session_ends_with_its_user(accounts: Accounts, jane: User) -> None:
    opened = await accounts.open_session(jane.id)
    await accounts.remove_user(jane.id)
    assert await accounts.find_session(opened.text) is None
