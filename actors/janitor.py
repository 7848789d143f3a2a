"""The janitor: throws out what is too old to keep, in small batches and at its own pace, so that nobody notices."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from storage.errors import StorageError
from supervisor.heartbeat import Heart

_log = logging.getLogger(__name__)

BATCH: Final = 1000
"""Rows at a time: some milliseconds of the database."""
_BREATH_S: Final = 0.5
"""Between two batches of one chore."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done now and then."""

    name: str
    every_s: float
    do: Callable[[int], Awaitable[int]]
    """Called with the most rows to take; returns how many it took. As many as it might: it is called again soon."""


@dataclass(frozen=True, slots=True)
class JanitorStatistics:
    """What the janitor did since it started, by the chores' names."""

    rounds: dict[str, int]
    rows: dict[str, int]
    failures: dict[str, int]
    """Rounds the database cut short."""
    busy_s: float


class Janitor:
    """Does its chores, each at its time, one after the other."""

    def __init__(self, heart: Heart, chores: Sequence[Chore], *, batch: int = BATCH) -> None:
        self._heart = heart
        self._chores = chores
        self._batch = batch
        self._rounds: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._busy_s = 0.0

    async def run(self) -> None:
        """Never return: it holds nothing that would be lost when it is cancelled."""
        self._heart.report(self.statistics)
        self._heart.ready()
        one_at_a_time = trio.Lock()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heart.keep_beating)
            for chore in self._chores:
                nursery.start_soon(self._keep_doing, chore, one_at_a_time)

    def statistics(self) -> JanitorStatistics:
        """The counters as they stand."""
        return JanitorStatistics(dict(self._rounds), dict(self._rows), dict(self._failures), self._busy_s)

    async def _keep_doing(self, chore: Chore, one_at_a_time: trio.Lock) -> None:
        while True:
            taken = self._batch
            while taken >= self._batch:
                async with one_at_a_time:
                    taken = await self._do(chore)
                await trio.sleep(_BREATH_S)
            self._rounds[chore.name] += 1
            await trio.sleep(chore.every_s)

    async def _do(self, chore: Chore) -> int:
        started = trio.current_time()
        try:
            taken = await chore.do(self._batch)
        except StorageError as error:
            self._failures[chore.name] += 1
            _log.warning("%s waits for another time: %s", chore.name, error)
            return 0
        finally:
            self._busy_s += trio.current_time() - started
        self._rows[chore.name] += taken
        return taken
