"""A process that reads names and may die at any time: by our own hand when a name takes too long, or by somebody else's `kill -9`.

No name is lost either way. A batch that fails is read name by name, so that a poisoned name loses only itself.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import trio
import trio_parallel

from catalog.model import ParsedTitle
from catalog.titles.batch import WARM_UP, BatchReading, prepare_process, read_batch
from catalog.titles.cascade import unparsed
from protocol.errors import SwarmdexError

_log = logging.getLogger(__name__)

BatchReader = Callable[[Sequence[str], float, float], BatchReading]
"""`catalog.titles.batch.read_batch`, or another that a worker process can import by its name."""

_START_LIMIT_S: Final = 60.0
"""A start takes 0.6 s; on a machine that is short of everything it may take long."""
_MOST_STARTS: Final = 10
"""Starts that fail in a row before the actor gives up and its supervisor decides."""
_START_PAUSE_S: Final = 0.2
_TRIES_OF_ONE_NAME: Final = 3
"""A name whose worker dies this often is poisoned; a worker may also die by chance."""
_GRACE_S: Final = 2.0
"""An idle worker ends at once when its pipe closes."""


class NoWorkerError(SwarmdexError):
    """Starting a worker failed many times in a row: out of memory or processes. The supervisor restarts the actor, later."""


class _Failure(Enum):
    TIMED_OUT = auto()
    DIED = auto()


@dataclass(slots=True)
class WorkerCounters:
    """What happened to the workers of one classifier; shared by its `NameWorker`s, all in one task tree."""

    starts: int = 0
    timeouts: int = 0
    """Workers killed by us because a batch or name took too long."""
    killed: int = 0
    """Workers that died otherwise."""
    failures: int = 0
    """Batches that raised in a worker: bugs, with a traceback in the log."""
    too_slow: int = 0
    """Names that ran into the CPU limit inside a worker."""
    poisoned: int = 0
    """Names given up because they cost a worker its life or its time."""


class NameWorker:
    """Reads names in one process; `open_name_worker` makes it."""

    def __init__(self, context: trio_parallel.WorkerContext, name_limit_s: float, counters: WorkerCounters, reader: BatchReader) -> None:
        self.pid: int | None = None
        """The process, while one is known to live."""
        self._context = context
        self._name_limit_s = name_limit_s
        self._counters = counters
        self._reader = reader
        self._limiter = trio.CapacityLimiter(1)

    async def read(self, names: Sequence[str]) -> list[ParsedTitle]:
        """Return one title a name, in order; unparsed where a name could not be read.

        Raises:
            NoWorkerError: no worker can be started at all.
        """
        titles: list[ParsedTitle] = []
        while len(titles) < len(names):
            rest = names[len(titles) :]
            # The worker begins no name after one limit's time and spends at most one more on the last: the third is for a busy machine.
            reading = await self._attempt(rest, 3 * self._name_limit_s)
            if isinstance(reading, BatchReading):
                titles += reading.titles
            elif reading is _Failure.TIMED_OUT:
                titles += [await self._read_alone(name) for name in rest]
            else:
                titles.append(await self._read_alone(rest[0]))
        return titles

    async def _read_alone(self, name: str) -> ParsedTitle:
        for _ in range(_TRIES_OF_ONE_NAME):
            reading = await self._attempt((name,), 2 * self._name_limit_s)
            if isinstance(reading, BatchReading):
                return reading.titles[0]
            if reading is _Failure.TIMED_OUT:
                break
        self._counters.poisoned += 1
        return unparsed(name)

    async def _attempt(self, names: Sequence[str], limit_s: float) -> BatchReading | _Failure:
        await self._ensure_started()
        with trio.move_on_after(limit_s):
            try:
                reading = await self._run(names)
            except trio_parallel.BrokenWorkerError:
                self.pid = None
                self._counters.killed += 1
                return _Failure.DIED
            except Exception:  # a bug met by one strange name must not stop the flow of all others
                _log.exception("a worker could not read a batch of %d names", len(names))
                self._counters.failures += 1
                return _Failure.DIED
            self.pid = reading.pid  # another one, when the former died unnoticed just before
            self._counters.too_slow += reading.too_slow
            return reading
        self.pid = None
        self._counters.timeouts += 1
        return _Failure.TIMED_OUT

    async def _ensure_started(self) -> None:
        """Start a process where none is idle; its start must not count against a name's time."""
        failures = 0
        while self._context.statistics().idle_workers == 0:
            self.pid = None
            self._counters.starts += 1
            try:
                with trio.fail_after(_START_LIMIT_S):
                    self.pid = (await self._run((WARM_UP,), reader=read_batch)).pid
            except (trio_parallel.BrokenWorkerError, trio.TooSlowError, OSError) as exc:
                failures += 1
                self._counters.killed += 1
                if failures >= _MOST_STARTS:
                    raise NoWorkerError("no process that reads names can be started") from exc
                await trio.sleep(_START_PAUSE_S * failures)

    async def _run(self, names: Sequence[str], reader: BatchReader | None = None) -> BatchReading:
        reading: BatchReading = await self._context.run_sync(
            reader or self._reader, tuple(names), self._name_limit_s, self._name_limit_s, kill_on_cancel=True, limiter=self._limiter
        )
        return reading


@asynccontextmanager
async def open_name_worker(name_limit_s: float, counters: WorkerCounters, reader: BatchReader = read_batch) -> AsyncIterator[NameWorker]:
    """Open a worker of its own; leaving the block ends its process."""
    opened = trio_parallel.open_worker_context(init=prepare_process, grace_period=_GRACE_S)
    context = await opened.__aenter__()
    try:
        yield NameWorker(context, name_limit_s, counters, reader)
    finally:
        context.statistics()  # forgets a process that somebody killed while it was idle; closing would complain of it
        with contextlib.suppress(trio_parallel.BrokenWorkerError):  # one killed in this very moment: it is gone, as wanted
            await opened.__aexit__(None, None, None)  # shields itself, and is bounded by the grace period
