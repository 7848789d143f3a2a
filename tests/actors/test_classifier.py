"""The classifier with its real worker processes, by the real clock."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import trio

from actors.classifier import Classifier
from actors.name_worker import BatchReader
from catalog.classify import UNREAD
from catalog.messages import TorrentsClassified, TorrentsFound
from catalog.model import ClassifiedTorrent, Kind
from catalog.receipts import Outcome, Receipt, Settled
from catalog.titles.batch import read_batch
from config.settings import ClassifierSettings
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from tests.fakes.name_readers import obedient_reader
from tests.fakes.processes import is_alive, wait_until
from tests.fakes.title_data import made_torrent

SURE = "Sintel.2010.1080p.BluRay.x264-GRP"
UNSURE = "Sintel 2010 with unknown words 1080p"
PATIENT = ClassifierSettings(workers=1, batch_size=20, timeout_s=20.0)
HASTY = ClassifierSettings(workers=1, batch_size=20, timeout_s=0.3)


class Bench:
    """A classifier between two mailboxes."""

    def __init__(self, settings: ClassifierSettings, reader: BatchReader) -> None:
        self.found = Mailbox[TorrentsFound]("found", 100)
        self.out = Mailbox[TorrentsClassified]("classified", 1000)
        self._results = self.out.open_inbox()
        self.heart = Heart()
        self.classifier = Classifier(self.heart, self.found.open_inbox(), self.out, settings, reader=reader)

    async def feed(self, *names: str) -> None:
        first = self.found.statistics().sent * 1000
        await self.found.send(TorrentsFound(tuple(made_torrent(name, number=first + i + 1) for i, name in enumerate(names))))

    async def next(self) -> tuple[ClassifiedTorrent, ...]:
        message = await self._results.receive()
        self._results.done(message)
        return message.torrents

    async def take(self, count: int) -> dict[str, ClassifiedTorrent]:
        """The next torrents by name, at least `count` of them."""
        taken: dict[str, ClassifiedTorrent] = {}
        while len(taken) < count:
            taken |= {torrent.torrent.name: torrent for torrent in await self.next()}
        return taken


@asynccontextmanager
async def running(settings: ClassifierSettings = PATIENT, reader: BatchReader = read_batch) -> AsyncIterator[Bench]:
    """A classifier that runs inside the block; its end is asked for and awaited when the block ends."""
    with trio.fail_after(90):
        bench = Bench(settings, reader)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.classifier.run)
            yield bench
            bench.found.close()
        assert bench.found.statistics().held == 0, "every message is done at the end"


async def test_sure_names_go_by_rules_and_others_by_guessit():
    async with running() as bench:
        await bench.feed(SURE, UNSURE, "The Beverly Hillbillies 105")
        taken = await bench.take(3)
    assert {name: torrent.parsed.stage for name, torrent in taken.items()} == {
        SURE: "rules",
        UNSURE: "guessit",
        "The Beverly Hillbillies 105": "guessit",
    }
    assert taken[SURE].kind is Kind.MOVIE
    assert (taken["The Beverly Hillbillies 105"].parsed.seasons, taken["The Beverly Hillbillies 105"].kind) == ((1,), Kind.TV)
    statistics = bench.classifier.statistics()
    assert (statistics.classified, statistics.by_stage) == (3, {"rules": 1, "guessit": 2})
    assert (statistics.timeouts, statistics.killed_workers, statistics.poisoned_names, statistics.queue) == (0, 0, 0, 0)


async def test_refused_torrents_are_counted_and_their_message_is_done():
    async with running() as bench:
        await bench.feed("\x00", "S" * 100_000)
        await bench.feed()
        await bench.feed(SURE + "\u202e")
        assert SURE in await bench.take(1)
        await wait_until(lambda: bench.found.statistics().held == 0)
    statistics = bench.classifier.statistics()
    assert statistics.refused == {"empty-name": 1, "name-too-long": 1}
    assert (statistics.classified, statistics.cleaned) == (1, 1)


async def test_who_waits_for_a_refused_torrent_is_told_why():
    told: list[Settled] = []
    async with running() as bench:
        torrents = (made_torrent(SURE, number=1), made_torrent("\x00", number=2), made_torrent("S" * 100_000, number=3))
        await bench.found.send(TorrentsFound(tuple(replace(item, receipt=Receipt(n, told.append)) for n, item in enumerate(torrents))))
        (passed,) = await bench.next()
    assert told == [Settled(1, Outcome.REFUSED, "empty-name"), Settled(2, Outcome.REFUSED, "name-too-long")]
    assert passed.torrent.receipt is not None, "the receipt travels on with its torrent"


async def test_sure_names_do_not_wait_for_others(tmp_path):
    gate = tmp_path / "gate"
    async with running(reader=obedient_reader) as bench:
        await bench.feed(f"WAIT {gate}")
        await bench.feed(UNSURE, SURE)
        assert list(await bench.take(1)) == [SURE]
        assert bench.found.statistics().held == 2, "the messages are not done while a name of theirs is out"
        gate.touch()
        assert set(await bench.take(2)) == {f"WAIT {gate}", UNSURE}


async def test_a_worker_killed_in_flight_loses_no_name(tmp_path):
    gate = tmp_path / "gate"
    names = [f"WAIT {gate}", *(f"{UNSURE} {number}" for number in range(30))]
    async with running(reader=obedient_reader) as bench:
        await bench.feed(*names)
        await wait_until(lambda: bench.classifier.statistics().worker_pids)
        await trio.sleep(0.1)
        (pid,) = bench.classifier.statistics().worker_pids
        os.kill(pid, signal.SIGKILL)
        gate.touch()
        taken = await bench.take(len(names))
    assert set(taken) == set(names)
    assert all(torrent.parsed.stage == "guessit" for torrent in taken.values())
    assert bench.classifier.statistics().killed_workers == 1
    assert bench.classifier.statistics().poisoned_names == 0


async def test_a_worker_killed_while_idle_is_replaced():
    async with running() as bench:
        await bench.feed(UNSURE)
        await bench.take(1)
        (pid,) = bench.classifier.statistics().worker_pids
        os.kill(pid, signal.SIGKILL)
        await wait_until(lambda: not is_alive(pid))
        await bench.feed(f"{UNSURE} 2")
        assert (await bench.take(1))[f"{UNSURE} 2"].parsed.stage == "guessit"
        (successor,) = bench.classifier.statistics().worker_pids
        assert successor != pid


@pytest.mark.parametrize("poison", ["HANG Sintel 2010 words", "DIE Sintel 2010 words", "RAISE Sintel 2010 words"])
async def test_a_poisoned_name_loses_only_itself(poison, caplog):
    names = [f"{UNSURE} 1", poison, f"{UNSURE} 2", f"{UNSURE} 3"]
    async with running(HASTY, obedient_reader) as bench:
        await bench.feed(*names)
        taken = await bench.take(len(names))
    assert {name: torrent.parsed.stage for name, torrent in taken.items()} == {
        name: "none" if name == poison else "guessit" for name in names
    }
    assert (taken[poison].parsed.title, taken[poison].parsed.confidence) == (poison, 0.0)
    statistics = bench.classifier.statistics()
    assert statistics.poisoned_names == 1
    assert {"HANG": statistics.timeouts, "DIE": statistics.killed_workers, "RAISE": statistics.failures}[poison.split()[0]] >= 2


async def test_several_workers_read_at_the_same_time(tmp_path):
    gates = [tmp_path / "first", tmp_path / "second"]
    settings = ClassifierSettings(workers=2, batch_size=1, timeout_s=20.0)
    async with running(settings, obedient_reader) as bench:
        await bench.feed(*(f"WAIT {gate}" for gate in gates))
        gates[1].touch()
        assert list(await bench.take(1)) == [f"WAIT {gates[1]}"]
        await wait_until(lambda: len(set(bench.classifier.statistics().worker_pids)) == 2)
        gates[0].touch()
        await bench.take(1)


async def test_what_a_crashed_classifier_had_not_sent_comes_again(tmp_path):
    gate = tmp_path / "gate"
    found, out = Mailbox[TorrentsFound]("found", 10), Mailbox[TorrentsClassified]("classified", 10)
    with trio.fail_after(60):
        await found.send(TorrentsFound((made_torrent(f"WAIT {gate}"),)))
        async with trio.open_nursery() as nursery:
            first = Classifier(Heart(), found.open_inbox(), out, PATIENT, reader=obedient_reader)
            nursery.start_soon(first.run)
            await wait_until(lambda: first.statistics().worker_pids)
            nursery.cancel_scope.cancel()
        gate.touch()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Classifier(Heart(), found.open_inbox(), out, PATIENT, reader=obedient_reader).run)
            (torrent,) = (await out.open_inbox().receive()).torrents
            assert torrent.torrent.name == f"WAIT {gate}"
            nursery.cancel_scope.cancel()


async def test_no_worker_outlives_the_classifier():
    async with running() as bench:
        await bench.feed(UNSURE)
        await bench.take(1)
        (pid,) = bench.classifier.statistics().worker_pids
    assert not is_alive(pid)


async def test_the_heart_beats_without_work(autojump_clock):
    bench = Bench(ClassifierSettings(workers=1), read_batch)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.classifier.run)
        await trio.sleep(100)
        assert trio.current_time() - bench.heart.last_beat <= 10
        assert bench.heart.is_ready
        assert bench.heart.statistics == bench.classifier.statistics
        nursery.cancel_scope.cancel()


async def test_senders_who_wait_are_not_held_up_by_names_that_take_time(tmp_path):
    gate = tmp_path / "gate"
    names = [f"WAIT {gate}", *(f"{UNSURE} {number}" for number in range(99))]
    async with running(reader=obedient_reader) as bench:
        made = [replace(made_torrent(name, number=n), receipt=Receipt(n, lambda _: None)) for n, name in enumerate(names)]
        again = replace(made_torrent(UNSURE, number=500), receipt=Receipt(500, lambda _: None), seen_at=datetime.now(UTC))
        await bench.found.send(TorrentsFound((*made, made_torrent("crawled " + UNSURE, number=501), again)))
        unread = await bench.take(80)
        assert {torrent.classifier_version for torrent in unread.values()} == {UNREAD}
        assert {torrent.parsed.stage for torrent in unread.values()} == {"none"}
        assert bench.classifier.statistics().deferred == 80
        gate.touch()
        read = await bench.take(22)
    assert {"crawled " + UNSURE, UNSURE, *names} == read.keys() | unread.keys()
    assert all(torrent.classifier_version > UNREAD for torrent in read.values())
