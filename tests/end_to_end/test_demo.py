"""The whole of swarmdex against a simulated swarm, as `make demo` runs it."""

import json
import subprocess
from typing import Any

import pytest

from tests.fakes.running_daemon import SWARMDEX

SECONDS = 30


def run_demo(*options: str) -> dict[str, Any]:
    command = [SWARMDEX, "demo", "--for", str(SECONDS), "--json", "--set", "http.bind=127.0.0.1:0", *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr[-5000:]}"
    return json.loads(result.stdout)  # type: ignore[no-any-return]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 15))
def test_chaos_changes_nothing_in_what_is_found(seed):
    in_peace, in_chaos = run_demo("--seed", str(seed)), run_demo("--seed", str(seed), "--chaos")
    assert in_peace["reachable"] == in_chaos["reachable"]
    assert min(in_peace["indexed"], in_chaos["indexed"]) >= 0.99 * in_peace["reachable"]


@pytest.mark.parametrize("options", [(), ("--chaos", "--seed", "2")], ids=["in peace", "with every actor crashed and workers killed"])
def test_the_demo_finds_what_is_reachable_and_each_can_be_searched_by_name(options):
    found = run_demo(*options)
    assert found["planted"] == 500
    wanted = 0.95 * found["reachable"]
    assert found["indexed"] >= wanted
    assert found["found_on_page"] >= wanted
    assert found["found_by_torznab"] >= wanted
    assert found["torznab_items"] >= wanted
    assert found["seconds_to_95_percent"] <= SECONDS
    if options:
        assert {path.split("/")[-1] for path in found["crashed"]} >= {
            "watchdog",
            "server",
            "pool",
            "writer",
            "classifier",
            "web",
            "fetcher",
            "triage",
        }
        assert found["killed_workers"] > 0
