"""What became of a torrent that somebody waits for: the answer to an ingest client, sent by whoever decides it.

A receipt travels with its torrent through the pipeline. The classifier settles it when the content policy refuses the torrent, the writer
after the commit.
"""

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import trio


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


@dataclass(frozen=True, slots=True)
class Receipt:
    """Who waits for one torrent, and the number it goes by there."""

    index: int
    answers: trio.MemorySendChannel[Settled]

    def settle(self, outcome: Outcome, reason: str = "") -> None:
        """Tell whoever waits. After a crash the same torrent may come by again: that answer finds nobody, or is the second of its kind."""
        with suppress(trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            self.answers.send_nowait(Settled(self.index, outcome, reason))
