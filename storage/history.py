"""What arrived when, from where, and how swarms went by the day."""

import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Any

import psycopg

from storage.database import Connection, Database
from storage.wave import StoredWave

DAYS_KEPT = 90
"""Of a swarm's history."""
MINUTES_KEPT = timedelta(hours=48)
"""Arrivals are then known by the hour."""
HOURS_KEPT = timedelta(days=35)
"""And then by the day, for as long as there is disk."""
_FIRST_DAY = date(2020, 1, 1)
_DAY = struct.Struct(">HHH")
_UNKNOWN = 65535


class Span(IntEnum):
    """How long a time is counted together, in minutes."""

    MINUTE = 1
    HOUR = 60
    DAY = 1440


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What one source brought within one span."""

    start: datetime
    source: str
    new: int
    updated: int
    """Known before."""


@dataclass(frozen=True, slots=True)
class Rate:
    """New torrents that one source brought."""

    source: str
    last_minute: int
    """The last full one."""
    last_hour: int
    """The last sixty minutes, the one that runs included."""
    last_day: int


@dataclass(frozen=True, slots=True)
class SwarmDay:
    """The last count of a day."""

    day: date
    seeders: int
    """65,534 stands for that many and more."""
    leechers: int | None


@dataclass(frozen=True, slots=True)
class Ages:
    """How old what is stored is."""

    oldest: datetime | None
    """First seen."""
    newest: datetime | None
    counted_at: datetime | None
    """The last count of any swarm that was stored with the newest torrents."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A source that has a torrent."""

    source: str
    first_seen: datetime | None
    last_seen: datetime | None
    """None: not known."""


def count(cursor: "psycopg.Cursor[Any]", waves: Iterable[StoredWave], source_ids: Mapping[str, int]) -> None:
    """Count what the waves of a batch brought, by source.

    To be called last in a transaction: the row of this minute stays locked until it ends.
    """
    new: Counter[int] = Counter()
    updated: Counter[int] = Counter()
    for wave in waves:
        sources = {torrent.torrent.source if torrent.torrent.seen_at is None else None for torrent in wave.torrents}
        only = sources.pop() if len(sources) == 1 else None
        if only is not None:
            new[source_ids[only]] += wave.new
            updated[source_ids[only]] += wave.updated
        elif sources:
            for torrent in wave.torrents:
                row = wave.row_of(torrent) if torrent.torrent.seen_at is None else None
                if row is not None:
                    (new if row.is_new else updated)[source_ids[torrent.torrent.source]] += 1
    counted = [(source, new[source], updated[source]) for source in sorted({*new, *updated}) if new[source] or updated[source]]
    if counted:
        cursor.execute(_COUNT, [list(column) for column in zip(*counted, strict=True)], prepare=False)


class History:
    """Reads what `count` and the triggers of 0005_history.sql have kept, and folds what is old."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def arrivals(self, span: Span, spans: int) -> tuple[Arrivals, ...]:
        """What each source brought in each of the last `spans` spans, the oldest first; spans without arrivals are left out."""
        found = await self._database.run(
            lambda connection: connection.execute(_ARRIVALS, {"span": timedelta(minutes=span), "spans": spans - 1}).fetchall()
        )
        return tuple(Arrivals(*row) for row in found)

    async def rates(self) -> tuple[Rate, ...]:
        """How many new torrents each source brought lately."""
        found = await self._database.run(lambda connection: connection.execute(_RATES).fetchall())
        return tuple(Rate(*row) for row in found)

    async def days(self, torrent_id: int) -> tuple[SwarmDay, ...]:
        """A swarm's count at the end of each day it was counted on, the oldest first; today's is the latest one."""
        found = await self._database.run(lambda connection: connection.execute(_DAYS, {"id": torrent_id}).fetchone())
        if found is None:
            return ()
        packed, at, seeders, leechers = found
        earliest = datetime.now(UTC).date() - timedelta(days=DAYS_KEPT)
        days = [day for day in _unpacked(packed or b"") if day.day >= earliest]
        return (*days, SwarmDay(at.astimezone(UTC).date(), seeders, leechers))

    async def sightings(self, torrent_id: int) -> tuple[Sighting, ...]:
        """Where a torrent was found, the first source first."""
        found = await self._database.run(lambda connection: connection.execute(_SIGHTINGS, {"id": torrent_id}).fetchall())
        return tuple(Sighting(*row) for row in found)

    async def ages(self) -> Ages:
        """How old what is stored is; read at the ends of indexes."""
        return await self._database.run(lambda connection: Ages(*_one(connection.execute(_AGES).fetchone())))

    async def fold_arrivals(self, limit: int) -> int:
        """Make hours of old minutes and days of old hours, at most `limit` rows; returns how many were folded."""
        now = datetime.now(UTC)
        steps = ((Span.MINUTE, Span.HOUR, now - MINUTES_KEPT), (Span.HOUR, Span.DAY, now - HOURS_KEPT))
        return await self._database.run(lambda connection: sum(_folded(connection, *step, limit) for step in steps))


class OldDays:
    """Walks the swarms' histories, a few at a time and round and round, and drops days that are too old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last_id = 0

    async def prune(self, limit: int) -> int:
        """Look at the next `limit` histories; returns `limit` when there are more, else how many were looked at."""
        last, seen = await self._database.run(lambda connection: _pruned(connection, self._last_id, limit))
        self._last_id = last if seen == limit else 0
        return seen


