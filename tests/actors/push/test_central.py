from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
import trio

from actors.breaker import Ladder, State
from actors.circuit import Circuit
from actors.http.retry_after import retry_after_s
from actors.push.central import BatchRefused, BatchTooLarge, CentralIndex
from actors.push.questions import Questions
from protocol.identifiers import InfoHash
from tests.fakes.central import SECRET
from tests.fakes.processes import wait_until

LINES = [b'{"info_hash":"%s","name":"Sintel"}' % (b"%02x" % number * 20) for number in range(3)]
HASHES = [InfoHash(bytes([number]) * 20) for number in range(3)]


async def until_it_is_seen(central: CentralIndex, call: Callable[[], Awaitable[object]]) -> None:
    """Call until the breaker has opened."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(call)
        with trio.fail_after(10):
            await wait_until(lambda: central.circuit.statistics().opened)
        nursery.cancel_scope.cancel()


async def test_a_batch_goes_out_with_secret_key_and_packing_and_comes_back_item_by_item(central, memory):
    memory.held.add("01" * 20)
    results = await central.send(LINES, "batch-1")
    assert [result.status for result in results] == ["new", "updated", "new"]
    request = memory.requests[0]
    assert str(request.url) == "https://index.example/base/api/ingest/bulk"
    assert request.headers["X-Internal-Secret"] == SECRET
    assert request.headers["Idempotency-Key"] == "batch-1"
    assert request.headers["Content-Type"] == "application/x-ndjson"
    assert request.headers["Content-Encoding"] == "gzip"


async def test_what_packs_like_a_bomb_goes_out_as_it_is(central, memory):
    await central.send([b'{"info_hash":"%s","name":"%s"}' % (b"00" * 20, b"x" * 100_000)], "batch-1")
    assert "Content-Encoding" not in memory.requests[0].headers


@pytest.mark.parametrize("illness", [500, 502, 503, 429, 408, 401, 403, 404, 301, "gone"])
async def test_while_it_is_ill_a_call_waits_and_is_made_again(central, memory, illness, nursery):
    memory.illness = illness
    nursery.start_soon(central.send, LINES, "batch-1")
    with trio.fail_after(5):
        await wait_until(lambda: len(memory.requests) >= 3)
        assert central.circuit.breaker.state in {State.OPEN, State.HALF_OPEN}
        memory.illness = None
        await wait_until(lambda: memory.held)
    assert central.circuit.breaker.state is State.CLOSED
    assert central.circuit.statistics().opened == 1
    assert memory.keys == ["batch-1"]


@pytest.mark.parametrize(
    ("illness", "says"),
    [
        (401, "push.secret_file"),
        (403, "push.secret_file"),
        (404, "is push.url right?"),
        (302, "write where to into push.url"),
        (503, "HTTP 503: it is ill"),
        ("gone", "Connection refused"),
    ],
)
async def test_the_breaker_says_what_to_do(central, memory, illness, says):
    memory.illness = illness
    await until_it_is_seen(central, lambda: central.send(LINES, "batch-1"))
    assert says in central.circuit.statistics().reason


@pytest.mark.parametrize("answer", [b"<html>Welcome to the hotel!</html>", b"{}", b'{"results":[]}', b"\xff", b""])
async def test_somebody_else_who_answers_200_has_confirmed_nothing(central, memory, answer):
    memory.answer_instead = answer
    await until_it_is_seen(central, lambda: central.send(LINES, "batch-1"))
    assert central.circuit.breaker.state is State.OPEN
    assert "does not answer as swarmdex does" in central.circuit.statistics().reason


async def test_a_drip_of_an_answer_is_a_failure_in_the_end(push, memory, autojump_clock):
    memory.delay_s = 1000
    async with CentralIndex(push, SECRET, "0.1.0", Circuit("it", Ladder(60, 60)), memory) as central:
        with trio.move_on_after(6):
            await central.unknown(HASHES)
        assert central.circuit.statistics().reason == "no answer within 5 s"


async def test_retry_after_is_honoured(push, memory, autojump_clock):
    memory.illness = 429
    memory.headers = {"Retry-After": "100"}
    async with CentralIndex(push, SECRET, "0.1.0", Circuit("it", Ladder(1, 2)), memory) as central:
        with trio.move_on_after(250):
            await central.unknown(HASHES)
    assert [round(at - memory.at[0]) for at in memory.at] == [0, 100, 200]


async def test_a_batch_may_be_too_large_or_refused_for_good(central, memory):
    memory.illness = 413
    with pytest.raises(BatchTooLarge):
        await central.send(LINES, "batch-1")
    memory.illness = 422
    with pytest.raises(BatchRefused, match="HTTP 422: it is ill"):
        await central.send(LINES, "batch-1")
    assert central.circuit.breaker.state is State.CLOSED


async def test_a_batch_that_is_being_worked_on_is_asked_about_again(central, memory, monkeypatch, nursery):
    monkeypatch.setattr("actors.push.central._BUSY_S", 0.01)
    memory.illness = 409
    nursery.start_soon(central.send, LINES, "batch-1")
    with trio.fail_after(5):
        await wait_until(lambda: len(memory.requests) >= 3)
        memory.illness = None
        await wait_until(lambda: memory.held)
    assert central.circuit.statistics().opened == 0


async def test_a_question_that_is_refused_is_the_fault_of_the_instance(central, memory):
    memory.illness = 400
    await until_it_is_seen(central, lambda: central.unknown(HASHES))
    assert "is it an older version?" in central.circuit.statistics().reason


async def test_unknown_hashes_come_back_and_what_is_known_is_not_asked_about_again(central, memory):
    questions = Questions(central)
    memory.held.add(HASHES[0].hex())
    memory.blocked.add(HASHES[1].hex())
    assert await questions.unknown(HASHES) == [HASHES[2]]
    assert await questions.unknown(HASHES) == [HASHES[2]]
    assert msgspec.json.decode(await memory.requests[1].aread())["info_hashes"] == [HASHES[2].hex()]
    questions.learn({HASHES[2]})
    assert await questions.unknown(HASHES) == []
    assert len(memory.requests) == 2


async def test_many_hashes_are_several_questions(central, memory):
    hashes = [InfoHash(number.to_bytes(20, "big")) for number in range(1201)]
    assert await central.unknown(hashes) == hashes
    assert len(memory.requests) == 3


@pytest.mark.parametrize("location", ["https://elsewhere.example/", "http://[", "http://" + "x" * 70 + ".example/", "\x00"])
async def test_no_redirect_takes_the_secret_along(central, memory, location):
    memory.illness = 302
    memory.headers = {"Location": location}
    await until_it_is_seen(central, lambda: central.unknown(HASHES))
    assert {request.url.host for request in memory.requests} == {"index.example"}
    assert central.circuit.breaker.state is not State.CLOSED


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Mon, 23 Nov 2026 20:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 19:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("9" * 400, None),
        ("", None),
    ],
)
async def test_retry_after_is_seconds_or_a_date(text, seconds):
    now = datetime(2026, 11, 23, 20, tzinfo=UTC).timestamp()
    assert retry_after_s(httpx.Headers({"Retry-After": text}), now) == seconds
