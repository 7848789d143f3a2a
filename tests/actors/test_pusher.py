"""The pusher between a mailbox, a real spool and a central instance in memory."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.breaker import Ladder, State
from actors.circuit import Circuit
from actors.push.central import CentralIndex
from actors.pusher import Pusher
from catalog.messages import TorrentsFound
from catalog.model import Torrent
from config.settings import PushSettings
from protocol.identifiers import InfoHash
from storage.errors import SpoolUnavailable
from storage.spool import Spool
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from tests.fakes.central import SECRET, MemoryCentral
from tests.fakes.classified import torrent
from tests.fakes.processes import wait_until

SETTINGS = PushSettings(url="https://index.example", batch_size=10, max_wait_s=0.02, timeout_s=5)
MB = 1024 * 1024


def torrents(first: int, last: int) -> TorrentsFound:
    return TorrentsFound(tuple(torrent(f"Sintel {number}").torrent for number in range(first, last)))


@dataclass
class Crawler:
    """One pusher's surroundings; `pushing` runs it."""

    folder: Path
    memory: MemoryCentral = field(default_factory=MemoryCentral)
    found: Mailbox[TorrentsFound] = field(default_factory=lambda: Mailbox[TorrentsFound]("found", 4))
    limit_bytes: int = MB
    learned: set[InfoHash] = field(default_factory=set)
    settings: PushSettings = SETTINGS

    def __post_init__(self) -> None:
        self.spool = Spool(self.folder, self.limit_bytes)
        self.circuit = Circuit("the central instance", Ladder(0.03, 0.1, jitter=0.0), chance=random.Random(1))

    @asynccontextmanager
    async def pushing(self) -> AsyncIterator[Pusher]:
        """Runs it within the block, cancelled at its end as if killed; with `found.close()` it ends by itself."""
        async with CentralIndex(self.settings, SECRET, "0.1.0", self.circuit, self.memory) as central, trio.open_nursery() as nursery:
            pusher = Pusher(Heart(), self.found.open_inbox(), self.spool, central, self.settings, self.learned.update)
            nursery.start_soon(pusher.run)
            with trio.fail_after(20):
                yield pusher
            nursery.cancel_scope.cancel()


@pytest.fixture
def crawler(tmp_path) -> Crawler:
    return Crawler(tmp_path / "spool")


@pytest.fixture
def make_crawler(tmp_path) -> Callable[..., Crawler]:
    return lambda **options: Crawler(tmp_path / "spool", **options)


def held_by(memory: MemoryCentral, count: int) -> Callable[[], bool]:
    return lambda: len(memory.held) >= count


async def test_what_is_found_arrives_and_leaves_nothing_in_the_spool(crawler):
    async with crawler.pushing() as pusher:
        await crawler.found.send(torrents(0, 25))
        await crawler.found.send(torrents(25, 30))
        await wait_until(held_by(crawler.memory, 30))
        await wait_until(lambda: pusher.statistics().spooled_batches == 0)
        seen = pusher.statistics()
        assert (seen.sent_new, seen.sent_updated, seen.refused) == (30, 0, {})
        assert 3 <= seen.batches <= 4
    assert set(crawler.memory.times_told.values()) == {1}
    assert {each.hex() for each in crawler.learned} == crawler.memory.held
    assert crawler.found.statistics().held == 0


async def test_a_message_is_done_only_when_it_is_on_the_disk(crawler, monkeypatch):
    monkeypatch.setattr("actors.pusher._FIRST_PAUSE_S", 0.01)
    broken = True
    append = crawler.spool.append

    def failing(lines: Any) -> Any:
        if broken:
            raise SpoolUnavailable("no room")
        return append(lines)

    monkeypatch.setattr(crawler.spool, "append", failing)
    async with crawler.pushing() as pusher:
        await crawler.found.send(torrents(0, 5))
        await wait_until(lambda: pusher.statistics().disk_failures >= 2)
        assert crawler.found.statistics().held == 1
        broken = False
        await wait_until(held_by(crawler.memory, 5))
        assert crawler.found.statistics().held == 0


