"""The torrents: storing them in batches, and finding them by hash. Searching is storage/search/."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from catalog.model import ClassifiedTorrent, File, Kind, TorrentRow
from protocol.identifiers import InfoHash
from storage import filelist, incoming, info_dicts, merging, rows
from storage.database import Connection, Database
from storage.errors import CorruptFileList, DatabaseConflict, DatabaseRefused
from storage.search.document import KINDS
from storage.sources import SourceNames

_log = logging.getLogger(__name__)

_MAX_CONFLICTS = 5
"""Collisions with other writers that one batch survives; each retry sees what the other has committed."""
_UNIQUE_VIOLATION = "23505"
_WAVES_LOCK = 0x5357_5741_5645  # "SWWAVE"
_BLOCKED_LOCK = 0x5357_424C_4B44  # "SWBLKD": held shared by who has asked what is blocked, until what it stores is committed
_Files = tuple[tuple[File, ...], int]
"""A stored file list, and the true number of files."""


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What became of a batch; a torrent named twice in it counts once."""

    new: int = 0
    updated: int = 0
    """Known before."""
    blocked: int = 0
    """Not stored, because their hash is blocked."""

    def __add__(self, other: "StoreResult") -> "StoreResult":
        return StoreResult(self.new + other.new, self.updated + other.updated, self.blocked + other.blocked)


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

    async def store(self, batch: Sequence[ClassifiedTorrent]) -> StoreResult:
        """Store a batch in one transaction: all of it, or, with an error, nothing of it.

        Idempotent: the same batch again changes nothing but `last_seen`. Of what was known already, the newest observation wins, and
        what it does not say (files, size, swarm, date of publication) stays. A torrent known under its v1 hash, its v2 hash or both is
        one row as soon as an observation names both.

        Raises:
            TorrentRefused: a torrent cannot be stored as it is.
            DatabaseRefused: the server refused the data of one of them, without saying whose.
            DatabaseUnavailable: not now; nothing is known to be stored.
        """
        if not batch:
            return StoreResult()
        source_ids = await self._sources.ids({torrent.torrent.source for torrent in batch})
        attempts = 0
        while True:
            try:
                return await self._database.run(lambda connection: _store(connection, batch, source_ids))
            except (DatabaseConflict, DatabaseRefused) as error:
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


def _store(connection: Connection, batch: Sequence[ClassifiedTorrent], source_ids: dict[str, int]) -> StoreResult:
    result = StoreResult()
    connection.execute(f"{incoming.CREATE_TABLE}; SELECT pg_advisory_xact_lock_shared({_BLOCKED_LOCK})")
    waves = merging.waves(_with_known_files(connection, batch))
    if len(waves) > 1:
        # Only within a wave are rows locked in the order of their hashes; two such batches at once would deadlock.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_WAVES_LOCK,))
    for wave in waves:
        result += _store_wave(connection, wave, source_ids)
    connection.execute(_FOLD_TALLY)
    return result


def _store_wave(connection: Connection, wave: Sequence[ClassifiedTorrent], source_ids: dict[str, int]) -> StoreResult:
    rows_of_wave = incoming.pack(wave, source_ids)
    with connection.cursor() as cursor:
        # Never prepared: a plan made for an empty table would be kept, and would read the whole table when it is large.
        cursor.execute("DELETE FROM incoming")  # the wave before; empty at the start of a transaction
        with cursor.copy(incoming.COPY) as copy:
            copy.write(rows_of_wave)
        blocked = cursor.execute(_DROP_BLOCKED, prepare=False).rowcount
        merging.settle_identities(cursor, wave)
        new, stored = cursor.execute(_UPSERT, prepare=False).fetchone() or (0, 0)
        info_dicts.keep(cursor, wave)
    return StoreResult(new, stored - new, blocked)


def _with_known_files(connection: Connection, batch: Sequence[ClassifiedTorrent]) -> list[ClassifiedTorrent]:
    """The batch, with the stored files where a torrent comes without: words and categories are made from them again."""
    bare = [torrent.torrent for torrent in batch if not torrent.torrent.files]
    if not bare:
        return list(batch)
    hashes = [torrent.info_hash for torrent in bare] + [torrent.info_hash_v2[:20] for torrent in bare if torrent.info_hash_v2]
    # Under its own hash; under the short v2 hash of a stored hybrid; under its v1 hash while the store knows the v2 hash only. A row
    # that merely is of the same v2 hash is not asked: anybody may claim one (storage/merging.py).
    by_hash: dict[bytes, _Files] = {}
    by_short_hash: dict[bytes, _Files] = {}
    for info_hash, short_hash, codec, files, file_count in connection.execute(_FILES_OF, (hashes, hashes), prepare=False):
        try:
            by_hash[info_hash] = by_short_hash[short_hash] = filelist.decode(codec, files), file_count
        except CorruptFileList as error:
            _log.warning("the file list of %s stays unread: %s", info_hash.hex(), error)

    def completed(classified: ClassifiedTorrent) -> ClassifiedTorrent:
        torrent = classified.torrent
        short_hash = (torrent.info_hash_v2 or b"")[:20]
        known = by_hash.get(torrent.info_hash) or by_short_hash.get(torrent.info_hash) or by_hash.get(short_hash)
        if torrent.files or known is None:
            return classified
        return replace(classified, torrent=replace(torrent, files=known[0], file_count=known[1]))

    return [completed(classified) for classified in batch]


