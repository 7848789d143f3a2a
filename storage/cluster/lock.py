"""The lock of a data directory: one process runs its server, the kernel forgets the lock with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from storage.errors import DataDirectoryInUse

DAEMON = "daemon"
COMMAND = "command"


class DataLock:
    """An flock on `path`. The file says who holds it ("1234 daemon"), the flock says whether that is still true."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, holder: str) -> None:
        """Take it, or raise DataDirectoryInUse. `holder` is DAEMON or COMMAND: whom one waits for, and whose server one may use."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, _, kind = os.pread(descriptor, 100, 0).decode("ascii", "replace").partition(" ")
            os.close(descriptor)
            raise DataDirectoryInUse(self._path.parent, pid, kind or DAEMON) from None
        # As root in a service's directory: leave the service able to take its own lock.
        owner = self._path.parent.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {holder}".encode("ascii"), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back; the file stays, for removing it would let two processes lock two files of one name."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
