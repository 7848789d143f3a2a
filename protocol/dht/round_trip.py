"""How long an answer usually takes, so that a slow node is told from a silent one (RFC 6298, section 2, without its back-off)."""

LEAST_S, MOST_S = 0.2, 1.5


class RoundTrip:
    """Smoothed round-trip time and its variation; starts with the most patience."""

    __slots__ = ("_mean", "_variation")

    def __init__(self) -> None:
        self._mean: float | None = None
        self._variation = 0.0

    def measured(self, seconds: float) -> None:
        """An answer took this long."""
        if self._mean is None:
            self._mean, self._variation = seconds, seconds / 2
        else:
            self._variation += (abs(seconds - self._mean) - self._variation) / 4
            self._mean += (seconds - self._mean) / 8

    @property
    def slow_after_s(self) -> float:
        """Who takes longer than this is slow or gone."""
        if self._mean is None:
            return MOST_S
        return min(MOST_S, max(LEAST_S, self._mean + 4 * self._variation))
