"""The reprocessor: sends stored torrents through the classifier and the writer once more, or straight to the writer, one job at a time.

Between jobs it does so with torrents that were stored before anybody had read their names (actors/classifier.py).
What was ordered and how far it is stands in the table of jobs, so a restart goes on where it was. A step counts only when the writer has
told of each of its torrents, so no crash leaves one out. Whatever is found anew goes first: while mailboxes fill, the reprocessor waits.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import trio

from catalog.messages import JobOrdered, TorrentsClassified, TorrentsFound
from catalog.model import ClassifiedTorrent
from catalog.receipts import Outcome, Receipt, Settled
from storage.errors import StorageError
from storage.jobs import Job, Jobs, Step, Task
from supervisor.heartbeat import Heart
from supervisor.mailbox import Inbox, Mailbox

_log = logging.getLogger(__name__)
R = TypeVar("R")

STEP: Final = 500
"""Torrents on their way at a time."""
UNREAD_STEP: Final = 100
"""The same of torrents whose names are to be read for the first time: a second's work."""
_LOOK_S: Final = 60.0
"""How often it looks for a job that nobody told it of, and for names to be read."""
_QUIET_SHARE: Final = 0.25
"""Mailboxes fuller than this have no room for us."""
_QUIET_PAUSE_S: Final = 0.1
_REST: Final = 4
"""Times as long as it took to read some unread names, while others are at work: nobody waits for these."""
_RETRY_S: Final = 5.0
_PATIENCE_S: Final = 600.0
"""Without news of a torrent for so long, it is one that every classifier crashed over, and nobody will tell of it."""


@dataclass(frozen=True, slots=True)
class ReprocessorStatistics:
    """What the reprocessor did since it started."""

    job: int | None
    """The one it is at."""
    sent: int
    refused: int
    lost: int
    """Torrents nobody told of."""
    waits: int
    """Pauses because mailboxes were busy."""
    failures: int
    """Tries that the database did not answer."""


class Reprocessor:
    """Carries out jobs; its one job."""

    def __init__(
        self,
        heart: Heart,
        inbox: Inbox[JobOrdered],
        jobs: Jobs,
        found: Mailbox[TorrentsFound],
        classified: Mailbox[TorrentsClassified],
        *,
        step: int = STEP,
    ) -> None:
        self._heart = heart
        self._inbox = inbox
        self._jobs = jobs
        self._found = found
        self._classified = classified
        self._step = step
        self._ordered = trio.Event()
        self._job: int | None = None
        self._unread_behind = 0
        self._sent = self._refused = self._lost = self._waits = self._failures = 0

    async def run(self) -> None:
        """Return when the inbox has ended, in the middle of a job if need be: the next run goes on with it."""
        self._heart.report(self.statistics)
        self._heart.ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heart.keep_beating)
            nursery.start_soon(self._work)
            async for order in self._inbox:
                self._inbox.done(order)  # what counts is the row in the table
                self._ordered.set()
            nursery.cancel_scope.cancel()

    def statistics(self) -> ReprocessorStatistics:
        """The counters as they stand."""
        return ReprocessorStatistics(self._job, self._sent, self._refused, self._lost, self._waits, self._failures)

    async def _work(self) -> None:
        while True:
            self._ordered = trio.Event()
            job = await self._asked(self._jobs.running)
            if job is not None:
                await self._carry_out(job)
                continue
            if await self._read_on():
                continue
            with trio.move_on_after(_LOOK_S):
                await self._ordered.wait()

    async def _read_on(self) -> bool:
        """Send through some of those that were stored with their names unread; False if there are none, or no more."""
        step = await self._asked(lambda: self._jobs.unread(self._unread_behind, UNREAD_STEP))
        self._unread_behind = step.last_id if step.torrents else 0  # whatever stays unread has its turn at the next look
        if step.torrents:
            await self._wait_for_quiet()
            began = trio.current_time()
            await self._send_through(Task.REPROCESS, step.torrents)
            if self._found.statistics().held or self._classified.statistics().held:
                await trio.sleep(_REST * (trio.current_time() - began))  # others are at work: the machine is theirs
        return bool(step.torrents)

    async def _carry_out(self, job: Job) -> None:
        _log.info("job %d (%s) goes on behind torrent %d", job.id, job.task, job.last_id)
        self._job = job.id
        going: Job | None = job
        while going is not None:
            await self._wait_for_quiet()
            going = await self._make_step(going)
        self._job = None

    async def _make_step(self, job: Job) -> Job | None:
        """The job as it is after the step; None: it has ended."""
        step: Step = await self._asked(lambda: self._jobs.step(job, self._step))
        if not step.passed:
            if await self._asked(lambda: self._jobs.finish(job.id)):
                _log.info("job %d (%s) is done: %d torrents", job.id, job.task, job.done)
            return None
        refused = await self._send_through(job.task, step.torrents)
        return await self._asked(lambda: self._jobs.advance(job.id, step, refused))

    async def _send_through(self, task: Task, torrents: Sequence[ClassifiedTorrent]) -> int:
        """Send them, and wait until the writer has told of each; returns how many were refused."""
        if not torrents:
            return 0
        answers = _Answers(len(torrents))
        receipted = [
            replace(each, torrent=replace(each.torrent, receipt=Receipt(index, answers.take))) for index, each in enumerate(torrents)
        ]
        if task is Task.REINDEX:
            await self._classified.send(TorrentsClassified(tuple(receipted)))
        else:
            await self._found.send(TorrentsFound(tuple(each.torrent for each in receipted)))
        lost = await answers.wait_all()
        if lost:
            _log.error("nobody told of %d torrents, from %s on", len(lost), torrents[lost[0]].torrent.info_hash.hex())
        self._sent += len(torrents)
        self._refused += answers.refused
        self._lost += len(lost)
        return answers.refused

    async def _wait_for_quiet(self) -> None:
        mailboxes: tuple[Mailbox[TorrentsFound] | Mailbox[TorrentsClassified], ...] = (self._found, self._classified)
        while any(mailbox.statistics().depth > mailbox.capacity * _QUIET_SHARE for mailbox in mailboxes):
            self._waits += 1
            await trio.sleep(_QUIET_PAUSE_S)

    async def _asked(self, ask: Callable[[], Awaitable[R]]) -> R:
        """What the database answers, however long it is away."""
        while True:
            try:
                return await ask()
            except StorageError as error:
                self._failures += 1
                _log.warning("the job waits for the database: %s", error)
                await trio.sleep(_RETRY_S)


class _Answers:
    """Gathers what is told of the torrents of one step."""

    def __init__(self, expected: int) -> None:
        self.refused = 0
        self._open = set(range(expected))
        self._news = trio.Event()

    def take(self, settled: Settled) -> None:
        """What a receipt calls."""
        if settled.index in self._open:
            self._open.remove(settled.index)
            self.refused += settled.outcome is Outcome.REFUSED
            self._news.set()

    async def wait_all(self) -> list[int]:
        """Return when all are told of, or nothing was heard for long: then the numbers of those that are not."""
        while self._open:
            self._news = trio.Event()
            with trio.move_on_after(_PATIENCE_S) as waiting:
                await self._news.wait()
            if waiting.cancelled_caught:
                break
        return sorted(self._open)
