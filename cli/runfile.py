"""How other commands find the running daemon: a file in its data folder, readable by its user alone.

It holds the process id, the URL, and a token made for this run, which the API accepts as an admin's key.
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

FILE_NAME = "daemon.json"


@dataclass(frozen=True, slots=True)
class RunFile:
    """A daemon that runs, or ran until it was killed."""

    pid: int
    url: str
    token: str = field(repr=False)


def make_token() -> str:
    """A token for one run."""
    return secrets.token_urlsafe(32)


@contextmanager
def published(data_dir: Path, url: str, token: str) -> Iterator[None]:
    """Keep the file while the daemon serves."""
    file = data_dir / FILE_NAME
    scratch = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(asdict(RunFile(os.getpid(), url, token)), stream)
    scratch.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def read(data_dir: Path) -> RunFile | None:
    """The daemon of this data folder, or None when none runs there."""
    try:
        content = json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8"))
        found = RunFile(int(content["pid"]), str(content["url"]), str(content["token"]))
        os.kill(found.pid, 0)
    except (FileNotFoundError, ProcessLookupError, ValueError, TypeError, KeyError):
        return None
    except PermissionError:
        return None  # somebody else's daemon
    return found
