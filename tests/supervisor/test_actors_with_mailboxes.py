"""Supervisor and mailboxes together: whatever crashes, what was sent arrives, and nobody falls over a neighbour that is away."""

import random
from collections.abc import Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from supervisor.snapshot import State
from supervisor.spec import ChildSpec, Strategy
from supervisor.supervisor import Supervisor

FILMS = [f"film {number}" for number in range(200)]


class Relay:
    """Hands each item on after a moment; its one job."""

    def __init__(self, source: Mailbox[str], target: Callable[[str], object]) -> None:
        self.source = source
        self.target = target

    async def run(self, heart: Heart) -> None:
        inbox = self.source.open_inbox()
        async for item in inbox:
            heart.beat()
            await trio.sleep(0.01)
            result = self.target(item)
            if result is not None:
                await result
            inbox.done(item)

    def spec(self, name: str) -> ChildSpec:
        return ChildSpec(name, self.run, stop=self.source.close, suspend=self.source.suspend)


@pytest.mark.parametrize("strategy", list(Strategy))
@pytest.mark.parametrize("seed", range(5))
async def test_everything_sent_is_stored_whatever_crashes(autojump_clock, strategy, seed):
    chance = random.Random(seed)
    found, classified = Mailbox[str]("found", 10, redeliveries=1000), Mailbox[str]("classified", 10, redeliveries=1000)
    stored: set[str] = set()
    writer, classifier = Relay(classified, stored.add), Relay(found, classified.send)
    tree = Supervisor("tree", strategy, [writer.spec("writer"), classifier.spec("classifier")], intensity=1000)

    async def crash_now_and_then() -> None:
        while True:
            await trio.sleep(chance.uniform(0, 0.3))
            tree.crash(chance.choice(["tree/writer", "tree/classifier"]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        async with trio.open_nursery() as chaos:
            chaos.start_soon(crash_now_and_then)
            for film in FILMS:
                await found.send(film)
            chaos.cancel_scope.cancel()
        await trio.sleep(10)  # whoever pauses comes back
        tree.stop()
    assert stored == set(FILMS)
    assert all(child.starts > 1 for child in tree.snapshot())


async def test_a_stop_drains_every_mailbox_from_the_sources_to_the_writer(autojump_clock):
    found, classified = Mailbox[str]("found", 1000), Mailbox[str]("classified", 1000)
    stored: list[str] = []
    writer, classifier = Relay(classified, stored.append), Relay(found, classified.send)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [writer.spec("writer"), classifier.spec("classifier")])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        for film in FILMS:
            await found.send(film)
        tree.stop()
    assert stored == FILMS
    with pytest.raises(trio.ClosedResourceError):
        await found.send("too late")


async def test_a_sender_waits_for_a_neighbour_that_is_down(run, autojump_clock):
    orders = Mailbox[str]("orders", 3)
    obeyed: list[str] = []
    is_broken = True

    def obey(item: str) -> None:
        if is_broken:
            raise OSError("no route to host")
        obeyed.append(item)

    async def give_orders(_: Heart) -> None:
        for number in range(10):
            await orders.send(f"order {number}")
        await trio.sleep_forever()

    worker = Supervisor("worker", Strategy.ONE_FOR_ONE, [Relay(orders, obey).spec("relay")], intensity=1, retry_when_exhausted=60)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [worker, ChildSpec("source", give_orders)], intensity=0)
    await run(tree)
    await trio.sleep(30)
    assert [row.state for row in tree.snapshot()] == [State.DOWN, State.STOPPED, State.RUNNING]
    assert orders.statistics().waits == 1
    is_broken = False
    await trio.sleep(60)
    assert obeyed == [f"order {number}" for number in range(10)]


async def test_a_poisonous_item_costs_some_crashes_and_then_is_gone(run, autojump_clock):
    found = Mailbox[str]("found", 10, redeliveries=2)
    stored: list[str] = []

    def store(item: str) -> None:
        if item == "poison":
            raise ValueError("cannot digest it")
        stored.append(item)

    await run(tree := Supervisor("tree", Strategy.ONE_FOR_ONE, [Relay(found, store).spec("writer")]))
    for item in ("Sintel", "poison", "Tears of Steel"):
        await found.send(item)
    await trio.sleep(10)
    assert stored == ["Sintel", "Tears of Steel"]
    assert tree.snapshot()[0].restarts == 3
    assert found.statistics().poisoned == 1


async def test_an_actor_that_runs_out_of_time_leaves_the_rest_to_its_next_start(run, autojump_clock):
    found = Mailbox[str]("found", 10, redeliveries=0)
    stored: list[str] = []

    async def store_slowly(item: str) -> None:
        await trio.sleep(3)
        stored.append(item)

    async def crash_once(_: Heart) -> None:
        await trio.sleep(1)
        if not found.statistics().redelivered:
            raise ValueError("once")
        await trio.sleep_forever()

    slow = ChildSpec("writer", Relay(found, store_slowly).run, suspend=found.suspend, stop=found.close, shutdown=1)
    await run(Supervisor("tree", Strategy.REST_FOR_ONE, [ChildSpec("database", crash_once), slow]))
    for item in ("Sintel", "Tears of Steel"):
        await found.send(item)
    await wait_all_tasks_blocked()
    await trio.sleep(20)
    assert stored == ["Sintel", "Tears of Steel"]
    assert found.statistics().redelivered == 1
