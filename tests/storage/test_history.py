"""Arrivals by time and source, and the history of swarms."""

import json
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from storage.database import Database
from storage.history import DAYS_KEPT, History, OldDays, Span, SwarmDay
from storage.swarms import SwarmCount, Swarms
from storage.torrents import Torrents
from tests.fakes.classified import torrent

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = NOW.replace(second=0)


@pytest.fixture
def sql(conninfo: str):
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


def arrived(sql: psycopg.Connection) -> list[tuple]:
    return sql.execute(
        "SELECT span, name, sum(new), sum(updated) FROM arrival JOIN source ON source.id = source GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()


async def test_arrivals_are_counted_by_minute_and_source_in_the_writers_transaction(database: Database, sql):
    torrents, history = Torrents(database), History(database)
    await torrents.store([torrent("a"), torrent("b"), torrent("c", source="site")])
    await torrents.store([torrent("a"), torrent("d")])
    await torrents.store([torrent("c"), torrent("c", source="site")])
    assert arrived(sql) == [(1, "dht", 3, 2), (1, "site", 1, 1)]
    for span in Span:
        found = await history.arrivals(span, 2)
        assert sum(each.new for each in found) == 4
        assert {each.source for each in found} == {"dht", "site"}
        assert all(each.start.timestamp() % (60 * span) == 0 for each in found)
    assert sql.execute("SELECT count(*) <= 2 * 2 FROM arrival").fetchone() == (True,)  # at most two minutes have begun


async def test_old_minutes_become_hours_and_old_hours_days_and_no_torrent_is_lost(database: Database, sql):
    (source,) = sql.execute("INSERT INTO source (name) VALUES ('dht') RETURNING id").fetchone() or (0,)
    hours = 24 * 40
    sql.execute(
        "INSERT INTO arrival SELECT %s - n * interval '10 minutes', 2, 1, 1, %s FROM generate_series(0, %s) AS n",
        (MINUTE, source, hours * 6 - 1),
    )
    history = History(database)
    whole = [(each.start, each.new) for each in await history.arrivals(Span.DAY, 50)]
    folds = 0
    while await history.fold_arrivals(1000):
        folds += 1
    assert folds > 5
    assert [(each.start, each.new) for each in await history.arrivals(Span.DAY, 50)] == whole
    assert arrived(sql)[0][2:] != arrived(sql)[2][2:]
    assert sum(row[2] for row in arrived(sql)) == hours * 6 * 2
    rows = dict(sql.execute("SELECT span, count(*) FROM arrival GROUP BY span").fetchall())
    assert rows[1] <= 49 * 6
    assert rows[60] <= 35 * 24 + 25
    assert rows[1440] <= 6
    recent = await history.arrivals(Span.MINUTE, 60)
    assert sum(each.new for each in recent) == 12


async def test_reading_arrivals_touches_no_torrent_and_few_rows(database: Database, sql):
    sql.execute("INSERT INTO arrival SELECT %s - n * interval '1 minute', 2, 1, 1, 1 FROM generate_series(0, 2879) AS n", (MINUTE,))
    sql.execute("ANALYZE arrival")
    from storage import history

    given = {"span": timedelta(minutes=1), "spans": 59}
    found = sql.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {history._ARRIVALS}", given).fetchone()
    assert found is not None
    plan = found[0] if not isinstance(found[0], str) else json.loads(found[0])

    def read(node: dict) -> int:
        own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if node.get("Relation Name") == "arrival" else 0
        return own + sum(read(part) for part in node.get("Plans", ()))

    assert read(plan[0]["Plan"]) <= 60


async def test_a_swarm_has_one_count_a_day_and_ninety_days(database: Database, sql):
    await Torrents(database).store([torrent("a"), torrent("b")])
    (first, second) = (row[0] for row in sql.execute("SELECT id FROM torrent ORDER BY id").fetchall())
    swarms, history = Swarms(database), History(database)
    assert await history.days(first) == ()
    for ago in range(120, 0, -1):
        for seeders in (7, 1000 + ago):  # the day's last count is the day's
            at = NOW - timedelta(days=ago) + timedelta(seconds=seeders)
            await swarms.store([SwarmCount(first, seeders, None if ago % 2 else 3, at)])
    await swarms.store([SwarmCount(first, 70_000, 70_000, NOW), SwarmCount(second, 5, 1, NOW)])
    days = await history.days(first)
    assert len(days) == DAYS_KEPT + 1
    assert days[-1] == SwarmDay(NOW.date(), 70_000, 70_000)
    assert [day.seeders for day in days[:3]] == [1090, 1089, 1088]
    assert [day.leechers for day in days[:3]] == [3, None, 3]
    assert days[0].day == NOW.date() - timedelta(days=90)
    assert [day.day for day in days] == sorted({day.day for day in days})
    assert await history.days(second) == (SwarmDay(NOW.date(), 5, 1),)
    assert sql.execute("SELECT id, octet_length(days) / 6 <= 91 FROM swarm_history").fetchall() == [(first, True)]
    await swarms.store([SwarmCount(first, 1, 1, NOW + timedelta(days=1))])
    packed = sql.execute("SELECT substring(days FROM octet_length(days) - 3) FROM swarm_history").fetchone()
    assert packed == (b"\xff\xfe\xff\xfe",)  # more than two bytes hold is as much as they hold


async def test_days_that_are_too_old_are_dropped_a_few_histories_at_a_time(database: Database, sql):
    await Torrents(database).store([torrent(f"number {n}") for n in range(5)])
    today = (NOW.date() - date(2020, 1, 1)).days
    ids = [row[0] for row in sql.execute("SELECT id FROM torrent ORDER BY id").fetchall()]

    def packed(*ages: int) -> bytes:
        return b"".join((today - age).to_bytes(2) + b"\0\1\0\2" for age in ages)

    for torrent_id, ages in zip(ids, ((200, 150), (200, 91, 90, 3), (2,), (), (95,)), strict=True):
        if ages:
            sql.execute("INSERT INTO swarm_history VALUES (%s, %s)", (torrent_id, packed(*ages)))
    old_days = OldDays(database)
    assert [await old_days.prune(2) for _ in range(3)] == [2, 2, 0]
    assert sql.execute("SELECT id, days FROM swarm_history ORDER BY id").fetchall() == [(ids[1], packed(90, 3)), (ids[2], packed(2))]


async def test_where_and_when_a_torrent_was_seen(database: Database, sql):
    torrents, history = Torrents(database), History(database)
    await torrents.store([torrent("a")])
    (torrent_id, first_seen) = sql.execute("SELECT id, first_seen FROM torrent").fetchone() or (0, NOW)
    (only,) = await history.sightings(torrent_id)
    assert (only.source, only.first_seen, only.last_seen) == ("dht", first_seen, first_seen)
    await torrents.store([torrent("a", source="site")])
    first, other = await history.sightings(torrent_id)
    assert (first.source, first.last_seen) == ("dht", None)
    assert (other.source, other.first_seen) == ("site", None)
    assert other.last_seen > first_seen
    ages = await history.ages()
    assert ages.oldest == ages.newest == first_seen
    assert ages.counted_at is None
