"""The torrents: storing them in batches, and finding them by hash. Searching is storage/search/."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.model import ClassifiedTorrent, File, Kind, TorrentRow
from protocol.identifiers import InfoHash
from storage import filelist, rows, storing
from storage.database import Connection, Database
from storage.errors import DatabaseConflict, DatabaseRefused, TorrentRefused
from storage.incoming import Prepared
from storage.packed_files import PackedFiles
from storage.search.document import KINDS
from storage.sources import SourceNames
from storage.storing import StoreResult
from storage.trackers import TrackerNumbers

__all__ = ["Counts", "StoreResult", "Torrents"]

_log = logging.getLogger(__name__)

_MAX_CONFLICTS = 5
"""Collisions with other writers that one batch survives; each retry sees what the other has committed."""
_UNIQUE_VIOLATION = "23505"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many torrents there are."""

    torrents: int
    by_kind: dict[Kind, int]


class Torrents:
    """The table of torrents and what hangs on it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sources = SourceNames(database)
        self._trackers = TrackerNumbers(database)

    async def store(self, batch: Sequence[ClassifiedTorrent]) -> StoreResult:
        """Store a batch in one transaction: all of it, or, with an error, nothing of it.

        Idempotent: the same batch again changes nothing but `last_seen`. Of what was known already, the newest observation wins, and
        what it does not say (files, size, swarm, date of publication, trackers) stays. A torrent known under its v1 hash, its v2 hash or
        both is one row as soon as an observation names both.

        Raises:
            TorrentRefused: a torrent cannot be stored as it is.
            DatabaseRefused: the server refused the data of one of them, without saying whose.
            DatabaseUnavailable: not now; nothing is known to be stored.
        """
        if not batch:
            return StoreResult()
        prepared = Prepared(
            sources=await self._sources.ids({torrent.torrent.source for torrent in batch}),
            trackers=await self._trackers.ids(
                url for torrent in batch for url in torrent.torrent.trackers if not torrent.torrent.is_private
            ),
            files=PackedFiles(),
        )
        await prepared.files.add(batch)
        untried = [receipt for torrent in batch if (receipt := torrent.torrent.receipt) is not None and receipt.tried_at is None]
        attempts = 0
        while True:
            try:
                return await self._database.run(lambda connection: storing.store(connection, batch, prepared))
            except (DatabaseConflict, DatabaseRefused, TorrentRefused) as error:
                for receipt in untried:
                    receipt.tried_at = None  # this try has left nothing behind
                if isinstance(error, TorrentRefused):
                    raise
                attempts += 1
                collided = isinstance(error, DatabaseConflict) or error.sqlstate == _UNIQUE_VIOLATION
                if not collided or attempts > _MAX_CONFLICTS:
                    raise
                _log.debug("storing a batch again, it collided with another writer: %s", error)

    async def unknown(self, info_hashes: Iterable[InfoHash]) -> list[InfoHash]:
        """Those of `info_hashes` (20 bytes) that are neither stored, by v1 or truncated v2 hash, nor blocked; in their order."""
        wanted = list(dict.fromkeys(info_hashes))
        if not wanted:
            return []
        found = await self._database.run(lambda connection: connection.execute(_KNOWN, (wanted,), prepare=False).fetchall())
        known = {bytes(row[0]) for row in found}
        return [info_hash for info_hash in wanted if info_hash not in known]

    async def by_info_hash(self, info_hash: bytes) -> TorrentRow | None:
        """The torrent with this hash: 20 bytes (v1, or the beginning of a v2 one) or 32."""
        if len(info_hash) == 20:
            statement, parameters = _BY_HASH, (info_hash, info_hash)
        elif len(info_hash) == 32:
            statement, parameters = _BY_HASH_V2, (info_hash[:20], info_hash)
        else:
            return None
        found = await self._database.run(lambda connection: connection.execute(statement, parameters).fetchone())
        return None if found is None else rows.torrent_row(found)

    async def files(self, torrent_id: int) -> tuple[File, ...]:
        """The files of a torrent, empty when nobody has told us. Raises CorruptFileList."""
        found = await self._database.run(
            lambda connection: connection.execute("SELECT files_codec, files FROM torrent WHERE id = %s", (torrent_id,)).fetchone()
        )
        return () if found is None or found[1] is None else filelist.decode(found[0], found[1])

    async def counts(self) -> Counts:
        """How many torrents of each kind; exact, and as quick with millions."""
        found = await self._database.run(lambda connection: connection.execute(_TALLY).fetchall())
        by_kind = {KINDS[kind]: int(n) for kind, n in found if n}
        return Counts(sum(by_kind.values()), by_kind)

    async def block(self, info_hashes: Iterable[bytes], reason: str) -> int:
        """Delete these torrents (20 or 32 bytes each) and never store them again; returns how many were there."""
        wanted = sorted({bytes(info_hash[:20]) for info_hash in info_hashes})
        return await self._database.run(lambda connection: _block(connection, wanted, reason))


def _block(connection: Connection, info_hashes: list[bytes], reason: str) -> int:
    # Whoever asked before us what is blocked finishes first, and is deleted below; whoever asks later sees what we block.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (storing.BLOCKED_LOCK,))
    known = connection.execute(_BOTH_HASHES, (info_hashes, info_hashes)).fetchall()
    both = {*info_hashes, *(bytes(part) for row in known for part in row if part is not None)}
    with connection.cursor() as cursor:
        cursor.executemany(_BLOCK, [(info_hash, reason) for info_hash in sorted(both)])
        return cursor.execute("DELETE FROM torrent WHERE info_hash = ANY(%s)", (sorted(both),)).rowcount


_KNOWN = """
SELECT h FROM unnest(%s::bytea[]) AS h
WHERE EXISTS (SELECT FROM torrent WHERE info_hash = h)
    OR EXISTS (SELECT FROM torrent WHERE info_hash_v2 IS NOT NULL AND substring(info_hash_v2 FROM 1 FOR 20) = h)
    OR EXISTS (SELECT FROM blocked WHERE info_hash = h)
"""
_BY_HASH = f"""
{rows.SELECT} WHERE t.id = (
    SELECT id FROM torrent WHERE info_hash = %s
    UNION ALL SELECT id FROM torrent WHERE info_hash_v2 IS NOT NULL AND substring(info_hash_v2 FROM 1 FOR 20) = %s
    LIMIT 1)
"""  # noqa: S608 - both parts are constants
_BY_HASH_V2 = f"{rows.SELECT} WHERE t.info_hash_v2 IS NOT NULL AND substring(t.info_hash_v2 FROM 1 FOR 20) = %s AND t.info_hash_v2 = %s"
_BOTH_HASHES = """
SELECT info_hash, substring(info_hash_v2 FROM 1 FOR 20) FROM torrent
WHERE info_hash = ANY(%s) OR (info_hash_v2 IS NOT NULL AND substring(info_hash_v2 FROM 1 FOR 20) = ANY(%s))
"""
_BLOCK = "INSERT INTO blocked (info_hash, reason) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_TALLY = "SELECT kind, sum(n) FROM tally GROUP BY kind"
