"""Waiting for the outcome of every torrent of one request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import trio
from werkzeug.exceptions import ServiceUnavailable

from catalog.messages import TorrentsFound
from catalog.model import Torrent
from catalog.receipts import Receipt, Settled
from supervisor.mailbox import Mailbox

RETRY_AFTER_S: Final = 5
_MESSAGE: Final = 250
"""Torrents in one message: others get their turn between two of them."""


class Answers:
    """The outcomes of so many torrents, as they come in. The first one of each counts: what comes later is an echo of a crash."""

    def __init__(self, count: int) -> None:
        self._settled: list[Settled | None] = [None] * count
        self._open = count
        self._complete = trio.Event()
        if not count:
            self._complete.set()

    def receipt(self, index: int) -> Receipt:
        """For the torrent of that number."""
        return Receipt(index, self._tell)

    async def wait(self) -> tuple[Settled, ...]:
        """All of them, in order of their numbers."""
        await self._complete.wait()
        return tuple(settled for settled in self._settled if settled is not None)

    def _tell(self, settled: Settled) -> None:
        if self._settled[settled.index] is None:
            self._settled[settled.index] = settled
            self._open -= 1
            if self._open == 0:
                self._complete.set()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The way to the classifier, and how long an answer may take."""

    mailbox: Mailbox[TorrentsFound]
    deadline_s: float

    async def settle(self, torrents: Sequence[Torrent]) -> tuple[Settled, ...]:
        """Send torrents on their way and return what became of each, after the commit.

        Raises:
            ServiceUnavailable: not confirmed in time; they may be stored all the same, and sending them again does no harm.
        """
        answers = Answers(len(torrents))
        sent = [replace(torrent, receipt=answers.receipt(index)) for index, torrent in enumerate(torrents)]
        try:
            with trio.move_on_after(self.deadline_s):
                for start in range(0, len(sent), _MESSAGE):
                    await self.mailbox.send(TorrentsFound(tuple(sent[start : start + _MESSAGE])))
                return await answers.wait()
        except trio.ClosedResourceError:
            raise _unconfirmed("The instance is stopping, nothing is confirmed") from None
        raise _unconfirmed(f"Not confirmed within {self.deadline_s:g} s")


def _unconfirmed(words: str) -> ServiceUnavailable:
    return ServiceUnavailable(f"{words}: send it again", retry_after=RETRY_AFTER_S)
