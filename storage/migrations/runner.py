"""Brings the schema of a database to what the code expects: numbered SQL files, each applied once, in order, never undone.

`0007_what_it_does.sql` runs in one transaction with the row that records it. A file that starts with the line `-- no-transaction` runs
statement by statement, for CREATE INDEX CONCURRENTLY and the like: each statement ends with `;` at the end of a line (so no function
bodies there), and must be safe to run again.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from storage.database import mapped
from storage.errors import MigrationError

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
LOCK_KEY = 0x5357_524D_4458  # "SWRMDX": one migrating process a database
NO_TRANSACTION = "-- no-transaction"
STATEMENT_END = re.compile(r";[ \t]*(?:\n|$)")
TABLE = """
CREATE TABLE IF NOT EXISTS public.migration (
    number int PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def needs_no_transaction(self) -> bool:
        """Whether it runs statement by statement."""
        return self.text.partition("\n")[0].strip() == NO_TRANSACTION

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration as the database remembers it."""

    number: int
    name: str
    checksum: str
    applied_at: datetime


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The migrations in the code, in order. Raises MigrationError when the files are not numbered 0001, 0002, ..."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path} is not named like 0001_what_it_does.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    if [each.number for each in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"the migrations in {folder} are not numbered from 0001 without gaps: {', '.join(map(str, found))}")
    return tuple(found)


def applied(connection: Connection) -> tuple[Applied, ...]:
    """The migrations the database has seen, in order."""
    exists = connection.execute("SELECT to_regclass('public.migration')").fetchone()
    if exists is None or exists[0] is None:
        return ()
    rows = connection.execute("SELECT number, name, checksum, applied_at FROM public.migration ORDER BY number").fetchall()
    return tuple(Applied(*row) for row in rows)


def pending(connection: Connection, folder: Path = FOLDER) -> tuple[Migration, ...]:
    """The migrations still to be applied. Raises MigrationError where database and code do not go together."""
    known = migrations(folder)
    seen = applied(connection)
    if len(seen) > len(known):
        raise MigrationError(
            f"the database is newer than this swarmdex: it has migration {seen[-1].number:04}_{seen[-1].name}, "
            f"the code ends with {known[-1] if known else 'none'}. Install the newer release again, or restore a backup from before"
        )
    for file, row in zip(known, seen, strict=False):
        if (file.number, file.checksum) != (row.number, row.checksum):
            raise MigrationError(
                f"migration {file} was changed after it was applied on {row.applied_at:%Y-%m-%d} (as {row.number:04}_{row.name}): "
                f"put the file back as it was, and make the change in a new migration"
            )
    return known[len(seen) :]


def migrate(conninfo: str, folder: Path = FOLDER, *, report: Callable[[Migration], None] | None = None) -> tuple[Migration, ...]:
    """Apply what is pending and return it; `report` hears of each before it runs. Blocks, for as long as another process migrates too.

    Raises MigrationError; what was applied before the failing file stays applied.
    """
    try:
        with psycopg.connect(conninfo, autocommit=True, application_name="swarmdex migrate", connect_timeout=10) as connection:
            _lock(connection)
            connection.execute("SET client_min_messages = warning")
            connection.execute(TABLE)
            return _apply_pending(connection, folder, report)
    except psycopg.Error as error:
        raise mapped(error) from error


def _lock(connection: Connection) -> None:
    """Wait for our turn; the lock is freed when the connection closes.

    Asks again and again: one waiting inside pg_advisory_lock() holds a snapshot, for which the other's CREATE INDEX CONCURRENTLY waits.
    """
    while connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone() != (True,):
        time.sleep(0.2)


def _apply_pending(connection: Connection, folder: Path, report: Callable[[Migration], None] | None) -> tuple[Migration, ...]:
    todo = pending(connection, folder)
    for migration in todo:
        logger.info("migrating the database: %s", migration)
        if report is not None:
            report(migration)
        _apply(connection, migration)
    return todo


def _apply(connection: Connection, migration: Migration) -> None:
    record = "INSERT INTO public.migration (number, name, checksum) VALUES (%s, %s, %s)"
    row = (migration.number, migration.name, migration.checksum)
    try:
        if migration.needs_no_transaction:
            for statement in STATEMENT_END.split(migration.text):
                connection.execute(statement.encode())
            connection.execute(record, row)
        else:
            with connection.transaction():
                connection.execute(migration.text.encode())
                connection.execute(record, row)
    except psycopg.Error as error:
        raise MigrationError(f"migration {migration} failed: {str(error).strip()}") from error
