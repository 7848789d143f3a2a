import pytest
import trio
import trio.testing
from argon2 import PasswordHasher

from storage.accounts import Accounts
from storage.accounts.passwords import Passwords
from storage.database import Database

PHRASE = "correct horse battery"


@pytest.fixture
def accounts(database: Database, cheap_passwords: Passwords) -> Accounts:
    return Accounts(database, passwords=cheap_passwords)


async def test_somebody_signs_in_by_name_in_any_case_and_by_password(accounts: Accounts) -> None:
    made = await accounts.create_user("Jane  Doe", PHRASE)
    assert (made.name, made.is_admin, made.scopes, made.last_login) == ("Jane Doe", False, {"search"}, None)
    found = await accounts.check_password("JANE DOE", PHRASE)
    assert found is not None
    assert found.id == made.id
    assert found.last_login is not None
    assert await accounts.check_password("Jane Doe", PHRASE + "!") is None
    assert await accounts.check_password("nobody", PHRASE) is None
    assert await accounts.check_password("a\0b\ud800", "x\ud800" * 2000) is None


async def test_a_letter_may_be_typed_as_one_code_point_or_two(accounts: Accounts) -> None:
    await accounts.create_user("Zoe\u0308", "pass phrase \u00e9")
    assert await accounts.check_password("zo\u00eb", "pass phrase e\u0301") is not None


async def test_the_password_is_nowhere_in_the_database(accounts: Accounts, database: Database) -> None:
    await accounts.create_user("Jane", PHRASE)
    stored = await database.run(lambda connection: str(connection.execute("SELECT account FROM account").fetchall()))
    assert PHRASE not in stored
    assert "$argon2id$" in stored


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("", PHRASE, "name"),
        (" ", PHRASE, "name"),
        ("x" * 65, PHRASE, "name"),
        ("a\0b", PHRASE, "name"),
        ("Jane", "nine char", "10 to 1,024"),
        ("Jane", "x" * 1025, "10 to 1,024"),
    ],
)
async def test_unfit_names_and_passwords_are_refused_in_words(accounts: Accounts, name: str, password: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        await accounts.create_user(name, password)
    with pytest.raises(ValueError, match=words):
        await accounts.create_first_admin(name, password)


async def test_a_name_is_given_once(accounts: Accounts) -> None:
    await accounts.create_user("Jane", PHRASE)
    with pytest.raises(ValueError, match="already"):
        await accounts.create_user("jane", PHRASE)
    with pytest.raises(ValueError, match="already"):
        await accounts.create_first_admin("JANE", PHRASE)


async def test_of_many_first_administrators_one_gets_through(accounts: Accounts) -> None:
    made = []

    async def race(name: str) -> None:
        made.append(await accounts.create_first_admin(name, PHRASE))

    assert not await accounts.has_admin()
    async with trio.open_nursery() as nursery:
        for name in ("a", "b", "c", "d"):
            nursery.start_soon(race, name)
    assert len([user for user in made if user is not None]) == 1
    assert [user.is_admin for user in await accounts.users()] == [True]
    assert await accounts.has_admin()


async def test_a_hash_of_weaker_days_is_replaced_at_the_next_sign_in(accounts: Accounts, database: Database) -> None:
    await accounts.create_user("Jane", PHRASE)
    stronger = Accounts(database, passwords=Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)))

    async def stored() -> str:
        return str(await database.run(lambda connection: connection.execute("SELECT password_hash FROM account").fetchone()))

    assert "m=8,t=1" in await stored()
    assert await stronger.check_password("Jane", "not the one") is None
    assert "m=8,t=1" in await stored()
    assert await stronger.check_password("Jane", PHRASE) is not None
    assert "m=16,t=2" in await stored()
    assert await stronger.check_password("Jane", PHRASE) is not None


async def test_an_unknown_name_costs_the_same_work_as_a_wrong_password(database: Database) -> None:
    """By construction: each checks one hash of the same parameters."""
    worked: list[str] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - its name
            worked.append(str(hash).rpartition("$")[0].rpartition("$")[0])
            return super().verify(hash, password)

    accounts = Accounts(database, passwords=Passwords(Watched(time_cost=1, memory_cost=8, parallelism=1)))
    await accounts.create_user("Jane", PHRASE)
    assert await accounts.check_password("Jane", "not the one") is None
    assert await accounts.check_password("nobody", "not the one") is None
    assert worked == ["$argon2id$v=19$m=8,t=1,p=1"] * 2


async def test_one_password_is_worked_on_at_a_time() -> None:
    at_work, most = 0, 0

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - its name
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            try:
                return super().verify(hash, password)
            finally:
                at_work -= 1

    passwords = Passwords(Watched(time_cost=1, memory_cost=4096, parallelism=1))
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(passwords.verify, PHRASE, None)
        await trio.testing.wait_all_tasks_blocked()
        assert passwords.waiting == 3
    assert (most, passwords.waiting) == (1, 0)


async def test_a_new_password_ends_every_session(accounts: Accounts) -> None:
    jane = await accounts.create_user("Jane", PHRASE)
    session = await accounts.open_session(jane.id)
    assert await accounts.set_password(jane.id, "another horse altogether")
    assert await accounts.find_session(session.text) is None
    assert await accounts.check_password("Jane", PHRASE) is None
    assert await accounts.check_password("Jane", "another horse altogether") is not None
    assert not await accounts.set_password(jane.id + 1, "another horse altogether")


async def test_the_last_administrator_stays(accounts: Accounts) -> None:
    first = await accounts.create_first_admin("first", PHRASE)
    second = await accounts.create_user("second", PHRASE, is_admin=True)
    await accounts.create_user("Jane", PHRASE)
    assert first is not None
    assert await accounts.remove_user(first.id)
    assert not await accounts.remove_user(first.id)
    with pytest.raises(ValueError, match="last administrator"):
        await accounts.remove_user(second.id)
    assert [user.name for user in await accounts.users()] == ["Jane", "second"]
    assert await accounts.user_named("JANE") is not None


async def test_two_administrators_cannot_remove_each_other(accounts: Accounts) -> None:
    users = [await accounts.create_user(name, PHRASE, is_admin=True) for name in ("a", "b")]
    refused = []

    async def remove(user_id: int) -> None:
        try:
            await accounts.remove_user(user_id)
        except ValueError:
            refused.append(user_id)

    async with trio.open_nursery() as nursery:
        for user in users:
            nursery.start_soon(remove, user.id)
    assert len(refused) == 1
    assert await accounts.has_admin()
