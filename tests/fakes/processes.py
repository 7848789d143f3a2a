"""Whether processes live; a zombie that nobody has reaped yet does not."""

import os
from collections.abc import Callable
from pathlib import Path

import trio


def is_alive(pid: int) -> bool:
    """True while the process runs."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def wait_until(condition: Callable[[], object]) -> None:
    """Return when `condition()` holds; a process has no event to wait for."""
    while not condition():  # noqa: ASYNC110
        await trio.sleep(0.01)
