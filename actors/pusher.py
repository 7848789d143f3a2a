"""The pusher: puts what was found into the spool, and hands the spool to the central instance.

A message of the inbox is done once its torrents are safe on the disk. A full spool is not added to: the inbox is not read, and the
pressure runs back to the sources. Batches leave in the order they came, each after the central instance has confirmed its every item.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import trio

from actors.breaker import State
from actors.push.central import BatchRefused, BatchTooLarge, CentralIndex, ItemResult
from actors.push.items import item_of
from catalog.messages import TorrentsFound
from catalog.policy import Policy, Refusal
from catalog.titles.sanitise import displayed
from config.settings import PushSettings
from protocol.identifiers import InfoHash
from storage.errors import CorruptBatch, SpoolUnavailable
from storage.spool import Batch, Spool
from supervisor.heartbeat import Heart
from supervisor.mailbox import Inbox

_log = logging.getLogger(__name__)
R = TypeVar("R")

_BATCH_BYTES: Final = 4 * 1024 * 1024
"""Of lines in one batch; the central instance takes four times that unless told otherwise."""
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_MOST_REASONS: Final = 50
_LONGEST_REASON: Final = 100
_SLICE: Final = 50
"""Torrents put into words before other tasks get their turn."""


@dataclass(frozen=True, slots=True)
class PusherStatistics:
    """What the pusher did since it started, and how the central instance fares; times are Unix time."""

    sent_new: int
    sent_updated: int
    """Known over there before."""
    blocked: int
    refused: dict[str, int]
    """Torrents never taken, by the reason: this instance's content policy, or the other's answer."""
    batches: int
    """Confirmed."""
    spooled_batches: int
    spooled_bytes: int
    spool_limit_bytes: int
    oldest_at: float | None
    """When the first batch that waits was written."""
    set_aside: int
    """Batches that could not be read, or were refused as a whole; they are in the folder spool/aside."""
    is_full: bool
    """Nothing more is looked for."""
    disk_failures: int
    breaker: State
    breaker_since: float | None
    breaker_opened: int
    breaker_reason: str
    """The last failure of the central instance."""
    next_probe: float | None
    waiting: int
    """Questions and batches held back by the breaker."""


class Pusher:
    """Sends what was found to the central instance, and loses nothing while it is away; its one job."""

    def __init__(
        self,
        heart: Heart,
        inbox: Inbox[TorrentsFound],
        spool: Spool,
        central: CentralIndex,
        settings: PushSettings,
        learn: Callable[[set[InfoHash]], None],
    ) -> None:
        """`learn` is told the hashes that are safe in the spool: nobody has to ask for them again."""
        self._heart = heart
        self._inbox = inbox
        self._spool = spool
        self._central = central
        self._settings = settings
        self._learn = learn
        self._policy = Policy()
        self._disk = trio.CapacityLimiter(1)
        self._outcomes: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._batches = self._disk_failures = 0
        self._is_winding_up = False
        self._changed = trio.Event()

    async def run(self) -> None:
        """Return when the inbox has ended and what it held is on the disk; the rest is sent after the next start.

        Raises:
            SpoolUnavailable: the spool's folder cannot be opened.
        """
        await self._on_disk(self._spool.open)
        self._heart.report(self.statistics)
        self._heart.ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heart.keep_beating)
            nursery.start_soon(self._send_all)
            while gathered := await self._gather():
                await self._keep(gathered)
            nursery.cancel_scope.cancel()

    def wind_up(self) -> None:
        """The inbox ends: what is in it goes to the disk even if the spool is full."""
        self._is_winding_up = True
        self._tell()

    def statistics(self) -> PusherStatistics:
        """The counters as they stand."""
        spool = self._spool.statistics()
        circuit = self._central.circuit.statistics()
        return PusherStatistics(
            sent_new=self._outcomes["new"],
            sent_updated=self._outcomes["updated"],
            blocked=self._outcomes["blocked"],
            refused=dict(self._refused),
            batches=self._batches,
            spooled_batches=spool.batches,
            spooled_bytes=spool.bytes,
            spool_limit_bytes=spool.limit_bytes,
            oldest_at=spool.oldest_at,
            set_aside=spool.set_aside,
            is_full=self._spool.is_full,
            disk_failures=self._disk_failures,
            breaker=circuit.state,
            breaker_since=circuit.since,
            breaker_opened=circuit.opened,
            breaker_reason=circuit.reason,
            next_probe=circuit.next_probe,
            waiting=circuit.waiting,
        )

    async def _gather(self) -> list[TorrentsFound]:
        """What arrives until there is a full batch, or the first has waited long enough; empty when the inbox has ended."""
        gathered: list[TorrentsFound] = []
        count = 0
        await self._wait_for_room()
        try:
            gathered.append(await self._inbox.receive())
            count = len(gathered[0].torrents)
            with trio.move_on_after(self._settings.max_wait_s):
                while count < self._settings.batch_size:
                    gathered.append(await self._inbox.receive())
                    count += len(gathered[-1].torrents)
        except trio.EndOfChannel:
            pass  # what was gathered is the last batch
        return gathered

    async def _wait_for_room(self) -> None:
        if self._spool.is_full and not self._is_winding_up:
            _log.warning("the spool is full (push.spool_bytes): nothing more is looked for until there is room")
            while not self._spool.has_room_again and not self._is_winding_up:
                await self._changed.wait()

    async def _keep(self, gathered: Sequence[TorrentsFound]) -> None:
        """Put them on the disk, however long the disk takes."""
        lines: list[bytes] = []
        hashes: set[InfoHash] = set()
        for number, torrent in enumerate(torrent for found in gathered for torrent in found.torrents):
            admitted = self._policy.admit(torrent)
            if isinstance(admitted, Refusal):
                self._refused[admitted.value] += 1
            else:
                lines.append(item_of(admitted))
            hashes.add(torrent.info_hash)
            if number % _SLICE == 0:
                await trio.lowlevel.checkpoint()
        for batch in _batches(lines, self._settings.batch_size):
            await self._patiently(self._spool.append, batch)
        for found in gathered:
            self._inbox.done(found)
        self._learn(hashes)
        self._tell()

    async def _send_all(self) -> None:
        while True:
            if (batch := self._spool.first()) is None:
                await self._changed.wait()
            else:
                await self._send(batch)
                self._tell()

    async def _send(self, batch: Batch) -> None:
        try:
            lines = await self._patiently(self._spool.read, batch)
            await self._send_lines(lines, batch.key)
        except (CorruptBatch, BatchRefused) as exc:
            await self._patiently(self._spool.set_aside, batch, str(exc))
        else:
            await self._patiently(self._spool.remove, batch)
            self._batches += 1

    async def _send_lines(self, lines: Sequence[bytes], key: str) -> None:
        """Send a batch, in halves where it is too large. A half always has the same key, so it may come again as well."""
        parts = [(0, len(lines))]
        while parts:
            start, end = parts.pop()
            try:
                results = await self._central.send(lines[start:end], key if end - start == len(lines) else f"{key}-{start}-{end}")
            except BatchTooLarge as exc:
                if end - start == 1:
                    self._refused["too-large"] += 1
                    _log.warning("a torrent is dropped, the central instance does not take so much of one: %s", exc)
                else:
                    middle = (start + end) // 2
                    parts += [(middle, end), (start, middle)]
            else:
                self._count(results)

    def _count(self, results: Sequence[ItemResult]) -> None:
        """A refusal is final: sent again, the torrent would be refused again."""
        for result in results:
            self._outcomes[result.status] += 1
            if result.status in {"refused", "invalid"}:
                reason = displayed(result.reason or result.status)[:_LONGEST_REASON]
                self._refused[reason if reason in self._refused or len(self._refused) < _MOST_REASONS else "other"] += 1

    async def _patiently(self, work: Callable[..., R], *arguments: object) -> R:
        """Do something to the spool, again and again while the disk will not have it."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                return await self._on_disk(work, *arguments)
            except SpoolUnavailable as exc:
                if pause == _FIRST_PAUSE_S:
                    _log.error("the spool does not work, trying again: %s", exc)
                self._disk_failures += 1
            await trio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _on_disk(self, work: Callable[..., R], *arguments: object) -> R:
        return await trio.to_thread.run_sync(work, *arguments, limiter=self._disk)

    def _tell(self) -> None:
        """There is something to send, or room."""
        self._changed.set()
        self._changed = trio.Event()


def _batches(lines: Sequence[bytes], most: int) -> Iterator[list[bytes]]:
    """Cut into runs of at most so many lines, and not many more bytes than a batch should have."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == most or size + len(line) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield batch
