"""The classifier: says of each torrent that was found what it is.

Policy, then the fast rules in the event loop; names the rules refuse go to worker processes in batches. Torrents of the first sort do not
wait for those of the second. A message of the inbox is done when the last of its torrents is on its way to the writer.

An ingest client waits for an answer, and may send names faster than anybody can read them. When many wait for a worker, those of clients
are stored unread; the reprocessor sends them through again when there is time.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from actors.name_worker import BatchReader, NameWorker, WorkerCounters, open_name_worker
from catalog.classify import classified, provisional
from catalog.messages import TorrentsClassified, TorrentsFound
from catalog.model import ClassifiedTorrent, ParsedTitle, Torrent
from catalog.policy import Policy, Refusal
from catalog.receipts import Outcome
from catalog.titles.batch import read_batch
from catalog.titles.cascade import quick
from config.settings import ClassifierSettings
from supervisor.heartbeat import Heart
from supervisor.mailbox import Inbox, Mailbox

_WAITING_BATCHES: Final = 20
"""Batches that may wait for each worker; when all do, the inbox is not read and the pressure runs back to the sources."""
_SLICE_WEIGHT: Final = 20
"""Torrents classified (0.2 ms each) before other tasks get their turn; a hundred files count as another torrent."""


@dataclass(frozen=True, slots=True)
class ClassifierStatistics:
    """What the classifier did since it started."""

    classified: int
    by_stage: dict[str, int]
    refused: dict[str, int]
    cleaned: int
    """Torrents admitted with a changed name or path."""
    timeouts: int
    killed_workers: int
    """Workers that died by themselves or by another's hand."""
    failures: int
    too_slow_names: int
    poisoned_names: int
    worker_starts: int
    worker_pids: tuple[int, ...]
    queue: int
    """Torrents whose names wait for a worker."""
    deferred: int
    """Torrents sent on with their names unread, because their senders wait for an answer and too many names did."""


@dataclass(slots=True)
class _Ticket:
    """A message of the inbox and how many of its torrents have not been sent on."""

    found: TorrentsFound
    open: int


@dataclass(frozen=True, slots=True)
class _Unsure:
    """A torrent whose name a worker must read."""

    torrent: Torrent
    ticket: _Ticket


