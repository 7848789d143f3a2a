"""The reprocessor against the real store: nothing is left out over a restart, and whatever is found anew goes first."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import trio

from actors.reprocessor import Reprocessor
from actors.writer import Writer
from catalog.messages import JobOrdered, TorrentsClassified, TorrentsFound
from catalog.model import Kind
from catalog.receipts import Outcome
from config.settings import WriterSettings
from storage.database import Database
from storage.jobs import Jobs, JobState, Task
from storage.torrents import Torrents
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from tests.fakes.classified import torrent


class Pipeline:
    """The mailboxes, with a classifier that says of everything that it is software."""

    def __init__(self, database: Database) -> None:
        self.torrents, self.jobs = Torrents(database), Jobs(database)
        self.found, self.classified = Mailbox[TorrentsFound]("found", 8), Mailbox[TorrentsClassified]("classified", 8)
        self.orders = Mailbox[JobOrdered]("jobs", 4)
        self.seen: list[str] = []
        self.refused: set[str] = set()

    async def classify(self) -> None:
        inbox = self.found.open_inbox()
        async for found in inbox:
            for each in found.torrents:
                self.seen.append(each.name)
                if each.name in self.refused and each.receipt is not None:
                    each.receipt.settle(Outcome.REFUSED, "no-size")
                    continue
                again = replace(torrent(each.name, kind=Kind.SOFTWARE, classifier_version=2), torrent=each)
                await self.classified.send(TorrentsClassified((again,)))
            inbox.done(found)

    async def write(self) -> None:
        await Writer(Heart(), self.classified.open_inbox(), self.torrents, WriterSettings(max_wait_s=0.01)).run()

    @asynccontextmanager
    async def running(self, *, step: int = 4):
        reprocessor = Reprocessor(Heart(), self.orders.open_inbox(), self.jobs, self.found, self.classified, step=step)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reprocessor.run)
            yield reprocessor
            nursery.cancel_scope.cancel()

    async def done(self, job_id: int) -> None:
        for _ in range(1000):
            job = await self.jobs.get(job_id)
            if job is None or job.state is JobState.DONE:
                return
            await trio.sleep(0.02)
        raise AssertionError("the job does not end")

    async def kinds(self) -> dict[Kind, int]:
        return (await self.torrents.counts()).by_kind


@pytest.fixture
async def pipeline(database: Database, nursery):
    made = Pipeline(database)
    await made.torrents.store([torrent(f"number {n}", kind=Kind.MOVIE if n % 2 else Kind.TV) for n in range(20)])
    nursery.start_soon(made.classify)
    nursery.start_soon(made.write)
    yield made
    nursery.cancel_scope.cancel()


async def test_every_torrent_of_the_job_goes_through_once(pipeline):
    job = await pipeline.jobs.start(Task.REPROCESS, kinds=[Kind.MOVIE])
    pipeline.refused = {"number 3"}
    async with pipeline.running() as reprocessor:
        await pipeline.done(job.id)
        assert (reprocessor.statistics().sent, reprocessor.statistics().refused) == (10, 1)
    assert sorted(pipeline.seen) == sorted(f"number {n}" for n in range(1, 20, 2))
    assert await pipeline.kinds() == {Kind.SOFTWARE: 9, Kind.TV: 10, Kind.MOVIE: 1}
    ended = await pipeline.jobs.get(job.id)
    assert (ended.done, ended.refused) == (20, 1)


async def test_a_new_order_is_begun_at_once_and_a_reindex_is_no_classification(pipeline):
    async with pipeline.running():
        await trio.sleep(0.1)
        job = await pipeline.jobs.start(Task.REINDEX)
        await pipeline.orders.send(JobOrdered(job.id))
        with trio.fail_after(20):
            await pipeline.done(job.id)
    assert pipeline.seen == []
    assert await pipeline.kinds() == {Kind.MOVIE: 10, Kind.TV: 10}


async def test_a_restart_goes_on_where_it_was(pipeline):
    job = await pipeline.jobs.start(Task.REPROCESS)
    async with pipeline.running(step=3) as reprocessor:
        for _ in range(1000):
            if reprocessor.statistics().sent >= 6:
                break
            await trio.sleep(0.005)
    async with pipeline.running(step=3):
        await pipeline.done(job.id)
    assert set(pipeline.seen) == {f"number {n}" for n in range(20)}
    assert len(pipeline.seen) <= 20 + 3  # a step that was under way may be made again
    assert await pipeline.kinds() == {Kind.SOFTWARE: 20}


async def test_whatever_is_found_goes_first(pipeline, nursery):
    job = await pipeline.jobs.start(Task.REPROCESS)
    busy = Mailbox[TorrentsClassified]("classified", 8)
    for _ in range(4):
        await busy.send(TorrentsClassified(()))
    reprocessor = Reprocessor(Heart(), pipeline.orders.open_inbox(), pipeline.jobs, pipeline.found, busy, step=4)
    nursery.start_soon(reprocessor.run)
    for _ in range(1000):
        if reprocessor.statistics().waits >= 2:
            break
        await trio.sleep(0.02)
    assert pipeline.seen == []
    inbox = busy.open_inbox()
    for _ in range(4):
        inbox.done(inbox.receive_nowait())
    await pipeline.done(job.id)
    assert len(pipeline.seen) == 20
    nursery.cancel_scope.cancel()


async def test_a_job_that_is_removed_ends(pipeline):
    job = await pipeline.jobs.start(Task.REPROCESS)
    async with pipeline.running(step=1) as reprocessor:
        for _ in range(1000):
            if reprocessor.statistics().sent:
                break
            await trio.sleep(0.005)
        assert await pipeline.jobs.remove(job.id)
        other = await pipeline.jobs.start(Task.REINDEX)
        await pipeline.orders.send(JobOrdered(other.id))
        await pipeline.done(other.id)
    assert len(pipeline.seen) < 20
