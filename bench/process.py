"""The processes of a round: pinned to a core, started afresh, their CPU time read from outside.

Subjects and generators run in processes of their own, so that neither's time is counted as the other's. CPU time is the whole
process: every thread of it (libtorrent has three), user and system.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Self

_spawn = multiprocessing.get_context("spawn")  # a fork would carry the parent's threads and memory into the measurement


class RoundFailed(Exception):
    """A process of a round raised, died or took too long; the message carries its traceback."""


def cores() -> tuple[int | None, int | None]:
    """The core of the process under test and the one of its generator; None where processes cannot be pinned."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads."""
    if sys.platform == "linux":
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3): nanoseconds, and for any process we may see
    listed = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607
    seconds = 0.0
    for part in listed.strip().replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)  # [hh:]mm:ss.cc; a benchmark that lasts days is nobody's
    return seconds


class WorkerProcess:
    """A child process that runs one function and talks with us through a pipe: messages are (word, value)."""

    def __init__(self, work: Callable[..., None], core: int | None, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._pipe, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=_child, args=(work, theirs, core))
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join(5.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()

    @property
    def pid(self) -> int:
        """The process id; the process may have ended."""
        pid = self._process.pid
        assert pid is not None
        return pid

    def cpu_seconds(self) -> float:
        """What the process has used since it started."""
        return cpu_seconds(self.pid)

    def send(self, word: str, value: object = None) -> None:
        """Tell the child something."""
        self._pipe.send((word, value))

    def receive(self, *words: str) -> tuple[str, Any]:
        """The child's next message, which must be one of `words`. Raises RoundFailed for anything else."""
        if not self._pipe.poll(self._timeout_s):
            raise RoundFailed(f"no {' or '.join(words)!r} within {self._timeout_s:.0f} s")
        try:
            word, value = self._pipe.recv()
        except EOFError as exc:
            self._process.join(5.0)
            raise RoundFailed(f"the process ended with {self._process.exitcode} before it said {' or '.join(words)!r}") from exc
        if word == "failed":
            raise RoundFailed(str(value))
        if word not in words:
            raise RoundFailed(f"it said {word!r} instead of {' or '.join(words)!r}")
        return word, value


def _child(work: Callable[..., None], pipe: "Connection[Any, Any]", core: int | None) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        work(pipe)
    except BaseException:
        pipe.send(("failed", traceback.format_exc()))


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, for whatever holds the interpreter lock meanwhile
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
