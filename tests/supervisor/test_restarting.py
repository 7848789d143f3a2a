"""Strategies, restart types, and the pause before a restart."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from supervisor.spec import Restart, Strategy
from supervisor.supervisor import Supervisor
from tests.fakes.puppet import Puppet, one_second, three_puppets


@pytest.mark.parametrize(
    ("strategy", "after"),
    [
        (Strategy.ONE_FOR_ONE, ["!b", "+b"]),
        (Strategy.ONE_FOR_ALL, ["!b", "-c", "-a", "+a", "+b", "+c"]),
        (Strategy.REST_FOR_ONE, ["!b", "-c", "+b", "+c"]),
    ],
)
async def test_strategy_says_who_is_restarted(run, autojump_clock, strategy, after):
    diary = []
    a, b, c = three_puppets(diary)
    await run(Supervisor("tree", strategy, [a.spec(), b.spec(), c.spec()], restart_pause=one_second))
    diary.clear()
    b.crash()
    await trio.sleep(1.5)
    assert diary == after


@pytest.mark.parametrize(
    ("restart", "starts_after_crash", "starts_after_end"),
    [(Restart.PERMANENT, 2, 2), (Restart.TRANSIENT, 2, 1), (Restart.TEMPORARY, 1, 1)],
)
async def test_restart_type_says_whether_a_child_is_restarted(run, autojump_clock, restart, starts_after_crash, starts_after_end):
    crashing, ending = Puppet("crashing"), Puppet("ending")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [crashing.spec(restart=restart), ending.spec(restart=restart)])
    await run(tree)
    crashing.crash()
    ending.end()
    await trio.sleep(10)
    assert len(crashing.starts) == starts_after_crash
    assert len(ending.starts) == starts_after_end


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_a_shared_restart_ends_a_temporary_sibling_and_starts_a_finished_transient_one(run, autojump_clock, strategy):
    first, temporary, transient = three_puppets([])
    specs = [first.spec(), temporary.spec(restart=Restart.TEMPORARY), transient.spec(restart=Restart.TRANSIENT)]
    await run(Supervisor("tree", strategy, specs))
    transient.end()
    await wait_all_tasks_blocked()
    first.crash()
    await trio.sleep(10)
    assert (len(first.starts), len(temporary.starts), len(transient.starts)) == (2, 1, 2)
    assert not temporary.is_running


async def test_a_shared_restart_counts_once(run, autojump_clock):
    a, b, c = three_puppets([])
    await run(Supervisor("tree", Strategy.ONE_FOR_ALL, [a.spec(), b.spec(), c.spec()], intensity=2))
    for puppet in (a, b):
        puppet.crash()
        await trio.sleep(5)
    assert [len(puppet.starts) for puppet in (a, b, c)] == [3, 3, 3]


async def test_two_that_crash_at_once_share_one_restart_when_the_strategy_restarts_both(run, autojump_clock):
    a, b, c = three_puppets([])
    await run(Supervisor("tree", Strategy.ONE_FOR_ALL, [a.spec(), b.spec(), c.spec()], intensity=1))
    a.crash()
    b.crash()
    await trio.sleep(5)
    assert [len(puppet.starts) for puppet in (a, b, c)] == [2, 2, 2]


async def test_the_pause_before_a_restart_grows_while_crashes_go_on_and_is_forgotten_after_the_period(run, autojump_clock):
    shaky = Puppet("shaky")
    pauses = []

    def pause(restarts: int) -> float:
        pauses.append(restarts)
        return float(restarts)

    await run(Supervisor("tree", Strategy.ONE_FOR_ONE, [shaky.spec()], period=30, restart_pause=pause))
    for _ in range(3):
        shaky.crash()
        await trio.sleep(5)
    await trio.sleep(31)
    shaky.crash()
    await trio.sleep(5)
    assert pauses == [1, 2, 3, 1]
    begin = shaky.starts[0]
    assert [start - begin for start in shaky.starts] == [0, 1, 7, 13, 47]


async def test_while_one_child_pauses_others_are_restarted(run, autojump_clock):
    a, b = Puppet("a"), Puppet("b")
    pauses = iter([10.0, 1.0])
    await run(Supervisor("tree", Strategy.ONE_FOR_ONE, [a.spec(), b.spec()], restart_pause=lambda _: next(pauses)))
    a.crash()
    await trio.sleep(0.5)
    b.crash()
    await trio.sleep(2)
    assert (a.is_running, b.is_running) == (False, True)


async def test_under_rest_for_one_a_crash_during_a_pause_takes_over_the_later_children(run, autojump_clock):
    a, b, c = three_puppets(diary := [])
    pauses = iter([1.0, 5.0])
    specs = [a.spec(), b.spec(), c.spec()]
    await run(Supervisor("tree", Strategy.REST_FOR_ONE, specs, restart_pause=lambda _: next(pauses)))
    diary.clear()
    b.crash()
    await trio.sleep(0.5)
    a.crash()
    await trio.sleep(4)
    assert diary == ["!b", "-c", "!a"]
    await trio.sleep(2)
    assert diary == ["!b", "-c", "!a", "+a", "+b", "+c"]


async def test_what_a_child_raises_in_a_group_is_a_crash_like_any_other(run, autojump_clock):
    puppet = Puppet("puppet")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec()])
    await run(tree)
    puppet.crash(ExceptionGroup("nursery", [ValueError("one"), ExceptionGroup("inner", [KeyError("two")])]))
    await trio.sleep(5)
    assert puppet.is_running
    assert tree.snapshot()[0].last_crash.summary == "ValueError: one (and 1 more)"


async def test_what_is_no_exception_passes(autojump_clock):
    puppet, other = Puppet("puppet"), Puppet("other", diary := [])
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec(), other.spec()])
    with pytest.RaisesGroup(KeyboardInterrupt, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tree.run)
            await wait_all_tasks_blocked()
            puppet.crash(KeyboardInterrupt())
    assert diary == ["+other", "xother"]
