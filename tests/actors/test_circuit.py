import logging
import random
import time

import pytest
import trio
import trio.testing

from actors.breaker import Ladder, State
from actors.circuit import Circuit


@pytest.fixture
def circuit() -> Circuit:
    return Circuit("the index", Ladder(first_s=10.0, longest_s=40.0, jitter=0.0), chance=random.Random(1))


async def break_it(circuit: Circuit) -> None:
    async with circuit.call() as call:
        call.failed("HTTP 503")


async def test_callers_wait_until_the_probe_of_one_has_succeeded(circuit, nursery, autojump_clock):
    await break_it(circuit)
    started = trio.current_time()
    calls: list[float] = []

    async def ask() -> None:
        async with circuit.call() as call:
            calls.append(trio.current_time() - started)
            await trio.sleep(3)
            call.succeeded()

    for _ in range(5):
        nursery.start_soon(ask)
    await trio.testing.wait_all_tasks_blocked()
    assert circuit.statistics().waiting == 5
    await trio.sleep(30)
    assert calls == [10.0, 13.0, 13.0, 13.0, 13.0]
    assert circuit.statistics().waiting == 0


async def test_a_cancelled_probe_hands_over_to_the_next_who_waits(circuit, nursery, autojump_clock):
    await break_it(circuit)
    calls: list[str] = []

    async def ask(name: str, patience: float) -> None:
        with trio.move_on_after(patience):
            async with circuit.call() as call:
                calls.append(name)
                await trio.sleep(5)
                call.succeeded()

    nursery.start_soon(ask, "first", 12)
    await trio.sleep(11)
    nursery.start_soon(ask, "second", 100)
    await trio.sleep(30)
    assert calls == ["first", "second"]
    assert circuit.breaker.state is State.CLOSED


async def test_a_caller_that_is_cancelled_while_it_waits_takes_no_permit_along(circuit, autojump_clock):
    await break_it(circuit)
    with trio.move_on_after(10):
        async with circuit.call():
            pass
    async with circuit.call() as call:
        call.succeeded()
    assert circuit.breaker.state is State.CLOSED


async def test_a_call_that_crashes_counts_as_abandoned(circuit, autojump_clock):
    await break_it(circuit)
    with pytest.raises(ZeroDivisionError):
        async with circuit.call():
            raise ZeroDivisionError
    assert circuit.breaker.state is State.OPEN
    with trio.fail_after(1):
        async with circuit.call() as call:
            call.succeeded()


async def test_the_log_tells_of_each_change_once(circuit, autojump_clock, caplog):
    caplog.set_level(logging.INFO)
    async with circuit.call() as other:
        await break_it(circuit)
        other.failed("HTTP 503")
    async with circuit.call() as call:
        call.succeeded()
    assert caplog.messages == ["the index fails: HTTP 503; next try in 10.0 s", "the index is well again"]


async def test_a_long_outage_is_told_once_and_again_with_each_new_reason(circuit, autojump_clock, caplog):
    for reason in ("HTTP 503", "HTTP 503", "HTTP 503", "Connection refused", "Connection refused"):
        async with circuit.call() as call:
            call.failed(reason)
    assert [message.partition(";")[0] for message in caplog.messages] == [
        "the index fails: HTTP 503",
        "the index fails: Connection refused",
    ]


async def test_statistics_speak_of_times_a_person_understands(circuit):
    assert circuit.statistics().since is None
    await break_it(circuit)
    found = circuit.statistics()
    assert found.since == pytest.approx(time.time(), abs=1)
    assert found.next_probe == pytest.approx(time.time() + 10, abs=1)
    assert (found.state, found.opened, found.failures) == (State.OPEN, 1, 1)
