"""A bounded memory of what was made of something, good for as long as it would be made of the same."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

S = TypeVar("S")
V = TypeVar("V")


class Kept(Generic[S, V]):
    """Calls `make` only for what is new or has changed. What was made must be a value; any thread may ask.

    Nothing has to be told that something changed: each time the source itself is compared, which must be cheaper than `make`.
    """

    def __init__(self, make: Callable[[S], V], most: int) -> None:
        """`most` things are kept; of more, those go that were made first."""
        self._make = make
        self._most = most
        self._kept: dict[Hashable, tuple[S, V]] = {}
        self._lock = Lock()

    def of(self, key: Hashable, source: S) -> V:
        """What is made of `source`; `key` names the thing of which `source` is the present state."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] == source:
            return kept[1]
        made = self._make(source)
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = source, made
            if len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        return made
