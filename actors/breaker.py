"""A circuit breaker: stops calls to a service that fails, and finds out, ever more slowly, whether it is back.

The states are an Enum and the moves a table; what is not in the table is an error. Time and randomness are arguments, so nothing here
waits: actors/circuit.py does. Every call asks for a permit and says how it ended; an answer to a call from before the last move says
nothing about the state now, and its permit is void.
"""

import random
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final


class State(StrEnum):
    """Whether calls may be made."""

    CLOSED = "closed"
    """The service is well: all may be."""
    OPEN = "open"
    """It is not: none may be until the pause is over."""
    HALF_OPEN = "half-open"
    """The pause is over: one call finds out."""


class Event(Enum):
    """What can happen to a breaker."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """And not too often yet."""
    TRIPPED = "tripped"
    """Failed once too often, or in a way that one failure settles."""
    PROBED = "probed"
    """The pause is over, and somebody wants to call."""
    ABANDONED = "abandoned"
    """The call ended without an answer either way: its caller was cancelled."""


MOVES: Final = {
    (State.CLOSED, Event.SUCCEEDED): State.CLOSED,
    (State.CLOSED, Event.FAILED): State.CLOSED,
    (State.CLOSED, Event.TRIPPED): State.OPEN,
    (State.CLOSED, Event.ABANDONED): State.CLOSED,
    (State.OPEN, Event.PROBED): State.HALF_OPEN,
    (State.HALF_OPEN, Event.SUCCEEDED): State.CLOSED,
    (State.HALF_OPEN, Event.TRIPPED): State.OPEN,
    (State.HALF_OPEN, Event.ABANDONED): State.OPEN,
}


@dataclass(frozen=True, slots=True)
class Ladder:
    """How long a breaker stays open: each failed probe climbs a rung, and the last rung repeats."""

    first_s: float
    longest_s: float
    factor: float = 2.0
    jitter: float = 0.5
    """The share of a pause that chance may take away, so that many callers do not come back at once."""

    def pause_s(self, rung: int, chance: random.Random) -> float:
        """The pause on a rung, from 0."""
        height = min(rung, 64)  # far beyond any longest pause, and no float overflows
        return min(self.first_s * self.factor**height, self.longest_s) * (1 - self.jitter * chance.random())


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one call."""

    term: int
    """Counts the moves of the breaker."""


@dataclass(frozen=True, slots=True)
class BreakerStatistics:
    """A breaker at one moment; times are on the caller's clock."""

    state: State
    since: float | None
    """When it moved last; None: it never did."""
    opened: int
    """How often it moved from closed to open."""
    failures: int
    """Failures in a row, until a success."""
    reason: str
    """The last failure, in words; stays until the next."""
    next_probe: float | None
    """While open: when a call may find out."""


class Breaker:
    """One service's. `admit` before each call, then one of `succeeded`, `failed` and `abandoned` with the permit.

    Args:
        ladder: the pauses.
        chance: for the jitter.
        failures: in a row, that open it.
        longest_retry_after_s: a service that asks for more patience than this gets this much.
    """

    def __init__(self, ladder: Ladder, chance: random.Random, *, failures: int = 1, longest_retry_after_s: float = 3600.0) -> None:
        self.state = State.CLOSED
        self._ladder = ladder
        self._chance = chance
        self._limit = failures
        self._longest_retry_after_s = longest_retry_after_s
        self._term = 0
        self._since: float | None = None
        self._rung = 0
        self._last_pause_s = 0.0
        self._failures = 0
        self._opened = 0
        self._reason = ""
        self._next_probe = 0.0  # counts while open

    def admit(self, now: float) -> Permit | None:
        """Leave for a call, or None. While half-open the first to ask is the probe, and all others get None until it has ended."""
        if self.state is State.OPEN and now >= self._next_probe:
            self._move(Event.PROBED, now)
            return Permit(self._term)
        return Permit(self._term) if self.state is State.CLOSED else None

    def succeeded(self, permit: Permit, now: float) -> None:
        """The service answered as it should."""
        if permit.term == self._term:
            self._failures = 0
            self._move(Event.SUCCEEDED, now)

    def failed(self, permit: Permit, now: float, reason: str, *, retry_after_s: float | None = None, is_final: bool = False) -> None:
        """The service failed.

        Args:
            permit: the call's.
            now: the time.
            reason: in words, for people.
            retry_after_s: what the service asked for: it is left alone for at least that long.
            is_final: one failure of this kind is enough to open.
        """
        if permit.term != self._term:
            return
        self._failures += 1
        self._reason = reason
        is_enough = self.state is State.HALF_OPEN or is_final or retry_after_s is not None or self._failures >= self._limit
        if not is_enough:
            self._move(Event.FAILED, now)
            return
        self._climb(now)
        pause_s = self._ladder.pause_s(self._rung, self._chance)
        self._last_pause_s = max(pause_s, min(retry_after_s or 0.0, self._longest_retry_after_s))
        self._next_probe = now + self._last_pause_s
        self._move(Event.TRIPPED, now)

    def abandoned(self, permit: Permit, now: float) -> None:
        """The call was given up before there was an answer: after a probe, the next who asks is the probe."""
        if permit.term == self._term:
            self._move(Event.ABANDONED, now)

    def next_admission(self, now: float) -> float | None:
        """When `admit` gives a permit: now, later, or None: once the probe that runs has ended."""
        match self.state:
            case State.CLOSED:
                return now
            case State.OPEN:
                return max(now, self._next_probe)
            case State.HALF_OPEN:
                return None

    def statistics(self) -> BreakerStatistics:
        """How it stands."""
        return BreakerStatistics(
            state=self.state,
            since=self._since,
            opened=self._opened,
            failures=self._failures,
            reason=self._reason,
            next_probe=self._next_probe if self.state is State.OPEN else None,
        )

    def _climb(self, now: float) -> None:
        if self.state is State.HALF_OPEN:
            self._rung += 1
        else:
            # Closed for less long than it was open before: that was no recovery, and the pauses go on growing.
            is_relapse = self._since is not None and now - self._since < self._last_pause_s
            self._rung = self._rung + 1 if is_relapse else 0
            self._opened += 1

    def _move(self, event: Event, now: float) -> None:
        to = MOVES[self.state, event]
        if to is not self.state:
            self.state = to
            self._since = now
            self._term += 1
