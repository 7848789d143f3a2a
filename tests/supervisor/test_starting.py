"""In which order children start, who waits for whom, and what cannot start."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from supervisor.snapshot import State
from supervisor.spec import ChildSpec, Restart, Strategy
from supervisor.supervisor import Supervisor
from tests.fakes.puppet import Puppet, three_puppets


async def test_children_start_in_order_and_stop_in_reverse(run, autojump_clock):
    diary = []
    names = [str(number) for number in range(10)]
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [Puppet(name, diary).spec() for name in names])
    await run(tree)
    assert diary == [f"+{name}" for name in names]
    diary.clear()
    tree.stop()
    await wait_all_tasks_blocked()
    assert diary == [f"-{name}" for name in reversed(names)]


async def test_a_temporary_child_whose_turn_has_not_come_is_not_forgotten_by_a_shared_restart(run, autojump_clock):
    slow, temporary = Puppet("slow"), Puppet("temporary")
    specs = [slow.spec(wait_ready=True), temporary.spec(restart=Restart.TEMPORARY)]
    await run(Supervisor("tree", Strategy.REST_FOR_ONE, specs))
    slow.crash()
    await trio.sleep(10)
    slow.heart.ready()
    await wait_all_tasks_blocked()
    assert len(temporary.starts) == 1


async def test_a_temporary_child_that_ends_in_a_shared_restart_before_it_is_ready_holds_up_nobody(run, autojump_clock):
    first, temporary, last = three_puppets([])
    specs = [first.spec(), temporary.spec(wait_ready=True, restart=Restart.TEMPORARY), last.spec()]
    await run(Supervisor("tree", Strategy.REST_FOR_ONE, specs))
    first.crash()
    await trio.sleep(10)
    assert not temporary.is_running
    assert last.is_running


async def test_the_next_child_waits_until_this_one_is_ready(run, autojump_clock):
    slow, next_one = Puppet("slow"), Puppet("next")
    tree = Supervisor("tree", Strategy.REST_FOR_ONE, [slow.spec(wait_ready=True), next_one.spec()])
    await run(tree)
    assert [row.state for row in tree.snapshot()] == [State.STARTING, State.WAITING]
    slow.crash()  # before it is ready: the next one goes on waiting
    await trio.sleep(10)
    assert not next_one.starts
    slow.heart.ready()
    slow.heart.ready()
    await wait_all_tasks_blocked()
    assert [row.state for row in tree.snapshot()] == [State.RUNNING, State.RUNNING]
    slow.crash()  # and after: it was stopped, and waits once more
    await trio.sleep(10)
    assert [row.state for row in tree.snapshot()] == [State.STARTING, State.WAITING]
    slow.heart.ready()
    await wait_all_tasks_blocked()
    assert len(next_one.starts) == 2


async def test_under_one_for_one_a_restart_waits_for_nobody(run, autojump_clock):
    slow, next_one = Puppet("slow"), Puppet("next")
    await run(Supervisor("tree", Strategy.ONE_FOR_ONE, [slow.spec(wait_ready=True), next_one.spec()]))
    slow.heart.ready()
    await wait_all_tasks_blocked()
    slow.crash()
    next_one.crash()
    await trio.sleep(10)
    assert not slow.heart.is_ready
    assert len(next_one.starts) == 2


async def test_a_child_that_finishes_before_it_is_ready_holds_up_nobody(run, autojump_clock):
    setup, next_one = Puppet("setup"), Puppet("next")
    setup.on_start = setup.end
    await run(Supervisor("tree", Strategy.ONE_FOR_ONE, [setup.spec(wait_ready=True, restart=Restart.TRANSIENT), next_one.spec()]))
    assert next_one.is_running


async def test_a_supervisor_is_ready_when_all_its_children_have_come_up(run, autojump_clock):
    slow, inner, outer = Puppet("slow"), Puppet("inner"), Puppet("outer")
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [slow.spec(wait_ready=True), inner.spec()])
    tree = Supervisor("tree", Strategy.REST_FOR_ONE, [nested, outer.spec()])
    await run(tree)
    assert not outer.is_running
    slow.heart.ready()
    await wait_all_tasks_blocked()
    assert inner.is_running
    assert outer.is_running


async def test_two_children_cannot_share_an_id():
    with pytest.raises(ValueError, match="share an id"):
        Supervisor("tree", Strategy.ONE_FOR_ONE, [Puppet("a").spec(), Supervisor("a", Strategy.ONE_FOR_ONE, [])])


@pytest.mark.parametrize("bad", ["", "a/b"])
def test_an_id_is_a_name_without_a_slash(bad):
    with pytest.raises(ValueError, match="without '/'"):
        ChildSpec(bad, trio.sleep_forever)


async def test_a_supervisor_runs_once_at_a_time(run, autojump_clock):
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [])
    await run(tree)
    with pytest.raises(RuntimeError, match="tree runs already"):
        await tree.run()


async def test_a_tree_can_run_again_after_it_has_stopped(autojump_clock):
    puppet = Puppet("puppet")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [Supervisor("nested", Strategy.ONE_FOR_ONE, [puppet.spec()])])
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tree.run)
            await trio.sleep(1)
            assert puppet.is_running
            tree.stop()
    assert tree.snapshot()[1].starts == 2


async def test_a_second_run_knows_nothing_of_the_first(autojump_clock):
    down, first, slow = Puppet("down"), Puppet("first"), Puppet("slow", winds_up=3)
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [down.spec()], intensity=0, retry_when_exhausted=1000)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [first.spec(), nested, slow.spec()])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        await trio.sleep(1)
        down.crash()
        await trio.sleep(1)
        tree.stop()
        await trio.sleep(1)
        first.crash()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        await trio.sleep(1)
        assert [row.state for row in tree.snapshot()] == [State.RUNNING] * 4
        assert [row.starts for row in tree.snapshot()] == [2] * 4
        assert [row.restarts for row in tree.snapshot()] == [0, 1, 0, 0]
        tree.stop()