class Classifier:
    """Reads names, decides kinds and passes torrents on to be stored; its one job."""

    def __init__(
        self,
        heart: Heart,
        inbox: Inbox[TorrentsFound],
        outbox: Mailbox[TorrentsClassified],
        settings: ClassifierSettings,
        *,
        reader: BatchReader = read_batch,
    ) -> None:
        """`reader` runs in the worker processes and must be importable there by its name."""
        self._heart = heart
        self._inbox = inbox
        self._outbox = outbox
        self._settings = settings
        self._reader = reader
        self._policy = Policy()
        self._counters = WorkerCounters()
        self._by_stage: Counter[str] = Counter()
        self._deferred = 0
        self._workers: list[NameWorker] = []
        self._unsure, self._unsure_waiting = trio.open_memory_channel[_Unsure](
            settings.workers * settings.batch_size * _WAITING_BATCHES,
        )

    async def run(self) -> None:
        """Return when the inbox has ended and the last torrent is sent on."""
        self._heart.report(self.statistics)
        self._heart.ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heart.keep_beating)
            async with trio.open_nursery() as working:
                for _ in range(self._settings.workers):
                    working.start_soon(self._work)
                async with self._unsure:
                    async for found in self._inbox:
                        await self._take(found)
            nursery.cancel_scope.cancel()

    def statistics(self) -> ClassifierStatistics:
        """Return the counters as they stand."""
        policy = self._policy.statistics()
        return ClassifierStatistics(
            classified=self._by_stage.total(),
            by_stage=dict(self._by_stage),
            refused=policy.refused,
            cleaned=policy.cleaned,
            timeouts=self._counters.timeouts,
            killed_workers=self._counters.killed,
            failures=self._counters.failures,
            too_slow_names=self._counters.too_slow,
            poisoned_names=self._counters.poisoned,
            worker_starts=self._counters.starts,
            worker_pids=tuple(worker.pid for worker in self._workers if worker.pid is not None),
            queue=self._waiting(),
            deferred=self._deferred,
        )

    async def _take(self, found: TorrentsFound) -> None:
        """Send on what the rules are sure of, and queue the rest."""
        ticket = _Ticket(found, len(found.torrents))
        unsure: list[_Unsure] = []
        for torrents in _slices(found.torrents):
            sure: list[ClassifiedTorrent] = []
            dropped = 0
            for torrent in torrents:
                admitted = self._policy.admit(torrent)
                if isinstance(admitted, Refusal):
                    dropped += 1
                    if torrent.receipt is not None:
                        torrent.receipt.settle(Outcome.REFUSED, admitted.value)
                    continue
                parsed = quick(admitted.name)
                if parsed is not None:
                    sure.append(classified(admitted, parsed))
                elif self._is_urgent(admitted, self._waiting() + len(unsure)):
                    self._deferred += 1
                    sure.append(provisional(admitted))
                else:
                    unsure.append(_Unsure(admitted, ticket))
            await self._send_on(sure)
            self._settle(ticket, len(sure) + dropped)
        if not found.torrents:
            self._inbox.done(found)
        for item in unsure:
            await self._unsure.send(item)

    def _waiting(self) -> int:
        return self._unsure_waiting.statistics().current_buffer_used

    def _is_urgent(self, torrent: Torrent, waiting: int) -> bool:
        """Whether somebody waits for its answer who would wait long; what is sent through again has all the time."""
        one_batch_each = self._settings.workers * self._settings.batch_size
        return torrent.receipt is not None and torrent.seen_at is None and waiting >= one_batch_each

    async def _work(self) -> None:
        """Feed one worker with what waits, a batch at a time."""
        async with open_name_worker(self._settings.timeout_s, self._counters, self._reader) as worker:
            self._workers.append(worker)
            async for first in self._unsure_waiting:
                batch = [first, *self._waiting_now(self._settings.batch_size - 1)]
                titles = await worker.read([item.torrent.name for item in batch])
                await self._finish(batch, titles)

    def _waiting_now(self, most: int) -> list[_Unsure]:
        """Take what waits already: under load batches are full, without load nobody waits for company."""
        batch: list[_Unsure] = []
        while len(batch) < most:
            try:
                batch.append(self._unsure_waiting.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                break
        return batch

    async def _finish(self, batch: Sequence[_Unsure], titles: Sequence[ParsedTitle]) -> None:
        done = 0
        for torrents in _slices([item.torrent for item in batch]):
            parsed = titles[done : done + len(torrents)]
            await self._send_on([classified(torrent, title) for torrent, title in zip(torrents, parsed, strict=True)])
            done += len(torrents)
        for item in batch:
            self._settle(item.ticket, 1)

    async def _send_on(self, torrents: Sequence[ClassifiedTorrent]) -> None:
        if torrents:
            await self._outbox.send(TorrentsClassified(tuple(torrents)))
            self._by_stage.update(torrent.parsed.stage for torrent in torrents)
        await trio.lowlevel.checkpoint()

    def _settle(self, ticket: _Ticket, count: int) -> None:
        ticket.open -= count
        if count and ticket.open == 0:
            self._inbox.done(ticket.found)


def _slices(torrents: Sequence[Torrent]) -> Iterator[Sequence[Torrent]]:
    """Cut into runs of about equal work."""
    start = weight = 0
    for index, torrent in enumerate(torrents):
        weight += 1 + len(torrent.files) // 100
        if weight >= _SLICE_WEIGHT:
            yield torrents[start : index + 1]
            start, weight = index + 1, 0
    if start < len(torrents):
        yield torrents[start:]
