"""Child specs: what a supervisor needs to know of a child, in OTP's words. See docs/supervision.md."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from supervisor.heartbeat import Heart


class Restart(Enum):
    """When a child that has ended is started again."""

    PERMANENT = "permanent"  # always, even after a normal end
    TRANSIENT = "transient"  # after a crash only
    TEMPORARY = "temporary"  # never

    def is_due(self, *, has_crashed: bool) -> bool:
        """Whether a child that ended by itself is started again."""
        return self is Restart.PERMANENT or (self is Restart.TRANSIENT and has_crashed)


class Strategy(Enum):
    """Which children are restarted when one has to be."""

    ONE_FOR_ONE = "one_for_one"  # that one
    ONE_FOR_ALL = "one_for_all"  # all of them
    REST_FOR_ONE = "rest_for_one"  # that one and those after it


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One child of a supervisor: how it is started, stopped and restarted."""

    id: str
    """Unique among its siblings; no "/"."""
    start: Callable[[Heart], Awaitable[object]]
    """Makes a fresh actor and runs it, once per start. Opens its inbox before the first `await`, so that no request to stop is missed."""
    restart: Restart = Restart.PERMANENT
    shutdown: float = 5.0
    """Seconds to end once asked to; then it is cancelled."""
    stop: Callable[[], None] | None = None
    """Asks it to end for good: closes its mailbox or sets its stop event. Also called when it does not run, so that senders learn of the
    end. None: it is cancelled at once."""
    suspend: Callable[[], None] | None = None
    """Asks it to end for now, before a restart it shares with a sibling or while its supervisor is down: `Mailbox.suspend`, which senders
    do not notice. None: as `stop`."""
    wait_ready: bool = False
    """The next child starts only after this one has called `heart.ready()`."""
    retry_when_exhausted: float | None = None
    """Seconds. Not None: its restarts count against a budget of its own, and when that is exhausted it is down and tried again after this
    long, instead of taking its siblings with it."""
    kind: Literal["actor", "supervisor"] = "actor"

    def __post_init__(self) -> None:
        if not self.id or "/" in self.id:
            raise ValueError(f"a child's id must be a name without '/', not {self.id!r}")
