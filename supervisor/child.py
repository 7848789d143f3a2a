"""One child of a supervisor, through all its starts. What follows from its end is decided in supervisor/supervisor.py."""

import logging
import time
from collections.abc import Callable

import trio

from supervisor.budget import RestartBudget
from supervisor.errors import InjectedCrash
from supervisor.heartbeat import Heart
from supervisor.snapshot import ChildSnapshot, CrashReport, State, report_crash, summary_of
from supervisor.spec import ChildSpec

_log = logging.getLogger(__name__)


class Child:
    """Runs a child once per start, asks it to end, and remembers how it fared.

    Args:
        spec: the child spec.
        budget: counts its restarts.
        changed: called when it has come up and when it has ended.
    """

    def __init__(self, spec: ChildSpec, budget: RestartBudget, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.budget = budget
        self.path = spec.id  # the supervisor learns its own path, and with it this one, when it runs
        self.state = State.WAITING
        self.not_before = 0.0  # Trio seconds; counts while it is waiting, pausing or down
        self.is_lined_up = True  # has not come up yet, and holds up those after it
        self.starts = 0
        self.restarts = 0
        self.last_crash: CrashReport | None = None
        self._changed = changed
        self._heart: Heart | None = None  # of the start that runs now
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._ended.set()
        self._is_injected = False

    @property
    def is_alive(self) -> bool:
        """Whether a start of it has not ended yet."""
        return not self._ended.is_set()

    def prepare(self) -> None:
        """Call before the task of `run` is started."""
        self.state = State.STARTING
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._is_injected = False

    async def run(self) -> Exception | None:
        """One start, to its end. Returns what it crashed with; cancellation from outside and the like pass."""
        try:
            # Asked to end before its first step: it must not open what `stop` has closed.
            return await self._live() if self.state is State.STARTING else None
        finally:
            self._heart = None
            if self.state is not State.STOPPING:
                self.state = State.STOPPED
            self._ended.set()

    async def stop(self, *, for_good: bool) -> None:
        """Ask it to end, wait `shutdown` seconds, then cancel it. Returns when it has ended."""
        if self.is_alive:
            self.state = State.STOPPING
            with trio.move_on_after(self.spec.shutdown) as deadline:
                if self.ask_to_end(for_good=for_good):
                    await self._ended.wait()
            if deadline.cancelled_caught:
                _log.warning("%s did not end in %g s and is cancelled", self.path, self.spec.shutdown)
            if self.is_alive:
                self._scope.cancel()
                await self._ended.wait()
        elif for_good:
            self.ask_to_end(for_good=True)
        self.is_lined_up = False
        if self.state is not State.FINISHED:
            self.state = State.STOPPED

    def ask_to_end(self, *, for_good: bool) -> bool:
        """Pass the request on; False when the child cannot be asked."""
        ask = self.spec.stop if for_good else self.spec.suspend or self.spec.stop
        if ask is None:
            return False
        try:
            ask()
        except Exception as crash:
            self.record(crash)
            return False
        return True

    def crash(self) -> None:
        """Have the start that runs now end at once, as a crash."""
        self._is_injected = True
        self._scope.cancel()

    def record(self, crash: Exception) -> None:
        """Keep and log a crash."""
        self.last_crash = report_crash(crash)
        _log.error("%s crashed: %s\n%s", self.path, self.last_crash.summary, self.last_crash.traceback)

    def record_end(self) -> None:
        """Keep and log that it ended normally when it should have gone on."""
        self.last_crash = CrashReport(time.time(), "ended by itself", "")
        _log.error("%s ended by itself", self.path)

    def snapshot(self, path: str, now: float) -> ChildSnapshot:
        """What it is doing at `now`; `path` is its place in the tree."""
        heart = self._heart
        is_settled = self.state in (State.PAUSING, State.DOWN)
        return ChildSnapshot(
            path=path,
            kind=self.spec.kind,
            state=self.state,
            starts=self.starts,
            restarts=self.restarts,
            restarts_in_period=self.budget.spent(now),
            heartbeat_age=now - heart.last_beat if heart is not None and self.spec.kind == "actor" else None,
            uptime=now - heart.started_at if heart is not None else None,
            starts_in=max(0.0, self.not_before - now) if is_settled else None,
            last_crash=self.last_crash,
            statistics=_read(heart.statistics) if heart is not None and heart.statistics is not None else None,
        )

    async def _live(self) -> Exception | None:
        self.starts += 1
        self._heart = Heart(self.path, self._come_up)
        if not self.spec.wait_ready:
            self._come_up()
        try:
            with self._scope:
                await self.spec.start(self._heart)
            if self._is_injected:
                raise InjectedCrash(f"{self.path} was made to crash")
        except Exception as crash:
            self.record(crash)
            return crash
        except BaseExceptionGroup as group:
            # Cancelled from outside while it crashed: the one is recorded, the other passes.
            crashes, rest = group.split(Exception)
            if crashes is not None:
                self.record(crashes)
            if rest is not None:
                raise rest from None
            return crashes
        return None

    def _come_up(self) -> None:
        if self.state is State.STARTING:
            self.state = State.RUNNING
            self.is_lined_up = False
            self._changed()


def _read(statistics: Callable[[], object]) -> object:
    try:
        return statistics()
    except Exception as crash:  # a bug in one child's counters must not hide all the others
        return {"error": summary_of(crash)}
