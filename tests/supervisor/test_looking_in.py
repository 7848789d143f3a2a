"""Snapshots of a tree, the log, and injected crashes."""

import dataclasses
import json

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from supervisor.snapshot import State
from supervisor.spec import Restart, Strategy
from supervisor.supervisor import Supervisor
from tests.fakes.puppet import Puppet, one_second


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
