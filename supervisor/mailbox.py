"""Mailboxes: bounded queues that outlive the actors that read them, and give back what a crashed actor had not finished.

A Trio memory channel does the queueing; this adds the memory of what was handed out. See docs/supervision.md.
"""

import logging
from collections import deque
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, Self, TypeVar

import trio

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MailboxStatistics:
    """What a mailbox holds now, and what it has seen since it was made."""

    name: str
    depth: int
    """Items waiting for the reader; after a crash it may exceed `capacity` by what is delivered again."""
    capacity: int
    held: int
    """Items received and not yet done."""
    sent: int
    received: int
    """Items received for the first time."""
    waits: int
    """`send` calls that found the mailbox full."""
    drops: int
    """`send_nowait` calls that found the mailbox full."""
    redelivered: int
    poisoned: int
    """Items given up: every actor that got them crashed."""


@dataclass(slots=True)
class _Letter(Generic[T]):
    """An item that was handed out, and how often a crash has brought it back."""

    item: T
    number: int  # the order in which items were received first
    returned: int = 0


class Mailbox(Generic[T]):
    """A bounded queue with a name, any number of senders, and one reader at a time.

    Args:
        name: for the statistics and the log.
        capacity: items that wait before `send` waits and `send_nowait` drops; at least 1.
        redeliveries: how often an item is delivered again after crashes before it is given up as poisoned.
    """

    def __init__(self, name: str, capacity: int, *, redeliveries: int = 3) -> None:
        if capacity < 1:
            raise ValueError(f"mailbox {name}: capacity must be at least 1, not {capacity}")
        self.name = name
        self.capacity = capacity
        self._redeliveries = redeliveries
        self._send, self._receive = trio.open_memory_channel[T](capacity)
        self._is_closed = False
        self._inbox: Inbox[T] | None = None
        self._again: deque[_Letter[T]] = deque()  # back from a crash, ahead of everything in the channel
        self._held: dict[int, list[_Letter[T]]] = {}  # by id(item); a list, for one object may be sent twice
        self._sent = self._received = self._waits = self._drops = self._redelivered = self._poisoned = 0

    async def send(self, item: T) -> None:
        """Put `item` in; wait while the mailbox is full. Cancelled: the item is not in.

        Raises:
            trio.ClosedResourceError: the mailbox is closed, or was closed while waiting.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            self._send.send_nowait(item)
        except trio.WouldBlock:
            self._waits += 1
            await self._send.send(item)
            self._sent += 1
        else:
            self._sent += 1
            await trio.lowlevel.cancel_shielded_checkpoint()

    def send_nowait(self, item: T) -> None:
        """Put `item` in, or raise.

        Raises:
            trio.WouldBlock: the mailbox is full; counted as a drop.
            trio.ClosedResourceError: the mailbox is closed.
        """
        try:
            self._send.send_nowait(item)
        except trio.WouldBlock:
            self._drops += 1
            raise
        self._sent += 1

    def open_inbox(self) -> "Inbox[T]":
        """The reading side for one start of an actor; reopens a closed mailbox and ends the inbox opened before.

        What the former reader received and did not finish comes first, in the order it was received. That counts against an item only
        after a crash: a reader that was asked to end and ran out of time is no sign of a bad item.
        """
        was_asked_to_end = self._is_closed
        if self._inbox is not None:
            was_asked_to_end |= self._inbox._is_suspended
            self._inbox._channel.close()
        self._take_back(is_suspect=not was_asked_to_end)
        if self._is_closed:
            self._reopen()
        self._inbox = Inbox(self, self._receive.clone())
        return self._inbox

    def close(self) -> None:
        """Ask for a graceful end: senders get `trio.ClosedResourceError`, the reader drains what is there and then sees the end."""
        self._is_closed = True
        self._send.close()

    def suspend(self) -> None:
        """Ask for a graceful end for now: the reader sees the end at once, senders notice nothing; the rest waits for the next inbox."""
        if self._inbox is not None:
            self._inbox._is_suspended = True
            self._inbox._channel.close()

    def statistics(self) -> MailboxStatistics:
        """A snapshot of the counters."""
        return MailboxStatistics(
            name=self.name,
            depth=len(self._again) + self._receive.statistics().current_buffer_used,
            capacity=self.capacity,
            held=sum(map(len, self._held.values())),
            sent=self._sent,
            received=self._received,
            waits=self._waits,
            drops=self._drops,
            redelivered=self._redelivered,
            poisoned=self._poisoned,
        )

    def _take_back(self, *, is_suspect: bool) -> None:
        back = sorted((letter for letters in self._held.values() for letter in letters), key=attrgetter("number"))
        self._held.clear()
        for letter in back:
            letter.returned += is_suspect
        kept = [letter for letter in back if letter.returned <= self._redeliveries]
        if poisoned := len(back) - len(kept):
            self._poisoned += poisoned
            _log.error("mailbox %s: gave up %d items that were held in %d crashes", self.name, poisoned, self._redeliveries + 1)
        # What was taken back earlier and not received since was received before the rest of the channel, so the numbers decide.
        self._again = deque(sorted([*kept, *self._again], key=attrgetter("number")))

    def _reopen(self) -> None:
        former = self._receive
        self._send, self._receive = trio.open_memory_channel[T](self.capacity)
        while former.statistics().current_buffer_used:
            self._send.send_nowait(former.receive_nowait())
        former.close()
        self._is_closed = False

    def _hold(self, letter: _Letter[T]) -> T:
        self._held.setdefault(id(letter.item), []).append(letter)
        return letter.item

    def _hold_new(self, item: T) -> T:
        self._received += 1
        return self._hold(_Letter(item, self._received))


class Inbox(Generic[T]):
    """The reading side of a mailbox during one start of an actor: an async iterator that ends when the actor is asked to end.

    Every item must be finished with `done`, or it comes again after a crash.
    """

    def __init__(self, mailbox: Mailbox[T], channel: trio.MemoryReceiveChannel[T]) -> None:
        self._mailbox = mailbox
        self._channel = channel
        self._is_suspended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    async def receive(self) -> T:
        """The next item. Cancelled: nothing was taken.

        Raises:
            trio.EndOfChannel: the mailbox is closed and drained, or suspended.
            trio.ClosedResourceError: another inbox was opened after this one.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            item = self.receive_nowait()
        except trio.WouldBlock:
            # No checkpoint between the channel and the books: what was received is held, whatever happens next.
            try:
                return self._mailbox._hold_new(await self._channel.receive())
            except trio.ClosedResourceError:
                raise self._why_closed() from None
        await trio.lowlevel.cancel_shielded_checkpoint()
        return item

    def receive_nowait(self) -> T:
        """The next item, if one is there.

        Raises:
            trio.WouldBlock: the mailbox is empty.
            trio.EndOfChannel: the mailbox is closed and drained, or suspended.
            trio.ClosedResourceError: another inbox was opened after this one.
        """
        mailbox = self._mailbox
        if mailbox._again and mailbox._inbox is self and not self._is_suspended:
            mailbox._redelivered += 1
            return mailbox._hold(mailbox._again.popleft())
        try:
            return mailbox._hold_new(self._channel.receive_nowait())
        except trio.ClosedResourceError:
            raise self._why_closed() from None

    def done(self, item: T) -> None:
        """Finished with `item`, which must be the very object that was received: it is never delivered again.

        Raises:
            ValueError: it is not held: never received here, done already, or taken back for a later inbox.
        """
        letters = self._mailbox._held.pop(id(item), None) if self._mailbox._inbox is self else None
        if letters is None:
            raise ValueError(f"mailbox {self._mailbox.name}: done with an item that is not held")
        if len(letters) > 1:
            self._mailbox._held[id(item)] = letters[1:]

    def _why_closed(self) -> Exception:
        if self._is_suspended:
            return trio.EndOfChannel()
        return trio.ClosedResourceError(f"mailbox {self._mailbox.name}: another inbox was opened after this one")
