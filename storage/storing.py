"""Storing a batch of torrents in one transaction: COPY, identities, one upsert for all tables, and what other tables add to it.

docs/schema.md has the why. A batch is stored in waves (storage/merging.py), each with every torrent at most once.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.classify import UNREAD, classified
from catalog.model import ClassifiedTorrent, File, ParsedTitle, Torrent
from catalog.receipts import Outcome, Receipt
from storage import filelist, history, incoming, info_dicts, merging, works
from storage.database import Connection
from storage.errors import CorruptFileList, TorrentRefused
from storage.incoming import MAX_NAME_LENGTH, Prepared
from storage.rows import parsed_title
from storage.wave import PACKED_ROWS, StoredWave

_log = logging.getLogger(__name__)

BLOCKED_LOCK = 0x5357_424C_4B44  # "SWBLKD": held shared by who has asked what is blocked, until what it stores is committed
_WAVES_LOCK = 0x5357_5741_5645  # "SWWAVE"


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored of a torrent that comes again."""

    files: tuple[File, ...]
    file_count: int
    site_category: str | None
    name: str
    parsed: ParsedTitle
    version: int


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What became of a batch; a torrent named twice in it counts once."""

    new: int = 0
    updated: int = 0
    """Known before."""
    blocked: int = 0
    """Not stored, because their hash is blocked."""
    outcomes: tuple[Outcome, ...] = ()
    """One for each torrent of the batch, in its order; empty when none of them has a receipt."""

    def __add__(self, other: "StoreResult") -> "StoreResult":
        """The numbers of both."""
        return StoreResult(self.new + other.new, self.updated + other.updated, self.blocked + other.blocked)


def store(connection: Connection, batch: Sequence[ClassifiedTorrent], prepared: Prepared) -> StoreResult:
    """Store a batch within the connection's transaction."""
    connection.execute(f"{incoming.CREATE_TABLE}; SELECT pg_advisory_xact_lock_shared({BLOCKED_LOCK})")
    receipts = [torrent.torrent.receipt for torrent in batch if torrent.torrent.receipt is not None]
    if receipts:
        _note_try(connection, receipts)
    waves = merging.waves(_with_what_is_known(connection, batch))
    if len(waves) > 1:
        # Only within a wave are rows locked in the order of their hashes; two such batches at once would deadlock.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_WAVES_LOCK,))
    stored = [_store_wave(connection, wave, prepared) for wave in waves]
    connection.execute(_FOLD_TALLY)
    with connection.cursor() as cursor:
        history.count(cursor, stored, prepared.sources)  # last: the minute's row is locked until the transaction ends
    return StoreResult(
        new=sum(wave.new for wave in stored),
        updated=sum(wave.updated for wave in stored),
        blocked=sum(len(wave.blocked) for wave in stored),
        outcomes=_outcomes(batch, stored) if receipts else (),
    )


def _store_wave(connection: Connection, wave: Sequence[ClassifiedTorrent], prepared: Prepared) -> StoredWave:
    rows_of_wave = incoming.pack(wave, prepared)
    with connection.cursor() as cursor:
        # Never prepared: a plan made for an empty table would be kept, and would read the whole table when it is large.
        cursor.execute("DELETE FROM incoming")  # the wave before; empty at the start of a transaction
        with cursor.copy(incoming.COPY) as copy:
            copy.write(rows_of_wave)
        blocked = frozenset(info_hash for (info_hash,) in cursor.execute(_DROP_BLOCKED, prepare=False).fetchall())
        if any(torrent.torrent.seen_at is not None for torrent in wave):
            cursor.execute(_DROP_GONE, prepare=False)
        renamed = merging.settle_identities(cursor, wave)
        placed = works.place(cursor, wave, blocked, renamed)
        new, stored, packed = cursor.execute(_UPSERT, prepare=False).fetchone() or (0, 0, b"")
        became = StoredWave(wave, new, stored - new, blocked, renamed, packed)
        # What other tables add, each in one line and for nothing when there is nothing to add.
        info_dicts.keep(cursor, wave)
        works.link(cursor, became, placed)
    return became


