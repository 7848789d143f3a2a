"""What a query asks of a row besides its place in an order, in SQL over `search AS s`.

Words and facts are one tsquery, sizes and times columns of `search`. What is asked seldom (the resolution, a codec) stands with the
torrent alone: such a check is a look-up by key for each row that fits otherwise, 3 µs, and costs no byte of the index.
"""

from dataclasses import dataclass
from typing import Any

from storage.search.engine import SearchQuery
from storage.search.works import exactly


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one query."""

    match: str
    """All but the times; "true" for none."""
    time: str
    """Of first_seen; "true" for none."""
    parameters: dict[str, Any]


_MATCH = {
    "tsquery": "tsv @@ %(tsquery)s::tsquery",
    "looked_at": "ts_match_vq(tsv, %(looked_at)s::tsquery)",  # as `@@`, only that no index answers it
    "min_size": "size >= %(min_size)s",
    "max_size": "size <= %(max_size)s",
    # The bits of a count first: they are at hand.
    "min_seeders": """pop >= popularity(%(min_seeders)s)
        AND (SELECT swarm.seeders >= %(min_seeders)s FROM swarm WHERE swarm.id = s.id)""",
}
_TIME = {"seen_after": "first_seen >= %(seen_after)s", "seen_before": "first_seen < %(seen_before)s"}
_OF_TORRENT = {
    "min_files": "t.file_count >= %(min_files)s",
    "resolutions": "t.resolution = ANY(%(resolutions)s)",
    "video_codecs": "t.video_codec = ANY(%(video_codecs)s)",
    "release_sources": "t.release_source = ANY(%(release_sources)s)",
    "languages": "t.languages && %(languages)s::text[]",
    "found_by": """(t.first_source = (SELECT id FROM source WHERE name = %(found_by)s) OR EXISTS (
        SELECT FROM torrent_source AS o JOIN source ON source.id = o.source WHERE o.torrent_id = t.id AND source.name = %(found_by)s))""",
}


def conditions_of(query: SearchQuery, tsquery: str | None, looked_at: str | None = None) -> Conditions:
    """Translate all of `query` but its order; `tsquery` stands for its words and facts, `looked_at` for those to be read in the rows."""
    given: dict[str, Any] = {
        "tsquery": tsquery,
        "looked_at": looked_at,
        "min_size": query.min_size,
        "max_size": query.max_size,
        "min_seeders": query.min_seeders or None,
        "seen_after": query.seen_after,
        "seen_before": query.seen_before,
        "min_files": query.min_files or None,
        "resolutions": list(query.resolutions) or None,
        "video_codecs": list(query.video_codecs) or None,
        "release_sources": list(query.release_sources) or None,
        "languages": list(query.languages) or None,
        "found_by": query.found_by,
    }
    given = {name: value for name, value in given.items() if value is not None}
    match = [sql for name, sql in _MATCH.items() if name in given]
    if of_torrent := [sql for name, sql in _OF_TORRENT.items() if name in given]:
        # A scalar subquery and no join: the planner cannot turn it round and begin with the whole table of torrents.
        match.append(f"(SELECT {' AND '.join(of_torrent)} FROM torrent AS t WHERE t.id = s.id)")  # noqa: S608 - constants
    if query.works:
        check, parameters = exactly(query.works)
        match.append(check)
        given |= parameters
    time = [sql for name, sql in _TIME.items() if name in given]
    return Conditions(" AND ".join(match) or "true", " AND ".join(time) or "true", given)