async def test_while_the_central_instance_is_away_finds_wait_on_the_disk_and_follow_in_order(crawler):
    crawler.memory.illness = "gone"
    async with crawler.pushing() as pusher:
        for start in range(0, 50, 10):
            await crawler.found.send(torrents(start, start + 10))
        await wait_until(lambda: pusher.statistics().spooled_batches == 5)
        seen = pusher.statistics()
        assert seen.breaker in {State.OPEN, State.HALF_OPEN}
        assert seen.breaker_reason == "Connection refused"
        assert seen.breaker_since is not None
        assert seen.oldest_at is not None
        assert (seen.batches, seen.breaker_opened, seen.is_full) == (0, 1, False)
        await wait_until(lambda: len(crawler.memory.requests) >= 3)
        crawler.memory.illness = None
        await wait_until(held_by(crawler.memory, 50))
        await wait_until(lambda: pusher.statistics().spooled_batches == 0)
        assert pusher.statistics().breaker is State.CLOSED
    order = [bytes.fromhex(info_hash) for info_hash in crawler.memory.times_told]
    assert order == [each.info_hash for each in torrents(0, 50).torrents]


async def test_what_was_spooled_before_a_kill_is_sent_after_it(crawler, make_crawler):
    crawler.memory.illness = 503
    async with crawler.pushing() as pusher:
        await crawler.found.send(torrents(0, 20))
        await wait_until(lambda: pusher.statistics().spooled_batches == 2 and len(crawler.memory.requests) >= 2)
    after = make_crawler()
    async with after.pushing():
        await wait_until(held_by(after.memory, 20))
    assert len({request.headers["Idempotency-Key"] for request in crawler.memory.requests}) == 1


async def test_an_answer_that_got_lost_is_asked_for_again_under_the_same_key(crawler, make_crawler):
    crawler.memory.delay_s = 0.2
    async with crawler.pushing() as pusher:
        await crawler.found.send(torrents(0, 10))
        await wait_until(lambda: len(crawler.memory.requests) == 1)
        assert pusher.statistics().spooled_batches == 1
    after = make_crawler()
    async with after.pushing():
        await wait_until(held_by(after.memory, 10))
    assert after.memory.keys == [crawler.memory.requests[0].headers["Idempotency-Key"]]


async def test_a_full_spool_lets_the_pressure_run_back_to_the_sources(make_crawler, caplog):
    crawler = make_crawler(limit_bytes=8 * 4096)
    crawler.memory.illness = "gone"
    async with crawler.pushing() as pusher:
        with trio.move_on_after(0.5) as sending:
            for start in range(0, 1000, 10):
                await crawler.found.send(torrents(start, start + 10))
        assert sending.cancelled_caught
        seen = pusher.statistics()
        assert seen.is_full
        assert seen.spooled_batches == 8
        assert crawler.found.statistics().depth == crawler.found.capacity
        assert caplog.text.count("the spool is full") == 1
        crawler.memory.illness = None
        await wait_until(held_by(crawler.memory, 120))
        assert not pusher.statistics().is_full


async def test_asked_to_end_it_writes_what_it_holds_even_into_a_full_spool(make_crawler):
    crawler = make_crawler(limit_bytes=4096)
    crawler.memory.illness = "gone"
    async with crawler.pushing() as pusher:
        for start in range(0, 40, 10):
            await crawler.found.send(torrents(start, start + 10))
        await wait_until(lambda: pusher.statistics().is_full)
        crawler.found.close()
        pusher.wind_up()
        await wait_until(lambda: pusher.statistics().spooled_batches == 4)
    assert crawler.found.statistics().held == 0