def _note_try(connection: Connection, receipts: Sequence[Receipt]) -> None:
    """Should nobody learn how this transaction ends, the next try knows its rows by their time."""
    (now,) = connection.execute("SELECT timestamptz_send(now())").fetchone() or (bytes(8),)
    for receipt in receipts:
        if receipt.tried_at is None:
            receipt.tried_at = int.from_bytes(now)


def _outcomes(batch: Sequence[ClassifiedTorrent], waves: Sequence[StoredWave]) -> tuple[Outcome, ...]:
    """What to tell of each torrent. One that is named twice is new the first time."""
    waves_of: dict[bytes, list[StoredWave]] = {}
    for wave in waves:
        for torrent in wave.torrents:
            waves_of.setdefault(torrent.torrent.info_hash, []).append(wave)
    told: set[int] = set()

    def outcome(torrent: ClassifiedTorrent) -> Outcome:
        found = torrent.torrent
        # The first wave with a row of it: one that was sent through again may be gone, and be found anew in the same batch.
        rows = [row for wave in waves_of[found.info_hash] if (row := wave.row_of(torrent)) is not None]
        if not rows:
            return Outcome.BLOCKED
        row = rows[0]
        is_new = row.is_new or (
            found.receipt is not None and found.receipt.tried_at is not None and row.first_seen >= found.receipt.tried_at
        )
        if found.seen_at is not None or not is_new or row.id in told:
            return Outcome.UPDATED
        told.add(row.id)
        return Outcome.NEW

    return tuple(map(outcome, batch))


def _with_what_is_known(connection: Connection, batch: Sequence[ClassifiedTorrent]) -> list[ClassifiedTorrent]:
    """The batch, each torrent with the stored facts that it does not bring: kind, categories and words follow from all of them."""
    lacking = [each.torrent for each in batch if _lacks_facts(each)]
    if not lacking:
        return list(batch)
    hashes = _names_of(lacking)
    bare = _names_of([torrent for torrent in lacking if not torrent.files])
    # Under its own hash; under the short v2 hash of a stored hybrid; under its v1 hash while the store knows the v2 hash only. A row
    # that merely is of the same v2 hash is not asked: anybody may claim one (storage/merging.py).
    by_hash: dict[bytes, _Known] = {}
    by_short_hash: dict[bytes, _Known] = {}
    for row in connection.execute(_KNOWN, {"hashes": hashes, "bare": bare}, prepare=False):
        info_hash, short_hash, codec, packed, file_count, site_category, name, version, *title = row
        stored = _Known(_files(info_hash, codec, packed), file_count, site_category, name, parsed_title(title), version)
        by_hash[info_hash] = by_short_hash[short_hash] = stored

    def known_of(torrent: Torrent) -> _Known | None:
        short_hash = (torrent.info_hash_v2 or b"")[:20]
        found = by_hash.get(torrent.info_hash), by_short_hash.get(torrent.info_hash), by_hash.get(short_hash)
        rows = [known for known in found if known is not None]
        return next((known for known in rows if known.files), rows[0] if rows else None)

    return [_completed(each, known) if _lacks_facts(each) and (known := known_of(each.torrent)) is not None else each for each in batch]


def _lacks_facts(each: ClassifiedTorrent) -> bool:
    return not each.torrent.files or each.torrent.site_category is None or each.classifier_version == UNREAD


def _names_of(torrents: Sequence[Torrent]) -> list[bytes]:
    return [torrent.info_hash for torrent in torrents] + [torrent.info_hash_v2[:20] for torrent in torrents if torrent.info_hash_v2]


def _files(info_hash: bytes, codec: int | None, packed: bytes | None) -> tuple[File, ...]:
    if packed is None or codec is None:
        return ()
    try:
        return filelist.decode(codec, packed)
    except CorruptFileList as error:
        _log.warning("the file list of %s stays unread: %s", info_hash.hex(), error)
        return ()


def _completed(each: ClassifiedTorrent, known: _Known) -> ClassifiedTorrent:
    whole = replace(each.torrent, site_category=each.torrent.site_category or known.site_category)
    if known.files and not whole.files:
        whole = replace(whole, files=known.files, file_count=known.file_count)
    # The very name that was read before need not be read again.
    is_read = each.classifier_version == UNREAD != known.version and whole.name[:MAX_NAME_LENGTH] == known.name
    if whole == each.torrent and not is_read:
        return each
    parsed, version = (known.parsed, known.version) if is_read else (each.parsed, each.classifier_version)
    try:
        return replace(classified(whole, parsed), classifier_version=version)
    except Exception as error:  # as in incoming.pack: one odd torrent must not hold up the others
        raise TorrentRefused(whole.info_hash, f"{type(error).__name__}: {error}") from error