def _unpacked(days: bytes) -> list[SwarmDay]:
    return [
        SwarmDay(_FIRST_DAY + timedelta(days=day), seeders, None if leechers == _UNKNOWN else leechers)
        for day, seeders, leechers in _DAY.iter_unpack(days)
    ]


def _folded(connection: Connection, fine: Span, coarse: Span, before: datetime, limit: int) -> int:
    # Whole coarse spans only, so that none is split over both forms.
    step = timedelta(minutes=coarse)
    given = {"fine": fine, "coarse": coarse, "step": step, "before": before, "limit": limit}
    return connection.execute(_FOLD, given).rowcount


def _pruned(connection: Connection, after: int, limit: int) -> tuple[int, int]:
    """The last id looked at, and how many were."""
    first_day = (datetime.now(UTC).date() - _FIRST_DAY).days - DAYS_KEPT
    last, seen = _one(connection.execute(_NEXT_HISTORIES, (after, limit)).fetchone())
    if seen:
        given = {"after": after, "last": last, "first_day": first_day}
        connection.execute(_DROP_HISTORIES, given)
        connection.execute(_SHORTEN_HISTORIES, given)
    return last or 0, seen


def _one(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise LookupError("a statement that always gives a row gave none")
    return row


_COUNT = """
INSERT INTO arrival AS a (start, new, updated, span, source)
SELECT date_trunc('minute', now()), new, updated, 1, source FROM unnest(%s::smallint[], %s::int[], %s::int[]) AS c (source, new, updated)
ON CONFLICT (start, span, source) DO UPDATE SET new = a.new + excluded.new, updated = a.updated + excluded.updated
"""
_ARRIVALS = """
SELECT date_bin(%(span)s, start, timestamptz '2020-01-01 00:00Z') AS began, coalesce(source.name, 'other'), sum(new)::bigint,
    sum(updated)::bigint
FROM arrival LEFT JOIN source ON source.id = arrival.source
WHERE start >= date_bin(%(span)s, now(), timestamptz '2020-01-01 00:00Z') - %(span)s * %(spans)s
GROUP BY began, source.name ORDER BY began, source.name
"""
_RATES = """
SELECT coalesce(source.name, 'other'),
    coalesce(sum(new) FILTER (WHERE start >= minute - interval '1 minute' AND start < minute), 0)::bigint,
    coalesce(sum(new) FILTER (WHERE start > minute - interval '1 hour'), 0)::bigint,
    sum(new)::bigint
FROM date_trunc('minute', now()) AS minute, arrival LEFT JOIN source ON source.id = arrival.source
WHERE span = 1 AND start > date_trunc('minute', now()) - interval '1 day'
GROUP BY source.name ORDER BY source.name
"""
_DAYS = "SELECT days, at, seeders, leechers FROM swarm LEFT JOIN swarm_history USING (id) WHERE id = %(id)s"
# When the first source has seen it last is known only while it is the only one.
_SIGHTINGS = """
SELECT source.name, t.first_seen, CASE WHEN EXISTS (SELECT FROM torrent_source WHERE torrent_id = t.id) THEN NULL ELSE t.last_seen END
FROM torrent AS t JOIN source ON source.id = t.first_source WHERE t.id = %(id)s
UNION ALL (
    SELECT source.name, NULL, other.seen
    FROM torrent AS t JOIN torrent_source AS other ON other.torrent_id = t.id JOIN source ON source.id = other.source
    WHERE t.id = %(id)s AND other.source <> t.first_source ORDER BY source.id)
"""
_AGES = """
SELECT (SELECT min(first_seen) FROM search), (SELECT max(first_seen) FROM search),
    (SELECT max(at) FROM swarm WHERE id IN (SELECT id FROM search ORDER BY first_seen DESC LIMIT 100))
"""
_FOLD = """
WITH old AS (
    DELETE FROM arrival WHERE (start, span, source) IN (
        SELECT start, span, source FROM arrival
        WHERE span = %(fine)s AND start < date_bin(%(step)s, %(before)s, timestamptz '2020-01-01 00:00Z')
        ORDER BY start LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING start, new, updated, source
), added AS (
    INSERT INTO arrival AS a (start, new, updated, span, source)
    SELECT date_bin(%(step)s, start, timestamptz '2020-01-01 00:00Z') AS began, sum(new), sum(updated), %(coarse)s, source
    FROM old GROUP BY began, source
    ON CONFLICT (start, span, source) DO UPDATE SET new = a.new + excluded.new, updated = a.updated + excluded.updated
)
SELECT FROM old
"""
_NEXT_HISTORIES = "SELECT max(id), count(*) FROM (SELECT id FROM swarm_history WHERE id > %s ORDER BY id LIMIT %s) AS h"
_OLD_HISTORIES = "id > %(after)s AND id <= %(last)s"
_DROP_HISTORIES = f"""
DELETE FROM swarm_history
WHERE {_OLD_HISTORIES} AND substring(days FROM octet_length(days) - 5 FOR 2) < int2send(%(first_day)s::smallint)
"""  # noqa: S608 - a constant
_SHORTEN_HISTORIES = f"""
UPDATE swarm_history SET days = swarm_days_since(days, %(first_day)s::smallint)
WHERE {_OLD_HISTORIES} AND substring(days FROM 1 FOR 2) < int2send(%(first_day)s::smallint)
"""  # noqa: S608 - a constant
