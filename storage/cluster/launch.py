"""Become an account and then PostgreSQL: a small program of its own, run as `python -I -S launch.py UID:GID TASK ...`.

    exec PARENT PROGRAM ARGUMENT...   become PROGRAM, which gets SIGINT (fast shutdown) when its parent dies
    read PATH...                      print the first thing below PATH... that the account cannot read, exit 1
    pass PATH                         print the first folder on the way to PATH that the account cannot pass, exit 1

A program instead of subprocess' preexec_fn, because that is unsafe in a process with threads, and because the death signal has to be
asked for after the change of account: the kernel forgets it at every change (prctl(2)).
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def become(account: str) -> None:
    """Give up root for "uid:gid"; nothing to do for a process that is that account already."""
    uid, gid = (int(part) for part in account.split(":"))
    if os.geteuid() == uid:
        return
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def die_with(parent: int) -> None:
    """Ask for SIGINT when the parent's thread ends; Linux only, elsewhere an orphan is stopped by the next start."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


def unreadable(path: str) -> Iterator[str]:
    """Everything at or below `path` that this account cannot read (files) or pass (folders)."""
    if not os.access(path, os.R_OK):
        yield path
    for folder, folders, files in os.walk(path):
        yield from (name for name in (f"{folder}/{each}" for each in folders) if not os.access(name, os.R_OK | os.X_OK))
        yield from (name for name in (f"{folder}/{each}" for each in files) if not os.access(name, os.R_OK))


def impassable(path: str) -> Iterator[str]:
    """The folders from the root down to `path` that this account cannot pass."""
    way = [Path(path), *Path(path).parents]
    yield from (str(folder) for folder in reversed(way) if not os.access(folder, os.X_OK))


def main(arguments: list[str]) -> None:
    """Run one task; the first argument says as whom."""
    account, task, *rest = arguments
    become(account)
    if task == "exec":
        parent, program, *program_arguments = rest
        os.umask(0o077)
        die_with(int(parent))
        try:
            os.execv(program, [program, *program_arguments])  # noqa: S606  (no shell is wanted)
        except OSError as error:
            sys.exit(f"{program}: {error.strerror}")
    look = {"read": unreadable, "pass": impassable}[task]
    for path in rest:
        for found in look(path):
            sys.stdout.write(found)
            sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