_DROP_BLOCKED = """
DELETE FROM incoming USING blocked WHERE blocked.info_hash IN (incoming.info_hash, substring(incoming.info_hash_v2 FROM 1 FOR 20))
RETURNING incoming.info_hash
"""
# Stored once more, but no longer there: a torrent that left stays away.
_DROP_GONE = """
DELETE FROM incoming WHERE seen_at IS NOT NULL AND NOT EXISTS (SELECT FROM torrent AS t WHERE t.info_hash = incoming.info_hash)
"""
_UPSERT = f"""
WITH stored AS (
    INSERT INTO torrent AS t (size, first_seen, last_seen, published_at, file_count, date, kind, classifier_version, first_source, year,
        confidence, files_codec, is_private, info_hash, info_hash_v2, name, title, stage, resolution, video_codec, release_source,
        release_group, seasons, episodes, absolute_episodes, languages, site_category, trackers, files)
    SELECT size, now(), coalesce(seen_at, now()), published_at, file_count, date, kind, classifier_version, source, year,
        confidence, files_codec, is_private, info_hash, info_hash_v2, name, title, stage, resolution, video_codec, release_source,
        release_group, seasons, episodes, absolute_episodes, languages, site_category, trackers, files
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
        site_category = coalesce(excluded.site_category, t.site_category),
        trackers = CASE WHEN t.is_private OR excluded.is_private THEN NULL ELSE trackers_of_both(t.trackers, excluded.trackers) END,
        files_codec = CASE WHEN excluded.files IS NULL THEN t.files_codec ELSE excluded.files_codec END,
        files = coalesce(excluded.files, t.files)
    -- What is stored once more (seen_at) gives way to what was observed since it was read.
    WHERE excluded.last_seen >= least(t.last_seen, now())
    RETURNING id, info_hash, size, first_seen, first_source, xmax = 0 AS is_new  -- xmax: a row version nobody has updated
), searched AS (
    INSERT INTO search AS s (id, size, first_seen, pop, title_words, tsv)
    -- Without a count the popularity stays as it is now, which may be newer than what this statement sees: -1 stands for that.
    SELECT id, stored.size, first_seen, coalesce(popularity(incoming.seeders), CASE WHEN is_new THEN 0 ELSE -1 END), title_words,
        CASE WHEN is_new THEN tsv ELSE tsv || coalesce((SELECT work_lexemes(work_id) FROM torrent_work WHERE torrent_id = id), '') END
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
    SELECT id, now(), source FROM stored JOIN incoming USING (info_hash) WHERE source <> first_source AND seen_at IS NULL ORDER BY id
    ON CONFLICT (torrent_id, source) DO UPDATE SET seen = excluded.seen
)
SELECT count(*) FILTER (WHERE is_new), count(*), {PACKED_ROWS} FROM stored
"""  # noqa: S608 - all parts are constants
_KNOWN = """
SELECT info_hash, substring(info_hash_v2 FROM 1 FOR 20), files_codec,
    CASE WHEN info_hash = ANY(%(bare)s) OR substring(info_hash_v2 FROM 1 FOR 20) = ANY(%(bare)s) THEN files END, file_count, site_category,
    name, classifier_version, title, year, seasons, episodes, absolute_episodes, date, resolution, video_codec, release_source,
    release_group, languages, confidence, stage
FROM torrent
WHERE info_hash = ANY(%(hashes)s) OR (info_hash_v2 IS NOT NULL AND substring(info_hash_v2 FROM 1 FOR 20) = ANY(%(hashes)s))
"""
_FOLD_TALLY = """
WITH folded AS (
    DELETE FROM tally WHERE (SELECT count(*) FROM tally) > 200
        AND ctid = ANY(ARRAY(SELECT ctid FROM tally LIMIT 1000 FOR UPDATE SKIP LOCKED))
    RETURNING kind, n
)
INSERT INTO tally (kind, n) SELECT kind, sum(n) FROM folded GROUP BY kind
"""
