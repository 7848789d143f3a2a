"""What was told to somebody is never lost: kill -9 in full flow, a graceful stop, a database that dies."""

import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.running_daemon import RunningDaemon
from tests.fakes.swarm_process import crawling, simulated_swarm

KILLS = 3
MANY_KILLS = 25


@pytest.fixture
def daemon(make_daemon) -> Iterator[RunningDaemon]:
    with simulated_swarm("--torrents", "800", "--nodes", "600", "--seed", "7", "--clean") as swarm:
        yield make_daemon([*crawling(swarm), "writer.max_wait_s=0.1"])


def told_by(daemon: RunningDaemon, key: str) -> set[str]:
    """The info hashes the API tells of: every page of the newest-first listing."""
    told: list[str] = []
    while True:
        answer = httpx.get(
            f"{daemon.url}/api/v1/search", params={"limit": 100, "offset": len(told)}, headers={"X-Api-Key": key}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        page = [item["info_hash"] for item in answer.json()["torrents"]]
        if not page:
            return set(told)
        told += page  # some of them twice, when new ones have moved them to a later page meanwhile


def wait_for_flow(daemon: RunningDaemon, key: str, more_than: int) -> set[str]:
    deadline = time.monotonic() + 60
    while len(told := told_by(daemon, key)) <= more_than:
        assert time.monotonic() < deadline, f"only {len(told)} torrents after a minute"
        time.sleep(0.1)
    return told


def test_nothing_told_is_lost_when_the_daemon_is_killed_in_full_flow(daemon):
    kill_in_full_flow(daemon, KILLS)


@pytest.mark.long
def test_nothing_told_is_lost_over_many_kills(make_daemon):
    with simulated_swarm("--torrents", "8000", "--nodes", "4000", "--seed", "8", "--clean") as swarm:
        kill_in_full_flow(make_daemon([*crawling(swarm), "writer.max_wait_s=0.1", "metadata.lookups=8"]), MANY_KILLS)


def kill_in_full_flow(daemon: RunningDaemon, times: int) -> None:
    daemon.start()
    key = daemon.make_key()
    told: set[str] = set()
    for _ in range(times):
        told |= wait_for_flow(daemon, key, more_than=len(told) + 20)
        daemon.send(signal.SIGKILL)
        daemon.wait(10)
        daemon.start()
        assert told <= told_by(daemon, key)


def test_sigterm_stops_within_ten_seconds_and_stores_the_last_batch(daemon):
    daemon.start()
    key = daemon.make_key()
    told = wait_for_flow(daemon, key, more_than=50)
    started = time.monotonic()
    daemon.send(signal.SIGTERM)
    assert daemon.wait(20) == 0
    assert time.monotonic() - started < 10
    assert not (daemon.data_dir / "daemon.json").exists()
    daemon.start()
    assert told <= told_by(daemon, key)


def test_the_index_goes_on_when_its_database_is_killed(daemon):
    daemon.start()
    key = daemon.make_key()
    told = wait_for_flow(daemon, key, more_than=20)
    server = int((daemon.data_dir / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])
    os.kill(server, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        try:
            now = told_by(daemon, key)
        except (AssertionError, httpx.HTTPError):
            now = set()
        if now > told:
            break
        assert time.monotonic() < deadline, "the index did not come back"
        time.sleep(0.2)
    assert told <= now
