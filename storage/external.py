"""A PostgreSQL server of the owner's, behind `database.url`: checked at start, then left to look after itself."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
import trio
from psycopg.conninfo import conninfo_to_dict

from storage.database import CONNECT_OPTIONS, Connection
from storage.errors import ExternalServerError
from storage.threads import run_beating
from supervisor.heartbeat import Heart

logger = logging.getLogger(__name__)

OLDEST_VERSION = 15
START_PATIENCE_S = 30.0  # server and swarmdex are often started together


class ExternalServer:
    """Stands in the tree where EmbeddedServer would: the same `conninfo`, `run` and `stop`; one object a start."""

    def __init__(self, url: str, *, prepare: Callable[[str], object] | None = None, patience_s: float = START_PATIENCE_S) -> None:
        """`prepare` is called with the conninfo, in a thread, before `run` reports ready: the migrations."""
        self.conninfo = url
        self._prepare = prepare
        self._patience_s = patience_s
        self._stop = trio.Event()

    async def run(self, heart: Heart) -> None:
        """Check the server, prepare the database, then wait for `stop`. Raises ExternalServerError.

        A server that goes away later is no crash of ours: Database reports it to each caller and reconnects.
        """
        await self._check_patiently(heart)
        if self._prepare is not None:
            await run_beating(heart.beat, self._prepare, self.conninfo, abandon_on_cancel=True)
        heart.ready()
        while not self._stop.is_set():
            heart.beat()
            with trio.move_on_after(1.0):
                await self._stop.wait()

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stop.set()

    async def _check_patiently(self, heart: Heart) -> None:
        deadline = trio.current_time() + self._patience_s
        while True:
            heart.beat()
            try:
                await trio.to_thread.run_sync(check_external, self.conninfo, abandon_on_cancel=True)
            except ExternalServerError as error:
                if not isinstance(error.__cause__, psycopg.OperationalError) or trio.current_time() >= deadline:
                    raise
                logger.info("waiting for the database: %s", error)
            else:
                return
            await trio.sleep(1.0)


def check_external(url: str) -> None:
    """Raise ExternalServerError, with the cure, unless the server behind `url` can be used. Blocks for up to five seconds."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # libpq's message repeats the text, password and all
        raise ExternalServerError("database.url is not a PostgreSQL URL: write postgresql://user:password@host:5432/database") from None
    try:
        with psycopg.connect(url, **CONNECT_OPTIONS) as connection:
            complaint = _complaint(connection)
    except psycopg.OperationalError as error:
        raise ExternalServerError(
            f"cannot reach the database of database.url: {str(error).strip()}. Start it, or correct database.url; "
            f'with database.url = "" swarmdex runs a server of its own'
        ) from error
    if complaint:
        raise ExternalServerError(complaint)


def _complaint(connection: Connection) -> str | None:
    row = connection.execute(
        """SELECT current_setting('server_encoding'), pg_is_in_recovery(), current_user, current_database(),
                  has_schema_privilege('public', 'CREATE')"""
    ).fetchone()
    assert row is not None  # noqa: S101  (a SELECT without FROM has one row)
    encoding, is_replica, user, database, may_create = row
    return unfit(connection.info.server_version // 10_000, encoding, user, database, is_replica=is_replica, may_create=may_create)


def unfit(version: int, encoding: str, user: str, database: str, *, is_replica: bool, may_create: bool) -> str | None:
    """Why a server cannot be used and what to do about it; None: it can. `version` is the major one."""
    if version < OLDEST_VERSION:
        return f"the server of database.url is PostgreSQL {version}: swarmdex needs {OLDEST_VERSION} or newer"
    if encoding != "UTF8":
        return (
            f"the database {database!r} of database.url is encoded in {encoding}, torrents are named in every script there is: "
            f"make one with CREATE DATABASE {database}_utf8 ENCODING 'UTF8' TEMPLATE template0"
        )
    if is_replica:
        return "the server of database.url is a read-only replica: database.url must name the primary"
    if not may_create:
        return f'{user!r} may not make tables in the database {database!r}: as its owner run GRANT CREATE ON SCHEMA public TO "{user}"'
    return None
