"""Whom the embedded server runs as: PostgreSQL refuses to run as root, so root gives it an unprivileged account."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from storage.errors import EmbeddedServerError

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        """Whether this process runs as it."""
        return self.uid == os.geteuid()

    def command(self, task: str, *arguments: str | Path) -> list[str]:
        """The command line that does `task` of launch.py as this account."""
        return [sys.executable, "-I", "-S", str(LAUNCHER), f"{self.uid}:{self.gid}", task, *map(str, arguments)]

    def first_unreadable(self, *paths: Path) -> str | None:
        """What keeps this account from reading everything below `paths`; None: nothing."""
        return self._first_found("read", *paths)

    def first_impassable(self, path: Path) -> str | None:
        """The folder on the way to `path` that this account cannot pass; None: it gets there."""
        return self._first_found("pass", path)

    def _first_found(self, task: str, *paths: Path) -> str | None:
        looked = subprocess.run(self.command(task, *paths), cwd="/", capture_output=True, text=True, check=False)  # noqa: S603
        if looked.returncode == 0:
            return None
        if looked.stdout:
            return looked.stdout
        raise EmbeddedServerError(
            f"swarmdex runs as root but may not become {self.name!r} ({looked.stderr.strip().splitlines()[-1]}): "
            f"start it as an unprivileged account, or allow it to change accounts (CAP_SETUID, CAP_SETGID, CAP_KILL)"
        )


def server_account(wanted: str, data_dir: Path, cluster: Path) -> Account:
    """Whom the server of `data_dir` runs as.

    Ourselves, unless we are root. Root takes the owner of the cluster if there is one, else the owner of `data_dir` (a service's state
    directory, say), else the account `wanted`, made when missing, else nobody.
    """
    if os.geteuid() != 0:
        return _ourselves(cluster)
    for place in (cluster, data_dir):
        if place.exists() and (uid := place.stat().st_uid) != 0:
            return _by_uid(uid, place)
    if wanted == "root":
        raise EmbeddedServerError('PostgreSQL does not run as root: set database.account to another name, the default is "swarmdex"')
    return _by_name(wanted) or _made(wanted) or _nobody()


def _ourselves(cluster: Path) -> Account:
    account = _by_uid(os.geteuid(), None)
    if cluster.exists() and (owner := cluster.stat().st_uid) != account.uid:
        raise EmbeddedServerError(
            f"{cluster} belongs to {_name_of(owner)}, but swarmdex runs as {account.name}: "
            f"start it as {_name_of(owner)} or as root, or choose another data_dir"
        )
    return account


def _by_uid(uid: int, place: Path | None) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        where = f", the owner of {place}," if place else ""
        raise EmbeddedServerError(
            f"user id {uid}{where} has no name, and PostgreSQL needs one: add a line for it to /etc/passwd, or run as another user"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _by_name(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    if entry.pw_uid == 0:
        raise EmbeddedServerError(f"database.account = {name!r} is root under another name: PostgreSQL does not run as root")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _made(name: str) -> Account | None:
    """A new system account, or None where the system has no way to make one (no useradd, read-only /etc)."""
    tool = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if tool is None:
        return None
    command = [tool, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name]
    for _ in range(5):
        made = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        account = _by_name(name)  # another process may have made it meanwhile
        if account is not None or made.returncode == 3:  # 3: useradd does not like the name
            return account
        time.sleep(0.2)  # another useradd holds the lock of /etc/passwd
    return None


def _nobody() -> Account:
    account = _by_name("nobody")
    if account is None:
        raise EmbeddedServerError(
            "there is no unprivileged account for PostgreSQL: set database.account to an existing one that is not root"
        )
    return account


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"
