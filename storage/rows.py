"""From the columns of the store to a `TorrentRow`; the one place where both are known."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from catalog.kept import Kept
from catalog.model import Kind, ParsedTitle, TorrentRow
from protocol.identifiers import ExternalId
from protocol.torznab.categories import Category
from storage.database import Connection
from storage.search.document import KINDS

# Ids of which we are not certain (thousandths) are not told: clients act on them before they read a title.
SELECT = """
SELECT t.id, t.info_hash, t.info_hash_v2, t.name, t.size, t.file_count, t.kind, t.title, t.year, t.seasons, t.episodes,
    t.absolute_episodes, t.date, t.resolution, t.video_codec, t.release_source, t.release_group, t.languages, t.confidence, t.stage,
    t.first_seen, t.last_seen, t.published_at, swarm.seeders, swarm.leechers, swarm.at,
    ARRAY(SELECT name FROM source WHERE source.id = t.first_source) || ARRAY(
        SELECT source.name FROM torrent_source AS other JOIN source ON source.id = other.source
        WHERE other.torrent_id = t.id AND other.source <> t.first_source ORDER BY source.id),
    search.tsv::text,
    EXISTS (SELECT FROM info_dict WHERE torrent_id = t.id),
    CASE WHEN t.trackers IS NOT NULL THEN ARRAY(
        SELECT url FROM unnest(t.trackers) WITH ORDINALITY AS known (id, place) JOIN tracker USING (id) ORDER BY place) END,
    ARRAY(SELECT authority || ':' || number FROM torrent_work AS l JOIN work_number AS n USING (work_id)
        WHERE l.torrent_id = t.id AND least(l.confidence, n.confidence) >= 900 ORDER BY 1)
FROM torrent AS t LEFT JOIN swarm USING (id) LEFT JOIN search USING (id)
"""
"""Complete it with WHERE, or with JOIN and ORDER BY."""

# Categories as storage/search/document.py writes them; no word holds a quote or a `#`. Here, because unnesting the vector of each row is
# half of what the server does for a page.
_CATEGORY = re.compile(r"'#(\d+)'")

_BY_IDS = SELECT + "JOIN unnest(%s::bigint[]) WITH ORDINALITY AS wanted (id, place) USING (id) ORDER BY place"


RowsKept = Kept[Sequence[Any], TorrentRow]
"""By id, made of what SELECT selects: a feed asked for again is of the same rows, and to build them is half of reading them."""


def by_ids(connection: Connection, ids: Sequence[int], rows: RowsKept | None = None) -> tuple[TorrentRow, ...]:
    """The rows of `ids` in that order, without those that are gone; `rows` remembers those it has seen."""
    if not ids:
        return ()
    # As text and at once: psycopg looks at each number of a list, and takes rows one by one in Python; together a tenth of a feed's time.
    wanted = f"{{{','.join(map(str, ids))}}}"
    found = connection.execute(_BY_IDS, (wanted,), prepare=False).fetchall()
    if rows is None:
        return tuple(map(torrent_row, found))
    return tuple([rows.of(columns[0], columns) for columns in found])


def torrent_row(columns: Sequence[Any]) -> TorrentRow:
    """Build it from what SELECT selects."""
    number, info_hash, info_hash_v2, name, size, file_count, kind = columns[:7]
    first_seen, last_seen, published_at, seeders, leechers, swarm_at, sources, tsv, has_info, trackers, ids = columns[20:]
    return TorrentRow(
        id=number,
        info_hash=info_hash,
        info_hash_v2=info_hash_v2,
        name=name,
        size=size,
        file_count=file_count,
        kind=KINDS[kind],
        parsed=parsed_title(columns[7:20]),
        first_seen=first_seen,
        last_seen=last_seen,
        published_at=published_at,
        seeders=seeders,
        leechers=leechers,
        swarm_at=swarm_at,
        sources=tuple(sources),
        categories=_own_first(map(int, _CATEGORY.findall(tsv or "")), KINDS[kind]),
        has_info=has_info,
        trackers=tuple(trackers or ()),
        ids=tuple(map(_external_id, ids)),
    )


def parsed_title(columns: Sequence[Any]) -> ParsedTitle:
    """What a name says, from the columns `title` to `stage` as SELECT has them."""
    title, year, seasons, episodes, absolute_episodes, date, resolution, video_codec, source, group, languages, confidence, stage = columns
    return ParsedTitle(
        title=title,
        year=year,
        seasons=tuple(seasons or ()),
        episodes=tuple(episodes or ()),
        absolute_episodes=tuple(absolute_episodes or ()),
        date=date,
        resolution=resolution,
        video_codec=video_codec,
        source=source,
        group=group,
        languages=tuple(languages or ()),
        confidence=confidence / 1000,
        stage=stage,
    )


def _external_id(text: str) -> ExternalId:
    authority, _, number = text.partition(":")
    return ExternalId(authority, int(number))


def _own_first(categories: Iterable[int], kind: Kind) -> tuple[int, ...]:
    """In the order clients expect: those of the kind before others, a parent before its subcategories."""
    ordered = sorted(categories)
    if not ordered:
        return ()
    own = (Category.TV if kind is Kind.ANIME else ordered[0]) // 1000
    return tuple(sorted(ordered, key=lambda category: category // 1000 != own))
