"""Where the embedded server's things lie below `data_dir`, who owns them, and the socket's way round the length limit.

data_dir/lock                  held (flock) by the one process that runs the server
data_dir/postgres/data/        the cluster; the server's account's, 0700
data_dir/postgres/run/         the socket; the server's account's, 0700
data_dir/postgres/*.conf       written by swarmdex at every start; custom.conf is the owner's and read last
data_dir/postgres/postgres.log what the server says
data_dir/postgres-<version>/   a private copy of the programs, only where the account cannot read the installed ones
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from storage.cluster.account import Account
from storage.errors import EmbeddedServerError

PORT = 5432  # no TCP port: only the number in the socket's name
LONGEST_SOCKET_PATH = 103  # bytes: sockaddr_un holds 107 and a NUL on Linux, 103 on macOS


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of one data directory."""

    data_dir: Path

    @classmethod
    def below(cls, data_dir: Path) -> Places:
        """The places of `data_dir`, which need not exist yet."""
        return cls(data_dir.resolve())

    @property
    def lock(self) -> Path:
        """Held by whoever runs the server."""
        return self.data_dir / "lock"

    @property
    def home(self) -> Path:
        """What belongs to the server."""
        return self.data_dir / "postgres"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "postgres.log"

    @property
    def pid_file(self) -> Path:
        """Written by the server."""
        return self.cluster / "postmaster.pid"

    @property
    def socket_dir(self) -> Path:
        """Below data_dir where the path is short enough for a socket, else a folder named after it in /run or /tmp."""
        here = self.home / "run"
        if len(os.fsencode(here / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH:
            return here
        name = f"swarmdex-{hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]}"
        own_run = Path(f"/run/user/{os.geteuid()}")
        for folder in (Path("/run"), own_run) if os.geteuid() == 0 else (own_run,):
            if folder.is_dir() and folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK | os.X_OK):
                return folder / name
        return Path("/tmp") / name  # noqa: S108  (`make_private` refuses it when it is not ours alone)

    def make_data_dir(self) -> None:
        """Make `data_dir`, so that only we can list it and the server's account can pass through it."""
        mode = 0o711 if os.geteuid() == 0 else 0o700
        missing = [folder for folder in (self.data_dir, *self.data_dir.parents) if not folder.exists()]
        try:
            for folder in reversed(missing):
                folder.mkdir()
                folder.chmod(mode if folder == self.data_dir else 0o755)
            if not any(self.data_dir.iterdir()) and self.data_dir.stat().st_uid == os.geteuid():
                self.data_dir.chmod(mode)  # an empty folder given to us; one with something in it may not be ours alone
        except OSError as error:
            raise EmbeddedServerError(f"cannot use data_dir {self.data_dir}: {error.strerror}. Choose a folder you can write to") from error

    def open_for(self, account: Account) -> None:
        """Make the server's folders and see that `account` gets there; nothing outside `data_dir` is changed."""
        make_folder(self.home, 0o711, self.data_dir)
        if not account.is_us and (closed := account.first_impassable(self.home)):
            raise EmbeddedServerError(
                f"PostgreSQL runs as {account.name!r}, which cannot pass through {closed} to {self.home}: "
                f"allow it (chmod o+x {closed}) or choose a data_dir elsewhere, such as /var/lib/swarmdex"
            )
        make_private(self.socket_dir, account)


def make_folder(path: Path, mode: int, data_dir: Path) -> None:
    """Make a folder of ours, or take it as it is; a symbolic link in its place is refused."""
    try:
        path.mkdir()
    except FileExistsError:
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise EmbeddedServerError(f"{path} is not a folder: move it away") from None
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(descriptor, mode)
        hand_over(descriptor, data_dir)
    finally:
        os.close(descriptor)


def hand_over(descriptor: int, data_dir: Path) -> None:
    """Give what root made in a service's data directory to the service, which has to go on with it when root is done."""
    owner = data_dir.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def make_private(path: Path, account: Account) -> None:
    """A folder that `account` alone can enter; refuses one that somebody else put there."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if not account.is_us:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise EmbeddedServerError(f"{path} must be a folder that {account.name!r} owns and nobody else can enter (mode 0700): remove it")
