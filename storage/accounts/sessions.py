"""Sessions of people who are signed in. They are kept here, so they can be listed and ended; the browser holds a random text.

Only its SHA-256 is stored. It is always made here: a text that a browser brings along without our having made it is nobody's session.
"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from storage.accounts.rows import only, origin
from storage.accounts.users import User, user_of
from storage.database import Connection, Database

IDLE_DAYS, MAX_DAYS = 7, 30
"""A session ends so long after it was last used, and so long after it began."""
_BYTES = 32
_TEXT = re.compile(r"[0-9A-Za-z_-]{43}", re.ASCII)
_IS_ALIVE = f"last_seen > now() - interval '{IDLE_DAYS} days' AND session.created > now() - interval '{MAX_DAYS} days'"
_COLUMNS = "session.id, session.created, session.last_seen, session.address, session.agent"
_USER = "account.id, account.name, account.is_admin, account.created, account.last_login"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody on one browser."""

    id: int
    user: User
    created: datetime
    last_seen: datetime
    """To the minute."""
    address: str
    """Where it began."""
    agent: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun: the only moment in which the text of its cookie exists here."""

    id: int
    text: str = field(repr=False)


class Sessions:
    """The table of sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_session(self, user_id: int, *, address: str = "", agent: str = "", replacing: str = "") -> NewSession:
        """Begin a session under a new text; the one whose text is `replacing` ends."""
        text = secrets.token_urlsafe(_BYTES)
        where_from = origin(address, agent)
        session_id = await self._database.run(lambda connection: _open(connection, user_id, text, where_from, replacing))
        return NewSession(session_id, text)

    async def find_session(self, text: str) -> Session | None:
        """The session that goes on under this text; None for any other text, and once it has ended."""
        if not _TEXT.fullmatch(text):
            return None
        return await self._database.run(lambda connection: _find(connection, _digest(text)))

    async def close_session(self, text: str) -> bool:
        """End the session of this text; False if there is none."""
        return await self._delete("digest = %s", (_digest(text),)) > 0

    async def revoke_session(self, session_id: int, *, user_id: int | None = None) -> bool:
        """End the session of this number, if it is of `user_id` (None: anybody's)."""
        return await self._delete("id = %s AND account = coalesce(%s, account)", (session_id, user_id)) > 0

    async def close_sessions(self, user_id: int, *, keeping: str = "") -> int:
        """End all sessions of a user but the one whose text is `keeping`; returns how many."""
        return await self._delete("account = %s AND digest <> %s", (user_id, _digest(keeping)))

    async def sessions(self, user_id: int | None = None) -> tuple[Session, ...]:
        """The sessions of a user, or (None) of everybody, latest first."""
        statement = f"""
            SELECT {_COLUMNS}, {_USER} FROM session JOIN account ON account.id = session.account
            WHERE {_IS_ALIVE} AND account.id = coalesce(%s, account.id) ORDER BY last_seen DESC, session.id DESC
        """  # noqa: S608 - constants
        return await self._database.run(lambda connection: tuple(_session(row) for row in connection.execute(statement, (user_id,))))

    async def drop_ended_sessions(self, limit: int) -> int:
        """Forget up to `limit` sessions that nobody has used for too long; returns how many."""
        return await self._delete(f"id IN (SELECT id FROM session WHERE NOT ({_IS_ALIVE}) LIMIT %s)", (limit,))  # noqa: S608 - a constant

    async def _delete(self, condition: str, parameters: tuple[Any, ...]) -> int:
        statement = f"DELETE FROM session WHERE {condition}"  # noqa: S608 - constants of this file
        return await self._database.run(lambda connection: connection.execute(statement, parameters).rowcount)


def _open(connection: Connection, user_id: int, text: str, where_from: tuple[str, str], replacing: str) -> int:
    connection.execute(f"DELETE FROM session WHERE digest = %s OR NOT ({_IS_ALIVE})", (_digest(replacing),))  # noqa: S608 - a constant
    statement = "INSERT INTO session (account, digest, address, agent) VALUES (%s, %s, %s, %s) RETURNING id"
    return int(only(connection.execute(statement, (user_id, _digest(text), *where_from)).fetchone())[0])


def _find(connection: Connection, digest: bytes) -> Session | None:
    statement = f"""
        SELECT {_COLUMNS}, {_USER}, last_seen < now() - interval '1 minute'
        FROM session JOIN account ON account.id = session.account WHERE digest = %s AND {_IS_ALIVE}
    """  # noqa: S608 - constants
    row = connection.execute(statement, (digest,)).fetchone()
    if row is None:
        return None
    if row[-1]:
        connection.execute("UPDATE session SET last_seen = now() WHERE digest = %s", (digest,))
    return _session(row)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _session(row: tuple[Any, ...]) -> Session:
    session_id, created, last_seen, address, agent = row[:5]
    return Session(session_id, user_of(row[5:]), created, last_seen, address, agent)
