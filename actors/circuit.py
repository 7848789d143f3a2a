"""A breaker on Trio's clock: whoever calls a service waits here while it is down. actors/breaker.py decides, this waits.

It outlives the actors that share it: the wiring makes one for each service.
"""

import logging
import math
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import trio

from actors.breaker import Breaker, Ladder, Permit, State

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CircuitStatistics:
    """How a service fares, for people: times are Unix time."""

    state: State
    since: float | None
    opened: int
    """How often it went from well to failing."""
    failures: int
    """In a row."""
    reason: str
    """Of the last failure."""
    next_probe: float | None
    """While open: when it is tried again."""
    waiting: int
    """Calls that wait for it."""


class Call:
    """One call under a permit: say how it ended, or it counts as abandoned."""

    def __init__(self, circuit: "Circuit", permit: Permit) -> None:
        self._circuit = circuit
        self._permit = permit
        self._is_settled = False

    def succeeded(self) -> None:
        """The service answered as it should."""
        with self._settling() as breaker:
            breaker.succeeded(self._permit, trio.current_time())

    def failed(self, reason: str, *, retry_after_s: float | None = None, is_final: bool = False) -> None:
        """The service failed; see `Breaker.failed`."""
        with self._settling() as breaker:
            breaker.failed(self._permit, trio.current_time(), reason, retry_after_s=retry_after_s, is_final=is_final)

    def abandon(self) -> None:
        """Give the permit back, unless it is settled: nobody knows how the service is."""
        if not self._is_settled:
            with self._settling() as breaker:
                breaker.abandoned(self._permit, trio.current_time())

    @contextmanager
    def _settling(self) -> Iterator[Breaker]:
        self._is_settled = True
        before = self._circuit.breaker.state
        yield self._circuit.breaker
        if self._circuit.breaker.state is not before:
            self._circuit.tell()


class Circuit:
    """One service's breaker, and the queue before it.

    Args:
        name: of the service, for the log.
        ladder: the pauses while it is open.
        failures: in a row, that open it.
        chance: for the jitter.
    """

    def __init__(self, name: str, ladder: Ladder, *, failures: int = 1, chance: random.Random | None = None) -> None:
        self.name = name
        self.breaker = Breaker(ladder, chance or random.Random(), failures=failures)
        self._moved = trio.Event()
        self._waiting = 0
        self._told = ""

    @asynccontextmanager
    async def call(self) -> AsyncIterator[Call]:
        """Wait until a call may be made; the block makes it and says how it ended."""
        call = Call(self, await self._admitted())
        try:
            yield call
        finally:
            call.abandon()

    async def _admitted(self) -> Permit:
        self._waiting += 1
        try:
            while True:
                await trio.lowlevel.checkpoint_if_cancelled()  # before there is a permit that could be lost
                now = trio.current_time()
                if (permit := self.breaker.admit(now)) is not None:
                    return permit
                due = self.breaker.next_admission(now)
                with trio.move_on_at(math.inf if due is None else due):
                    await self._moved.wait()
        finally:
            self._waiting -= 1

    def statistics(self) -> CircuitStatistics:
        """How it stands."""
        found = self.breaker.statistics()
        unix = time.time() - trio.current_time()
        return CircuitStatistics(
            state=found.state,
            since=None if found.since is None else round(unix + found.since, 3),
            opened=found.opened,
            failures=found.failures,
            reason=found.reason,
            next_probe=None if found.next_probe is None else round(unix + found.next_probe, 3),
            waiting=self._waiting,
        )

    def tell(self) -> None:
        """The breaker has moved: wake those who wait, and write it into the log."""
        self._moved.set()
        self._moved = trio.Event()
        found = self.breaker.statistics()
        if found.state is State.CLOSED:
            self._told = ""
            _log.info("%s is well again", self.name)
        elif found.next_probe is not None and (pause_s := found.next_probe - trio.current_time()) > 0:
            # An outage of hours is told once, and again when there is something new to it.
            level = logging.DEBUG if found.reason == self._told else logging.WARNING
            self._told = found.reason
            _log.log(level, "%s fails: %s; next try in %.1f s", self.name, found.reason, pause_s)
