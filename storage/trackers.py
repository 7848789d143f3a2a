"""The announce URLs of trackers, as small numbers."""

from collections.abc import Iterable

from protocol.trackers import public_tracker_url
from storage.database import Connection, Database

MAX_TRACKERS = 10_000
"""Trackers beyond these are not kept: there are some hundreds, and whoever sends thousands makes them up."""


class TrackerNumbers:
    """Numbers for URLs, remembered; new ones get a number in a transaction of their own, so that a number known here is a fact."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, int] = {}

    async def ids(self, urls: Iterable[str]) -> dict[str, int]:
        """A number for each of `urls` that is kept: one that works, and is not somebody's own (protocol/trackers.py)."""
        usual = {url: public for url in dict.fromkeys(urls) if (public := public_tracker_url(url)) is not None}
        missing = sorted({url for url in usual.values() if url not in self._known})
        if missing and len(self._known) < MAX_TRACKERS:
            self._known.update(await self._database.run(lambda connection: _made(connection, missing)))
        return {url: self._known[public] for url, public in usual.items() if public in self._known}


def _made(connection: Connection, urls: list[str]) -> dict[str, int]:
    """Those of `urls` that have a number now."""
    known: dict[str, int] = dict(connection.execute(_FIND, (urls,)).fetchall())
    new = [url for url in urls if url not in known]
    if new:
        (count,) = connection.execute("SELECT count(*) FROM tracker").fetchone() or (0,)
        # WHERE first: a conflict would use up one of 32,767 numbers.
        connection.execute(_MAKE, (new[: max(0, MAX_TRACKERS - count)],))
        known |= dict(connection.execute(_FIND, (new,)).fetchall())
    return known


_FIND = "SELECT url, id FROM tracker WHERE url = ANY(%s)"
_MAKE = """
INSERT INTO tracker (url) SELECT new.url FROM unnest(%s::text[]) AS new (url)
WHERE NOT EXISTS (SELECT FROM tracker WHERE tracker.url = new.url)
ON CONFLICT DO NOTHING
"""
