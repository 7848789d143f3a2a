"""Answers Torznab requests: /api and its other addresses."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import trio
from quart import Request, Response, request

from catalog.model import TorrentRow
from protocol.torznab.caps import Capabilities, caps_document
from protocol.torznab.feed import Channel, feed_document
from protocol.torznab.query import Function, TorznabQuery, parse
from web.errors import XML_TYPE
from web.links import base_url
from web.parts import WebParts
from web.torznab.items import feed_item
from web.torznab.translation import search_query

SEARCH_DEADLINE_S = 4.0
"""A client gets its 503 before it gives up by itself and calls the indexer dead."""
FEED_TYPE = "application/rss+xml; charset=utf-8"
_SECRET_PARAMETERS = frozenset({"apikey"})


class TorznabEndpoint:
    """Answers Torznab requests from the index."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    async def answer(self) -> Response:
        """Answer GET /api. Raises TorznabError for a request that cannot be answered."""
        query = parse(request.args.items(multi=True))
        if query.function is Function.CAPS:
            return Response(caps_document(self._capabilities()), content_type=XML_TYPE)
        now = datetime.now(UTC)
        rows, total = await self._search(query, now)
        base = base_url(self._parts.settings, request)
        document = feed_document(
            Channel("swarmdex", "torrents of the swarmdex index", f"{base}/", _self_url(base, request)),
            [feed_item(row, base) for row in rows],
            offset=query.offset,
            total=total,
            now=now,
        )
        return Response(document, content_type=FEED_TYPE)

    def _capabilities(self) -> Capabilities:
        return Capabilities("swarmdex", self._parts.version, f"{base_url(self._parts.settings, request)}/")

    async def _search(self, query: TorznabQuery, now: datetime) -> tuple[tuple[TorrentRow, ...], int]:
        if query.finds_nothing or _asks_by_id_alone(query):
            return (), 0
        with trio.fail_after(SEARCH_DEADLINE_S):
            page = await self._parts.search.search(search_query(query, now))
        rows = page.rows[: query.limit]
        return rows, max(page.total, query.offset + len(rows) if rows else 0)


def _asks_by_id_alone(query: TorznabQuery) -> bool:
    """No row carries ids of other databases yet, so an id finds nothing; beside words it is ignored and the words decide."""
    has_id = bool(query.ids) or query.has_unsupported_id
    return has_id and not query.text


def _self_url(base: str, asked: Request) -> str:
    kept = [(name, value) for name, value in asked.args.items(multi=True) if name.lower() not in _SECRET_PARAMETERS]
    return f"{base}{asked.path}?{urlencode(kept)}"
