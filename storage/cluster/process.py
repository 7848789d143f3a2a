"""The PostgreSQL process: started as our direct child, waited for, watched, stopped.

What takes time is written as generators that yield how long to wait before the next look, so that Trio and plain code drive the same
steps. `bring_up` must be driven from the main thread: the kernel's death signal (launch.py) follows the thread that made the process.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from storage.cluster.account import Account
from storage.cluster.binaries import Binaries
from storage.cluster.configuration import server_arguments
from storage.cluster.initdb import clean_environment
from storage.cluster.pid_file import disown, is_server_of, read_pid_file
from storage.cluster.places import PORT, Places, hand_over
from storage.errors import EmbeddedServerError

logger = logging.getLogger(__name__)

BLOCKED = re.compile(r'lock file ".*" already exists|pre-existing shared memory block')
"""A dead server's traces: its zombie or its last backends are still there, or its process number is another's now."""
BLOCKED_PATIENCE_S = 120.0  # a backend that outlives its server ends with its statement, at the latest after the statement timeout
LONGEST_LOG_BYTES = 10_000_000


class ServerProcess:
    """One server of one cluster; the caller holds the data directory's lock."""

    def __init__(self, places: Places, binaries: Binaries, account: Account) -> None:
        self._places = places
        self._binaries = binaries
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._log: BinaryIO | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The server's process number while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def bring_up(self) -> Iterator[float]:
        """Start the server and wait, as long as recovery takes, until it accepts connections. Raises EmbeddedServerError."""
        yield from self._stop_orphan()
        started = time.monotonic()
        pause = 0.1
        while True:
            self._spawn()
            yield from self._wait_ready()
            if self.pid is not None:
                return
            said = self.log_tail()
            waited = time.monotonic() - started
            if BLOCKED.search(said) is None or waited > BLOCKED_PATIENCE_S:
                raise EmbeddedServerError(f"PostgreSQL does not start: {said or 'it said nothing'} (the log is {self._places.log})")
            if waited > 2.0 and self._disown_lock_files():  # by now a zombie would be reaped
                continue
            logger.info("waiting for the traces of an earlier PostgreSQL to go away")
            yield pause
            pause = min(pause * 2, 2.0)

    def shut_down(self, fast_s: float = 8.0, immediate_s: float = 3.0) -> Iterator[float]:
        """Stop the server: fast, with everything on disk; after `fast_s` at once, recovering at the next start; then by force."""
        process = self._process
        if process is None:
            return
        for number, seconds in ((signal.SIGINT, fast_s), (signal.SIGQUIT, immediate_s), (signal.SIGKILL, 5.0)):
            if process.poll() is None:
                _send(process.pid, number)
                yield from _wait(lambda: process.poll() is not None, seconds)
        if process.poll() is None:
            raise EmbeddedServerError(f"PostgreSQL (process {process.pid}) does not stop, not even killed: its disk hangs")
        self._close_log()

    def check(self) -> None:
        """Raise EmbeddedServerError when the server has died; keep its log short."""
        if self._process is None or (code := self._process.poll()) is None:
            self._trim_log()
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        raise EmbeddedServerError(f"PostgreSQL {how}; it said: {self.log_tail() or 'nothing'} (the log is {self._places.log})")

    def log_tail(self, lines: int = 6) -> str:
        """What the server said last, since this start."""
        with self._places.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start if self._log_start <= end else 0, end - 4000))
            said = log.read().decode("utf-8", "replace").strip().splitlines()
        return " / ".join(line.partition("] ")[2] or line for line in said[-lines:])

    def _spawn(self) -> None:
        self._trim_log()
        if self._log is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._log = os.fdopen(os.open(self._places.log, flags, 0o600), "ab", buffering=0)
            hand_over(self._log.fileno(), self._places.data_dir)
        self._log_start = os.fstat(self._log.fileno()).st_size
        program = self._binaries.program("postgres")
        self._process = subprocess.Popen(  # noqa: S603
            self._account.command("exec", str(os.getpid()), program, *server_arguments(self._places)),
            cwd="/",
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C in the terminal is for us: the writer has to finish before the server stops
        )

    def _wait_ready(self) -> Iterator[float]:
        """Until it is ready or has ended."""
        started = spoken = time.monotonic()
        pause = 0.01
        while self.pid is not None:
            found = read_pid_file(self._places.pid_file)
            if found is not None and found.pid == self.pid and found.status == "ready":
                return
            if time.monotonic() - spoken > 5.0:
                spoken = time.monotonic()
                logger.info("PostgreSQL has been starting for %.0f s: %s", spoken - started, self.log_tail(1))
            yield pause
            pause = min(pause * 1.5, 0.5)

    def _stop_orphan(self) -> Iterator[float]:
        """Stop a server whose swarmdex was killed: as a child of ours it follows our settings and our end."""
        found = read_pid_file(self._places.pid_file)
        if found is None or not is_server_of(found.pid, self._places.cluster):
            return
        logger.info("stopping the PostgreSQL (process %d) that a killed swarmdex left behind", found.pid)
        for number, seconds in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)):
            if is_server_of(found.pid, self._places.cluster):
                _send(found.pid, number)
                yield from _wait(lambda: not is_server_of(found.pid, self._places.cluster), seconds)

    def _disown_lock_files(self) -> bool:
        files = (self._places.pid_file, self._places.socket_dir / f".s.PGSQL.{PORT}.lock")
        return sum(disown(file, self._places.cluster) for file in files) > 0  # both, not the first only

    def _trim_log(self) -> None:
        """Keep at most two log files of bounded length. Cut in place: the server keeps its open file, which only appends."""
        log = self._places.log
        if log.is_file() and not log.is_symlink() and log.stat().st_size > LONGEST_LOG_BYTES:
            log.with_name("postgres.log.1").unlink(missing_ok=True)
            with log.open("rb+") as file, log.with_name("postgres.log.1").open("xb") as older:
                hand_over(older.fileno(), self._places.data_dir)
                older.write(file.read(LONGEST_LOG_BYTES))
                file.truncate(0)

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise EmbeddedServerError(
            f"may not stop PostgreSQL (process {pid}): root without CAP_KILL cannot; allow it, or start swarmdex as an unprivileged account"
        ) from None


def _wait(is_over: Callable[[], bool], seconds: float) -> Iterator[float]:
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not is_over() and time.monotonic() < deadline:
        yield pause
        pause = min(pause * 1.5, 0.2)
