"""The writer: gathers classified torrents and stores them in batches.

An item of the inbox is done only after the commit that holds it, and only then those who wait for a torrent are told. A database that is
away is waited for with the batch in hand; a batch that is refused is halved until the one bad torrent is found, which is dropped, counted
and logged.
"""

import logging
import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from catalog.messages import TorrentsClassified
from catalog.model import ClassifiedTorrent
from catalog.receipts import Outcome
from config.settings import WriterSettings
from storage.errors import DatabaseRefused, DatabaseUnavailable, StatementTimeout, StorageError, TorrentRefused
from storage.torrents import StoreResult, Torrents
from supervisor.heartbeat import Heart
from supervisor.mailbox import Inbox

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 10.0
_RATE_WINDOW_S: Final = 10.0
_URGENT_PAUSE_S: Final = 0.02
"""The classifier takes a quarter of that for one message."""
_NOT_ABOUT_DATA: Final = ("0A", "25", "28", "2F", "3D", "3F", "42", "55")
"""SQLSTATE classes that blame the schema, the rights or the server's settings: no torrent is at fault, and somebody has to repair it."""


@dataclass(frozen=True, slots=True)
class WriterStatistics:
    """What the writer did since it started."""

    stored_new: int
    stored_updated: int
    """Known before."""
    blocked: int
    """Not stored because their hash is blocked."""
    refused: int
    """Torrents dropped because no form of storing them worked."""
    batches: int
    """Commits."""
    retries: int
    """Tries that failed because the database was away or busy."""
    in_hand: int
    """Torrents of the batch being stored now."""
    last_commit_s: float
    """How long the last commit took, all in all."""
    rows_per_s: float
    """Torrents stored in the last ten seconds, per second."""


class Writer:
    """Gathers torrents and stores them in batches; its one job."""

    def __init__(self, heart: Heart, inbox: Inbox[TorrentsClassified], torrents: Torrents, settings: WriterSettings) -> None:
        self._heart = heart
        self._inbox = inbox
        self._torrents = torrents
        self._settings = settings
        self._stored = StoreResult()
        self._refused = self._batches = self._retries = self._in_hand = 0
        self._last_commit_s = 0.0
        self._recent: deque[tuple[float, int]] = deque()  # (when, how many) of the commits of the last _RATE_WINDOW_S

    async def run(self) -> None:
        """Return when the inbox has ended; the last batch is stored first, however long the database takes."""
        self._heart.report(self.statistics)
        self._heart.ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heart.keep_beating)
            while batch := await self._gather():
                await self._store(batch)
            nursery.cancel_scope.cancel()

    def statistics(self) -> WriterStatistics:
        """The counters as they stand."""
        self._forget_old()
        return WriterStatistics(
            stored_new=self._stored.new,
            stored_updated=self._stored.updated,
            blocked=self._stored.blocked,
            refused=self._refused,
            batches=self._batches,
            retries=self._retries,
            in_hand=self._in_hand,
            last_commit_s=self._last_commit_s,
            rows_per_s=sum(count for _, count in self._recent) / _RATE_WINDOW_S,
        )

    async def _gather(self) -> list[TorrentsClassified]:
        """What arrives until there is a full batch, or the first has waited long enough; empty when the inbox has ended.

        Where somebody waits for an answer, it is long enough when nothing more comes for a moment.
        """
        gathered: list[TorrentsClassified] = []
        count = 0
        try:
            gathered.append(await self._inbox.receive())
            count = len(gathered[0].torrents)
            with trio.move_on_after(self._settings.max_wait_s):
                while count < self._settings.batch_size:
                    pause = _URGENT_PAUSE_S if _is_urgent(gathered[-1]) else self._settings.max_wait_s
                    with trio.fail_after(pause):
                        gathered.append(await self._inbox.receive())
                    count += len(gathered[-1].torrents)
        except (trio.EndOfChannel, trio.TooSlowError):
            pass  # what was gathered is the last batch, or all that comes for now
        return gathered

    async def _store(self, items: Sequence[TorrentsClassified]) -> None:
        batch = [torrent for item in items for torrent in item.torrents]
        self._in_hand = len(batch)
        parts = [batch] if batch else []
        while parts:
            # The older half is stored first: of two observations of one torrent the newer must win.
            parts.extend(reversed(await self._store_part(parts.pop())))
        self._in_hand = 0
        for item in items:
            self._inbox.done(item)

    async def _store_part(self, part: list[ClassifiedTorrent]) -> list[list[ClassifiedTorrent]]:
        """Store a part of a batch; returns what of it is to be stored anew, in parts."""
        pause = _FIRST_PAUSE_S
        while True:
            started = trio.current_time()
            try:
                result = await self._torrents.store(part)
            except TorrentRefused as error:
                return self._without_culprit(part, error)
            except DatabaseRefused as error:
                if _may_be_the_data(error):
                    return self._without_culprit(part, error)
                if isinstance(error, StatementTimeout) and len(part) > 1:
                    self._retries += 1
                    return _halves(part)
                _log.exception("storing %d torrents fails for a reason beyond them; trying again until somebody repairs it", len(part))
            except DatabaseUnavailable as error:
                _log.warning("%d torrents wait for the database: %s", len(part), error)
            else:
                self._count(result, len(part), trio.current_time() - started)
                _settle(part, result)
                return []
            self._retries += 1
            await trio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _without_culprit(self, part: list[ClassifiedTorrent], error: StorageError) -> list[list[ClassifiedTorrent]]:
        """What is left of a refused part: without the torrent at fault if it is known, else its halves."""
        if isinstance(error, TorrentRefused):
            rest = [torrent for torrent in part if torrent.torrent.info_hash != error.info_hash]
            if len(rest) < len(part):
                self._refused += len(part) - len(rest)
                _refuse((torrent for torrent in part if torrent.torrent.info_hash == error.info_hash), error.reason)
                _log.error("%s; it is dropped", error, exc_info=error.__cause__)
                return [rest] if rest else []
        if len(part) > 1:
            return _halves(part)
        self._refused += 1
        _refuse(part, "the database refuses it")
        _log.error("torrent %s is dropped, the database refuses it: %s", part[0].torrent.info_hash.hex(), error)
        return []

    def _count(self, result: StoreResult, torrents: int, took_s: float) -> None:
        self._stored += result
        self._batches += 1
        self._last_commit_s = took_s
        self._forget_old()
        self._recent.append((trio.current_time(), torrents))

    def _forget_old(self) -> None:
        oldest = trio.current_time() - _RATE_WINDOW_S
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()


def _is_urgent(item: TorrentsClassified) -> bool:
    return any(torrent.torrent.receipt is not None for torrent in item.torrents)


def _settle(part: Iterable[ClassifiedTorrent], result: StoreResult) -> None:
    """Tell those who wait for a torrent of a committed part what became of it."""
    for torrent, outcome in zip(part, result.outcomes, strict=False):  # there are none when nobody waits
        if torrent.torrent.receipt is not None:
            torrent.torrent.receipt.settle(outcome)


def _refuse(torrents: Iterable[ClassifiedTorrent], reason: str) -> None:
    for torrent in torrents:
        if torrent.torrent.receipt is not None:
            torrent.torrent.receipt.settle(Outcome.REFUSED, reason)


def _may_be_the_data(error: DatabaseRefused) -> bool:
    return not isinstance(error, StatementTimeout) and not (error.sqlstate or "").startswith(_NOT_ABOUT_DATA)


def _halves(part: list[ClassifiedTorrent]) -> list[list[ClassifiedTorrent]]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]]
