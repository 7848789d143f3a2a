"""postmaster.pid: who runs a cluster, how far it has come, and what to do with one that a dead server left behind."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class PidFile:
    """What postmaster.pid says (src/include/utils/pidfile.h has the lines)."""

    pid: int
    socket_dir: str
    status: str
    """"starting", "stopping", "ready" or "standby"; empty while it is being written."""


def read_pid_file(path: Path) -> PidFile | None:
    """None: there is none, or it is not written to the end yet."""
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        return PidFile(int(lines[0]), lines[4], lines[7].strip() if len(lines) > 7 else "")
    except (FileNotFoundError, IndexError, ValueError):
        return None


def is_server_of(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is the server of `cluster`, and not one that inherited the number; a zombie is not."""
    if PROC.joinpath("self").exists():
        try:
            return PROC.joinpath(str(pid), "cwd").samefile(cluster)  # a server's working directory is its cluster
        except OSError:
            return False
    said = subprocess.run(["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
    return "postgres" in said and not said.lstrip().startswith("Z")


def disown(path: Path, cluster: Path) -> bool:
    """Let a lock file whose process number now belongs to a stranger name us instead; whether it did.

    PostgreSQL takes a living process of that number for its server and refuses for ever, which happens in containers, where numbers
    are small and come back. The file is not deleted: it also names the shared memory by which PostgreSQL sees orphaned backends.
    A file that names its own parent, which is us, PostgreSQL takes for stale, and goes on to that check.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        content = os.read(descriptor, 4096)
        pid, newline, rest = content.partition(b"\n")
        if not newline or not pid.strip().isdigit() or int(pid) == os.getpid() or is_server_of(int(pid), cluster):
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid() + rest, 0)
        return True
    finally:
        os.close(descriptor)
