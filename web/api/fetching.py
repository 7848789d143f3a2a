"""Ordering the metadata of a torrent that is not indexed yet, by hash or magnet link."""

from typing import Annotated

import trio
from msgspec import UNSET, Meta, Struct, UnsetType
from quart import Response
from werkzeug.exceptions import Conflict, ServiceUnavailable

from catalog.messages import MetadataWanted
from protocol.errors import MalformedMagnet
from protocol.identifiers import Address, InfoHash
from protocol.magnet import MAX_LENGTH, parse_magnet
from web.api.answers import HexHash, json_answer
from web.api.requests import HashText
from web.api.torrents import RETRY_S
from web.bodies import read_json
from web.errors import BadInput, Fault
from web.links import read_info_hash
from web.operation import Answer, Body, Operation, describes
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S

# As people write them. What is read is more: escapes, numbered keys, `&amp;`.
_MAGNET = r"^magnet:\?xt=urn:(btih:([0-9a-fA-F]{40}|[A-Za-z2-7]{32})|btmh:1220[0-9a-fA-F]{64})(&(dn|tr|x\.pe)=[0-9A-Za-z.%:_-]*)*$"
_LIMIT_BYTES = MAX_LENGTH + 1024


class FetchOrder(Struct, frozen=True):
    """What to fetch: a hash, or a magnet link whose peers (`x.pe`) are asked first."""

    info_hash: HashText | UnsetType = UNSET
    magnet: Annotated[str, Meta(max_length=MAX_LENGTH, extra_json_schema={"pattern": _MAGNET})] | UnsetType = UNSET


_EITHER = Meta(extra_json_schema={"oneOf": [{"required": ["info_hash"]}, {"required": ["magnet"]}]})


class FetchAnswer(Struct, frozen=True):
    """What is fetched now."""

    info_hash: HexHash


_ANSWERS = (
    Answer(202, "Its swarm is asked; the torrent appears when a peer has answered", FetchAnswer),
    Answer(409, "It is indexed already, or blocked"),
    Answer(503, "The DHT is switched off, or too much is asked for already"),
)


class FetchEndpoints:
    """Orders to the fetchers."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    @describes(Operation("Fetch the metadata of a hash", *_ANSWERS, tag="torrents"))
    async def by_hash(self, info_hash: str) -> Response:
        """Answer POST /api/v1/torrents/<info hash>/fetch."""
        return await self._fetch(InfoHash(read_info_hash(info_hash)[:20]))

    @describes(
        Operation("Fetch the metadata of a hash or magnet link", *_ANSWERS, tag="torrents", body=Body(Annotated[FetchOrder, _EITHER]))
    )
    async def by_order(self) -> Response:
        """Answer POST /api/v1/fetch."""
        order = await read_json(FetchOrder, _LIMIT_BYTES)
        if (order.info_hash is UNSET) == (order.magnet is UNSET):
            raise BadInput("Give either `info_hash` or `magnet`")
        if not isinstance(order.info_hash, UnsetType):
            return await self._fetch(InfoHash(bytes.fromhex(order.info_hash)[:20]))
        try:
            magnet = parse_magnet(str(order.magnet))
        except MalformedMagnet as error:
            raise BadInput("This magnet link cannot be read", Fault(str(error), pointer="/magnet")) from error
        return await self._fetch(magnet.swarm_key, magnet.peers)

    async def _fetch(self, info_hash: InfoHash, peers: tuple[Address, ...] = ()) -> Response:
        with trio.fail_after(SEARCH_DEADLINE_S):
            blocked = await self._parts.api.blocked.get(info_hash)
            if blocked is not None:
                raise Conflict(f"This hash is blocked: {blocked.reason}")
            if not await self._parts.torrents.unknown([info_hash]):
                raise Conflict("This torrent is indexed already")
        if self._parts.api.wanted is None:
            raise ServiceUnavailable("The DHT is switched off: nobody looks for peers")
        try:
            self._parts.api.wanted.send_nowait(MetadataWanted((info_hash,), tuple((info_hash, peer) for peer in peers)))
        except (trio.WouldBlock, trio.ClosedResourceError):
            raise ServiceUnavailable("Too much is asked for already", retry_after=RETRY_S) from None
        return json_answer(FetchAnswer(info_hash.hex()), 202)
