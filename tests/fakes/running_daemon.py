"""A real daemon in a process of its own, as a user starts it, on a data folder of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

SWARMDEX = Path(sys.executable).with_name("swarmdex")


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder outside pytest's own, which is closed to the account that root's database server drops to."""
    folder = Path(tempfile.mkdtemp(prefix="swarmdex-test-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class RunningDaemon:
    """`swarmdex run` and how to reach it."""

    def __init__(self, data_dir: Path, settings: Sequence[str] = ()) -> None:
        self.data_dir = data_dir
        self._options = [option for text in (f"data_dir={data_dir}", "http.bind=127.0.0.1:0", *settings) for option in ("--set", text)]
        self.process: subprocess.Popen[bytes] | None = None
        self.log = data_dir / "daemon.log"

    def start(self, timeout_s: float = 60) -> None:
        """Start, and wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([SWARMDEX, "run", *self._options], stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + timeout_s
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not come up (exit code {self.process.poll()}):\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        assert self.process is not None
        try:
            if self.run_file()["pid"] != self.process.pid:
                return False  # left by a daemon that was killed
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except (OSError, ValueError, httpx.HTTPError):
            return False

    def run_file(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "daemon.json").read_text())  # type: ignore[no-any-return]

    @property
    def url(self) -> str:
        return str(self.run_file()["url"])

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def wait(self, timeout_s: float) -> int:
        assert self.process is not None
        return self.process.wait(timeout_s)

    def stop(self) -> None:
        """End it whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self.send(signal.SIGTERM)
            try:
                self.wait(20)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self.wait(10)

    def command(self, *words: str, timeout_s: float = 60) -> Any:
        """Run another swarmdex command on the same data, with --json; returns what it printed."""
        result = subprocess.run(
            [SWARMDEX, *words, *self._options, "--json"], capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def make_key(self, scopes: str = "search") -> str:
        return str(self.command("keys", "create", "--name", "test", "--scopes", scopes)["key"])
