"""Token buckets: so many a minute for each name, and how long to wait beyond that."""

import time
from collections import OrderedDict
from collections.abc import Callable

MAX_NAMES = 10_000
"""The longest unused are forgotten beyond that: names come from outside."""


class Buckets:
    """One bucket a name; each holds a minute's worth, so that bursts pass, and refills evenly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # name to tokens, and when they were counted

    def take(self, name: str, per_minute: int) -> float:
        """Take a token: 0.0, or without taking any the seconds until there is one."""
        now = self._clock()
        tokens, counted = self._buckets.get(name, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + (now - counted) * per_minute / 60)
        wait_s = 0.0
        if tokens >= 1:
            tokens -= 1
        else:
            wait_s = (1 - tokens) * 60 / per_minute
        self._buckets[name] = (tokens, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > MAX_NAMES:
            self._buckets.popitem(last=False)
        return wait_s

    def refill(self, name: str) -> None:
        """Forget what was taken."""
        self._buckets.pop(name, None)
