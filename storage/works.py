"""The works that torrents hold: kept from what sources say, found again by their numbers elsewhere. catalog/works.py decides."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from catalog.model import ClassifiedTorrent
from catalog.works import MAX_TITLES, Claim, Medium, Shelf, Work, claim_of
from protocol.identifiers import ExternalId
from storage.database import Connection, Database
from storage.wave import StoredWave

Cursor = psycopg.Cursor[Any]

CERTAIN = 1000
"""The confidence, in thousandths, of what an authorised client says."""
RESOLVED = 500
"""Numbers and titles below it do not find anything."""
ORIGIN = "ingest"
_AUTHORITIES = ("imdb", "tmdb", "tvdb")


class Works:
    """Finds works by their numbers, and knows which numbers can find anything."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[Medium, frozenset[str]] = {}

    def held(self, medium: Medium) -> frozenset[str]:
        """The authorities of which numbers are held, as of the last `refresh`: never waits for the database."""
        return self._held.get(medium, frozenset())

    async def refresh(self) -> None:
        """Look up again which numbers are held. Raises DatabaseUnavailable."""
        found = await self._database.run(lambda connection: connection.execute(_HELD, (list(_AUTHORITIES), list(Medium))).fetchall())
        held = defaultdict(set)
        for authority, medium in found:
            held[Medium(medium)].add(authority)
        self._held = {medium: frozenset(authorities) for medium, authorities in held.items()}

    async def resolve(self, ids: Collection[ExternalId], media: Collection[Medium] = tuple(Medium)) -> tuple[Work, ...]:
        """The works of these media that have any of these numbers; none for numbers nobody has told us. Raises DatabaseUnavailable."""
        if not ids:
            return ()
        keys = [(given.authority, given.number, medium) for given in ids for medium in media]
        found = await self._database.run(lambda connection: _works_of(connection, keys, RESOLVED))
        for work in found:
            self._held[work.medium] = self.held(work.medium) | work.numbers.keys()
        return tuple(found)


def place(cursor: Cursor, wave: Sequence[ClassifiedTorrent], blocked: Container[bytes], renamed: Mapping[bytes, bytes]) -> dict[bytes, int]:
    """Find or make the works of the ids that a wave brings. Before its torrents are stored, so that their search rows are written once.

    Returns the works by the info hash their torrent will stand under.
    """
    claims: list[tuple[bytes, Claim]] = []
    for torrent in wave:
        claim = claim_of(torrent)
        info_hash = torrent.torrent.info_hash
        if claim is not None and info_hash not in blocked:
            claims.append((renamed.get(info_hash, info_hash), claim))
    if not claims:
        return {}
    known = _works_of(cursor, {(given.authority, given.number, claim.medium) for _, claim in claims for given in claim.ids})
    shelf = Shelf(known)
    placed = [(info_hash, shelf.place(claim)) for info_hash, claim in claims]
    ids = _keep(cursor, {work.id: work for work in known}, shelf)
    works = {info_hash: ids[shelf.current(work_id)] for info_hash, work_id in placed if work_id is not None}
    cursor.execute(_MARK, (list(works), list(works.values())), prepare=False)
    return works


def link(cursor: Cursor, wave: StoredWave, works: Mapping[bytes, int]) -> None:
    """Keep which torrent of a wave just stored holds which of `works`, as `place` has found; the newest word counts."""
    if not works:
        return
    links = {wave.rows[info_hash].id: work for info_hash, work in works.items() if info_hash in wave.rows}
    if links:
        torrents, numbers = zip(*sorted(links.items()), strict=True)
        values = {"torrents": list(torrents), "works": list(numbers), "confidence": CERTAIN, "origin": ORIGIN}
        cursor.execute(_LINK, values, prepare=False)


def _works_of(connection: Connection | Cursor, keys: Iterable[tuple[str, int, int]], confidence: int = 0) -> list[Work]:
    """The works with any of these numbers (authority, number, medium)."""
    wanted = list(zip(*sorted(keys), strict=True))
    found = connection.execute(_WORKS_OF, (confidence, MAX_TITLES, *map(list, wanted), confidence), prepare=False).fetchall()
    return [
        Work(number, Medium(medium), title, year, frozenset(titles), dict(zip(authorities, map(int, numbers), strict=True)))
        for number, medium, title, year, titles, authorities, numbers in found
    ]


def _keep(cursor: Cursor, known: Mapping[int, Work], shelf: Shelf) -> dict[int, int]:
    """Write what the shelf has that the tables have not; returns the stored id of each of its works."""
    for gone, whole in shelf.joined.items():
        if gone > 0:
            _join(cursor, gone, shelf.current(whole))
    new = [work for work in shelf.works.values() if work.id < 0]
    ids = {number: number for number in shelf.works if number > 0}
    if new:
        numbers = cursor.execute(_NEW_IDS, (len(new),)).fetchall()
        ids |= {work.id: number for work, (number,) in zip(new, numbers, strict=True)}
    stored = {(authority, number, work.medium) for work in known.values() for authority, number in work.numbers.items()}
    changed = [_Change(ids[work.id], work, known.get(work.id)) for work in shelf.works.values() if work != known.get(work.id)]
    for statement, rows in (
        (_ADD_WORK, [change.work_row for change in changed if change.before is None]),
        (_NAME_WORK, [change.name_row for change in changed if change.is_renamed]),
        (_ADD_NUMBER, sorted(row for change in changed for row in change.number_rows if row[:3] not in stored)),
        (_ADD_TITLE, sorted(row for change in changed for row in change.title_rows)),
    ):
        if rows:
            cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)], prepare=False)
    return ids


