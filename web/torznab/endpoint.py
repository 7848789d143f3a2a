"""Answers Torznab requests: /api and its other addresses."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlencode

import trio
from quart import Request, Response, request

from catalog.model import TorrentRow
from catalog.works import Medium
from config.settings import TorznabProfile
from protocol.torznab.caps import Capabilities, caps_document
from protocol.torznab.feed import Channel, feed_of
from protocol.torznab.query import Function, TorznabQuery, parse
from storage.errors import StorageError
from web.auth.credentials import key_of_reader
from web.errors import XML_TYPE
from web.journal.journal import Asked
from web.journal.recorder import note_asked
from web.journal.sentences import sentence
from web.links import base_url
from web.parts import WebParts
from web.torznab.ids import resolve_ids
from web.torznab.profiles import narrowed, profile_of
from web.torznab.translation import search_query
from web.torznab.written import WrittenItems

SEARCH_DEADLINE_S = 4.0
"""A client gets its 503 before it gives up by itself and calls the indexer dead."""
FEED_TYPE = "application/rss+xml; charset=utf-8"
CAPS_PATIENCE_S = 0.015
"""How long t=caps waits to learn which ids are held; then what was known before stands."""
_NOTHING_CAN_MATCH = "The request names categories of which none exists, or a season or episode that is no number: nothing can match."
_SECRET_PARAMETERS = frozenset({"apikey"})


class TorznabEndpoint:
    """Answers Torznab requests from the index."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._items = WrittenItems()

    async def answer(self, profile: str | None = None) -> Response:
        """Answer GET /api, or /torznab/<profile>/api. Raises TorznabError for a request that cannot be answered, NotFound for a profile."""
        habits = profile_of(self._parts.torznab.profiles, profile)
        query = parse(request.args.items(multi=True))
        if query.function is Function.CAPS:
            note_asked(Asked(sentence(query)))
            return Response(caps_document(await self._capabilities(habits)), content_type=XML_TYPE)
        now = datetime.now(UTC)
        asked, rows = await self._search(query, habits, now)
        note_asked(asked)
        base, key = base_url(self._parts.settings, request), key_of_reader()
        document = feed_of(
            Channel("swarmdex", "torrents of the swarmdex index", f"{base}/", _self_url(base, request)),
            [self._items.of(row, base, now, key) for row in rows],
            offset=query.offset,
            total=asked.total,
        )
        return Response(document, content_type=FEED_TYPE)

    async def again(self, parameters: Iterable[tuple[str, str]], view: Mapping[str, str]) -> Asked:
        """What would be answered now to a request of these parameters at this address. Raises TorznabError or NotFound as before."""
        habits = profile_of(self._parts.torznab.profiles, view.get("profile"))
        query = parse(parameters)
        if query.function is Function.CAPS:
            return Asked(sentence(query))
        asked, _ = await self._search(query, habits, datetime.now(UTC))
        return asked

    async def _capabilities(self, habits: TorznabProfile | None) -> Capabilities:
        works = self._parts.works
        with trio.move_on_after(CAPS_PATIENCE_S), suppress(StorageError):
            await works.refresh()
        return Capabilities(
            "swarmdex",
            self._parts.version,
            f"{base_url(self._parts.settings, request)}/",
            series_ids=works.held(Medium.SERIES),
            movie_ids=works.held(Medium.MOVIE),
            is_adult=habits is None or habits.adult,
        )

    async def _search(self, query: TorznabQuery, habits: TorznabProfile | None, now: datetime) -> tuple[Asked, tuple[TorrentRow, ...]]:
        """The rows of the page, and for the journal what came of it."""
        if query.finds_nothing:
            return Asked(sentence(query), reason=_NOTHING_CAN_MATCH), ()
        with trio.fail_after(SEARCH_DEADLINE_S):
            resolved = await resolve_ids(self._parts.works, query)
            if resolved.reason:
                return Asked(sentence(query), reason=resolved.reason), ()
            wanted = search_query(query, now, resolved.works)
            if habits is not None:
                wanted = narrowed(wanted, query, habits, now)
            page = await self._parts.search.search(wanted)
        rows = page.rows[: query.limit]
        total = max(page.total, query.offset + len(rows) if rows else 0)
        return Asked(sentence(query), wanted, items=len(rows), total=total, total_is_exact=page.total_is_exact), rows


def _self_url(base: str, asked: Request) -> str:
    kept = [(name, value) for name, value in asked.args.items(multi=True) if name.lower() not in _SECRET_PARAMETERS]
    return f"{base}{asked.path}?{urlencode(kept)}"
