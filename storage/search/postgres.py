"""The default search engine: PostgreSQL's own text search, planned by hand.

Left alone, the planner either walks an index in result order hoping for early matches (1.5 s when they are at its end) or fetches every
match of a common word to sort it (0.4 s). Here each order starts where its first results must be, and goes on only if they do not fill
the page: the newest, largest or most popular rows, then all matches up to a cap, then a walk. Every step is exact, so pages never overlap.
"""

from dataclasses import dataclass, replace
from typing import Any

from catalog.model import TorrentRow
from storage import rows
from storage.database import Connection, Database
from storage.search.conditions import conditions_of
from storage.search.engine import COUNT_CAP, MAX_WINDOW, FilterStep, Order, Position, SearchPage, SearchQuery
from storage.search.funnel import stages
from storage.search.memory import SearchMemory
from storage.search.tsquery import TextSearch, text_search

HOT_ROWS = 2000
"""Newest or largest rows read first: a few milliseconds."""
SORT_CAP = 20_000
"""Matches that are fetched to be sorted; beyond, a word is common and its matches are found by walking."""
RANK_CAP = 5000
"""The same where each match is weighed as well."""
FEW_ROWS = 5000
"""Rows that are read to see whether their category or kind fits. For the index those are the dearest part of a query: a film's words and
year take it 2 ms among a million torrents, the same with seven categories of films 6."""
COMMON_ROWS = 4 * RANK_CAP
"""Matches the planner expects of words that are not even tried to be ranked (20 ms). Should it err fourfold, seeders decide, not words."""
PAGE_ROWS = 20_000
"""Rows read for a page further back, when those read first show that so many will do: 15 ms."""
WALK_ROWS = 200_000
"""Rows walked for a common word before everything is sorted after all."""
EXPLAIN_TIMEOUT_S = 5
"""For one count of an explanation: nobody waits for it, but it must not keep a connection from those who search."""
TIERS = (9, 5, 1)
"""Popularities with an index of their own: from 256, 16 and 1 seeders on."""

_NEWEST = "first_seen DESC, id"
_SEEDERS = f"coalesce(seeders, 0) DESC, {_NEWEST}"
_SIZE = f"size DESC, {_NEWEST}"
_RELEVANCE = f"rank DESC, {_SEEDERS}"
_OLDEST = "first_seen, id"
_SMALLEST = f"size, {_NEWEST}"
_FIRST_ROWS = {
    _NEWEST: f"ORDER BY {_NEWEST} LIMIT {{}}",
    # The index knows sizes roughly, so a class of them counts whole or not at all.
    _SIZE: "ORDER BY size_class(size) DESC FETCH FIRST {} ROWS WITH TIES",
    _OLDEST: f"ORDER BY {_OLDEST} LIMIT {{}}",
    _SMALLEST: "ORDER BY size_class(size) FETCH FIRST {} ROWS WITH TIES",
}
"""How all rows begin, as an index gives them."""
_SORTED_ORDERS = {
    Order.FEWEST_SEEDERS: f"coalesce(seeders, 0), {_NEWEST}",
    Order.MOST_FILES: f"file_count DESC, {_NEWEST}",
    Order.FEWEST_FILES: f"file_count, {_NEWEST}",
    Order.NAME: f"lower_name, {_NEWEST}",
    Order.NAME_BACKWARDS: f"lower_name DESC, {_NEWEST}",
}
"""Orders that no index gives."""
_POSITIONED = frozenset({Order.NEWEST, Order.RELEVANCE, Order.SEEDERS, Order.SIZE})
"""Orders of which a page can be told where it begins."""
_JOINS = {
    # Without a count, or with none, a torrent has no popularity and needs no look-up: that is most of them.
    "seeders": "LEFT JOIN LATERAL (SELECT seeders FROM swarm WHERE swarm.id = hits.id AND hits.pop > 0 OFFSET 0) AS swarm ON true",
    "file_count": "JOIN (SELECT id, file_count FROM torrent) AS shown USING (id)",
    "lower_name": "JOIN (SELECT id, lower(name) AS lower_name FROM torrent) AS shown USING (id)",
}
"""Where an order's columns are, if not in `search`."""


