"""GET /api/v1/search: all filters, all orders, pages of any depth."""

from datetime import datetime
from typing import Annotated

import trio
from msgspec import Meta, Struct, structs
from quart import Response, request

from catalog.model import Kind
from storage.search.engine import MAX_WINDOW, SearchQuery
from web.api.answers import SearchAnswer, json_answer, torrent_answer
from web.api.requests import LINE_PATTERN, cursor_of, read_cursor, read_query
from web.errors import BadInput, Fault
from web.form import MAX_API_LIMIT, MAX_TEXT, PAGE_SIZE, SORTS, SortName, kinds_of, sort_of
from web.links import base_url
from web.operation import Answer, Operation, describes
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S

Year = Annotated[int, Meta(ge=0, le=9999)]
Number = Annotated[int, Meta(ge=0, le=32767)]
Bytes = Annotated[int, Meta(ge=0, le=1 << 53)]
Amount = Annotated[int, Meta(ge=0, le=(1 << 31) - 1)]
Word = Annotated[str, Meta(pattern="^[0-9A-Za-z.+-]{1,20}$")]
Moment = Annotated[datetime, Meta(tz=True)]


class SearchParameters(Struct, frozen=True, omit_defaults=True):
    """What may be asked for; all that is given must hold. Lists may be repeated or written with commas: any of them may hold."""

    q: Annotated[str, Meta(max_length=MAX_TEXT, description='Words that must all occur; `"a phrase"`, `-without`')] = ""
    kind: Annotated[tuple[Kind, ...], Meta(max_length=len(Kind), description="Adult content comes only when it is named")] = ()
    category: Annotated[
        tuple[Annotated[int, Meta(ge=1000, le=999_999)], ...], Meta(max_length=50, description="Torznab's; a parent stands for all below")
    ] = ()
    year: Year | None = None
    year_from: Year | None = None
    year_to: Year | None = None
    season: Annotated[Number | None, Meta(description="Packs and episodes; with `episode` that episode alone")] = None
    episode: Number | None = None
    min_size: Annotated[Bytes | None, Meta(description="Bytes")] = None
    max_size: Bytes | None = None
    min_seeders: Annotated[Amount | None, Meta(description="Torrents nobody has counted have none")] = None
    min_files: Amount | None = None
    source: Annotated[tuple[Word, ...], Meta(max_length=20, description='What it was made from: "bluray", "web", "dvd" ...')] = ()
    resolution: Annotated[tuple[Word, ...], Meta(max_length=20, description='"480p", "1080p" ...')] = ()
    video_codec: Annotated[tuple[Word, ...], Meta(max_length=20, description='"h264", "h265", "av1" ...')] = ()
    language: Annotated[tuple[Annotated[str, Meta(pattern="^[a-z]{2}$")], ...], Meta(max_length=50, description="ISO 639-1")] = ()
    found_by: Annotated[str, Meta(max_length=64, pattern=LINE_PATTERN, description='"dht", a site, an ingest client')] = ""
    seen_after: Annotated[Moment | None, Meta(description="First seen then or later")] = None
    seen_before: Moment | None = None
    sort: Annotated[SortName | None, Meta(description="Without it by relevance where there are words, else the newest first")] = None
    limit: Annotated[int, Meta(ge=1, le=MAX_API_LIMIT)] = PAGE_SIZE
    after: Annotated[str, Meta(max_length=200, description="`next` of the page before: exact whatever is added, and of any depth")] = ""
    offset: Annotated[int, Meta(ge=0, le=MAX_WINDOW, description="Rather use `after`: offsets end, and shift when something is added")] = 0


class SearchEndpoint:
    """Search for scripts."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    @describes(
        Operation(
            "Search the index",
            Answer(200, "One page of results", SearchAnswer),
            Answer(404, "`after` is no page of this search"),
            tag="search",
            query=SearchParameters,
        ),
    )
    async def search(self) -> Response:
        """Answer GET /api/v1/search."""
        asked = read_query(SearchParameters)
        query, search = search_query(asked), _of_all_pages(asked)
        with trio.fail_after(SEARCH_DEADLINE_S):
            page = await self._parts.search.search(query)
        base = base_url(self._parts.settings, request)
        return json_answer(
            SearchAnswer(
                total=page.total,
                total_is_exact=page.total_is_exact,
                offset=query.offset,
                next=cursor_of(page.next, search) if page.next is not None else None,
                torrents=tuple(torrent_answer(row, base) for row in page.rows),
            )
        )


def search_query(asked: SearchParameters) -> SearchQuery:
    """What the engine is asked. Raises BadInput for what contradicts itself."""
    after = read_cursor(asked.after, _of_all_pages(asked)) if asked.after else None
    if after and asked.offset:
        raise BadInput("Give `after` or `offset`, not both", Fault("not together with `after`", parameter="offset"))
    text = asked.q.strip()
    return SearchQuery(
        text=text,
        # Adult content is there for those who ask for it, by kind or by category; everybody else is spared.
        kinds=frozenset() if asked.category and not asked.kind else kinds_of(asked.kind),
        categories=asked.category,
        year=asked.year,
        year_from=asked.year_from,
        year_to=asked.year_to,
        season=asked.season,
        episode=asked.episode,
        min_size=asked.min_size,
        max_size=asked.max_size,
        min_seeders=asked.min_seeders,
        min_files=asked.min_files,
        release_sources=asked.source,
        resolutions=asked.resolution,
        video_codecs=asked.video_codec,
        languages=asked.language,
        found_by=asked.found_by or None,
        seen_after=asked.seen_after,
        seen_before=asked.seen_before,
        order=SORTS[sort_of(asked.sort, text)][0],
        limit=asked.limit,
        offset=asked.offset,
        after=after,
    )


def _of_all_pages(asked: SearchParameters) -> SearchParameters:
    return structs.replace(asked, after="", offset=0, limit=PAGE_SIZE)
