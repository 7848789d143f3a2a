"""Strategies, restart types, budget and escalation."""

import dataclasses
import json

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from supervisor.errors import RestartsExhausted
from supervisor.snapshot import State
from supervisor.spec import ChildSpec, Restart, Strategy
from supervisor.supervisor import Supervisor
from tests.fakes.puppet import Puppet


def one_second(_: int) -> float:
    return 1.0


def three_puppets(diary: list[str]) -> tuple[Puppet, Puppet, Puppet]:
    return Puppet("a", diary), Puppet("b", diary), Puppet("c", diary)


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


async def test_a_normal_end_of_a_permanent_child_counts_as_a_restart_without_a_cause(autojump_clock):
    ending = Puppet("ending")
    ending.on_start = ending.end
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [ending.spec()], intensity=1)
    with pytest.raises(RestartsExhausted, match=r"due to tree/ending$") as caught:
        await tree.run()
    assert caught.value.__cause__ is None
    assert tree.snapshot()[0].last_crash.summary == "ended by itself"


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


async def test_injected_crashes_are_crashes(run, autojump_clock):
    puppet, sibling = Puppet("puppet"), Puppet("sibling")
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [puppet.spec(), sibling.spec()])
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [nested])
    await run(tree)
    tree.crash("tree/nested/puppet")
    await trio.sleep(5)
    assert (len(puppet.starts), len(sibling.starts)) == (2, 1)
    row = tree.snapshot()[1]
    assert (row.restarts, row.state) == (1, State.RUNNING)
    assert row.last_crash.summary == "supervisor.errors.InjectedCrash: tree/nested/puppet was made to crash"
    tree.crash("tree/nested")
    await trio.sleep(5)
    assert (len(puppet.starts), len(sibling.starts)) == (3, 2)


@pytest.mark.parametrize("path", ["", "tree", "nested", "tree/other", "other/nested", "tree/nested/puppet/more"])
async def test_there_is_nothing_to_crash_at_an_unknown_path(run, autojump_clock, path):
    nested = Supervisor("nested", Strategy.ONE_FOR_ONE, [Puppet("puppet").spec()])
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [nested])
    await run(tree)
    with pytest.raises(LookupError, match="no child at"):
        tree.crash(path)


async def test_a_child_that_does_not_run_cannot_crash(run, autojump_clock):
    puppet = Puppet("puppet")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec()], restart_pause=one_second)
    await run(tree)
    puppet.crash()
    await trio.sleep(0.5)
    tree.crash("tree/puppet")
    await trio.sleep(1)
    assert puppet.is_running
    assert tree.snapshot()[0].restarts == 1


async def test_an_injected_crash_is_forgotten_by_the_next_start(run, autojump_clock):
    puppet = Puppet("puppet")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec(restart=Restart.TRANSIENT)])
    await run(tree)
    tree.crash("tree/puppet")
    await trio.sleep(5)
    puppet.end()
    await trio.sleep(5)
    assert tree.snapshot()[0].state is State.FINISHED


async def test_the_snapshot_shows_the_whole_tree(run, autojump_clock):
    @dataclasses.dataclass(frozen=True)
    class Counters:
        stored: int

    writer, classifier = Puppet("writer"), Puppet("classifier")
    pipeline = Supervisor("pipeline", Strategy.ONE_FOR_ONE, [writer.spec(), classifier.spec()], restart_pause=lambda _: 4.0)
    tree = Supervisor("tree", Strategy.REST_FOR_ONE, [pipeline])
    await run(tree)
    writer.heart.report(lambda: Counters(stored=7))
    await trio.sleep(3)
    writer.heart.beat()
    classifier.crash()
    await trio.sleep(1)
    rows = tree.snapshot()
    assert [row.path for row in rows] == ["tree/pipeline", "tree/pipeline/writer", "tree/pipeline/classifier"]
    assert [row.kind for row in rows] == ["supervisor", "actor", "actor"]
    supervisor_row, writer_row, classifier_row = rows
    assert (supervisor_row.state, supervisor_row.uptime, supervisor_row.heartbeat_age) == (State.RUNNING, 4, None)
    assert (writer_row.state, writer_row.uptime, writer_row.heartbeat_age) == (State.RUNNING, 4, 1)
    assert writer_row.statistics == Counters(stored=7)
    assert (classifier_row.state, classifier_row.uptime, classifier_row.heartbeat_age) == (State.PAUSING, None, None)
    assert classifier_row.starts_in == 3
    assert classifier_row.last_crash.summary == "ValueError: classifier has a bug"
    assert "in fail" in classifier_row.last_crash.traceback
    assert (classifier_row.starts, classifier_row.restarts, classifier_row.restarts_in_period) == (1, 1, 1)
    text = json.dumps([dataclasses.asdict(row) for row in rows])
    assert '"state": "pausing"' in text


async def test_a_bug_in_the_statistics_of_one_child_does_not_hide_the_others(run, autojump_clock):
    broken, fine = Puppet("broken"), Puppet("fine")
    tree = Supervisor("tree", Strategy.ONE_FOR_ONE, [broken.spec(), fine.spec()])
    await run(tree)
    broken.heart.report(lambda: 1 // 0)
    fine.heart.report(lambda: 42)
    assert [row.statistics for row in tree.snapshot()] == [{"error": "ZeroDivisionError: integer division or modulo by zero"}, 42]


async def test_a_crash_is_logged_with_its_path(run, autojump_clock, caplog):
    puppet = Puppet("puppet")
    await run(Supervisor("tree", Strategy.ONE_FOR_ONE, [puppet.spec()]))
    puppet.crash()
    await wait_all_tasks_blocked()
    assert "tree/puppet crashed: ValueError: puppet has a bug\nTraceback" in caplog.text
