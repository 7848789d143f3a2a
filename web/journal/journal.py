"""Keeps the last Torznab requests in memory: what was asked, by whom, what came of it. Never a key."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from storage.search.engine import FilterStep, SearchQuery

MAX_PARAMETERS = 40
MAX_NAME = 60
MAX_VALUE = 2000
"""Characters; what is longer is cut: nobody's honest request is."""
MAX_AGENT = 200
REDACTED = "…"

_SECRETS = frozenset({"apikey", "api_key", "key", "token", "passkey", "password"})
_LIKE_A_KEY = re.compile(r"[0-9A-Za-z]{32,}")
"""A key in the wrong place is a key all the same."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request was understood as, and what came of it."""

    words: str
    """The request as a sentence."""
    query: SearchQuery | None = None
    """What the engine was asked; None: it was not."""
    reason: str = ""
    """Why it was not."""
    items: int = 0
    """In this answer."""
    total: int = 0
    total_is_exact: bool = True

    @property
    def is_empty(self) -> bool:
        """A search that found nothing at all; a page beyond the last one is no riddle."""
        return self.total == 0 and (self.query is not None or bool(self.reason))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where the rows went."""

    steps: tuple[FilterStep, ...]
    emptied_by: str | None
    """The name of the first step that leaves nothing; None: something matches."""
    hints: tuple[str, ...]
    at: datetime


@dataclass(slots=True)
class Entry:
    """One request."""

    id: int
    """Counts from 1 at each start of the daemon."""
    at: datetime
    method: str
    path: str
    view: dict[str, str]
    """What the address says besides its parameters: the profile, if there is one."""
    parameters: tuple[tuple[str, str], ...]
    """As they were given, without secrets."""
    key_name: str
    agent: str
    status: int
    duration_ms: float
    error_code: int | None = None
    """Torznab's."""
    error: str = ""
    asked: Asked | None = None
    explanation: Explanation | None = field(default=None)

    @property
    def address(self) -> str:
        """Path and parameters, for eyes."""
        return self.path + "".join(f"{'&' if number else '?'}{name}={value}" for number, (name, value) in enumerate(self.parameters))

    @property
    def is_empty(self) -> bool:
        """Whether it found nothing, and is to be explained."""
        return self.asked is not None and self.asked.is_empty


class Journal:
    """The last `size` requests."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self.seen = 0
        """All there were, kept or not."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """How many are kept at most."""
        return self._size

    def next_id(self) -> int:
        """The number of the next request."""
        self.seen += 1
        return self.seen

    def keep(self, entry: Entry) -> None:
        """The oldest one makes room."""
        self._entries[entry.id] = entry
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def entry(self, number: int) -> Entry | None:
        """The request of this number, if it is still kept."""
        return self._entries.get(number)

    def newest(self) -> list[Entry]:
        """All that are kept, the newest first."""
        return list(reversed(self._entries.values()))


def redacted(parameters: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Names and values as they may be kept."""
    kept: list[tuple[str, str]] = []
    for name, value in parameters:
        if len(kept) == MAX_PARAMETERS:
            kept.append((REDACTED, ""))
            break
        is_secret = name.strip().lower() in _SECRETS
        kept.append((without_keys(name)[:MAX_NAME], REDACTED if is_secret and value else without_keys(value)[:MAX_VALUE]))
    return tuple(kept)


def without_keys(text: str) -> str:
    """`text` without anything that could be a key."""
    return _LIKE_A_KEY.sub(REDACTED, text)
