"""The swarm as a process: what it says, and that it never outlives whoever started it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio

from bench.swarm.launch import SwarmDidNotStart, environment, launch
from bench.swarm.options import SwarmOptions
from protocol.compact import pack_address
from tests.fakes.dht_visitor import open_visitor

SMALL = ("--seed", "5", "--torrents", "20", "--nodes", "60")


@pytest.fixture
def start():
    running = []

    def start_process(*arguments, **how):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.swarm", *SMALL, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
            **how,
        )
        running.append(process)
        return process

    yield start_process
    for process in running:
        process.kill()
        process.communicate()


def endpoint(text):
    host, port = text.split(":")
    return pack_address((host, int(port)))


def test_it_says_where_to_start_and_lists_what_it_planted(start, tmp_path):
    process = start("--list", str(tmp_path / "planted.ndjson"))
    said = json.loads(process.stdout.readline())
    assert said.keys() == {"bootstrap", "planted", "reachable", "pid"}
    assert said["pid"] == process.pid
    assert all(text.startswith("127.") for text in said["bootstrap"])
    planted = [json.loads(line) for line in (tmp_path / "planted.ndjson").read_text().splitlines()]
    assert len(planted) == said["planted"] == 20
    assert sum(torrent["reachable"] for torrent in planted) == said["reachable"]
    for torrent in planted:
        assert len(bytes.fromhex(torrent["info_hash"])) == 20
        assert torrent["files"]
        assert sum(file["size"] for file in torrent["files"]) == torrent["size"]
        assert {"name", "fault", "version", "peers"} <= torrent.keys()


def test_it_ends_with_its_input_and_reports(start, tmp_path):
    process = start("--report", str(tmp_path / "report.json"))
    process.stdout.readline()
    said, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert json.loads(said)["report"] == json.loads((tmp_path / "report.json").read_text())


def test_it_ends_by_itself_after_the_time_it_was_given(start):
    process = start("--for", "0.2")
    assert process.wait(10) == 0


def test_it_ends_when_its_parent_is_gone_even_without_a_pipe():
    parent = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'bench.swarm', *{SMALL!r}], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)\n"
        "print(child.stdout.readline().decode(), flush=True)\n"
    )
    command = [sys.executable, "-c", parent]
    said = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True, timeout=30).stdout
    pid = json.loads(said)["pid"]
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, "it outlived its parent"
        time.sleep(0.05)


def test_it_reports_when_asked_by_a_signal_and_ends_by_another(start):
    process = start()
    process.stdout.readline()
    process.send_signal(signal.SIGUSR1)
    report = json.loads(process.stdout.readline())["report"]
    assert report["recall"] == {"sampled": 0, "peers_told": 0, "metadata_served": 0}
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.mark.parametrize("wrong", [("--loss", "2"), ("--dead", "-0.1"), ("--nodes", "many")])
def test_wrong_options_are_usage_errors(start, wrong):
    process = start(*wrong, stderr=subprocess.PIPE)
    assert process.wait(10) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="everything here runs as a normal user anyway")
def test_a_normal_user_may_run_it(start, tmp_path):
    system_python = Path("/usr/bin/python3")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    if not _can_run(system_python, packages):
        pytest.skip("no interpreter here that another account may use")
    process = subprocess.Popen(
        [system_python, "-m", "bench.swarm", *SMALL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment(), "PYTHONPATH": os.pathsep.join((environment()["PYTHONPATH"], *packages)), "PYTHONDONTWRITEBYTECODE": "1"},
        user=65534,
        group=65534,
        extra_groups=[],
        text=True,
    )
    try:
        bootstrap = json.loads(process.stdout.readline())["bootstrap"]
        assert len({text.split(":")[0] for text in bootstrap}) == len(bootstrap)  # an address each: one socket for all of 127/8
    finally:
        process.communicate(timeout=10)


def _can_run(python, packages):
    how = {
        "user": 65534,
        "group": 65534,
        "extra_groups": [],
        "env": {"PYTHONPATH": os.pathsep.join((environment()["PYTHONPATH"], *packages))},
    }
    try:
        tried = subprocess.run([python, "-c", "import trio, bencode2, bench.swarm"], capture_output=True, check=False, **how)
    except OSError:
        return False
    return tried.returncode == 0


async def test_launch_starts_answers_and_ends(tmp_path):
    with trio.fail_after(20):
        async with launch(SwarmOptions(seed=5, torrents=20, nodes=60).without_trouble(), list_file=tmp_path / "planted") as swarm:
            assert (swarm.planted, swarm.reachable) == (20, 20)
            async with open_visitor() as visitor:
                assert await visitor.ask(endpoint(swarm.bootstrap[0]), "ping", tries=10) is not None
    assert swarm.report["queries"]["ping"] >= 1
    with pytest.raises(ProcessLookupError):
        os.kill(swarm.pid, 0)


async def test_a_launch_that_fails_says_so(capfd):
    with trio.fail_after(20), pytest.raises(SwarmDidNotStart):
        async with launch(SwarmOptions(loss=7.0)):
            pass
    assert "not a share" in capfd.readouterr().err


async def test_the_swarm_of_the_demo_starts_within_three_seconds():
    with trio.fail_after(30):
        started = time.process_time(), time.monotonic()
        async with launch(SwarmOptions()) as swarm:
            assert time.monotonic() - started[1] < 3
            assert swarm.planted == 500
            assert swarm.reachable > 400
