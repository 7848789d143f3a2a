"""/feeds/<number>: a saved search as RSS, with Torznab's attributes, for feed readers and torrent clients that watch feeds."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import trio
from quart import Response, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.http import http_date

from catalog.model import TorrentRow
from protocol.torznab.feed import Channel, feed_of
from storage.saved_searches import SavedSearch
from storage.search.engine import Order
from web.auth.credentials import key_of_reader
from web.form import SearchForm, read_form
from web.links import base_url
from web.parts import WebParts
from web.torznab.endpoint import FEED_TYPE, SEARCH_DEADLINE_S
from web.torznab.written import WrittenItems

ITEMS = 100


class FeedEndpoint:
    """Answers feed readers."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._items = WrittenItems()

    async def feed(self, number: int) -> Response:
        """Answer GET /feeds/<number>: the newest that match; 304 for a reader that has them."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            saved = await self._parts.saved_searches.one(number)
            if saved is None:
                raise NotFound("There is no saved search of this number (any more)")
            query = replace(form_of(saved).query(), order=Order.NEWEST, limit=ITEMS, offset=0)
            page = await self._parts.search.search(query)
        return self._answer(saved, page.rows, page.total)

    def _answer(self, saved: SavedSearch, rows: tuple[TorrentRow, ...], total: int) -> Response:
        base, key, now = base_url(self._parts.settings, request), key_of_reader(), datetime.now(UTC)
        channel = Channel(
            f"{saved.name} – swarmdex",
            f"The newest torrents of the saved search {saved.name}",
            base + form_of(saved).url(),
            base + request.path,
        )
        document = feed_of(channel, [self._items.of(row, base, now, key) for row in rows], offset=0, total=total)
        response = Response(document, content_type=FEED_TYPE)
        response.set_etag(sha256(document).hexdigest()[:32], weak=True)  # weak: gzip or not, it is the same feed
        changed = max((row.first_seen for row in rows), default=saved.created)
        response.headers["Last-Modified"] = http_date(changed)
        response.headers["Cache-Control"] = "private, no-cache"  # to be kept, and asked for again each time
        return _not_modified(response) if _is_known(response, changed) else response


def form_of(saved: SavedSearch) -> SearchForm:
    """What it searches. A field that a later version knows otherwise counts as not given, rather than to end somebody's feed."""
    fields = dict(saved.fields)
    while True:
        try:
            return read_form(fields)
        except BadRequest:
            fields.popitem()


def _is_known(response: Response, changed: datetime) -> bool:
    """Whether the reader has it: by the tag, and only without one by the time (RFC 9110, 13.2.2)."""
    if request.if_none_match:
        tag, _ = response.get_etag()
        return tag is not None and request.if_none_match.contains_weak(tag)
    return request.if_modified_since is not None and changed.replace(microsecond=0) <= request.if_modified_since


def _not_modified(response: Response) -> Response:
    kept = {name: response.headers[name] for name in ("ETag", "Last-Modified", "Cache-Control")}
    answer = Response(b"", status=304, headers=kept)
    answer.vary.add("Accept-Encoding")
    del answer.headers["Content-Type"]
    return answer
