"""Trees of every shape under random crashes and ends, against a model that knows only the rules of OTP.

Hypothesis drives from its own thread; Trio runs in another, on a mock clock that only the `wait` rule moves.
"""

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from trio.testing import MockClock, wait_all_tasks_blocked

from supervisor.errors import RestartsExhausted
from supervisor.spec import Restart, Strategy
from supervisor.supervisor import Supervisor
from tests.fakes.puppet import Puppet

INTENSITY = 2
PERIOD = 10
PAUSE = 2.0
RETRY = 20.0


@dataclass
class Shape:
    """A node of a random tree; without a strategy it is an actor."""

    restart: Restart
    can_be_down: bool
    strategy: Strategy | None = None
    children: list["Shape"] = field(default_factory=list)


actors = st.builds(Shape, st.sampled_from(Restart), st.booleans())
groups = st.builds(Shape, st.sampled_from(Restart), st.booleans(), st.sampled_from(Strategy), st.lists(actors, min_size=1, max_size=3))
trees = st.builds(
    Shape, st.just(Restart.PERMANENT), st.just(False), st.sampled_from(Strategy), st.lists(actors | groups, min_size=1, max_size=3)
)


class Model:
    """What must be true of one node: whether it runs, when it is due, how often it has been started."""

    def __init__(self, shape: Shape, parent: "Model | None", now: Callable[[], float]) -> None:
        self.shape, self.parent, self.now = shape, parent, now
        self.children = [Model(child, self, now) for child in shape.children]
        self.is_running, self.due, self.starts = False, float("inf"), 0
        self.failures: list[float] = []  # its own
        self.spent: list[float] = []  # against the budget its children share

    def start(self) -> None:
        self.is_running, self.due = True, float("inf")
        self.starts += 1
        self.spent = []
        for child in self.children:
            child.failures = []
            child.start()

    def halt(self) -> None:
        self.is_running, self.due = False, float("inf")
        for child in self.children:
            child.halt()

    def fail(self, *, has_crashed: bool, has_exhausted: bool = False) -> None:
        """It ended by itself."""
        self.halt()
        parent, now = self.parent, self.now()
        if parent is None or self.shape.restart is Restart.TEMPORARY or (self.shape.restart is Restart.TRANSIENT and not has_crashed):
            return
        self.failures.append(now)
        pause = PAUSE
        if self.shape.can_be_down:
            if has_exhausted or self.too_many(self.failures):
                pause = RETRY
        else:
            parent.spent.append(now)
            if parent.too_many(parent.spent):
                parent.fail(has_crashed=True, has_exhausted=True)
                return
        position = parent.children.index(self)
        match parent.shape.strategy:
            case Strategy.ONE_FOR_ONE:
                affected = [self]
            case Strategy.ONE_FOR_ALL:
                affected = parent.children
            case Strategy.REST_FOR_ONE:
                affected = parent.children[position:]
        for node in affected:
            node.halt()
            if node.shape.restart is not Restart.TEMPORARY:
                node.due = now + pause

    def too_many(self, times: list[float]) -> bool:
        return sum(time >= self.now() - PERIOD for time in times) > INTENSITY

    def catch_up(self) -> None:
        if self.due <= self.now():
            self.start()
        elif self.is_running:
            for child in self.children:
                child.catch_up()

    def actors(self) -> list["Model"]:
        return [actor for child in self.children for actor in child.actors()] if self.shape.strategy else [self]


class TrioThread:
    """A Trio run in a thread of its own, which does what it is told and then settles."""

    def __init__(self) -> None:
        self.clock = MockClock()
        self.nursery: trio.Nursery | None = None
        self._token: queue.SimpleQueue[trio.lowlevel.TrioToken] = queue.SimpleQueue()
        self._thread = threading.Thread(target=trio.run, args=(self._main,), kwargs={"clock": self.clock})
        self._thread.start()
        self._trio = self._token.get()

    async def _main(self) -> None:
        async with trio.open_nursery() as self.nursery:
            self._token.put(trio.lowlevel.current_trio_token())
            await trio.sleep_forever()

    def do(self, action: Callable[[], object]) -> None:
        async def act() -> None:
            action()
            await wait_all_tasks_blocked()

        trio.from_thread.run(act, trio_token=self._trio)

    def wait(self, seconds: float) -> None:
        async def step() -> None:
            remaining = seconds
            while remaining > 0:  # from deadline to deadline, so that nothing happens late
                jump = min(remaining, trio.lowlevel.current_statistics().seconds_to_next_deadline)
                self.clock.jump(jump)
                remaining -= jump
                await wait_all_tasks_blocked()

        trio.from_thread.run(step, trio_token=self._trio)

    def end(self) -> None:
        with contextlib.suppress(trio.Cancelled):
            self.do(self.nursery.cancel_scope.cancel)
        self._thread.join()


class TreeMachine(RuleBasedStateMachine):
    @initialize(shape=trees)
    def plant(self, shape: Shape) -> None:
        self.is_exhausted = False
        self.trio = TrioThread()
        self.puppets: list[Puppet] = []
        tree = self.build("tree", shape)

        async def run() -> None:
            try:
                await tree.run()
            except RestartsExhausted:
                self.is_exhausted = True

        self.trio.do(lambda: self.trio.nursery.start_soon(run))
        self.model = Model(shape, None, self.trio.clock.current_time)
        self.model.start()
        self.actors = self.model.actors()

    def build(self, name: str, shape: Shape) -> Supervisor:
        children = []
        for number, child in enumerate(shape.children):
            retry = RETRY if child.can_be_down else None
            if child.strategy:
                children.append(self.build(f"group-{number}", child))
            else:
                self.puppets.append(Puppet(f"actor-{number}"))
                children.append(self.puppets[-1].spec(restart=child.restart, retry_when_exhausted=retry))
        return Supervisor(
            name,
            shape.strategy,
            children,
            intensity=INTENSITY,
            period=PERIOD,
            restart_pause=lambda _: PAUSE,
            restart=shape.restart,
            retry_when_exhausted=RETRY if shape.can_be_down else None,
        )

    @rule(which=st.integers(0, 8))
    def crash(self, which: int) -> None:
        which %= len(self.actors)
        if self.actors[which].is_running:
            self.trio.do(self.puppets[which].crash)
            self.actors[which].fail(has_crashed=True)

    @rule(which=st.integers(0, 8))
    def end(self, which: int) -> None:
        which %= len(self.actors)
        if self.actors[which].is_running:
            self.trio.do(self.puppets[which].end)
            self.actors[which].fail(has_crashed=False)

    @rule(seconds=st.sampled_from([1.0, 2.0, 5.0, 20.0]))
    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.trio.wait(1.0)
            self.model.catch_up()

    @invariant()
    def the_right_actors_run(self) -> None:
        assert [puppet.is_running for puppet in self.puppets] == [actor.is_running for actor in self.actors]

    @invariant()
    def each_was_started_as_often_as_it_should(self) -> None:
        assert [len(puppet.starts) for puppet in self.puppets] == [actor.starts for actor in self.actors]

    @invariant()
    def the_tree_gives_up_when_it_should(self) -> None:
        assert self.is_exhausted == (not self.model.is_running)

    def teardown(self) -> None:
        self.trio.end()


TestTreeMachine = TreeMachine.TestCase
TestTreeMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