@dataclass(frozen=True, slots=True)
class _Change:
    """A work that is new or knows more than before, as rows to write."""

    id: int
    work: Work
    before: Work | None

    @property
    def work_row(self) -> tuple[Any, ...]:
        return self.id, self.work.medium, self.work.year, self.work.title

    @property
    def name_row(self) -> tuple[Any, ...]:
        return self.work.year, self.work.title, self.id

    @property
    def is_renamed(self) -> bool:
        return self.before is not None and (self.before.title, self.before.year) != (self.work.title, self.work.year)

    @property
    def number_rows(self) -> list[tuple[Any, ...]]:
        return [(authority, number, self.work.medium, self.id, CERTAIN, ORIGIN) for authority, number in self.work.numbers.items()]

    @property
    def title_rows(self) -> list[tuple[Any, ...]]:
        known = self.before.titles if self.before is not None else frozenset()
        return [(self.id, words, CERTAIN, ORIGIN) for words in self.work.titles - known]


def _join(cursor: Cursor, gone: int, whole: int) -> None:
    """Make two stored works one."""
    for statement in _JOIN:
        cursor.execute(statement, {"gone": gone, "whole": whole})


_HELD = f"""
SELECT authority, medium FROM unnest(%s::text[]) AS authority, unnest(%s::smallint[]) AS medium
WHERE EXISTS (
    SELECT FROM work_number WHERE work_number.authority = authority.authority AND work_number.medium = medium.medium
        AND confidence >= {RESOLVED})
"""  # noqa: S608 - a constant
_WORKS_OF = """
SELECT id, medium, title, year,
    ARRAY(SELECT words FROM work_title AS t WHERE t.work_id = work.id AND t.confidence >= %s ORDER BY t.confidence DESC, words LIMIT %s),
    ARRAY(SELECT authority FROM work_number AS n WHERE n.work_id = work.id ORDER BY authority),
    ARRAY(SELECT number FROM work_number AS n WHERE n.work_id = work.id ORDER BY authority)
FROM work
WHERE id IN (
    SELECT work_id FROM unnest(%s::text[], %s::numeric[], %s::smallint[]) AS wanted (authority, number, medium)
    JOIN work_number USING (authority, number, medium) WHERE confidence >= %s)
ORDER BY id
"""
_NEW_IDS = "SELECT nextval(pg_get_serial_sequence('work', 'id'))::int FROM generate_series(1, %s)"
# Each takes its rows as columns: one statement, however many there are.
_ADD_WORK = "INSERT INTO work (id, medium, year, title) SELECT * FROM unnest(%s::int[], %s::smallint[], %s::smallint[], %s::text[])"
_NAME_WORK = """
UPDATE work SET year = named.year, title = named.title
FROM unnest(%s::smallint[], %s::text[], %s::int[]) AS named (year, title, id) WHERE work.id = named.id
"""
_ADD_NUMBER = """
INSERT INTO work_number (authority, number, medium, work_id, confidence, origin)
SELECT * FROM unnest(%s::text[], %s::numeric[], %s::smallint[], %s::int[], %s::smallint[], %s::text[])
"""
_ADD_TITLE = """
INSERT INTO work_title (work_id, words, confidence, origin)
SELECT * FROM unnest(%s::int[], %s::text[], %s::smallint[], %s::text[]) ON CONFLICT DO NOTHING
"""
_JOIN = (
    """
    UPDATE search SET tsv = ts_delete(tsv, '#w' || %(gone)s::int) || work_lexemes(%(whole)s) FROM torrent_work
    WHERE search.id = torrent_id AND work_id = %(gone)s
    """,
    "UPDATE torrent_work SET work_id = %(whole)s WHERE work_id = %(gone)s",
    "UPDATE work_number SET work_id = %(whole)s WHERE work_id = %(gone)s",
    """
    INSERT INTO work_title (work_id, words, confidence, origin)
    SELECT %(whole)s, words, confidence, origin FROM work_title WHERE work_id = %(gone)s ON CONFLICT DO NOTHING
    """,
    "DELETE FROM work WHERE id = %(gone)s",
)
_MARK = """
UPDATE incoming SET tsv = tsv || work_lexemes(work_id) FROM unnest(%s::bytea[], %s::int[]) AS placed (info_hash, work_id)
WHERE incoming.info_hash = placed.info_hash
"""
# What is searched knows the new link already; the one before, where there was another, has come back from the table.
_LINK = """
WITH before AS (
    SELECT torrent_id, work_id FROM torrent_work WHERE torrent_id = ANY(%(torrents)s)
), linked AS (
    INSERT INTO torrent_work AS l (torrent_id, work_id, confidence, origin)
    SELECT torrent_id, work_id, %(confidence)s, %(origin)s FROM unnest(%(torrents)s::bigint[], %(works)s::int[]) AS w (torrent_id, work_id)
    ON CONFLICT (torrent_id) DO UPDATE SET work_id = excluded.work_id, confidence = excluded.confidence, origin = excluded.origin
    WHERE (l.work_id, l.confidence, l.origin) IS DISTINCT FROM (excluded.work_id, excluded.confidence, excluded.origin)
    RETURNING torrent_id, work_id
)
UPDATE search SET tsv = ts_delete(tsv, '#w' || before.work_id)
FROM linked JOIN before USING (torrent_id)
WHERE search.id = torrent_id AND before.work_id <> linked.work_id
"""
