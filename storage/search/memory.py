"""What searches remember of those before, over all connections: rows, and which queries have more matches than need be counted."""

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from storage import rows
from storage.search.engine import Order, SearchQuery

ROWS_KEPT = 4000
"""Rows remembered, 4 kB each: what all the feeds of a household show, many times over."""
MANY_KEPT = 1000
"""Queries remembered."""
MANY_LASTING_S = 1200.0
"""Clients poll every quarter of an hour. A thousand matches hardly become fewer meanwhile, and all that is said of them is "more"."""


class SearchMemory:
    """Any thread may ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.rows = rows.RowsKept(rows.torrent_row, ROWS_KEPT)
        self._clock = clock
        self._many: dict[SearchQuery, float] = {}
        self._lock = Lock()

    def has_many(self, query: SearchQuery) -> bool:
        """Whether the matches of `query` were more than anybody counts, a while ago; of whichever page and order."""
        return self._many.get(_matched(query), 0.0) > self._clock()

    def note_many(self, query: SearchQuery) -> None:
        """The matches of `query` are more than anybody counts."""
        with self._lock:
            self._many.pop(_matched(query), None)
            self._many[_matched(query)] = self._clock() + MANY_LASTING_S
            if len(self._many) > MANY_KEPT:
                del self._many[next(iter(self._many))]


def _matched(query: SearchQuery) -> SearchQuery:
    return replace(query, order=Order.NEWEST, limit=0, offset=0, after=None)
