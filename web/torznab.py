"""Torznab over the search engine: /api and its other addresses."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import trio
from quart import Request, Response, request

from catalog.model import Kind, TorrentRow
from protocol.magnet import magnet_for
from protocol.torznab.caps import Capabilities, caps_document
from protocol.torznab.feed import Channel, FeedItem, feed_document
from protocol.torznab.query import Function, Sort, TorznabQuery, parse
from storage.search.engine import Order, SearchQuery
from web.errors import XML_TYPE
from web.form import kinds_shown
from web.links import base_url, details_url
from web.parts import WebParts

SEARCH_DEADLINE_S = 4.0
"""A client gets its 503 before it gives up by itself and calls the indexer dead."""
FEED_TYPE = "application/rss+xml; charset=utf-8"
_SECRET_PARAMETERS = frozenset({"apikey"})
_ORDERS = {Sort.POSTED: Order.NEWEST, Sort.SIZE: Order.SIZE, Sort.STATS: Order.SEEDERS}
# In the engine's language these exclude words and quote phrases; in a client's q they are punctuation.
_OPERATORS = re.compile(r'["“”„]|(?<!\w)-+')
_VIDEO_KINDS = frozenset({Kind.TV, Kind.ANIME})


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


def search_query(query: TorznabQuery, now: datetime) -> SearchQuery:
    """What the engine is asked for a Torznab query."""
    text = _OPERATORS.sub(" ", query.text).strip() or query.text  # a text of nothing but punctuation finds nothing, rather than all
    order = _ORDERS[query.sort] if query.sort is not None else Order.RELEVANCE if text else Order.NEWEST
    return SearchQuery(
        text=text,
        kinds=frozenset() if query.categories else kinds_shown(None),  # adult: for those who name its categories
        categories=query.categories,
        season=query.season,
        episode=query.episode,
        air_date=query.air_date,
        air_year=query.air_year,
        absolute_episode=query.absolute_episode,
        year=query.year,
        min_size=query.min_size,
        max_size=query.max_size,
        seen_after=_days_before(now, query.max_age_days),
        seen_before=_days_before(now, query.min_age_days),
        order=order,
        limit=max(1, query.limit),
        offset=query.offset,
    )


def feed_item(row: TorrentRow, base: str) -> FeedItem:
    """A stored torrent as a feed shows it."""
    magnet = magnet_for(row.info_hash, row.info_hash_v2, row.name, row.size)
    is_v2_only = magnet.info_hash is None and row.info_hash_v2 is not None
    info_hash = row.info_hash_v2 if is_v2_only and row.info_hash_v2 is not None else row.info_hash
    return FeedItem(
        info_hash=info_hash.hex(),
        title=row.name,
        size=row.size,
        published=row.first_seen,
        categories=row.categories,
        magnet=str(magnet),
        details_url=details_url(base, row.info_hash),
        file_count=row.file_count,
        seeders=row.seeders,
        leechers=row.leechers,
        attributes=tuple(_attributes(row)),
    )


def _attributes(row: TorrentRow) -> list[tuple[str, str | int]]:
    parsed = row.parsed
    found: list[tuple[str, str | int]] = []
    if parsed.year is not None:
        found.append(("year", parsed.year))
    if row.kind in _VIDEO_KINDS:
        found += _numbering(row)
    if parsed.resolution:
        found.append(("resolution", parsed.resolution))
    if parsed.video_codec:
        found.append(("video", parsed.video_codec))
    if parsed.group:
        found.append(("team", parsed.group))
    if parsed.languages:
        found.append(("language", ",".join(parsed.languages)))
    return found


def _numbering(row: TorrentRow) -> list[tuple[str, str | int]]:
    """One season, and one episode of it: an attribute holds one number, so a pack names its season only and a bundle nothing."""
    parsed = row.parsed
    found: list[tuple[str, str | int]] = []
    if len(parsed.seasons) == 1:
        found.append(("season", parsed.seasons[0]))
        if len(parsed.episodes) == 1:
            found.append(("episode", parsed.episodes[0]))
    if parsed.date is not None:
        found.append(("tvairdate", parsed.date.isoformat()))
    return found


def _self_url(base: str, asked: Request) -> str:
    kept = [(name, value) for name, value in asked.args.items(multi=True) if name.lower() not in _SECRET_PARAMETERS]
    return f"{base}{asked.path}?{urlencode(kept)}"


def _days_before(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=min(days, 36_500))
