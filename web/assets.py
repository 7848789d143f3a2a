"""The files pages refer to: read once at start, served from memory by exact name. No path of a request ever reaches the disk."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    body: bytes
    content_type: str
    digest: str
    """Changes with the content: it stands in the URL, so browsers may keep the file for ever."""


class Assets:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._assets = {file.name: _read(file) for file in sorted(folder.iterdir()) if file.suffix in _TYPES}

    def get(self, name: str) -> Asset | None:
        """The file of this exact name."""
        return self._assets.get(name)

    def url(self, name: str) -> str:
        """Where pages find it."""
        return f"/static/{name}?v={self._assets[name].digest}"


def _read(file: Path) -> Asset:
    body = file.read_bytes()
    return Asset(body, _TYPES[file.suffix], hashlib.sha256(body).hexdigest()[:12])
