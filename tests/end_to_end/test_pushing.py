"""A crawler without a database and the central instance it pushes to: two real daemons, and trouble between them."""

import json
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.demo.planted import read_reachable
from tests.fakes.flaky_front import BUSY, GONE, WELL, FlakyFront, flaky_front, free_port
from tests.fakes.running_daemon import SWARMDEX, RunningDaemon, data_folder
from tests.fakes.swarm_process import crawling, simulated_swarm

OUTAGE_S = 12.0
LONG_OUTAGE_S = 600.0


@dataclass
class Pair:
    """A crawler, the central instance, and the front between them."""

    crawler: RunningDaemon
    central: RunningDaemon
    front: FlakyFront
    reachable: set[str]
    key: str = ""

    def start(self) -> None:
        self.central.start()
        self.key = self.central.make_key()
        self.crawler.start()

    def indexed(self) -> list[str]:
        """The hashes the central instance tells of."""
        told: list[str] = []
        parameters: dict[str, Any] = {"limit": 100}
        while True:
            parameters["offset"] = len(told)
            answer = httpx.get(f"{self.central.url}/api/v1/search", params=parameters, headers={"X-Api-Key": self.key}, timeout=30)
            assert answer.status_code == 200, answer.text
            page = [item["info_hash"] for item in answer.json()["torrents"]]
            if not page:
                return told
            told += page

    def statistics(self, part: str) -> dict[str, Any]:
        """What a part of the crawler counted."""
        run = self.crawler.run_file()
        children = httpx.get(f"{run['url']}/api/v1/status", headers={"X-Api-Key": run["token"]}, timeout=10).json()["children"]
        return next(child["statistics"] for child in children if child["path"].endswith(f"/{part}"))  # type: ignore[no-any-return]


@pytest.fixture
def make_pair(tmp_path: Path) -> Iterator[Callable[..., Pair]]:
    with ExitStack() as running:

        def make(*swarm_options: str, settings: tuple[str, ...] = ()) -> Pair:
            listing, secret = tmp_path / "planted.ndjson", tmp_path / "secret"
            secret.write_text(secrets.token_urlsafe(32))
            port = free_port()
            swarm = running.enter_context(simulated_swarm(*swarm_options, "--clean", "--list", str(listing)))
            front = running.enter_context(flaky_front(port))
            central = RunningDaemon(
                running.enter_context(data_folder()),
                ["dht.enabled=false", f"http.bind=127.0.0.1:{port}", f"http.internal_secret_file={secret}", "writer.max_wait_s=0.1"],
            )
            running.callback(central.stop)
            crawler = RunningDaemon(
                running.enter_context(data_folder()),
                [
                    *crawling(swarm),
                    "sink=api",
                    f"push.url={front.url}",
                    f"push.secret_file={secret}",
                    "push.max_wait_s=0.2",
                    "push.probe_after_s=0.5",
                    "push.probe_longest_s=2",
                    *settings,
                ],
            )
            running.callback(crawler.stop)
            return Pair(crawler, central, front, {each.info_hash.hex() for each in read_reachable(listing)})

        yield make


