"""How many seed and leech: counts that change often, kept apart from everything that is indexed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.database import Connection, Database


@dataclass(frozen=True, slots=True)
class SwarmCount:
    """What a tracker or the DHT said of one torrent's swarm."""

    torrent_id: int
    seeders: int
    leechers: int | None
    at: datetime


class Swarms:
    """The table of counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, counts: Sequence[SwarmCount]) -> int:
        """Store counts; the newest of a torrent wins, one of an unknown torrent is dropped. Returns how many were written."""
        newest = {count.torrent_id: count for count in sorted(counts, key=lambda count: count.at)}
        in_order = [newest[number] for number in sorted(newest)]  # writers that lock in the same order do not deadlock
        return await self._database.run(lambda connection: _store(connection, in_order)) if in_order else 0


def _store(connection: Connection, counts: Sequence[SwarmCount]) -> int:
    columns = {
        "ids": [count.torrent_id for count in counts],
        "at": [count.at for count in counts],
        "seeders": [count.seeders for count in counts],
        "leechers": [count.leechers for count in counts],
    }
    written = [row[0] for row in connection.execute(_UPSERT, columns)]
    connection.execute(_MOVE, (written,))
    return len(written)


_UPSERT = """
INSERT INTO swarm (id, at, seeders, leechers)
SELECT counted.* FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[], %(seeders)s::int[], %(leechers)s::int[])
    AS counted (id, at, seeders, leechers)
JOIN torrent USING (id) ORDER BY id
ON CONFLICT (id) DO UPDATE SET at = excluded.at, seeders = excluded.seeders, leechers = excluded.leechers
WHERE swarm.at <= excluded.at
RETURNING id
"""
# The searched row changes only when the number of seeders has doubled or halved.
_MOVE = """
UPDATE search SET pop = popularity(seeders) FROM swarm
WHERE search.id = swarm.id AND swarm.id = ANY(%s) AND pop <> popularity(seeders)
"""
