"""Jobs: one at a time, with their place kept; and stored torrents that are stored once more without having been seen."""

from dataclasses import replace

import psycopg
import pytest

from catalog.model import Kind
from storage.blocked import Blocked
from storage.database import Database
from storage.history import History, Span
from storage.jobs import Jobs, JobState, Task
from storage.torrents import Torrents
from tests.fakes.classified import info_hash, torrent


@pytest.fixture
def sql(conninfo: str):
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


async def test_one_job_runs_at_a_time_and_keeps_its_place(database: Database):
    jobs = Jobs(database)
    await Torrents(database).store([torrent(f"number {n}", kind=Kind.TV if n % 3 else Kind.MOVIE) for n in range(30)])
    job = await jobs.start(Task.REPROCESS, kinds=[Kind.MOVIE])
    assert job is not None
    assert (job.state, job.total, job.done, job.kinds) == (JobState.RUNNING, 30, 0, (Kind.MOVIE,))
    assert await jobs.start(Task.REINDEX) is None
    seen = []
    while (step := await jobs.step(job, 4)).passed:
        seen += [each.torrent.name for each in step.torrents]
        assert all(each.kind is Kind.MOVIE for each in step.torrents)
        job = await Jobs(database).advance(job.id, step, refused=1)  # whoever goes on after a restart
        assert job is not None
        assert await jobs.running() == job
    assert len(seen) == len(set(seen)) == 10
    assert (job.done, job.refused) == (30, 3)
    assert await jobs.finish(job.id)
    assert await jobs.running() is None
    assert not await jobs.finish(job.id)
    other = await jobs.start(Task.REINDEX)
    assert other is not None
    assert await jobs.remove(other.id)
    assert not await jobs.remove(other.id)
    assert await jobs.advance(other.id, step, refused=0) is None
    assert [(each.task, each.state) for each in await jobs.latest(9)] == [(Task.REPROCESS, JobState.DONE)]
    assert await jobs.get(job.id) == (await jobs.latest(1))[0]


async def test_a_job_for_old_versions_passes_the_others(database: Database):
    jobs = Jobs(database)
    await Torrents(database).store([torrent(f"number {n}", classifier_version=1 + n % 2) for n in range(10)])
    job = await jobs.start(Task.REPROCESS, older_than=2)
    assert job is not None
    step = await jobs.step(job, 100)
    assert (len(step.torrents), step.passed) == (5, 10)
    assert {each.classifier_version for each in step.torrents} == {1}


FACTS = (
    "SELECT last_seen, first_seen, first_source, published_at, files, name, site_category, trackers, seeders, "
    "ARRAY(SELECT (seen, source) FROM torrent_source WHERE torrent_id = t.id) FROM torrent AS t LEFT JOIN swarm USING (id)"
)


async def test_a_torrent_stored_once_more_was_not_seen_once_more(database: Database, sql):
    torrents = Torrents(database)
    await torrents.store([torrent("Sintel.2010.1080p", seeders=9, leechers=2, source="site", site_category="2040")])
    await torrents.store([torrent("Sintel.2010.1080p", source="dht")])
    before = sql.execute(FACTS).fetchone()
    arrivals = await History(database).arrivals(Span.HOUR, 2)
    stored = await Jobs(database).torrent(1)
    assert stored is not None
    assert stored.torrent.files
    assert (stored.torrent.source, stored.torrent.site_category) == ("site", "2040")
    again = replace(stored, kind=Kind.TV, parsed=replace(stored.parsed, title="Sintel again"), classifier_version=7)
    await torrents.store([again])
    assert sql.execute(FACTS).fetchone() == before
    assert sql.execute("SELECT title, kind, classifier_version FROM torrent").fetchone() == ("Sintel again", 2, 7)
    assert await History(database).arrivals(Span.HOUR, 2) == arrivals
    (row,) = (await torrents.by_info_hash(stored.torrent.info_hash),)
    assert row is not None
    assert 5000 in row.categories


async def test_what_was_observed_meanwhile_wins_over_what_is_stored_once_more(database: Database, sql):
    torrents = Torrents(database)
    await torrents.store([torrent("Old name", info_hash=info_hash(1))])
    stored = await Jobs(database).torrent(1)
    assert stored is not None
    await torrents.store([torrent("New name", info_hash=info_hash(1))])
    await torrents.store([stored])
    assert sql.execute("SELECT name FROM torrent").fetchone() == ("New name",)
    current = await Jobs(database).torrent(1)
    assert current is not None
    newest = torrent("Newest name", info_hash=info_hash(1))
    await torrents.store([newest, replace(current, parsed=replace(current.parsed, title="x"))])  # in one batch, whatever the order
    assert sql.execute("SELECT name, title FROM torrent").fetchone() == ("Newest name", newest.parsed.title)


async def test_a_torrent_that_left_meanwhile_does_not_come_back(database: Database, sql):
    torrents, blocked = Torrents(database), Blocked(database)
    await torrents.store([torrent("a"), torrent("b")])
    first, second = [each for n in (1, 2) if (each := await Jobs(database).torrent(n)) is not None]
    await torrents.block([first.torrent.info_hash], "deleted")
    sql.execute("DELETE FROM torrent WHERE id = 2")
    await torrents.store([first, second])
    assert sql.execute("SELECT count(*) FROM torrent").fetchone() == (0,)
    (entry,) = await blocked.page(10)
    assert (entry.info_hash, entry.reason) == (first.torrent.info_hash, "deleted")
    assert await blocked.page(10, entry.info_hash) == ()
    assert await blocked.get(entry.info_hash) == entry
    assert await blocked.unblock(entry.info_hash)
    assert not await blocked.unblock(entry.info_hash)
