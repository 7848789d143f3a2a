"""The supervisor: starts children in order, restarts those that end, stops them in reverse. See docs/supervision.md."""

import logging
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from enum import Enum

import trio

from supervisor.budget import BackOff, RestartBudget
from supervisor.child import Child
from supervisor.errors import RestartsExhausted
from supervisor.heartbeat import Heart
from supervisor.snapshot import ChildSnapshot, State, summary_of
from supervisor.spec import ChildSpec, Restart, Strategy

_log = logging.getLogger(__name__)


class _Ending(Enum):
    """What a supervisor was asked for."""

    FOR_GOOD = "for good"
    FOR_NOW = "for now"


class Supervisor:
    """Runs a group of children, which may be supervisors themselves.

    Args:
        id: its name among its siblings, and the first part of its children's paths.
        strategy: which children are restarted when one has to be.
        children: in the order in which they start; they stop in the reverse order.
        intensity: restarts allowed within `period`; one more, and it gives up.
        period: seconds.
        restart_pause: seconds to wait before a child's n-th restart within the period.
        restart: as in a child spec, for a supervisor that is a child.
        retry_when_exhausted: as in a child spec, for a supervisor that is a child.
    """

    def __init__(
        self,
        id: str,  # noqa: A002  (OTP's word)
        strategy: Strategy,
        children: Sequence["ChildSpec | Supervisor"],
        *,
        intensity: int = 5,
        period: float = 30.0,
        restart_pause: Callable[[int], float] = BackOff(),  # noqa: B008  (frozen)
        restart: Restart = Restart.PERMANENT,
        retry_when_exhausted: float | None = None,
    ) -> None:
        self.id = id
        self._strategy = strategy
        self._intensity = intensity
        self._period = period
        self._restart_pause = restart_pause
        self._restart = restart
        self._retry_when_exhausted = retry_when_exhausted
        self._nested = {child.id: child for child in children if isinstance(child, Supervisor)}
        specs = [child._spec() if isinstance(child, Supervisor) else child for child in children]
        if len({spec.id for spec in specs}) < len(specs):
            raise ValueError(f"supervisor {id}: two children share an id")
        self._children = [Child(spec, self._new_budget(), self._wake) for spec in specs]
        self._budget = self._new_budget()
        self._path = id
        self._heart: Heart | None = None  # of this supervisor as a child
        self._is_running = False
        self._ending: _Ending | None = None
        self._ended: deque[tuple[Child, Exception | None]] = deque()  # by themselves, and not dealt with yet
        self._changed = trio.Event()

    async def run(self) -> None:
        """Start the children and keep them running until `stop`. Cancelled: so are they, at once.

        Raises:
            RestartsExhausted: too many restarts; all children have ended.
        """
        if self._is_running:
            raise RuntimeError(f"{self._path} runs already")
        self._is_running = True
        self._budget = self._new_budget()
        self._ended.clear()
        for child in self._children:
            child.path = f"{self._path}/{child.spec.id}"
            child.budget = self._new_budget()
        self._line_up(self._children, not_before=-math.inf)
        try:
            await self._supervise()
        finally:
            self._is_running = False
            self._ending = None

    def stop(self) -> None:
        """Ask the whole tree to stop, last child first; `run` returns when all have ended. Before `run`, it will return at once."""
        self._ending = _Ending.FOR_GOOD
        if not self._is_running:
            for child in reversed(self._children):
                child.ask_to_end(for_good=True)
        self._wake()

    def snapshot(self) -> tuple[ChildSnapshot, ...]:
        """Every child of the tree in the order of its start, a supervisor before its own children."""
        now = trio.current_time()
        return tuple(child.snapshot(path, now) for path, child in self._walk(self.id))

    def crash(self, path: str) -> None:
        """Make the child at `path` fail as if by a bug; nothing happens to one that does not run. For tests and demonstrations.

        Raises:
            LookupError: there is no such child.
        """
        for child_path, child in self._walk(self.id):
            if child_path == path:
                child.crash()
                return
        raise LookupError(f"no child at {path!r}")

    def _spec(self) -> ChildSpec:
        return ChildSpec(
            self.id,
            self._run_nested,
            restart=self._restart,
            shutdown=math.inf,  # its children have deadlines of their own
            stop=self.stop,
            suspend=self._suspend,
            wait_ready=True,
            retry_when_exhausted=self._retry_when_exhausted,
            kind="supervisor",
        )

    async def _run_nested(self, heart: Heart) -> None:
        self._heart = heart
        self._path = heart.path
        self._ending = None  # of the last run
        await self.run()

    def _suspend(self) -> None:
        self._ending = _Ending.FOR_NOW
        self._wake()

    def _wake(self) -> None:
        self._changed.set()

    def _new_budget(self) -> RestartBudget:
        return RestartBudget(self._intensity, self._period)

    def _walk(self, path: str) -> Iterator[tuple[str, Child]]:
        for child in self._children:
            child_path = f"{path}/{child.spec.id}"
            yield child_path, child
            if child.spec.id in self._nested:
                yield from self._nested[child.spec.id]._walk(child_path)

    async def _supervise(self) -> None:
        exhausted = None
        async with trio.open_nursery() as nursery:
            try:
                await self._keep_running(nursery)
            except RestartsExhausted as error:
                exhausted = error
            is_final = self._ending is _Ending.FOR_GOOD or (self._ending is None and self._heart is None)
            await self._stop(self._children, for_good=is_final)
        if exhausted is not None:  # out here the nursery does not wrap it
            raise exhausted

    async def _keep_running(self, nursery: trio.Nursery) -> None:
        while self._ending is None:
            self._start_those_due(nursery)
            await self._wait_for_change()
            while self._ended and self._ending is None:
                await self._deal_with_end(*self._ended.popleft())

    def _line_up(self, children: Sequence[Child], not_before: float) -> None:
        for child in children:
            child.state = State.WAITING
            child.is_lined_up = True
            child.not_before = not_before

    def _next_to_start(self) -> Iterator[Child]:
        """Those whose turn it is, some of them only after their pause."""
        for child in self._children:
            if child.state in (State.WAITING, State.PAUSING, State.DOWN):
                yield child
            if child.is_lined_up:
                return

    def _start_those_due(self, nursery: trio.Nursery) -> None:
        now = trio.current_time()
        for child in self._next_to_start():
            if child.not_before <= now:
                child.prepare()
                nursery.start_soon(self._run_child, child, name=child.path)
        if self._heart is not None and not any(child.is_lined_up for child in self._children):
            self._heart.ready()

    async def _run_child(self, child: Child) -> None:
        crash = await child.run()
        if child.state is not State.STOPPING:
            self._ended.append((child, crash))
        self._wake()

    async def _wait_for_change(self) -> None:
        with trio.move_on_at(min((child.not_before for child in self._next_to_start()), default=math.inf)):
            await self._changed.wait()
        self._changed = trio.Event()

    async def _deal_with_end(self, child: Child, crash: Exception | None) -> None:
        """Restart what the strategy says, after a pause; or give up."""
        if not child.spec.restart.is_due(has_crashed=crash is not None):
            child.state = State.FINISHED
            child.is_lined_up = False
            return
        if crash is None:
            child.record_end()
        pause = self._spend_restart(child, has_exhausted=isinstance(crash, RestartsExhausted))
        if pause is None:
            reason = f"more than {self._intensity} restarts in {self._period:g} s; the last was due to {child.path}"
            cause = f": {summary_of(crash)}" if crash is not None else ""
            raise RestartsExhausted(f"{self._path}: {reason}{cause}") from crash
        child.restarts += 1
        not_before = trio.current_time() + pause
        if self._strategy is not Strategy.ONE_FOR_ONE:
            await self._stop_those_affected(child, not_before)
        elif child.state is State.DOWN:
            child.is_lined_up = False
        child.not_before = not_before

    def _spend_restart(self, child: Child, *, has_exhausted: bool) -> float | None:
        """Count a restart of `child`. Returns the pause before it, None when there have been too many."""
        now = trio.current_time()
        is_within_budget = child.budget.spend(now)
        child.state = State.PAUSING
        retry = child.spec.retry_when_exhausted
        if retry is None:
            is_within_budget = self._budget.spend(now)
        elif has_exhausted or not is_within_budget:
            child.state = State.DOWN
            _log.error("%s is down; it is tried again in %g s", child.path, retry)
            return retry
        return self._restart_pause(child.budget.spent(now)) if is_within_budget else None

    async def _stop_those_affected(self, child: Child, not_before: float) -> None:
        """Stop the siblings that are restarted along with `child`, and line all of them up."""
        first = 0 if self._strategy is Strategy.ONE_FOR_ALL else self._children.index(child)
        affected = self._children[first:]
        # Temporary children end here, but one whose turn has not come yet has its first start before it.
        again = [each for each in affected if each.spec.restart is not Restart.TEMPORARY or each.state is State.WAITING]
        state = child.state
        await self._stop(affected, for_good=False)
        self._ended = deque(end for end in self._ended if end[0] not in affected)
        self._line_up(again, not_before)
        child.state = state

    async def _stop(self, children: Sequence[Child], *, for_good: bool) -> None:
        for child in reversed(children):
            await child.stop(for_good=for_good)
