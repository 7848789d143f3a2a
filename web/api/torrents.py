"""One torrent: what is known about it, and what an administrator may do with it."""

import logging
from typing import Annotated

import trio
from msgspec import Meta, Struct
from quart import Response, request
from werkzeug.exceptions import NotFound, ServiceUnavailable

from catalog.messages import TorrentsFound
from catalog.model import File, TorrentRow
from storage.errors import CorruptFileList
from web.api.answers import FileAnswer, SightingAnswer, SwarmDayAnswer, TorrentDetail, json_answer, no_content, torrent_fields
from web.api.requests import LINE_PATTERN
from web.bodies import read_json
from web.links import base_url, read_info_hash
from web.operation import Answer, Body, Operation, describes
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S

logger = logging.getLogger("swarmdex.web")

DELETED = "deleted"
"""The reason of a tombstone."""
SEND_DEADLINE_S = 2.0
RETRY_S = 10
NOT_STORED = "No torrent of this hash is indexed"

Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE_PATTERN, description="For people, in one line")]


class BlockOrder(Struct, frozen=True):
    """Why a torrent must never come back."""

    reason: Reason


class BlockAnswer(Struct, frozen=True):
    """What blocking did."""

    deleted: Annotated[int, Meta(ge=0, description="Torrents that were stored, and are gone")]


class TorrentEndpoints:
    """The torrent of an info hash, by its v1 hash or its v2 hash."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    @describes(Operation("One torrent with its files, sources and history", Answer(200, "The torrent", TorrentDetail), tag="torrents"))
    async def show(self, info_hash: str) -> Response:
        """Answer GET /api/v1/torrents/<info hash>."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            row = await self._stored(info_hash)
            files = await readable_files(self._parts, row)
            sources = await self._parts.api.history.sightings(row.id)
            days = await self._parts.api.history.days(row.id)
        detail = TorrentDetail(
            **torrent_fields(row, base_url(self._parts.settings, request)),
            has_info=row.has_info,
            files=tuple(FileAnswer(file.path, file.size) for file in files),
            sources=tuple(SightingAnswer(each.source, each.first_seen, each.last_seen) for each in sources),
            history=tuple(SwarmDayAnswer(each.day, each.seeders, each.leechers) for each in days),
        )
        return json_answer(detail)

    @describes(Operation("Delete a torrent for good", Answer(204, "It is gone, and its hash is blocked as `deleted`"), tag="torrents"))
    async def delete(self, info_hash: str) -> Response:
        """Answer DELETE /api/v1/torrents/<info hash>."""
        wanted = read_info_hash(info_hash)
        with trio.fail_after(SEARCH_DEADLINE_S):
            await self._stored(info_hash)
            await self._parts.torrents.block([wanted], DELETED)
        return no_content()

    @describes(
        Operation(
            "Block a hash, stored or not",
            Answer(200, "It will not be stored, nor asked for in any swarm", BlockAnswer),
            tag="torrents",
            body=Body(BlockOrder),
        )
    )
    async def block(self, info_hash: str) -> Response:
        """Answer POST /api/v1/torrents/<info hash>/block."""
        wanted = read_info_hash(info_hash)
        order = await read_json(BlockOrder)
        with trio.fail_after(SEARCH_DEADLINE_S):
            return json_answer(BlockAnswer(await self._parts.torrents.block([wanted], order.reason)))

    @describes(
        Operation(
            "Classify a torrent again",
            Answer(202, "It is on its way through the classifier; that is no sighting, its dates and counts stay"),
            tag="torrents",
        )
    )
    async def reprocess(self, info_hash: str) -> Response:
        """Answer POST /api/v1/torrents/<info hash>/reprocess."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            row = await self._stored(info_hash)
            stored = await self._parts.api.jobs.torrent(row.id)
        if stored is None:
            raise NotFound(NOT_STORED)
        with trio.move_on_after(SEND_DEADLINE_S):
            await self._parts.ingest.found.send(TorrentsFound((stored.torrent,)))
            return no_content(202)
        raise ServiceUnavailable("The classifier is busy", retry_after=RETRY_S)

    async def _stored(self, info_hash: str) -> TorrentRow:
        row = await self._parts.torrents.by_info_hash(read_info_hash(info_hash))
        if row is None:
            raise NotFound(NOT_STORED)
        return row


async def readable_files(parts: WebParts, row: TorrentRow) -> tuple[File, ...]:
    """The files of a torrent; none, and a line in the log, where the stored list cannot be read: the rest is still of use."""
    try:
        return await parts.torrents.files(row.id)
    except CorruptFileList as error:
        logger.warning("the files of %s are not shown: %s", row.info_hash.hex(), error)
        return ()