class PostgresSearch:
    """Answers searches from the tables the writer fills; nothing to set up and never behind."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = SearchMemory()

    async def search(self, query: SearchQuery) -> SearchPage:
        """One page. Raises DatabaseUnavailable, or StatementTimeout (a DatabaseRefused)."""
        asked = text_search(query)
        if asked.finds_nothing:
            return SearchPage((), 0, total_is_exact=True)
        return await self._database.run(lambda connection: _search(connection, query, asked, self._memory))

    async def explain(self, query: SearchQuery) -> tuple[FilterStep, ...]:
        """What each filter leaves. Raises DatabaseUnavailable, or StatementTimeout (a DatabaseRefused)."""
        return await self._database.run(lambda connection: _explain(connection, query))


@dataclass(frozen=True, slots=True)
class _Found:
    ids: list[int]
    total: int | None = None
    """Matches in all, when the way they were found tells."""
    order: Order | None = None
    """By what they are ordered, when that is not what was asked for."""


@dataclass(frozen=True, slots=True)
class _Walked:
    ids: list[int]
    matches: int
    """Those before the page included."""


def _search(connection: Connection, query: SearchQuery, asked: TextSearch, memory: SearchMemory) -> SearchPage:
    # One state of the index for all steps of a search, or what moves between two of them is found twice.
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    limit = max(0, min(query.limit, MAX_WINDOW - query.offset))
    finder = _Finder(connection, query, asked, limit)
    found = _Found([]) if limit == 0 else finder.find(query.order)
    if found.total is not None and query.after is None:
        total, is_exact = found.total, True
    elif memory.has_many(query):
        total, is_exact = COUNT_CAP + 1, False
    else:
        total, is_exact = finder.count()
        if not is_exact:
            memory.note_many(query)
    if not is_exact and limit:
        # What follows a full page is at least possible, and a client that stops at `total` should not stop here.
        total = max(total, query.offset + len(found.ids) + (len(found.ids) == limit))
    page = rows.by_ids(connection, found.ids, memory.rows)
    order = found.order or query.order
    has_next = 0 < limit <= len(page) and order in _POSITIONED
    return SearchPage(page, total, is_exact, finder.position(page[-1], order) if has_next else None)


def _explain(connection: Connection, query: SearchQuery) -> tuple[FilterStep, ...]:
    connection.execute(f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '{EXPLAIN_TIMEOUT_S}s'")
    steps: list[FilterStep] = []
    for stage in stages(query):
        asked = text_search(stage.query)
        if asked.finds_nothing or (steps and steps[-1].rows_left == 0):
            steps.append(FilterStep(stage.name, stage.value, 0, is_exact=True))
            continue
        count, is_exact = _Finder(connection, stage.query, asked, 0).count()
        steps.append(FilterStep(stage.name, stage.value, count if is_exact else COUNT_CAP, is_exact))
    return tuple(steps)


class _Finder:
    """One search: its conditions in SQL, and the ways to find its matches in some order."""

    def __init__(self, connection: Connection, query: SearchQuery, asked: TextSearch, limit: int) -> None:
        self._connection = connection
        self._asked = asked
        self._offset, self._limit = query.offset, limit
        self._after = query.after
        self._at_least = 0  # matches seen on the way: often enough of them that nothing has to be counted
        self._expected = 0 if asked.narrow is None else self._estimate(asked.narrow)
        if asked.narrow is not None and self._expected <= FEW_ROWS:
            conditions = conditions_of(query, asked.narrow, asked.wide)
        else:
            conditions = conditions_of(query, asked.everything)
        self._match, self._time = conditions.match, conditions.time
        self._parameters = conditions.parameters
        if query.after is not None:
            self._parameters |= {f"after_{name}": getattr(query.after, name) for name in ("id", "first_seen", "size", "seeders", "rank")}

    def find(self, order: Order) -> _Found:
        """A page in this order."""
        if order is Order.RELEVANCE and self._asked.words:
            return self.by_relevance()
        if order is Order.SEEDERS:
            return self.by_seeders()
        if order is Order.SIZE:
            return self.by_size()
        if order is Order.OLDEST or order is Order.SMALLEST:
            return self._walk_or_sort(_OLDEST if order is Order.OLDEST else _SMALLEST, self._offset, self._limit)
        if order in _SORTED_ORDERS and (found := self._sorted(_SORTED_ORDERS[order], self._offset, self._limit, cap=SORT_CAP)):
            return found
        return replace(self.newest(self._offset, self._limit), order=Order.NEWEST)

    def position(self, row: TorrentRow, order: Order) -> Position:
        """Where `row` stands."""
        rank = 0
        if order is Order.RELEVANCE and self._asked.words:
            rank = self._value(f"SELECT {self._rank()} FROM search WHERE id = {row.id}")  # noqa: S608 - made here
        return Position(order, row.id, row.first_seen, row.size, row.seeders or 0, rank)

    def newest(self, offset: int, limit: int, condition: str = "true") -> _Found:
        """Newest first."""
        if self._match == condition == "true":
            return _Found(self._walk(_NEWEST, offset + limit, offset, limit).ids)
        return self._walk_or_sort(_NEWEST, offset, limit, condition)

    def by_seeders(self) -> _Found:
        """Tier by tier from the most popular on: whoever is in a tier has more seeders than all below it."""
        popular = _Found([], 0)
        for tier in TIERS:
            if self._after is not None and tier > self._after.seeders.bit_length():
                continue  # popularity() counts bits as well: the whole tier is behind us
            condition = f"pop >= {tier}"
            found = self._sorted(_SEEDERS, self._offset, self._limit, condition, cap=SORT_CAP)
            popular = found or self._all_sorted(_SEEDERS, self._offset, self._limit, condition)
            if len(popular.ids) == self._limit:
                return _Found(popular.ids)
        everything = self._sorted(_SEEDERS, self._offset, self._limit, cap=SORT_CAP)
        if everything is not None:
            return everything
        # The rest have no seeders, as far as we know: among them the newest are first.
        offset = max(0, self._offset - (popular.total or 0))
        rest = self.newest(offset, self._limit - len(popular.ids), "pop = 0")
        return _Found(popular.ids + rest.ids)

    def by_relevance(self) -> _Found:
        """By how well the words fit; among the many matches of common words that says little, and seeders decide."""
        if self._after is None and self._expected > COMMON_ROWS:
            return replace(self.by_seeders(), order=Order.SEEDERS)
        if self._after is None:
            found = self._sorted(_RELEVANCE, self._offset, self._limit, cap=RANK_CAP)
            return found or replace(self.by_seeders(), order=Order.SEEDERS)
        if self._after.order is Order.RELEVANCE:  # as the pages before, even if there are more matches by now
            return self._all_sorted(_RELEVANCE, self._offset, self._limit)
        return replace(self.by_seeders(), order=Order.SEEDERS)

    def by_size(self) -> _Found:
        """Largest first."""
        return self._walk_or_sort(_SIZE, self._offset, self._limit)

    def count(self) -> tuple[int, bool]:
        """How many match, counted up to COUNT_CAP + 1; and whether that is all."""
        if self._match == self._time == "true":
            return int(self._value("SELECT coalesce(sum(n), 0) FROM tally")), True
        if self._at_least > COUNT_CAP:
            return COUNT_CAP + 1, False
        counted = f"SELECT FROM search AS s WHERE {self._match} AND {self._time} LIMIT {COUNT_CAP + 1}"
        total = self._value(f"SELECT count(*) FROM ({counted}) AS counted")  # noqa: S608
        return total, total <= COUNT_CAP

    def _walk_or_sort(self, order: str, offset: int, limit: int, condition: str = "true") -> _Found:
        """Most pages are filled by the first rows of all in that order; if not, few rows match, or they lie deep."""
        walked = self._walk(order, HOT_ROWS, offset, limit, condition)
        if len(walked.ids) == limit:
            return _Found(walked.ids)
        # Deep pages of what is frequent: rows in order are read ten times as fast as matches by GIN, which must be sorted as well.
        likely = HOT_ROWS * (offset + limit) * 4 // (3 * walked.matches) if walked.matches else WALK_ROWS
        if likely <= PAGE_ROWS:
            walked = self._walk(order, likely, offset, limit, condition)
            if len(walked.ids) == limit:
                return _Found(walked.ids)
        found = self._sorted(order, offset, limit, condition, cap=SORT_CAP)
        if found is not None:
            return found
        walked = self._walk(order, WALK_ROWS, offset, limit, condition)
        return _Found(walked.ids) if len(walked.ids) == limit else self._all_sorted(order, offset, limit, condition)

    def _walk(self, order: str, length: int, offset: int, limit: int, condition: str = "true") -> _Walked:
        """Matches among the first `length` rows of all. The inner limit keeps the planner from looking elsewhere."""
        start, _ = self._start(order)
        # The order is told twice and made once: the rows come in it.
        ids, matches = self._row(
            f"""
            WITH hits AS MATERIALIZED (
                SELECT id, first_seen, size FROM (
                    SELECT id, first_seen, size, pop, title_words, tsv FROM search AS s
                    WHERE {self._time} AND {start} {_FIRST_ROWS[order].format(length)}
                ) AS s
                WHERE {self._match} AND {condition} ORDER BY {order} LIMIT {limit + offset}
            )
            SELECT ARRAY(SELECT id FROM hits ORDER BY {order} LIMIT {limit} OFFSET {offset}), (SELECT count(*) FROM hits)
            """  # noqa: S608 - conditions are made here, values are parameters
        )
        self._at_least = max(self._at_least, matches)
        return _Walked(ids, matches)

    def _sorted(self, order: str, offset: int, limit: int, condition: str = "true", *, cap: int) -> _Found | None:
        """All matches, if they are not more than `cap`, sorted; None if they are more."""
        found = self._matches(order, offset, limit, condition, cap)
        return None if found.total is None or found.total > cap else found

    def _all_sorted(self, order: str, offset: int, limit: int, condition: str = "true") -> _Found:
        return self._matches(order, offset, limit, condition, None)

    def _matches(self, order: str, offset: int, limit: int, condition: str, cap: int | None) -> _Found:
        hits = "hits"
        columns = "id, first_seen, size, pop"
        if order == _RELEVANCE:
            columns += ", title_words, tsv"
            hits = f"(SELECT *, {self._rank()} AS rank FROM hits) AS hits"  # noqa: S608
        join = " ".join(sql for column, sql in _JOINS.items() if column in order)
        start, after = self._start(order)
        # More than `cap` are neither ranked, nor joined, nor sorted: the server looks at this condition first, and once.
        few = "true" if cap is None else f"(SELECT count(*) FROM hits) <= {cap}"  # noqa: S608
        ids, total = self._row(
            f"""
            WITH hits AS MATERIALIZED (
                SELECT {columns} FROM search AS s
                WHERE {self._match} AND {self._time} AND {condition} AND {start} {"" if cap is None else f"LIMIT {cap + 1}"}
            )
            SELECT ARRAY(SELECT id FROM {hits} {join} WHERE {few} AND {after} ORDER BY {order} LIMIT {limit} OFFSET {offset}),
                (SELECT count(*) FROM hits)
            """  # noqa: S608
        )
        self._at_least = max(self._at_least, total)
        return _Found(ids, total)

    def _start(self, order: str) -> tuple[str, str]:
        """What is true of all rows after the page before: roughly, by what an index knows of rows; and exactly."""
        after = self._after
        # Those without seeders follow, newest first, when all that have some are through.
        if after is None or (order == _NEWEST and after.order in {Order.SEEDERS, Order.RELEVANCE} and after.seeders > 0):
            return "true", "true"
        newest = "first_seen <= %(after_first_seen)s AND (first_seen < %(after_first_seen)s OR id > %(after_id)s)"
        seeders = f"(coalesce(seeders, 0) < %(after_seeders)s OR coalesce(seeders, 0) = %(after_seeders)s AND {newest})"
        if order == _NEWEST:
            return newest, "true"
        if order == _SIZE:
            exact = f"(size < %(after_size)s OR size = %(after_size)s AND {newest})"
            return f"size_class(size) <= size_class(%(after_size)s) AND {exact}", "true"
        if order == _SEEDERS:
            return "pop <= popularity(%(after_seeders)s)", seeders
        return "true", f"(rank < %(after_rank)s OR rank = %(after_rank)s AND {seeders})"

    def _rank(self) -> str:
        """4: the words name the whole title; 3: all are in the title; 2: some are; 1: in the name; 0: some only in file names.

        Where a word stands is told by its ts_rank: 0.6 or more in the title (weight A), at most 0.1 in the rest of the name (B), nothing
        in file names. A query with weights would not do: it takes words without position, those of the files, for a match of any weight.
        """
        in_title, in_name = [], []
        for number, operand in enumerate(self._asked.words):
            self._parameters[f"word_{number}"] = operand
            place = f"ts_rank('{{0, 0, 0.1, 1}}', tsv, %(word_{number})s::tsquery)"
            in_title.append(f"({place} > 0.5)::int")
            in_name.append(f"{place} > 0")
        hits = " + ".join(in_title)
        return f"""CASE WHEN NOT ({" AND ".join(in_name)}) THEN 0
            WHEN title_words > 0 AND {hits} >= title_words THEN 4
            WHEN {hits} = {len(in_title)} THEN 3 WHEN {hits} > 0 THEN 2 ELSE 1 END"""

    def _estimate(self, tsquery: str) -> int:
        """How many rows the planner expects: 0.3 ms."""
        explain = "EXPLAIN (FORMAT JSON) SELECT FROM search WHERE tsv @@ %s::tsquery"
        (plan,), *_ = self._connection.execute(explain, (tsquery,), prepare=False)
        return int(plan[0]["Plan"]["Plan Rows"])

    def _row(self, statement: str) -> tuple[Any, ...]:
        # Never prepared: a plan for any words would be the wrong one for these.
        found: tuple[Any, ...] | None = self._connection.execute(statement, self._parameters, prepare=False).fetchone()
        assert found is not None  # noqa: S101 - these statements always give one row
        return found

    def _value(self, statement: str) -> Any:
        return self._row(statement)[0]