def _block(connection: Connection, info_hashes: list[bytes], reason: str) -> int:
    # Whoever asked before us what is blocked finishes first, and is deleted below; whoever asks later sees what we block.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_BLOCKED_LOCK,))
    known = connection.execute(_BOTH_HASHES, (info_hashes, info_hashes)).fetchall()
    both = {*info_hashes, *(bytes(part) for row in known for part in row if part is not None)}
    with connection.cursor() as cursor:
        cursor.executemany(_BLOCK, [(info_hash, reason) for info_hash in sorted(both)])
        return cursor.execute("DELETE FROM torrent WHERE info_hash = ANY(%s)", (sorted(both),)).rowcount


_DROP_BLOCKED = """
DELETE FROM incoming USING blocked WHERE blocked.info_hash IN (incoming.info_hash, substring(incoming.info_hash_v2 FROM 1 FOR 20))
"""
_UPSERT = """
WITH stored AS (
    INSERT INTO torrent AS t (size, first_seen, last_seen, published_at, file_count, date, kind, classifier_version, first_source, year,
        confidence, files_codec, is_private, info_hash, info_hash_v2, name, title, stage, resolution, video_codec, release_source,
        release_group, seasons, episodes, absolute_episodes, languages, files)
    SELECT size, now(), now(), published_at, file_count, date, kind, classifier_version, source, year,
        confidence, files_codec, is_private, info_hash, info_hash_v2, name, title, stage, resolution, video_codec, release_source,
        release_group, seasons, episodes, absolute_episodes, languages, files
    FROM incoming ORDER BY info_hash
    ON CONFLICT (info_hash) DO UPDATE SET
        size = CASE WHEN excluded.size > 0 THEN excluded.size ELSE t.size END,
        last_seen = greatest(t.last_seen, excluded.last_seen),
        published_at = coalesce(excluded.published_at, t.published_at),
        file_count = CASE WHEN excluded.file_count > 0 THEN excluded.file_count ELSE t.file_count END,
        date = excluded.date, kind = excluded.kind, classifier_version = excluded.classifier_version, year = excluded.year,
        confidence = excluded.confidence, is_private = t.is_private OR excluded.is_private,
        info_hash_v2 = coalesce(t.info_hash_v2, excluded.info_hash_v2),
        name = excluded.name, title = excluded.title, stage = excluded.stage, resolution = excluded.resolution,
        video_codec = excluded.video_codec, release_source = excluded.release_source, release_group = excluded.release_group,
        seasons = excluded.seasons, episodes = excluded.episodes,
        absolute_episodes = excluded.absolute_episodes, languages = excluded.languages,
        files_codec = CASE WHEN excluded.files IS NULL THEN t.files_codec ELSE excluded.files_codec END,
        files = coalesce(excluded.files, t.files)
    RETURNING id, info_hash, size, first_seen, first_source, xmax = 0 AS is_new  -- xmax: a row version nobody has updated
), searched AS (
    INSERT INTO search AS s (id, size, first_seen, pop, title_words, tsv)
    -- Without a count the popularity stays as it is now, which may be newer than what this statement sees: -1 stands for that.
    SELECT id, stored.size, first_seen, coalesce(popularity(incoming.seeders), CASE WHEN is_new THEN 0 ELSE -1 END), title_words, tsv
    FROM stored JOIN incoming USING (info_hash)
    ON CONFLICT (id) DO UPDATE SET
        size = excluded.size, pop = coalesce(nullif(excluded.pop, -1), s.pop), title_words = excluded.title_words, tsv = excluded.tsv
    WHERE (s.size, s.pop, s.title_words, s.tsv)
        IS DISTINCT FROM (excluded.size, coalesce(nullif(excluded.pop, -1), s.pop), excluded.title_words, excluded.tsv)
), counted AS (
    INSERT INTO swarm (id, at, seeders, leechers)
    SELECT id, now(), seeders, leechers FROM stored JOIN incoming USING (info_hash) WHERE seeders IS NOT NULL ORDER BY id
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, seeders = excluded.seeders, leechers = excluded.leechers
), found_elsewhere AS (
    INSERT INTO torrent_source (torrent_id, seen, source)
    SELECT id, now(), source FROM stored JOIN incoming USING (info_hash) WHERE source <> first_source ORDER BY id
    ON CONFLICT (torrent_id, source) DO UPDATE SET seen = excluded.seen
)
SELECT count(*) FILTER (WHERE is_new), count(*) FROM stored
"""
_FILES_OF = """
SELECT info_hash, substring(info_hash_v2 FROM 1 FOR 20), files_codec, files, file_count FROM torrent
WHERE files IS NOT NULL
    AND (info_hash = ANY(%s) OR (info_hash_v2 IS NOT NULL AND substring(info_hash_v2 FROM 1 FOR 20) = ANY(%s)))
"""
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
_FOLD_TALLY = """
WITH folded AS (
    DELETE FROM tally WHERE (SELECT count(*) FROM tally) > 200
        AND ctid = ANY(ARRAY(SELECT ctid FROM tally LIMIT 1000 FOR UPDATE SKIP LOCKED))
    RETURNING kind, n
)
INSERT INTO tally (kind, n) SELECT kind, sum(n) FROM folded GROUP BY kind
"""
