import pytest
import trio
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from supervisor.mailbox import Inbox, Mailbox


def drain(inbox: Inbox[str]) -> list[str]:
    items = []
    while True:
        try:
            items.append(inbox.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            return items


async def test_items_arrive_in_order_and_the_iteration_ends_with_the_close():
    mailbox = Mailbox[str]("films", 10)
    inbox = mailbox.open_inbox()
    for item in ("Sintel", "Tears of Steel"):
        await mailbox.send(item)
    mailbox.close()
    received = []
    async for item in inbox:
        received.append(item)
        inbox.done(item)
    assert received == ["Sintel", "Tears of Steel"]
    statistics = mailbox.statistics()
    assert (statistics.sent, statistics.received, statistics.depth, statistics.held) == (2, 2, 0, 0)


async def test_what_is_sent_before_the_first_inbox_waits_for_it():
    mailbox = Mailbox[str]("films", 10)
    mailbox.send_nowait("Sintel")
    assert mailbox.statistics().depth == 1
    assert await mailbox.open_inbox().receive() == "Sintel"


async def test_send_waits_when_full_and_says_so(nursery, autojump_clock):
    mailbox = Mailbox[str]("films", 1)
    inbox = mailbox.open_inbox()
    await mailbox.send("Sintel")
    nursery.start_soon(mailbox.send, "Tears of Steel")
    await wait_all_tasks_blocked()
    assert mailbox.statistics().waits == 1
    assert mailbox.statistics().sent == 1
    assert [await inbox.receive(), await inbox.receive()] == ["Sintel", "Tears of Steel"]
    await wait_all_tasks_blocked()
    assert mailbox.statistics().sent == 2


async def test_a_cancelled_send_leaves_nothing_in_the_mailbox(autojump_clock):
    mailbox = Mailbox[str]("films", 1)
    await mailbox.send("Sintel")
    with trio.move_on_after(1) as scope:
        await mailbox.send("Tears of Steel")
    assert scope.cancelled_caught
    assert drain(mailbox.open_inbox()) == ["Sintel"]


async def test_a_send_that_is_cancelled_from_the_start_leaves_nothing_in_the_mailbox():
    mailbox = Mailbox[str]("films", 1)
    with trio.CancelScope() as scope:
        scope.cancel()
        await mailbox.send("Sintel")
    assert mailbox.statistics().depth == mailbox.statistics().sent == 0


async def test_send_nowait_drops_when_full_and_counts():
    mailbox = Mailbox[str]("packets", 1)
    mailbox.send_nowait("a")
    with pytest.raises(trio.WouldBlock):
        mailbox.send_nowait("b")
    assert mailbox.statistics().drops == 1
    assert mailbox.statistics().sent == 1


async def test_a_cancelled_receive_takes_nothing(autojump_clock):
    mailbox = Mailbox[str]("films", 1)
    inbox = mailbox.open_inbox()
    with trio.move_on_after(1):
        await inbox.receive()
    await mailbox.send("Sintel")
    with trio.CancelScope() as scope:
        scope.cancel()
        await inbox.receive()
    assert mailbox.statistics().depth == 1
    assert mailbox.statistics().held == 0


async def test_an_item_handed_to_a_waiting_reader_is_held_even_when_the_reader_is_cancelled_in_that_moment(nursery):
    mailbox = Mailbox[str]("films", 1)
    inbox = mailbox.open_inbox()
    scope = trio.CancelScope()

    async def read() -> None:
        with scope:
            await inbox.receive()
            await trio.sleep_forever()

    nursery.start_soon(read)
    await wait_all_tasks_blocked()
    mailbox.send_nowait("Sintel")
    scope.cancel()
    await wait_all_tasks_blocked()
    assert mailbox.statistics().held == 1
    assert drain(mailbox.open_inbox()) == ["Sintel"]


async def test_close_ends_waiting_senders_and_keeps_what_was_sent(autojump_clock):
    mailbox = Mailbox[str]("films", 1)
    inbox = mailbox.open_inbox()
    await mailbox.send("Sintel")
    with pytest.RaisesGroup(trio.ClosedResourceError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mailbox.send, "Tears of Steel")
            await wait_all_tasks_blocked()
            mailbox.close()
    with pytest.raises(trio.ClosedResourceError):
        await mailbox.send("Big Buck Bunny")
    with pytest.raises(trio.ClosedResourceError):
        mailbox.send_nowait("Big Buck Bunny")
    assert await inbox.receive() == "Sintel"
    with pytest.raises(trio.EndOfChannel):
        await inbox.receive()
    with pytest.raises(trio.EndOfChannel):
        inbox.receive_nowait()
    assert mailbox.statistics().drops == 0


async def test_an_inbox_reopens_a_closed_mailbox_with_what_is_still_in_it():
    mailbox = Mailbox[str]("films", 2)
    inbox = mailbox.open_inbox()
    for item in ("Sintel", "Tears of Steel"):
        mailbox.send_nowait(item)
    inbox.done(inbox.receive_nowait())
    mailbox.close()
    mailbox.close()
    inbox = mailbox.open_inbox()
    mailbox.send_nowait("Big Buck Bunny")
    assert drain(inbox) == ["Tears of Steel", "Big Buck Bunny"]


async def test_what_a_crashed_actor_had_not_finished_comes_again_first_and_in_order():
    mailbox = Mailbox[str]("films", 10)
    inbox = mailbox.open_inbox()
    for item in ("a", "b", "c", "d"):
        mailbox.send_nowait(item)
    taken = [inbox.receive_nowait() for _ in range(3)]
    inbox.done(taken[1])
    again = mailbox.open_inbox()
    assert mailbox.statistics().depth == 3
    assert drain(again) == ["a", "c", "d"]
    assert mailbox.statistics().redelivered == 2


async def test_an_item_that_crashes_every_reader_is_given_up(caplog):
    mailbox = Mailbox[str]("films", 10, redeliveries=2)
    mailbox.send_nowait("poison")
    for _ in range(3):
        assert mailbox.open_inbox().receive_nowait() == "poison"
    inbox = mailbox.open_inbox()
    with pytest.raises(trio.WouldBlock):
        inbox.receive_nowait()
    statistics = mailbox.statistics()
    assert (statistics.redelivered, statistics.poisoned, statistics.held, statistics.depth) == (2, 1, 0, 0)
    assert "mailbox films: gave up 1 items" in caplog.text


async def test_an_item_that_was_given_back_unread_is_not_blamed_for_the_next_crash():
    mailbox = Mailbox[str]("films", 10, redeliveries=1)
    for item in ("poison", "innocent"):
        mailbox.send_nowait(item)
    assert drain(mailbox.open_inbox()) == ["poison", "innocent"]
    for _ in range(5):  # crashes before it takes anything
        inbox = mailbox.open_inbox()
    assert inbox.receive_nowait() == "poison"
    assert drain(mailbox.open_inbox()) == ["innocent"]
    assert mailbox.statistics().poisoned == 1


async def test_a_reader_that_was_asked_to_stop_and_ran_out_of_time_does_not_poison_its_items():
    mailbox = Mailbox[str]("films", 10, redeliveries=0)
    mailbox.send_nowait("Sintel")
    for _ in range(5):
        assert mailbox.open_inbox().receive_nowait() == "Sintel"
        mailbox.close()
    assert mailbox.open_inbox().receive_nowait() == "Sintel"


async def test_suspending_ends_the_reader_at_once_and_the_senders_do_not_notice(nursery):
    mailbox = Mailbox[str]("films", 2, redeliveries=0)
    inbox = mailbox.open_inbox()
    mailbox.send_nowait("a")
    mailbox.send_nowait("b")
    assert await inbox.receive() == "a"
    mailbox.suspend()
    with pytest.raises(trio.EndOfChannel):
        await inbox.receive()
    with pytest.raises(trio.EndOfChannel):
        inbox.receive_nowait()
    await mailbox.send("c")
    nursery.start_soon(mailbox.send, "d")
    await wait_all_tasks_blocked()
    inbox = mailbox.open_inbox()
    assert drain(inbox) == ["a", "b", "c", "d"]
    assert mailbox.statistics().poisoned == 0


async def test_suspending_wakes_a_reader_that_waits(autojump_clock):
    mailbox = Mailbox[str]("films", 1)
    inbox = mailbox.open_inbox()
    async with trio.open_nursery() as nursery:

        async def read() -> None:
            assert [item async for item in inbox] == []

        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        mailbox.suspend()


async def test_what_a_suspended_reader_holds_it_can_still_finish():
    mailbox = Mailbox[str]("films", 1)
    inbox = mailbox.open_inbox()
    mailbox.send_nowait("Sintel")
    item = inbox.receive_nowait()
    mailbox.suspend()
    inbox.done(item)
    assert drain(mailbox.open_inbox()) == []


async def test_suspending_a_mailbox_without_a_reader_does_nothing():
    mailbox = Mailbox[str]("films", 1)
    mailbox.suspend()
    mailbox.send_nowait("Sintel")
    assert drain(mailbox.open_inbox()) == ["Sintel"]


async def test_a_mailbox_that_is_closed_while_its_reader_is_suspended_turns_senders_away():
    mailbox = Mailbox[str]("films", 1)
    mailbox.open_inbox()
    mailbox.suspend()
    mailbox.close()
    with pytest.raises(trio.ClosedResourceError):
        await mailbox.send("Sintel")


async def test_a_later_inbox_ends_the_one_before(nursery):
    mailbox = Mailbox[str]("films", 10)
    former = mailbox.open_inbox()
    mailbox.send_nowait("Sintel")
    former.receive_nowait()
    latter = mailbox.open_inbox()
    with pytest.raises(trio.ClosedResourceError):
        await former.receive()
    with pytest.raises(ValueError, match="not held"):
        former.done("Sintel")
    assert latter.receive_nowait() == "Sintel"


async def test_done_with_something_that_is_not_held_is_an_error():
    mailbox = Mailbox[str]("films", 10)
    inbox = mailbox.open_inbox()
    mailbox.send_nowait("Sintel")
    with pytest.raises(ValueError, match="not held"):
        inbox.done("Sintel")
    item = inbox.receive_nowait()
    inbox.done(item)
    with pytest.raises(ValueError, match="not held"):
        inbox.done(item)


async def test_the_same_object_sent_twice_is_two_items():
    mailbox = Mailbox[str]("films", 10)
    inbox = mailbox.open_inbox()
    film = "Sintel"
    for _ in range(2):
        mailbox.send_nowait(film)
    assert drain(inbox) == [film, film]
    inbox.done(film)
    assert mailbox.statistics().held == 1
    assert drain(mailbox.open_inbox()) == [film]


async def test_several_tasks_of_one_actor_share_its_inbox(nursery):
    mailbox = Mailbox[str]("films", 10)
    inbox = mailbox.open_inbox()
    received = []

    async def read() -> None:
        async for item in inbox:
            received.append(item)
            inbox.done(item)

    async with trio.open_nursery() as readers:
        for _ in range(3):
            readers.start_soon(read)
        await wait_all_tasks_blocked()
        for item in ("a", "b", "c", "d", "e"):
            await mailbox.send(item)
        mailbox.close()
    assert sorted(received) == ["a", "b", "c", "d", "e"]
    assert mailbox.statistics().held == 0


async def test_send_and_receive_are_checkpoints():
    mailbox = Mailbox[str]("films", 1)
    inbox = mailbox.open_inbox()
    with assert_checkpoints():
        await mailbox.send("Sintel")
    with assert_checkpoints():
        await inbox.receive()
    again = mailbox.open_inbox()
    with assert_checkpoints():
        await again.receive()


def test_a_mailbox_needs_room_for_one_item():
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        Mailbox[str]("films", 0)