async def test_refusals_are_final_and_counted_by_reason(crawler):
    one, two, three = torrents(0, 3).torrents
    crawler.memory.refusals = {one.info_hash.hex(): "no-size"}
    crawler.memory.blocked = {two.info_hash.hex()}
    nameless = replace(three, name="\x00")
    async with crawler.pushing() as pusher:
        await crawler.found.send(TorrentsFound((one, two, three, nameless)))
        await wait_until(held_by(crawler.memory, 1))
        await wait_until(lambda: pusher.statistics().spooled_batches == 0)
        seen = pusher.statistics()
        assert (seen.sent_new, seen.blocked, seen.refused) == (1, 1, {"no-size": 1, "empty-name": 1})
    assert len(crawler.memory.requests) == 1


async def test_reasons_without_end_do_not_fill_the_memory(make_crawler):
    crawler = make_crawler(settings=replace(SETTINGS, batch_size=100))
    found = torrents(0, 100)
    crawler.memory.refusals = {each.info_hash.hex(): f"reason {number}" for number, each in enumerate(found.torrents)}
    async with crawler.pushing() as pusher:
        await crawler.found.send(found)
        await wait_until(lambda: pusher.statistics().batches == 1)
        assert len(pusher.statistics().refused) == 51
        assert sum(pusher.statistics().refused.values()) == 100


async def test_a_batch_that_is_too_large_goes_in_halves(crawler):
    crawler.memory.most_items = 3
    async with crawler.pushing() as pusher:
        await crawler.found.send(torrents(0, 10))
        await wait_until(held_by(crawler.memory, 10))
        await wait_until(lambda: pusher.statistics().spooled_batches == 0)
    assert set(crawler.memory.times_told.values()) == {1}
    assert len(set(crawler.memory.keys)) == len(crawler.memory.keys)


async def test_a_single_torrent_that_is_too_large_is_dropped_and_counted(crawler, caplog):
    crawler.memory.most_items = 0
    async with crawler.pushing() as pusher:
        await crawler.found.send(torrents(0, 2))
        await wait_until(lambda: pusher.statistics().refused == {"too-large": 2})
        await wait_until(lambda: pusher.statistics().spooled_batches == 0)
    assert "a torrent is dropped" in caplog.text


async def test_a_batch_that_is_refused_as_a_whole_is_set_aside_and_the_next_goes_on(crawler, caplog):
    crawler.memory.illness = 422
    async with crawler.pushing() as pusher:
        await crawler.found.send(torrents(0, 10))
        await wait_until(lambda: pusher.statistics().set_aside == 1)
        crawler.memory.illness = None
        await crawler.found.send(torrents(10, 20))
        await wait_until(held_by(crawler.memory, 10))
    assert "HTTP 422: it is ill" in caplog.text
    assert len(list((crawler.folder / "aside").iterdir())) == 1


async def test_a_corrupt_file_is_set_aside_once_and_the_next_goes_on(crawler, caplog):
    crawler.spool.open()
    broken = crawler.spool.append([b"{}"])
    broken.path.write_bytes(b"half")
    async with crawler.pushing() as pusher:
        await crawler.found.send(torrents(0, 10))
        await wait_until(held_by(crawler.memory, 10))
        assert pusher.statistics().set_aside == 1
    assert caplog.text.count(broken.path.name) >= 1
    assert len(crawler.memory.requests) == 1


async def test_a_folder_that_cannot_be_opened_is_told_at_once(make_crawler, tmp_path):
    (tmp_path / "spool").write_text("a file in its place")
    with pytest.RaisesGroup(pytest.RaisesExc(SpoolUnavailable, match="spool")):
        async with make_crawler().pushing():
            await trio.sleep(5)


async def test_long_lines_make_smaller_batches(crawler, monkeypatch):
    monkeypatch.setattr("actors.pusher._BATCH_BYTES", 1000)
    found = torrents(0, 10)

    def with_long_name(each: Torrent) -> Torrent:
        return replace(each, name=each.name + " " + "x" * 400)

    async with crawler.pushing() as pusher:
        await crawler.found.send(TorrentsFound(tuple(map(with_long_name, found.torrents))))
        await wait_until(held_by(crawler.memory, 10))
        await wait_until(lambda: pusher.statistics().spooled_batches == 0)
        assert pusher.statistics().batches == 10
