"""How a tree ends: in which order, how long it waits, and what happens to a stop that comes at a bad moment."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from supervisor.budget import RestartBudget
from supervisor.child import Child
from supervisor.errors import RestartsExhausted
from supervisor.snapshot import State
from supervisor.spec import ChildSpec, Restart, Strategy
from supervisor.supervisor import Supervisor
from tests.fakes.puppet import Puppet


async def stop(tree: Supervisor, ended: trio.Event) -> float:
    """Stop a tree and return how long it took."""
    begin = trio.current_time()
    tree.stop()
    await ended.wait()
    return trio.current_time() - begin


async def test_each_child_gets_its_time_and_then_is_cancelled(run, autojump_clock):
    diary = []
    slow, deaf = Puppet("slow", diary, winds_up=3), Puppet("deaf", diary, is_deaf=True)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [slow.spec(shutdown=5), deaf.spec(shutdown=2)])
    ended = await run(tree)
    diary.clear()
    assert await stop(tree, ended) == 5
    assert diary == ["xdeaf", "-slow"]
    assert [row.state for row in tree.snapshot()] == [State.STOPPED, State.STOPPED]
    assert tree.snapshot()[1].last_crash is None


async def test_a_child_that_cannot_be_asked_is_cancelled_at_once(run, autojump_clock):
    puppet = Puppet("puppet", diary := [])
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec(stop=None)])
    ended = await run(tree)
    assert await stop(tree, ended) == 0
    assert diary == ["+puppet", "xpuppet"]


async def test_a_request_that_fails_is_a_crash_of_the_child_and_ends_it_at_once(run, autojump_clock):
    def fail() -> None:
        raise KeyError("no such event")

    puppet = Puppet("puppet", diary := [])
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [Puppet("first", diary).spec(), puppet.spec(stop=fail)])
    ended = await run(tree)
    assert await stop(tree, ended) == 0
    assert diary == ["+first", "+puppet", "xpuppet", "-first"]
    assert tree.snapshot()[1].last_crash.summary == "KeyError: 'no such event'"


async def test_a_nested_supervisor_takes_as_long_as_its_children_are_granted(run, autojump_clock):
    children = [Puppet(name, is_deaf=True).spec(shutdown=10) for name in "abc"]
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [Supervisor("nested", Strategy.ONE_FOR_ONE, children)])
    ended = await run(tree)
    assert await stop(tree, ended) == 30


async def test_stopping_twice_is_stopping_once(run, autojump_clock):
    slow = Puppet("slow", diary := [], winds_up=3)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [slow.spec()])
    ended = await run(tree)
    tree.stop()
    await trio.sleep(1)
    assert await stop(tree, ended) == 2
    assert diary == ["+slow", "-slow"]
    assert slow.asked == ["stop"]


async def test_a_stop_before_the_run_starts_nothing(autojump_clock):
    puppet = Puppet("puppet")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec()])
    tree.stop()
    await tree.run()
    assert not puppet.starts


async def test_a_stop_during_a_restart_pause_ends_the_pause_and_tells_the_senders(run, autojump_clock):
    puppet = Puppet("puppet")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec()], restart_pause=lambda _: 60.0)
    ended = await run(tree)
    puppet.crash()
    await trio.sleep(1)
    assert await stop(tree, ended) == 0
    await trio.sleep(100)
    assert len(puppet.starts) == 1
    assert puppet.asked == ["stop"]
    assert tree.snapshot()[0].state is State.STOPPED


async def test_a_stop_reaches_the_children_of_a_supervisor_that_is_down(run, autojump_clock):
    puppet = Puppet("puppet")
    puppet.on_start = puppet.crash
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [puppet.spec()], intensity=0, retry_when_exhausted=60)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [nested])
    ended = await run(tree)
    assert tree.snapshot()[0].state is State.DOWN
    assert await stop(tree, ended) == 0
    assert puppet.asked == ["stop"]


async def test_a_stop_during_the_start_stops_those_that_run_and_starts_no_other(run, autojump_clock):
    first, slow, last = Puppet("first", diary := []), Puppet("slow", diary), Puppet("last", diary)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [first.spec(), slow.spec(wait_ready=True), last.spec()])
    ended = await run(tree)
    assert await stop(tree, ended) == 0
    assert diary == ["+first", "+slow", "-slow", "-first"]
    assert last.asked == ["stop"]


async def test_a_child_that_is_stopped_before_its_first_step_is_never_started(nursery, autojump_clock):
    puppet = Puppet("puppet")
    child = Child(puppet.spec(), RestartBudget(1, 1), lambda: None)
    child.prepare()

    async def stop_child() -> None:
        await child.stop(for_good=True)

    nursery.start_soon(stop_child)
    await wait_all_tasks_blocked()
    assert await child.run() is None
    await wait_all_tasks_blocked()
    assert not puppet.starts
    assert child.state is State.STOPPED


async def test_a_stop_out_of_a_childs_first_step_is_heard(autojump_clock):
    first, last = Puppet("first", diary := []), Puppet("last", diary)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [first.spec(), last.spec()])
    first.on_start = tree.stop
    await tree.run()
    assert diary == ["+first", "-first"]


async def test_a_crash_during_the_stop_is_reported_and_nothing_more(run, autojump_clock):
    first, slow = Puppet("first", diary := []), Puppet("slow", diary, winds_up=3)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [first.spec(), slow.spec()], intensity=0)
    await run(tree)
    diary.clear()
    tree.stop()
    await trio.sleep(1)
    first.crash()  # before its turn to stop has come
    await trio.sleep(1)
    tree.crash("tree/slow")  # while it winds up
    await trio.sleep(1)
    assert diary == ["!first", "xslow"]
    first_row, slow_row = tree.snapshot()
    assert first_row.last_crash.summary == "ValueError: first has a bug"
    assert slow_row.last_crash.summary.endswith("tree/slow was made to crash")
    assert (first_row.state, slow_row.state) == (State.STOPPED, State.STOPPED)


async def test_a_stop_and_a_last_straw_in_one_moment_are_a_stop(autojump_clock):
    puppet = Puppet("puppet", diary := [])
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec()], intensity=0)

    def stop_and_crash() -> None:
        tree.stop()
        puppet.crash()

    puppet.on_start = stop_and_crash
    await tree.run()
    assert diary == ["+puppet", "!puppet"]


async def test_a_child_that_becomes_ready_while_it_stops_is_still_stopping(run, autojump_clock):
    slow = Puppet("slow", winds_up=3)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [slow.spec(wait_ready=True)])
    await run(tree)
    tree.stop()
    await wait_all_tasks_blocked()
    slow.heart.ready()
    assert tree.snapshot()[0].state is State.STOPPING


async def test_a_normal_end_during_the_stop_is_fine(run, autojump_clock):
    first, slow = Puppet("first", diary := []), Puppet("slow", diary, winds_up=3)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [first.spec(), slow.spec()], intensity=0)
    await run(tree)
    tree.stop()
    await trio.sleep(1)
    first.end()
    await trio.sleep(5)
    assert diary == ["+first", "+slow", "-first", "-slow"]
    assert tree.snapshot()[0].last_crash is None


async def test_a_stop_while_siblings_stop_for_a_shared_restart_is_for_good(run, autojump_clock):
    first, slow = Puppet("first", diary := []), Puppet("slow", diary, winds_up=3)
    tree = Supervisor("tree", Strategy.REST_FOR_ONE, [first.spec(), slow.spec(suspend=slow.suspend)])
    ended = await run(tree)
    first.crash()
    await trio.sleep(1)
    assert await stop(tree, ended) == 2
    assert diary == ["+first", "+slow", "!first", "-slow"]
    assert slow.asked == ["suspend", "stop"]
    assert first.asked == ["stop"]


async def test_a_shared_restart_suspends_and_the_end_stops(run, autojump_clock):
    crashing, with_suspend, without = (Puppet(name) for name in ("crashing", "with", "without"))
    inner = Puppet("inner")
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [inner.spec(suspend=inner.suspend)])
    specs = [crashing.spec(), with_suspend.spec(suspend=with_suspend.suspend), without.spec(), nested]
    tree = Supervisor("tree", Strategy.ONE_FOR_ALL, specs)
    ended = await run(tree)
    crashing.crash()
    await trio.sleep(5)
    await stop(tree, ended)
    assert with_suspend.asked == inner.asked == ["suspend", "stop"]
    assert without.asked == ["stop", "stop"]
    assert crashing.asked == ["stop"]


async def test_exhaustion_suspends_the_siblings_where_a_parent_may_start_them_again(autojump_clock):
    shaky, steady = Puppet("shaky"), Puppet("steady")
    shaky.on_start = shaky.crash
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [steady.spec(suspend=steady.suspend), shaky.spec()], intensity=0)
    with pytest.raises(RestartsExhausted):
        await Supervisor("tree", Strategy.ONE_FOR_ONE, [nested], intensity=0).run()
    assert steady.asked == ["suspend", "stop"]


async def test_cancelling_the_tree_cancels_its_children_at_once(autojump_clock):
    names = ["a", "b", "c"]
    diary: list[str] = []
    children = [Puppet(name, diary, is_deaf=True).spec(shutdown=100) for name in names]
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [Supervisor("nested", Strategy.ONE_FOR_ALL, children)])
    with trio.move_on_after(10) as scope:
        await tree.run()
    assert scope.cancelled_caught
    assert trio.current_time() == 10
    assert sorted(diary[3:]) == ["xa", "xb", "xc"]
    assert {row.state for row in tree.snapshot()} == {State.STOPPED}


@pytest.mark.parametrize("moment", ["during a pause", "during a stop", "during a shared restart"])
async def test_cancelling_the_tree_needs_no_good_moment(autojump_clock, moment):
    first, deaf = Puppet("first"), Puppet("deaf", is_deaf=True)
    tree = Supervisor("tree", Strategy.REST_FOR_ONE, [first.spec(), deaf.spec(shutdown=1000)], restart_pause=lambda _: 1000.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        await wait_all_tasks_blocked()
        match moment:
            case "during a pause":
                deaf.crash()
            case "during a stop":
                tree.stop()
            case "during a shared restart":
                first.crash()
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert trio.current_time() == 5
    assert not first.is_running
    assert not deaf.is_running


async def test_a_crash_while_being_cancelled_is_reported_and_the_cancellation_passes(autojump_clock):
    async def clean_up_badly(_: object) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("bad clean-up")

    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [ChildSpec("untidy", clean_up_badly)])
    with trio.move_on_after(1) as scope:
        await tree.run()
    assert scope.cancelled_caught
    assert tree.snapshot()[0].last_crash.summary == "ValueError: bad clean-up"


async def test_a_crash_after_the_deadline_is_reported_and_the_stop_goes_on(run, autojump_clock):
    async def clean_up_badly(_: object) -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("bad clean-up")

    first = Puppet("first", diary := [])
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [first.spec(), ChildSpec("untidy", clean_up_badly)])
    ended = await run(tree)
    await stop(tree, ended)
    assert diary == ["+first", "-first"]
    assert tree.snapshot()[1].last_crash.summary == "ValueError: bad clean-up"


async def test_a_tree_whose_children_have_all_finished_waits_for_the_stop(run, autojump_clock):
    puppet = Puppet("puppet")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec(restart=Restart.TEMPORARY)])
    ended = await run(tree)
    puppet.end()
    await trio.sleep(100)
    assert tree.snapshot()[0].state is State.FINISHED
    await stop(tree, ended)
    assert tree.snapshot()[0].state is State.FINISHED
