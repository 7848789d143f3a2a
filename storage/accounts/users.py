"""People with a name and a password. Administrators may do everything, the others search."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.accounts.passwords import Passwords
from storage.accounts.rows import only
from storage.database import Connection, Database

_MAX_NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can sign in."""

    id: int
    name: str
    is_admin: bool
    created: datetime
    last_login: datetime | None

    @property
    def scopes(self) -> frozenset[str]:
        """What they may do, in the words of API keys."""
        return frozenset({"admin"} if self.is_admin else {"search"})


class Users:
    """The table of people."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords

    @property
    def passwords_waiting(self) -> int:
        """How many passwords are in line to be hashed or checked."""
        return self._passwords.waiting

    async def create_user(self, name: str, password: str, *, is_admin: bool = False) -> User:
        """Add somebody. Raises ValueError for a name that is taken or unfit, and for an unfit password."""
        parameters = (clean_user_name(name), name_key(name), await self._passwords.hash(password), is_admin)
        statement = f"""
            INSERT INTO account (name, name_key, password_hash, is_admin) VALUES (%s, %s, %s, %s)
            ON CONFLICT (name_key) DO NOTHING RETURNING {_COLUMNS}
        """  # noqa: S608 - a constant
        user = await self._database.run(lambda connection: _maybe(connection.execute(statement, parameters).fetchone()))
        if user is None:
            raise ValueError(f"there is a user {name.strip()} already")
        return user

    async def create_first_admin(self, name: str, password: str) -> User | None:
        """Add the first administrator; None when there is one already. Of two at once only one gets through."""
        parameters = (clean_user_name(name), name_key(name), await self._passwords.hash(password))
        return await self._database.run(lambda connection: _insert_first_admin(connection, parameters))

    async def check_password(self, name: str, password: str) -> User | None:
        """Who signs in; None for an unknown name as for a wrong password, after the same work.

        A hash made with weaker parameters than today's is replaced.
        """
        statement = f"SELECT {_COLUMNS}, password_hash FROM account WHERE name_key = %s"  # noqa: S608 - a constant
        row = await self._database.run(lambda connection: connection.execute(statement, (name_key(name),)).fetchone())
        stored: str | None = row[-1] if row is not None else None
        if not await self._passwords.verify(password, stored) or row is None or stored is None:
            return None
        fresh = await self._passwords.hash(password) if self._passwords.is_outdated(stored) else stored
        # Nothing is found when the password was changed meanwhile: then this one is wrong by now.
        update = f"UPDATE account SET last_login = now(), password_hash = %s WHERE id = %s AND password_hash = %s RETURNING {_COLUMNS}"  # noqa: S608
        return await self._database.run(lambda connection: _maybe(connection.execute(update, (fresh, row[0], stored)).fetchone()))

    async def set_password(self, user_id: int, password: str) -> bool:
        """Change it and end all sessions of the user; False if there is no such user. Raises ValueError for an unfit password."""
        hashed = await self._passwords.hash(password)
        return await self._database.run(lambda connection: _set_password(connection, user_id, hashed))

    async def remove_user(self, user_id: int) -> bool:
        """Remove somebody with their sessions and keys; False if there is no such user. Raises ValueError for the last administrator."""
        return await self._database.run(lambda connection: _remove(connection, user_id))

    async def users(self) -> tuple[User, ...]:
        """Everybody, by name."""
        statement = f"SELECT {_COLUMNS} FROM account ORDER BY name_key"  # noqa: S608 - a constant
        return await self._database.run(lambda connection: tuple(user_of(row) for row in connection.execute(statement)))

    async def user_named(self, name: str) -> User | None:
        """The user of this name, in any case."""
        statement = f"SELECT {_COLUMNS} FROM account WHERE name_key = %s"  # noqa: S608 - a constant
        return await self._database.run(lambda connection: _maybe(connection.execute(statement, (name_key(name),)).fetchone()))

    async def has_admin(self) -> bool:
        """Whether anybody administers this instance."""
        return await self._database.run(_has_admin)


def clean_user_name(name: str) -> str:
    """The name as it is kept. Raises ValueError for one that cannot be."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not name or len(name) > _MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(f"a user needs a printable name of at most {_MAX_NAME_LENGTH} characters")
    return name


def name_key(name: str) -> str:
    """What all ways to type one user's name have in common: in any case, width and spacing."""
    key = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return key.encode("utf-8", "replace").decode().replace("\0", "")  # what PostgreSQL does not take is nobody's name


def user_of(row: tuple[Any, ...]) -> User:
    """The user whose columns (`id, name, is_admin, created, last_login`) begin a row."""
    return User(*row[:5])


_COLUMNS = "id, name, is_admin, created, last_login"


def _insert_first_admin(connection: Connection, parameters: tuple[Any, ...]) -> User | None:
    connection.execute("LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE")  # whoever comes second waits here, and then sees the first
    if _has_admin(connection):
        return None
    statement = f"""
        INSERT INTO account (name, name_key, password_hash, is_admin) VALUES (%s, %s, %s, true)
        ON CONFLICT (name_key) DO NOTHING RETURNING {_COLUMNS}
    """  # noqa: S608 - a constant
    user = _maybe(connection.execute(statement, parameters).fetchone())
    if user is None:
        raise ValueError(f"there is a user {parameters[0]} already, who is no administrator")
    return user


def _set_password(connection: Connection, user_id: int, hashed: str) -> bool:
    is_there = connection.execute("UPDATE account SET password_hash = %s WHERE id = %s", (hashed, user_id)).rowcount > 0
    connection.execute("DELETE FROM session WHERE account = %s", (user_id,))
    return is_there


def _remove(connection: Connection, user_id: int) -> bool:
    connection.execute("LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE")  # or two administrators remove each other
    is_there = connection.execute("DELETE FROM account WHERE id = %s RETURNING is_admin", (user_id,)).fetchone()
    if is_there is not None and is_there[0] and not _has_admin(connection):
        raise ValueError("the last administrator cannot be removed: add another one first")
    return is_there is not None


def _has_admin(connection: Connection) -> bool:
    return bool(only(connection.execute("SELECT EXISTS (SELECT FROM account WHERE is_admin)").fetchone())[0])


def _maybe(row: tuple[Any, ...] | None) -> User | None:
    return user_of(row) if row is not None else None
