"""What became of a torrent that somebody waits for: the answer to an ingest client, sent by whoever decides it.

A receipt travels with its torrent through the pipeline. The classifier settles it when the content policy refuses the torrent, the writer
after the commit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a torrent's way ended."""

    NEW = "new"
    UPDATED = "updated"
    """Known before; what was observed now is stored."""
    BLOCKED = "blocked"
    """Its hash is blocked or was deleted."""
    REFUSED = "refused"
    """By the content policy or the database; the reason says which."""


@dataclass(frozen=True, slots=True)
class Settled:
    """One answer."""

    index: int
    """The receipt's."""
    outcome: Outcome
    reason: str = ""


@dataclass(slots=True, eq=False)
class Receipt:
    """The number a torrent goes by where somebody waits for it, and how to tell them."""

    index: int
    tell: Callable[[Settled], None]
    """Never raises, never waits. After a crash the same torrent may come by again, so it may be told twice, or when nobody listens."""
    tried_at: int | None = None
    """The database's time of the first try to store it whose end nobody knows: a row made since then was made by that try."""

    def settle(self, outcome: Outcome, reason: str = "") -> None:
        """Tell whoever waits."""
        self.tell(Settled(self.index, outcome, reason))
