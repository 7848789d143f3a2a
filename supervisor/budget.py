"""The arithmetic of restarts: how many within how long, and the pause before each. Neither reads a clock."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


class RestartBudget:
    """At most `intensity` restarts within any `period` seconds (OTP's words). Time is an argument and never goes back."""

    def __init__(self, intensity: int, period: float) -> None:
        self.intensity = intensity
        self.period = period
        self._times: deque[float] = deque()

    def spend(self, now: float) -> bool:
        """Count a restart; False when it is one too many."""
        self._times.append(now)
        return self.spent(now) <= self.intensity

    def spent(self, now: float) -> int:
        """Restarts within the period that ends now, both ends included."""
        while self._times and self._times[0] < now - self.period:
            self._times.popleft()
        return len(self._times)


@dataclass(frozen=True, slots=True)
class BackOff:
    """The pause before a child's n-th restart within the period: doubles each time, with jitter so that siblings do not start in step."""

    first: float = 0.1  # seconds
    most: float = 5.0  # seconds
    jitter: Callable[[], float] = random.random
    """Gives 0 to 1: 1 is the full pause, 0 is half of it."""

    def __call__(self, restarts: int) -> float:
        """Seconds to wait; `restarts` is 1 for the first."""
        doublings = min(restarts - 1, 32)  # 2.0**1024 overflows
        return min(self.most, self.first * 2.0**doublings) * (1 + self.jitter()) / 2