def wait_for(condition: Callable[[], object], seconds: float, words: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, words
        time.sleep(0.2)


def test_an_outage_and_kills_on_both_sides_lose_nothing_and_double_nothing(make_pair):
    pair = make_pair("--torrents", "400", "--nodes", "300", "--seed", "11", settings=("metadata.lookups=4",))
    survive(pair, OUTAGE_S, catch_up_s=120)


@pytest.mark.long
def test_ten_minutes_without_the_central_instance_lose_nothing(make_pair):
    pair = make_pair("--torrents", "1500", "--nodes", "1000", "--seed", "12", settings=("metadata.lookups=4", "push.probe_longest_s=60"))
    survive(pair, LONG_OUTAGE_S, catch_up_s=600)


def survive(pair: Pair, outage_s: float, *, catch_up_s: float) -> None:
    pair.start()
    wait_for(lambda: len(pair.indexed()) > 40, 60, "nothing arrives")
    assert pair.statistics("pusher")["breaker"] == "closed"

    began = time.monotonic()
    pair.front.become(BUSY)
    wait_for(lambda: pair.statistics("pusher")["breaker"] != "closed", 15, "the breaker did not open")
    wait_for(lambda: pair.statistics("pusher")["waiting"] >= 1, 30, "the sources do not ask")
    pair.central.send(signal.SIGKILL)
    pair.central.wait(10)
    pair.front.become(GONE)
    before = pair.statistics("triage")["wanted"]
    time.sleep(outage_s / 4)
    assert pair.statistics("triage")["wanted"] == before, "the sources went on looking"
    spooled = pair.statistics("pusher")["spooled_batches"]
    pair.crawler.send(signal.SIGKILL)
    pair.crawler.wait(10)
    pair.crawler.start()
    assert pair.statistics("pusher")["spooled_batches"] >= spooled
    wait_for(lambda: pair.statistics("pusher")["breaker"] != "closed", 15, "the breaker of the new start did not open")
    time.sleep(max(0.0, outage_s - (time.monotonic() - began)))

    pair.central.start()
    pair.front.become(WELL)
    wait_for(lambda: pair.reachable <= set(pair.indexed()), catch_up_s, "not everything arrived")
    wait_for(lambda: pair.statistics("pusher")["spooled_batches"] == 0, 30, "the spool does not empty")
    indexed = pair.indexed()
    assert len(indexed) == len(set(indexed))
    seen = pair.statistics("pusher")
    assert seen["breaker"] == "closed"
    assert seen["breaker_opened"] >= 1
    assert (seen["refused"], seen["set_aside"], seen["disk_failures"]) == ({}, 0, 0)


def swarmdex(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SWARMDEX, *words], capture_output=True, text=True, timeout=60, check=False)


def test_a_crawler_has_a_page_a_status_and_no_index(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s" * 40)
    settings = ["dht.enabled=false", "sink=api", "push.url=https://index.example", f"push.secret_file={secret}"]
    with data_folder() as folder:
        crawler = RunningDaemon(folder, settings)
        try:
            crawler.start()
            options = [option for text in (f"data_dir={folder}", *settings) for option in ("--set", text)]
            assert not (folder / "postgres").exists()
            with httpx.Client(base_url=crawler.url, trust_env=False) as client:
                page = client.get("/")
                assert (page.status_code, "https://index.example" in page.text) == (200, True)
                assert client.get("/healthz").json() == {"status": "ok"}
                assert client.get("/readyz").json()["checks"].keys() == {"pusher", "spool"}
                assert client.get("/api", params={"t": "caps"}).status_code == 404
                assert client.get("/api/v1/status").status_code == 401
                assert client.get("/api/v1/status", headers={"X-Internal-Secret": "x" * 40}).status_code == 401
                assert client.get("/api/v1/status", headers={"X-Internal-Secret": "s" * 40}).status_code == 200
                assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
            status = swarmdex("status", *options)
            assert status.returncode == 0, status.stderr
            assert "central instance: well" in status.stdout
            for command in (["migrate"], ["keys", "create", "--name", "x"]):
                refused = swarmdex(*command, *options)
                assert refused.returncode == 1
                assert 'this instance has no database (sink = "api")' in refused.stderr
            second = swarmdex("run", *options, "--set", "http.bind=127.0.0.1:0")
            assert second.returncode == 1
            assert "is in use by another swarmdex daemon" in second.stderr
            crawler.send(signal.SIGTERM)
            assert crawler.wait(10) == 0
        finally:
            crawler.stop()


@pytest.mark.parametrize(
    ("settings", "says"),
    [(["sink=api"], "push.url"), (["sink=api", "push.url=https://index.example"], "push.secret_file")],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_what_is_missing_is_told_with_its_cure(command, settings, says):
    result = swarmdex(command, *(option for text in settings for option in ("--set", text)))
    assert result.returncode == 2
    assert says in result.stderr
    assert "cure:" in result.stderr


def test_the_secret_is_shown_nowhere(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hunter2-" * 8)
    result = swarmdex(
        "check", "--json", "--set", "sink=api", "--set", "push.url=https://index.example", "--set", f"push.secret_file={secret}"
    )
    assert result.returncode == 0, result.stderr
    assert "hunter2" not in result.stdout + result.stderr
    assert json.loads(result.stdout)["settings"]["push.secret_file"]["value"] == str(secret)
