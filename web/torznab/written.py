"""The items of feeds as XML. Clients poll the same feeds for days, so an item that shows what it showed before is not written again."""

from dataclasses import replace
from datetime import UTC, datetime

from catalog.kept import Kept
from catalog.model import TorrentRow
from protocol.torznab.feed import TOKEN_PLACE, written_item
from storage.accounts import download_token
from web.torznab.items import feed_item

_MOST = 4000
"""Items remembered, 2 kB each."""
_NO_LIMIT = datetime.max.replace(tzinfo=UTC)


class WrittenItems:
    """Writes items, and remembers them."""

    def __init__(self) -> None:
        self._kept = Kept[tuple[TorrentRow, str], str](_written, _MOST)

    def of(self, row: TorrentRow, base: str, now: datetime, key: str = "") -> str:
        """The item of `row` in a feed with links below `base`, at `now`, for the holder of an API key; without one, no link needs one."""
        if row.has_info and not key:
            row = replace(row, has_info=False)
            return written_item(feed_item(row, base), now)
        # Clocks differ; what is shown of the future changes with `now`.
        written = written_item(feed_item(row, base), now) if row.first_seen > now else self._kept.of((row.id, base), (row, base))
        return written.replace(TOKEN_PLACE, download_token(key, row.info_hash)) if row.has_info else written


def _written(shown: tuple[TorrentRow, str]) -> str:
    row, base = shown
    return written_item(feed_item(row, base), _NO_LIMIT)
