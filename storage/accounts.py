"""API keys: 40 characters of which 8 name the key and 32 are its secret; only the secret's SHA-256 is stored.

A random secret of 190 bits needs no slow hash: nobody guesses it, and every request of an indexer client checks one.
"""

import hmac
import re
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from storage.database import Connection, Database

SCOPES = ("search", "ingest", "metrics", "admin")
"""What a key may be good for; `admin` includes the others."""

_ALPHABET = string.digits + string.ascii_letters  # what survives every client's URL escaping
_ID_LENGTH, _SECRET_LENGTH = 8, 32
_KEY = re.compile(rf"[0-9A-Za-z]{{{_ID_LENGTH + _SECRET_LENGTH}}}", re.ASCII)
_MAX_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as it may be shown: without its secret."""

    id: str
    name: str
    scopes: frozenset[str]
    created: datetime
    last_used: datetime | None
    """To the minute."""
    expires: datetime | None
    revoked: datetime | None

    def allows(self, scope: str) -> bool:
        """Whether the key may be used for `scope`."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only moment in which its text exists. It is not in the repr."""

    info: KeyInfo
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.info!r})"


class Accounts:
    """The table of API keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_key(self, name: str, scopes: Iterable[str], *, expires: datetime | None = None) -> NewKey:
        """Make a key.

        Raises:
            ValueError: a scope that does not exist, no scope, or no usable name.
        """
        wanted = frozenset(scopes)
        if unknown := sorted(wanted.difference(SCOPES)):
            raise ValueError(f"no such scope: {', '.join(unknown)}; there are {', '.join(SCOPES)}")
        if not wanted:
            raise ValueError(f"a key needs a scope: {', '.join(SCOPES)}")
        if not name.strip() or len(name) > _MAX_NAME_LENGTH or not name.isprintable():
            raise ValueError(f"a key needs a printable name of at most {_MAX_NAME_LENGTH} characters")
        text = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH + _SECRET_LENGTH))
        parameters = (text[:_ID_LENGTH], name.strip(), _digest(text), sorted(wanted), expires)
        return NewKey(await self._database.run(lambda connection: _insert(connection, parameters)), text)

    async def check_key(self, text: str) -> KeyInfo | None:
        """The key whose text this is, None for anything else. `last_used` is written at most once a minute."""
        if not _KEY.fullmatch(text):
            return None
        return await self._database.run(lambda connection: _check(connection, text))

    async def revoke_key(self, key_id: str) -> bool:
        """End a key for good; False if there is none of that id, or it is revoked already."""
        statement = "UPDATE api_key SET revoked = now() WHERE id = %s AND revoked IS NULL"
        return await self._database.run(lambda connection: connection.execute(statement, (key_id,)).rowcount > 0)

    async def keys(self) -> tuple[KeyInfo, ...]:
        """All keys, oldest first."""
        statement = f"SELECT {_COLUMNS} FROM api_key ORDER BY created, id"  # noqa: S608 - a constant
        return await self._database.run(lambda connection: tuple(_info(row) for row in connection.execute(statement)))

    async def count_keys(self) -> int:
        """How many keys there are, revoked and expired ones included."""
        return await self._database.run(lambda connection: _one(connection.execute("SELECT count(*) FROM api_key").fetchone())[0])


_COLUMNS = "id, name, scopes, created, last_used, expires, revoked"


def _insert(connection: Connection, parameters: tuple[Any, ...]) -> KeyInfo:
    statement = f"INSERT INTO api_key (id, name, secret_sha256, scopes, expires) VALUES (%s, %s, %s, %s, %s) RETURNING {_COLUMNS}"  # noqa: S608
    return _info(_one(connection.execute(statement, parameters).fetchone()))


def _check(connection: Connection, text: str) -> KeyInfo | None:
    statement = f"""
        SELECT {_COLUMNS}, secret_sha256,
            revoked IS NULL AND (expires IS NULL OR expires > now()) AS is_good,
            last_used IS NULL OR last_used < now() - interval '1 minute' AS is_stale
        FROM api_key WHERE id = %s
    """  # noqa: S608 - a constant
    row = connection.execute(statement, (text[:_ID_LENGTH],)).fetchone()
    # Compared whether or not there is such a key: how long it takes tells nothing.
    digest, is_good, is_stale = row[-3:] if row is not None else (bytes(32), False, False)
    if not hmac.compare_digest(digest, _digest(text)) or not is_good:
        return None
    if is_stale:
        connection.execute("UPDATE api_key SET last_used = now() WHERE id = %s", (text[:_ID_LENGTH],))
    return _info(_one(row))


def _digest(text: str) -> bytes:
    return sha256(text[_ID_LENGTH:].encode()).digest()


def _info(row: tuple[Any, ...]) -> KeyInfo:
    key_id, name, scopes, created, last_used, expires, revoked = row[:7]
    return KeyInfo(key_id, name, frozenset(scopes), created, last_used, expires, revoked)


def _one(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise LookupError("a statement that always gives a row gave none")
    return row
