"""Searches that people saved, by a name; they are feeds for whoever has a key. What their fields mean is the search form's business."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from storage.database import Connection, Database

MAX_SAVED = 500
MAX_NAME_LENGTH = 100
MAX_FIELDS, MAX_FIELD_LENGTH = 40, 500

_LOCK = 0x5357_5356_4544  # "SWSVED": one at a time counts and adds


class TooManySaved(ValueError):
    """There are MAX_SAVED already."""

    def __init__(self) -> None:
        super().__init__(f"there are {MAX_SAVED} saved searches already: delete some first")


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """One of them."""

    id: int
    name: str
    fields: dict[str, str]
    """As in the address of the search page: {"q": "sintel", "kind": "movie"}."""
    created: datetime


class SavedSearches:
    """The table of saved searches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, name: str, fields: Mapping[str, str]) -> SavedSearch:
        """Add one.

        Raises:
            ValueError: no usable name, too much in it, or (TooManySaved) no room for another.
        """
        name = name.strip()
        if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise ValueError(f"a saved search needs a printable name of at most {MAX_NAME_LENGTH} characters")
        if len(fields) > MAX_FIELDS or any(len(text) > MAX_FIELD_LENGTH or "\0" in text for pair in fields.items() for text in pair):
            raise ValueError("the search is too long to be saved")
        kept = dict(fields)
        return await self._database.run(lambda connection: _add(connection, name, kept))

    async def all(self) -> tuple[SavedSearch, ...]:
        """All of them, by name."""
        statement = "SELECT id, name, fields, created FROM saved_search ORDER BY lower(name), id"
        return await self._database.run(lambda connection: tuple(SavedSearch(*row) for row in connection.execute(statement)))

    async def one(self, number: int) -> SavedSearch | None:
        """The one of this number."""
        statement = "SELECT id, name, fields, created FROM saved_search WHERE id = %s"
        row = await self._database.run(lambda connection: connection.execute(statement, (number,)).fetchone())
        return None if row is None else SavedSearch(*row)

    async def delete(self, number: int) -> bool:
        """Remove one; False if there is none of this number."""
        statement = "DELETE FROM saved_search WHERE id = %s"
        return await self._database.run(lambda connection: connection.execute(statement, (number,)).rowcount > 0)


def _add(connection: Connection, name: str, fields: dict[str, str]) -> SavedSearch:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    row: tuple[Any, ...] | None = connection.execute(_ADD, (name, Jsonb(fields), MAX_SAVED)).fetchone()
    if row is None:
        raise TooManySaved
    return SavedSearch(*row)


_ADD = """
INSERT INTO saved_search (name, fields) SELECT %s, %s WHERE (SELECT count(*) FROM saved_search) < %s RETURNING id, name, fields, created
"""
