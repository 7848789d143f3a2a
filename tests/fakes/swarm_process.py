"""The simulated swarm as a process, for tests that start the daemon as a process too."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@contextmanager
def simulated_swarm(*options: str) -> Iterator[dict[str, Any]]:
    """Its announcement: bootstrap addresses and counts. It ends with the block."""
    process = subprocess.Popen([sys.executable, "-m", "bench.swarm", *options], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.communicate()


def crawling(swarm: dict[str, Any]) -> list[str]:
    """The settings of a daemon that crawls it."""
    return [
        "dht.profile=lab",
        "dht.allow_loopback=true",
        'dht.bind=["127.0.0.1:0"]',
        "dht.bootstrap=" + json.dumps(swarm["bootstrap"]),
    ]
