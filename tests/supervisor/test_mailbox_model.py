"""A mailbox against a model of two lists: what waits and what is held."""

import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from supervisor.mailbox import Mailbox

CAPACITY = 4
REDELIVERIES = 2


class MailboxMachine(RuleBasedStateMachine):
    """Items are (number, crashes) in the model; the mailbox carries only the number."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = Mailbox[object]("model", CAPACITY, redeliveries=REDELIVERIES)
        self.inbox = self.mailbox.open_inbox()
        self.again: list[list] = []  # [item, crashes]
        self.fresh: list[list] = []
        self.held: list[list] = []
        self.closed = self.suspended = False
        self.poisoned = self.dropped = 0
        self.finished: list[object] = []

    @rule()
    def send(self) -> None:
        item = object()
        try:
            self.mailbox.send_nowait(item)
        except trio.ClosedResourceError:
            assert self.closed
        except trio.WouldBlock:
            assert len(self.fresh) == CAPACITY
            self.dropped += 1
        else:
            assert not self.closed
            self.fresh.append([item, 0])

    @rule()
    def receive(self) -> None:
        waiting = self.again or self.fresh
        try:
            item = self.inbox.receive_nowait()
        except trio.EndOfChannel:
            assert self.suspended or (self.closed and not waiting)
        except trio.WouldBlock:
            assert not self.closed
            assert not self.suspended
            assert not waiting
        else:
            assert not self.suspended
            assert item is waiting[0][0]
            self.held.append(waiting.pop(0))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        item, _ = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.inbox.done(item)
        self.finished.append(item)

    @rule()
    def close(self) -> None:
        self.mailbox.close()
        self.closed = True

    @rule()
    def suspend(self) -> None:
        self.mailbox.suspend()
        self.suspended = True

    @rule()
    def start_again(self) -> None:
        """After a crash, unless the reader was asked to end."""
        self.inbox = self.mailbox.open_inbox()
        has_crashed = not (self.closed or self.suspended)
        back = [[item, crashes + has_crashed] for item, crashes in self.held]
        kept = [letter for letter in back if letter[1] <= REDELIVERIES]
        self.poisoned += len(back) - len(kept)
        self.again = kept + self.again
        self.held = []
        self.closed = self.suspended = False

    @invariant()
    def statistics_agree(self) -> None:
        statistics = self.mailbox.statistics()
        assert statistics.depth == len(self.again) + len(self.fresh)
        assert statistics.held == len(self.held)
        assert statistics.poisoned == self.poisoned
        assert statistics.drops == self.dropped

    @invariant()
    def every_item_is_in_one_place(self) -> None:
        statistics = self.mailbox.statistics()
        assert statistics.sent == statistics.depth + statistics.held + statistics.poisoned + len(self.finished)


TestMailboxMachine = MailboxMachine.TestCase
TestMailboxMachine.settings = settings(deadline=None)
