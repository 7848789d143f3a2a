"""API keys: 40 characters of which 8 name the key and 32 are its secret; only the secret's SHA-256 is stored.

A random secret of 190 bits needs no slow hash: nobody guesses it, and every request of an indexer client checks one.
"""

import hmac
import re
import secrets
import string
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from storage.accounts.rows import only, origin
from storage.database import Connection, Database

SCOPES = ("search", "ingest", "metrics", "admin")
"""What a key may be good for; `admin` includes the others."""

MEMORY_S = 2.0
"""A key that was just found good is taken for good this long without asking again: a key ended by another process works so long at most."""

MAX_REQUESTS_PER_MINUTE = 1_000_000
_ALPHABET = string.digits + string.ascii_letters  # what survives every client's URL escaping
KEY_ID_LENGTH, _SECRET_LENGTH = 8, 32
_KEY = re.compile(rf"[0-9A-Za-z]{{{KEY_ID_LENGTH + _SECRET_LENGTH}}}", re.ASCII)
_KEY_ID = re.compile(rf"[0-9A-Za-z]{{{KEY_ID_LENGTH}}}", re.ASCII)
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
    requests_per_minute: int | None = None
    """None: as `http.requests_per_minute` says; 0: no limit."""
    owner: int | None = None
    """The number of the user who made it, also with another key; None: made on the command line, or with a key of nobody's."""
    last_address: str = ""
    """Where its last use that was written down came from."""
    last_agent: str = ""

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


@dataclass(frozen=True, slots=True)
class _Checked:
    """A key that was good a moment ago."""

    digest: bytes
    info: KeyInfo
    until: float
    """By the clock on the wall: the key may expire before `MEMORY_S` is over."""


class ApiKeys:
    """The table of API keys."""

    def __init__(self, database: Database, *, memory_s: float = MEMORY_S) -> None:
        self._database = database
        self._memory_s = memory_s
        self._checked: dict[str, _Checked] = {}  # by id; as many as there are keys at most
        self._ended = 0  # counts what makes remembered keys worthless, lest a check under way remembers one that just ended

    async def create_key(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        expires: datetime | None = None,
        requests_per_minute: int | None = None,
        owner: int | None = None,
    ) -> NewKey:
        """Make a key.

        Raises:
            ValueError: a scope that does not exist, no scope, no usable name, or a limit that is none.
        """
        wanted = frozenset(scopes)
        if unknown := sorted(wanted.difference(SCOPES)):
            raise ValueError(f"no such scope: {', '.join(unknown)}; there are {', '.join(SCOPES)}")
        if not wanted:
            raise ValueError(f"a key needs a scope: {', '.join(SCOPES)}")
        if not name.strip() or len(name) > _MAX_NAME_LENGTH or not name.isprintable():
            raise ValueError(f"a key needs a printable name of at most {_MAX_NAME_LENGTH} characters")
        if requests_per_minute is not None and not 0 <= requests_per_minute <= MAX_REQUESTS_PER_MINUTE:
            raise ValueError(f"a key's limit is a number of requests a minute, from 0 (none) to {MAX_REQUESTS_PER_MINUTE:,}")
        text = "".join(secrets.choice(_ALPHABET) for _ in range(KEY_ID_LENGTH + _SECRET_LENGTH))
        parameters = (text[:KEY_ID_LENGTH], name.strip(), digest_of(text), sorted(wanted), expires, requests_per_minute, owner)
        return NewKey(await self._database.run(lambda connection: _insert(connection, parameters)), text)

    async def check_key(self, text: str, *, address: str = "", agent: str = "") -> KeyInfo | None:
        """The key whose text this is, None for anything else. At most once a minute it is written down when, whence and by what."""
        if not _KEY.fullmatch(text):
            return None
        digest, now = digest_of(text), time.time()
        checked = self._checked.get(text[:KEY_ID_LENGTH])
        if checked is not None and checked.until > now and hmac.compare_digest(checked.digest, digest):
            return checked.info
        ended = self._ended
        info = await self._database.run(lambda connection: _check(connection, text[:KEY_ID_LENGTH], digest, origin(address, agent)))
        if info is not None and ended == self._ended:
            until = now + self._memory_s
            self._checked[info.id] = _Checked(digest, info, until if info.expires is None else min(until, info.expires.timestamp()))
        return info

    async def revoke_key(self, key_id: str, *, owner: int | None = None) -> bool:
        """End a key for good; False if there is none of that id (of `owner`, if named), or it is revoked already."""
        if not _KEY_ID.fullmatch(key_id):
            return False
        statement = "UPDATE api_key SET revoked = now() WHERE id = %s AND revoked IS NULL AND (%s::bigint IS NULL OR owner = %s)"
        parameters = (key_id, owner, owner)
        try:
            return await self._database.run(lambda connection: connection.execute(statement, parameters).rowcount > 0)
        finally:  # also when nobody knows whether the commit was reached
            self.forget_checked_keys()

    async def keys(self, owner: int | None = None) -> tuple[KeyInfo, ...]:
        """All keys, or those of one user, oldest first."""
        statement = f"SELECT {KEY_COLUMNS} FROM api_key WHERE %s::bigint IS NULL OR owner = %s ORDER BY created, id"  # noqa: S608 - a constant
        return await self._database.run(lambda connection: tuple(key_info(row) for row in connection.execute(statement, (owner, owner))))

    async def count_keys(self) -> int:
        """How many keys there are, revoked and expired ones included."""
        return await self._database.run(lambda connection: only(connection.execute("SELECT count(*) FROM api_key").fetchone())[0])

    def forget_checked_keys(self) -> None:
        """Ask the database again for every key."""
        self._ended += 1
        self._checked.clear()


KEY_COLUMNS = "id, name, scopes, created, last_used, expires, revoked, requests_per_minute, owner, last_address, last_agent"


def _insert(connection: Connection, parameters: tuple[Any, ...]) -> KeyInfo:
    statement = f"""
        INSERT INTO api_key (id, name, secret_sha256, scopes, expires, requests_per_minute, owner)
        VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING {KEY_COLUMNS}
    """  # noqa: S608 - a constant
    return key_info(only(connection.execute(statement, parameters).fetchone()))


def _check(connection: Connection, key_id: str, presented: bytes, where_from: tuple[str, str]) -> KeyInfo | None:
    statement = f"""
        SELECT {KEY_COLUMNS}, secret_sha256,
            revoked IS NULL AND (expires IS NULL OR expires > now()) AS is_good,
            last_used IS NULL OR last_used < now() - interval '1 minute' AS is_stale
        FROM api_key WHERE id = %s
    """  # noqa: S608 - a constant
    row = connection.execute(statement, (key_id,)).fetchone()
    # Compared whether or not there is such a key: how long it takes tells nothing.
    digest, is_good, is_stale = row[-3:] if row is not None else (bytes(32), False, False)
    if not hmac.compare_digest(digest, presented) or not is_good:
        return None
    if is_stale:
        update = "UPDATE api_key SET last_used = now(), last_address = %s, last_agent = %s WHERE id = %s"
        connection.execute(update, (*where_from, key_id))
    return key_info(only(row))


def digest_of(text: str) -> bytes:
    """What is stored of a key's secret."""
    return sha256(text[KEY_ID_LENGTH:].encode()).digest()


def key_info(row: tuple[Any, ...]) -> KeyInfo:
    """From a row that begins with KEY_COLUMNS."""
    key_id, name, scopes, *rest = row[: len(KEY_COLUMNS.split(", "))]
    return KeyInfo(key_id, name, frozenset(scopes), *rest)
