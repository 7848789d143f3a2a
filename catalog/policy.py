"""What a torrent must satisfy to be kept at all, and the form in which it is kept.

Names and paths come from strangers: what is stored has no control or bidi characters, no lone surrogates, and bounded lengths. Adult
content is no matter of this module but of kinds.py; the operator's blocklists belong in front of it.
"""

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from catalog.model import File, Torrent
from catalog.titles.sanitise import displayed, displayed_path

LONGEST_NAME: Final = 4096
"""Characters; file systems allow 255 bytes, so a longer name is an attack or a mistake."""

LARGEST_SIZE_BYTES: Final = 1 << 53
"""9 PB: beyond it, JSON readers lose digits, and no torrent is that large."""


_UNNAMED: Final = "unnamed"
"""The path of a file whose own has nothing readable in it."""


class Refusal(StrEnum):
    """Why a torrent is not kept; the words are the counters' names."""

    EMPTY_NAME = "empty-name"
    NAME_TOO_LONG = "name-too-long"
    NO_SIZE = "no-size"
    SIZE_TOO_LARGE = "size-too-large"
    NEGATIVE_SIZE = "negative-size"


@dataclass(frozen=True, slots=True)
class PolicyStatistics:
    """What the policy decided so far."""

    admitted: int
    cleaned: int
    """Of those admitted, how many had a name or path changed."""
    refused: dict[str, int]


class Policy:
    """Admits torrents in a form safe to store, or refuses them with a reason that is counted."""

    def __init__(self) -> None:
        self._admitted = 0
        self._cleaned = 0
        self._refused: Counter[str] = Counter()

    def admit(self, torrent: Torrent) -> Torrent | Refusal:
        """Return the torrent as it may be stored, or why it may not."""
        refusal = _refusal(torrent)
        if refusal is None:
            name = displayed(torrent.name)
            if name:
                return self._cleaned_torrent(torrent, name)
            refusal = Refusal.EMPTY_NAME
        self._refused[refusal.value] += 1
        return refusal

    def statistics(self) -> PolicyStatistics:
        """Return the counters as they stand."""
        return PolicyStatistics(self._admitted, self._cleaned, dict(self._refused))

    def _cleaned_torrent(self, torrent: Torrent, name: str) -> Torrent:
        self._admitted += 1
        paths = [displayed_path(file.path) or _UNNAMED for file in torrent.files]
        if name == torrent.name and all(path == file.path for path, file in zip(paths, torrent.files, strict=True)):
            return torrent
        self._cleaned += 1
        files = tuple(File(path, file.size) for path, file in zip(paths, torrent.files, strict=True))
        return replace(torrent, name=name, files=files)


def _refusal(torrent: Torrent) -> Refusal | None:
    if len(torrent.name) > LONGEST_NAME:
        return Refusal.NAME_TOO_LONG
    if torrent.size < 0 or any(file.size < 0 for file in torrent.files):
        return Refusal.NEGATIVE_SIZE
    if torrent.size == 0 and torrent.file_count:
        return Refusal.NO_SIZE  # files of nothing; without files nobody has told us yet
    if torrent.size > LARGEST_SIZE_BYTES:
        return Refusal.SIZE_TOO_LARGE
    return None
