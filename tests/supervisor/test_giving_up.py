"""More restarts than allowed: who gives up, what the parent makes of it, and what is merely down for a while."""

import pytest
import trio

from supervisor.errors import RestartsExhausted
from supervisor.snapshot import State
from supervisor.spec import Strategy
from supervisor.supervisor import Supervisor
from tests.fakes.puppet import Puppet, one_second


async def test_more_restarts_than_the_intensity_end_the_supervisor_and_its_children(autojump_clock):
    diary = []
    steady, shaky = Puppet("steady", diary), Puppet("shaky", diary)
    shaky.on_start = shaky.crash
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [steady.spec(), shaky.spec()], intensity=3, period=60)
    with pytest.raises(
        RestartsExhausted, match=r"tree: more than 3 restarts in 60 s; the last was due to tree/shaky: ValueError: "
    ) as caught:
        await tree.run()
    assert len(shaky.starts) == 4
    assert isinstance(caught.value.__cause__, ValueError)
    assert diary[-1] == "-steady"
    assert not steady.is_running


async def test_restarts_that_lie_far_enough_apart_go_on_for_ever(run, autojump_clock):
    shaky = Puppet("shaky")
    await run(Supervisor("tree", Strategy.ONE_FOR_ONE, [shaky.spec()], intensity=1, period=10, restart_pause=one_second))
    for _ in range(20):
        shaky.crash()
        await trio.sleep(11)
    assert len(shaky.starts) == 21


async def test_a_normal_end_of_a_permanent_child_counts_as_a_restart_without_a_cause(autojump_clock):
    ending = Puppet("ending")
    ending.on_start = ending.end
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [ending.spec()], intensity=1)
    with pytest.raises(RestartsExhausted, match=r"due to tree/ending$") as caught:
        await tree.run()
    assert caught.value.__cause__ is None
    assert tree.snapshot()[0].last_crash.summary == "ended by itself"


async def test_a_nested_supervisor_that_gives_up_is_a_crash_for_its_parent(run, autojump_clock):
    diary = []
    shaky, inner, outer = Puppet("shaky", diary), Puppet("inner", diary), Puppet("outer", diary)
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [inner.spec(), shaky.spec()], intensity=1, restart_pause=one_second)
    tree = Supervisor("tree", Strategy.REST_FOR_ONE, [nested, outer.spec()], restart_pause=one_second)
    await run(tree)
    diary.clear()
    shaky.crash()
    await trio.sleep(2)
    shaky.crash()
    await trio.sleep(2)
    assert diary == ["!shaky", "+shaky", "!shaky", "-inner", "-outer", "+inner", "+shaky", "+outer"]
    rows = {row.path: row for row in tree.snapshot()}
    assert rows["tree/nested"].restarts == 1
    assert rows["tree/nested"].last_crash.summary.endswith("the last was due to tree/nested/shaky: ValueError: shaky has a bug")
    assert rows["tree/nested/shaky"].starts == 3
    assert rows["tree/nested/shaky"].restarts_in_period == 0  # a new run, a new budget


async def test_exhaustion_climbs_to_the_top(autojump_clock):
    shaky = Puppet("shaky")
    shaky.on_start = shaky.crash
    tree = Supervisor("c", Strategy.ONE_FOR_ONE, [shaky.spec()], intensity=2)
    for supervisor_id in ("b", "a"):
        tree = Supervisor(supervisor_id, Strategy.ONE_FOR_ONE, [tree], intensity=2)
    with pytest.raises(RestartsExhausted) as caught:
        await tree.run()
    assert len(shaky.starts) == 3**3  # levels multiply
    assert isinstance(caught.value.__cause__, RestartsExhausted)
    assert isinstance(caught.value.__cause__.__cause__, RestartsExhausted)


async def test_a_nested_supervisor_with_a_retry_goes_down_alone_and_is_tried_again(run, autojump_clock):
    shaky, steady = Puppet("shaky"), Puppet("steady")
    shaky.on_start = shaky.crash
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [shaky.spec(wait_ready=True)], intensity=1, retry_when_exhausted=60)
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [nested, steady.spec()], intensity=0)
    await run(tree)
    await trio.sleep(10)
    row = tree.snapshot()[0]
    assert row.state is State.DOWN
    assert 40 < row.starts_in < 60
    assert len(shaky.starts) == 2
    assert len(steady.starts) == 1  # and it was started, although the one before it never came up
    await trio.sleep(60)
    assert len(shaky.starts) == 4
    shaky.on_start = lambda: shaky.heart.ready()  # noqa: PLW0108  (its heart is a new one each time)
    await trio.sleep(60)
    assert tree.snapshot()[0].state is State.RUNNING
    assert len(steady.starts) == 1


async def test_an_actor_with_a_retry_has_a_budget_of_its_own(run, autojump_clock):
    shaky, steady = Puppet("shaky"), Puppet("steady")
    shaky.on_start = shaky.crash
    specs = [shaky.spec(retry_when_exhausted=100), steady.spec()]
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, specs, intensity=2, period=30, restart_pause=one_second)
    await run(tree)
    await trio.sleep(50)
    assert tree.snapshot()[0].state is State.DOWN
    assert len(shaky.starts) == 3
    steady.crash()
    await trio.sleep(2)
    steady.crash()
    await trio.sleep(2)
    assert len(steady.starts) == 3
    await trio.sleep(100)
    assert len(shaky.starts) == 6


async def test_under_rest_for_one_those_after_a_child_that_is_down_wait_for_it(run, autojump_clock):
    shaky, dependent = Puppet("shaky"), Puppet("dependent")
    specs = [shaky.spec(retry_when_exhausted=100), dependent.spec()]
    tree = Supervisor("tree", Strategy.REST_FOR_ONE, specs, intensity=0)
    await run(tree)
    shaky.crash()
    await trio.sleep(50)
    assert [row.state for row in tree.snapshot()] == [State.DOWN, State.WAITING]
    await trio.sleep(60)
    assert [row.state for row in tree.snapshot()] == [State.RUNNING, State.RUNNING]
    assert len(dependent.starts) == 2
