"""The heart of one start of a child: the thread by which the supervisor feels that it is alive."""

from collections.abc import Callable

import trio

_BEAT_S = 5.0


def _nobody_waits() -> None:
    pass


class Heart:
    """Given to each start of a child; what the child says through it stands in the supervisor's snapshot.

    Args:
        path: the child's place in the tree, such as "swarmdex/pipeline/writer", for its log.
        on_ready: called once, at the first `ready`.
    """

    def __init__(self, path: str = "", on_ready: Callable[[], None] = _nobody_waits) -> None:
        self.path = path
        self.started_at = self.last_beat = trio.current_time()
        self.is_ready = False
        self.statistics: Callable[[], object] | None = None
        self._on_ready = on_ready

    def beat(self) -> None:
        """Say "I am alive"; a child calls it each time round its loop. The start counts as the first beat."""
        self.last_beat = trio.current_time()

    async def keep_beating(self) -> None:
        """Beat until cancelled; for a child that may rightly wait long, for a database or for room in a mailbox, and is alive meanwhile."""
        while True:
            self.beat()
            await trio.sleep(_BEAT_S)

    def ready(self) -> None:
        """Say "I have started": with `ChildSpec.wait_ready` the next sibling starts only now. Once is enough, more does no harm."""
        if not self.is_ready:
            self.is_ready = True
            self._on_ready()

    def report(self, statistics: Callable[[], object]) -> None:
        """Have every snapshot call `statistics`, which returns a frozen dataclass of counters."""
        self.statistics = statistics
