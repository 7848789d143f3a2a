"""Counts what the app answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebStatistics:
    """Since this start of the app."""

    in_flight: int
    answered: int
    client_errors: int
    """Answers with a 4xx status."""
    server_errors: int
    """Answers with a 5xx status."""
    busy_s: float
    """Time spent in answers, waiting for the database included."""


class Traffic:
    """Knows how many requests came and went."""

    def __init__(self) -> None:
        self._started = 0
        self._answered = 0
        self._client_errors = 0
        self._server_errors = 0
        self._busy_s = 0.0
        self._abandoned = 0

    def began(self) -> None:
        """A request has arrived."""
        self._started += 1

    def answered(self, status: int, seconds: float) -> None:
        """Its answer is made."""
        self._answered += 1
        self._client_errors += 400 <= status < 500
        self._server_errors += status >= 500
        self._busy_s += seconds

    def abandoned(self) -> None:
        """The client left before."""
        self._abandoned += 1

    def statistics(self) -> WebStatistics:
        """The counters."""
        return WebStatistics(
            in_flight=self._started - self._answered - self._abandoned,
            answered=self._answered,
            client_errors=self._client_errors,
            server_errors=self._server_errors,
            busy_s=self._busy_s,
        )
