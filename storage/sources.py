"""The names of the places torrents come from, as small numbers."""

from collections.abc import Iterable

from storage.database import Connection, Database

MAX_NAME_LENGTH = 64
MAX_SOURCES = 1000
"""Names an ingest client invents beyond these are all one: `other`."""
OTHER = "other"


class SourceNames:
    """Numbers for names, remembered; new names get a number in a transaction of their own, so that a number known here is a fact."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, int] = {}

    async def ids(self, names: Iterable[str]) -> dict[str, int]:
        """A number for each of `names`."""
        wanted = set(names)
        missing = [name for name in wanted if name not in self._known]
        if missing:
            self._known.update(await self._database.run(lambda connection: _made(connection, missing)))
        return {name: self._known[name] for name in wanted}


def _made(connection: Connection, names: list[str]) -> dict[str, int]:
    known: dict[str, int] = dict(connection.execute("SELECT name, id FROM source").fetchall())
    made: dict[str, int] = {}
    for name in sorted(names):
        stored = _storable(name)
        if stored not in known and len(known) >= MAX_SOURCES:
            stored = OTHER
        if stored not in known:
            # WHERE first: a conflict would use up one of 32,767 numbers.
            connection.execute(
                "INSERT INTO source (name) SELECT %s WHERE NOT EXISTS (SELECT FROM source WHERE name = %s) ON CONFLICT DO NOTHING",
                (stored, stored),
            )
            known |= connection.execute("SELECT name, id FROM source WHERE name = %s", (stored,)).fetchall()
        made[name] = known[stored]
    return made


def _storable(name: str) -> str:
    return name[:MAX_NAME_LENGTH].encode("utf-8", "replace").decode().replace("\0", "").strip() or OTHER
