"""How the index grows, from SQL: arrivals by time and source, totals, ages. Costs the same with millions of torrents."""

from datetime import datetime
from typing import Annotated, Literal

import trio
from msgspec import Meta, Struct
from quart import Response

from catalog.model import Kind
from storage.history import Span
from web.api.answers import Count, json_answer
from web.api.requests import read_query
from web.operation import Answer, Operation, describes
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S

_SPANS = {"minute": Span.MINUTE, "hour": Span.HOUR, "day": Span.DAY}
_USUAL = {Span.MINUTE: 60, Span.HOUR: 24, Span.DAY: 30}


class StatsParameters(Struct, frozen=True):
    """The time to look back on."""

    per: Annotated[
        Literal["minute", "hour", "day"], Meta(description="Minutes are known for two days, hours for 35 days, days for ever")
    ] = "hour"
    spans: Annotated[int, Meta(ge=1, le=1500)] | None = None
    """How many minutes, hours or days, this one included."""


class ArrivalsAnswer(Struct, frozen=True):
    """What one source brought in one span of time."""

    start: datetime
    source: str
    new: Count
    updated: Annotated[Count, Meta(description="Known before, and seen again")]


class RatesAnswer(Struct, frozen=True):
    """What one source brought lately."""

    source: str
    last_minute: Annotated[Count, Meta(description="New torrents of the last full minute")]
    last_hour: Annotated[Count, Meta(description="New torrents of the last 60 minutes")]
    last_day: Annotated[Count, Meta(description="New torrents of the last 24 hours")]


class StatsAnswer(Struct, frozen=True):
    """How the index grows."""

    torrents: Count
    by_kind: dict[Kind, Count]
    oldest: Annotated[datetime | None, Meta(description="When the oldest torrent was first seen")]
    newest: datetime | None
    counted_at: Annotated[datetime | None, Meta(description="The last count of a swarm among the newest torrents")]
    rates: tuple[RatesAnswer, ...]
    per: str
    arrivals: Annotated[tuple[ArrivalsAnswer, ...], Meta(description="The oldest first; spans without arrivals are left out")]


class StatsEndpoint:
    """/api/v1/stats."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    @describes(Operation("How the index grows", Answer(200, "Totals, ages and arrivals", StatsAnswer), tag="stats", query=StatsParameters))
    async def stats(self) -> Response:
        """Answer GET /api/v1/stats."""
        asked = read_query(StatsParameters)
        span, history = _SPANS[asked.per], self._parts.api.history
        with trio.fail_after(SEARCH_DEADLINE_S):
            counts = await self._parts.torrents.counts()
            ages = await history.ages()
            rates = await history.rates()
            arrivals = await history.arrivals(span, asked.spans or _USUAL[span])
        return json_answer(
            StatsAnswer(
                torrents=counts.torrents,
                by_kind=counts.by_kind,
                oldest=ages.oldest,
                newest=ages.newest,
                counted_at=ages.counted_at,
                rates=tuple(RatesAnswer(each.source, each.last_minute, each.last_hour, each.last_day) for each in rates),
                per=asked.per,
                arrivals=tuple(ArrivalsAnswer(each.start, each.source, each.new, each.updated) for each in arrivals),
            )
        )
