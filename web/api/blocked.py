"""The list of blocked hashes: read it, add to it, take from it."""

from datetime import datetime
from typing import Annotated

import trio
from msgspec import Meta, Struct
from quart import Response
from werkzeug.exceptions import NotFound

from web.api.answers import HexHash, json_answer, no_content
from web.api.requests import HashText, read_query
from web.api.torrents import BlockAnswer, Reason
from web.bodies import read_json
from web.links import read_info_hash
from web.operation import Answer, Body, Operation, describes
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S

MAX_BLOCKED = 1000
_LIMIT_BYTES = MAX_BLOCKED * 80


class BlockedParameters(Struct, frozen=True):
    """A page of the list."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    after: Annotated[str, Meta(pattern="^([0-9a-fA-F]{40})?$", description="`next` of the page before")] = ""


class BlockedEntry(Struct, frozen=True):
    """A hash that is never stored."""

    info_hash: HexHash
    at: datetime
    reason: str


class BlockedAnswer(Struct, frozen=True):
    """A page, in the order of the hashes."""

    blocked: tuple[BlockedEntry, ...]
    next: str | None


class BlockManyOrder(Struct, frozen=True):
    """Hashes that must never come back, whether they are known or not."""

    info_hashes: Annotated[tuple[HashText, ...], Meta(min_length=1, max_length=MAX_BLOCKED)]
    reason: Reason


class BlockedEndpoints:
    """/api/v1/blocked."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    @describes(Operation("List blocked hashes", Answer(200, "One page", BlockedAnswer), tag="blocked", query=BlockedParameters))
    async def list(self) -> Response:
        """Answer GET /api/v1/blocked."""
        asked = read_query(BlockedParameters)
        with trio.fail_after(SEARCH_DEADLINE_S):
            page = await self._parts.api.blocked.page(asked.limit, bytes.fromhex(asked.after))
        entries = tuple(BlockedEntry(each.info_hash.hex(), each.at, each.reason) for each in page)
        return json_answer(BlockedAnswer(entries, entries[-1].info_hash if len(entries) == asked.limit else None))

    @describes(Operation("Block hashes", Answer(200, "They are blocked", BlockAnswer), tag="blocked", body=Body(BlockManyOrder)))
    async def block(self) -> Response:
        """Answer POST /api/v1/blocked."""
        order = await read_json(BlockManyOrder, _LIMIT_BYTES)
        with trio.fail_after(SEARCH_DEADLINE_S):
            deleted = await self._parts.torrents.block(map(bytes.fromhex, order.info_hashes), order.reason)
        return json_answer(BlockAnswer(deleted))

    @describes(
        Operation("Unblock a hash", Answer(204, "It is stored when it is found again"), Answer(404, "It is not blocked"), tag="blocked")
    )
    async def unblock(self, info_hash: str) -> Response:
        """Answer DELETE /api/v1/blocked/<info hash>."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            if not await self._parts.api.blocked.unblock(read_info_hash(info_hash)):
                raise NotFound("This hash is not blocked")
        return no_content()
