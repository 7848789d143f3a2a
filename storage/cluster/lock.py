"""The lock of a data directory: one process runs its server, the kernel forgets the lock with the process."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from storage.cluster.places import hand_over
from storage.errors import DataDirectoryInUse, EmbeddedServerError

DAEMON = "daemon"
COMMAND = "command"


class DataLock:
    """An flock on `path`. The file says who holds it ("1234 daemon"), the flock says whether that is still true."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, holder: str, patience_s: float = 0.0) -> None:
        """Take it, or raise DataDirectoryInUse. `holder` is DAEMON or COMMAND: whom one waits for, and whose server one may use.

        Blocks for up to `patience_s`: a process that was killed just now takes a moment to die and let go.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise EmbeddedServerError(
                f"cannot open {self._path}: {error.strerror}. "
                f"Start swarmdex as the owner of {self._path.parent}, or choose another data_dir"
            ) from error
        deadline = time.monotonic() + patience_s
        while not _is_taken(descriptor):
            if time.monotonic() >= deadline:
                pid, _, kind = os.pread(descriptor, 100, 0).decode("ascii", "replace").partition(" ")
                os.close(descriptor)
                raise DataDirectoryInUse(self._path.parent, pid, kind or DAEMON)
            time.sleep(0.05)
        hand_over(descriptor, self._path.parent)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {holder}".encode("ascii"), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back; the file stays, for removing it would let two processes lock two files of one name."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
