"""Torznab clients nobody here wrote: FlexGet, and the `torznab` package, in an environment of their own that `make test` sets up.

FlexGet exits with 0 whatever happens, so what it prints is what counts.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import trio

CLIENTS = Path(sys.prefix) / "flexget" / "bin"
IS_INSTALLED = (CLIENTS.parent / ".installed").exists()
WHY_NOT = "FlexGet is not installed: `make test` does it"
needs_flexget = pytest.mark.skipif(not IS_INSTALLED, reason=WHY_NOT)

CONFIG = """
templates:
  t: {{disable: [seen, seen_info_hash, retry_failed, remember_rejected], accept_all: yes}}
tasks:
  wanted:
    template: t
    discover:
      interval: 0 seconds
      release_estimations: ignore
      what: [{{mock: [{wanted}]}}]
      from: [{{torznab: {{url: '{url}', apikey: '{key}', {search}}}}}]
"""


async def run_client(*command: str | Path | int, cwd: Path, patience_s: float = 90) -> str:
    """What a client prints. It gets no proxy and no home of anybody's."""
    environment = {"HOME": str(cwd), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "NO_COLOR": "1", "COLUMNS": "400"}
    with trio.fail_after(patience_s):
        finished = await trio.run_process(
            list(map(str, command)), cwd=cwd, env=environment, capture_stdout=True, stderr=subprocess.STDOUT, check=False
        )
    return finished.stdout.decode()


async def discover(url: str, key: str, folder: Path, wanted: str, search: str) -> str:
    """Let FlexGet look for something; returns what it prints."""
    config = folder / "config.yml"
    config.write_text(CONFIG.format(wanted=wanted, url=url, key=key, search=search))
    return await run_client(CLIENTS / "flexget", "--test", "-c", config, "-L", "verbose", "execute", "--discover-now", "--dump", cwd=folder)


def accepted(output: str) -> set[str]:
    return set(re.findall(r"ACCEPTED: `(.+?)` by", output))
