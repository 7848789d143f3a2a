"""Which observations are of one torrent: duplicates in a batch, and v1, v2 and hybrid hashes that meet (BEP 52).

A hybrid torrent has two swarms and so two hashes that the DHT and sites may tell us separately: its v1 hash, and its v2 hash cut to 20
bytes. It is stored under the v1 hash as soon as both are known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import psycopg

from catalog.model import ClassifiedTorrent

Cursor = psycopg.Cursor[Any]


def waves(batch: Iterable[ClassifiedTorrent]) -> list[list[ClassifiedTorrent]]:
    """The batch in parts to be stored one after the other: no torrent twice in a part, newer observations in later ones.

    Each part is sorted by info hash: writers that lock rows in the same order cannot deadlock.
    """
    merged: dict[tuple[bytes, bytes | None, str], ClassifiedTorrent] = {}
    for torrent in batch:
        found = torrent.torrent
        key = (found.info_hash, found.info_hash_v2, found.source)
        before = merged.pop(key, None)
        if before is not None and torrent.torrent.seen_at is not None:
            torrent, before = before, torrent  # noqa: PLW2901 - what is observed wins over what is stored once more
        merged[key] = torrent if before is None else _merged(before, torrent)
    parts: list[list[ClassifiedTorrent]] = []
    next_part: dict[bytes, int] = {}
    for torrent in merged.values():
        hashes = {torrent.torrent.info_hash, (torrent.torrent.info_hash_v2 or torrent.torrent.info_hash)[:20]}
        part = max(next_part.get(info_hash, 0) for info_hash in hashes)
        next_part.update(dict.fromkeys(hashes, part + 1))
        if part == len(parts):
            parts.append([])
        parts[part].append(torrent)
    for torrents in parts:
        torrents.sort(key=lambda torrent: torrent.torrent.info_hash)
    return parts


def _merged(older: ClassifiedTorrent, newer: ClassifiedTorrent) -> ClassifiedTorrent:
    """What the newer one does not say, the older one says; as _UPSERT in storage/torrents.py does with what is stored."""
    before, now = older.torrent, newer.torrent
    torrent = replace(
        now,
        size=now.size or before.size,
        files=now.files or before.files,
        file_count=now.file_count or before.file_count,
        is_private=now.is_private or before.is_private,
        seeders=before.seeders if now.seeders is None else now.seeders,
        leechers=before.leechers if now.seeders is None else now.leechers,
        published_at=now.published_at or before.published_at,
        site_category=now.site_category or before.site_category,
        trackers=tuple(dict.fromkeys(before.trackers + now.trackers)),
        ids=now.ids or before.ids,
        info=now.info or before.info,
        piece_layers=now.piece_layers or before.piece_layers,
    )
    return replace(newer, torrent=torrent)


def settle_identities(cursor: Cursor, wave: Sequence[ClassifiedTorrent]) -> dict[bytes, bytes]:
    """Make the rows of `incoming` and those of `torrent` agree on one hash for each torrent, before they are joined by it.

    Returns the hashes of the wave that are now another one.
    """
    adopted: dict[bytes, bytes] = dict(cursor.execute(_ADOPT, prepare=False).fetchall())
    if adopted:
        cursor.execute(_DROP_TWINS)
    if all(torrent.torrent.info_hash_v2 is None for torrent in wave):
        return adopted
    cursor.execute(_DROP_FALSE_CLAIMS, prepare=False)
    for short_row, full_row, info_hash, info_hash_v2 in cursor.execute(_UNITED, prepare=False).fetchall():
        if full_row is not None:
            for statement in _MERGE:
                cursor.execute(statement, {"kept": full_row, "gone": short_row})
        else:
            cursor.execute(_RENAME, (info_hash, info_hash_v2, short_row))
    return adopted


# Incoming under the short v2 hash of a stored hybrid: it is that hybrid.
_ADOPT = """
UPDATE incoming SET info_hash = t.info_hash FROM torrent AS t
WHERE t.info_hash_v2 IS NOT NULL AND substring(t.info_hash_v2 FROM 1 FOR 20) = incoming.info_hash AND t.info_hash <> incoming.info_hash
RETURNING substring(t.info_hash_v2 FROM 1 FOR 20), t.info_hash
"""
# Which may have made two of one.
_DROP_TWINS = "DELETE FROM incoming USING incoming AS other WHERE incoming.info_hash = other.info_hash AND incoming.ctid < other.ctid"
# A v2 hash belongs to one v1 hash and the other way round. Only info dicts prove it; a client may claim anything: the first claim stays.
_DROP_FALSE_CLAIMS = """
UPDATE incoming SET info_hash_v2 = NULL WHERE info_hash_v2 IS NOT NULL AND (
    EXISTS (SELECT FROM torrent AS t WHERE t.info_hash_v2 IS NOT NULL
        AND substring(t.info_hash_v2 FROM 1 FOR 20) = substring(incoming.info_hash_v2 FROM 1 FOR 20)
        AND t.info_hash <> incoming.info_hash AND t.info_hash <> substring(incoming.info_hash_v2 FROM 1 FOR 20))
    OR EXISTS (SELECT FROM torrent AS t WHERE t.info_hash = incoming.info_hash AND t.info_hash_v2 <> incoming.info_hash_v2)
)
"""
# Incoming with both hashes, stored under the short v2 hash so far, and perhaps in a second row under its v1 hash.
_UNITED = """
SELECT short_row.id, full_row.id, incoming.info_hash, incoming.info_hash_v2
FROM incoming JOIN torrent AS short_row ON short_row.info_hash = substring(incoming.info_hash_v2 FROM 1 FOR 20)
LEFT JOIN torrent AS full_row ON full_row.info_hash = incoming.info_hash
WHERE incoming.info_hash_v2 IS NOT NULL AND incoming.info_hash <> substring(incoming.info_hash_v2 FROM 1 FOR 20)
ORDER BY short_row.info_hash FOR UPDATE OF short_row
"""
_RENAME = "UPDATE torrent SET info_hash = %s, info_hash_v2 = %s WHERE id = %s"
_MERGE = (
    """
    INSERT INTO torrent_source (torrent_id, seen, source)
    SELECT %(kept)s, seen, source FROM torrent_source WHERE torrent_id = %(gone)s
    UNION SELECT %(kept)s, last_seen, first_source FROM torrent WHERE id = %(gone)s
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO swarm SELECT %(kept)s, at, seeders, leechers FROM swarm WHERE id = %(gone)s
    ON CONFLICT (id) DO UPDATE SET at = excluded.at, seeders = excluded.seeders, leechers = excluded.leechers WHERE swarm.at < excluded.at
    """,
    """
    INSERT INTO torrent_work SELECT %(kept)s, work_id, confidence, origin FROM torrent_work WHERE torrent_id = %(gone)s
    ON CONFLICT DO NOTHING
    """,
    """
    UPDATE torrent SET first_seen = least(torrent.first_seen, gone.first_seen), is_private = torrent.is_private OR gone.is_private,
        size = CASE WHEN torrent.size > 0 THEN torrent.size ELSE gone.size END,
        file_count = CASE WHEN torrent.file_count > 0 THEN torrent.file_count ELSE gone.file_count END,
        files = coalesce(torrent.files, gone.files), files_codec = coalesce(torrent.files_codec, gone.files_codec),
        published_at = coalesce(torrent.published_at, gone.published_at),
        site_category = coalesce(torrent.site_category, gone.site_category),
        trackers = CASE WHEN NOT (torrent.is_private OR gone.is_private) THEN trackers_of_both(torrent.trackers, gone.trackers) END
    FROM torrent AS gone WHERE torrent.id = %(kept)s AND gone.id = %(gone)s
    """,
    """
    UPDATE search SET first_seen = torrent.first_seen, pop = coalesce(popularity(swarm.seeders), 0)
    FROM torrent LEFT JOIN swarm USING (id)
    WHERE search.id = %(kept)s AND torrent.id = search.id
    """,
    "INSERT INTO info_dict SELECT %(kept)s, raw, piece_layers FROM info_dict WHERE torrent_id = %(gone)s ON CONFLICT DO NOTHING",
    "DELETE FROM torrent WHERE id = %(gone)s",
)
