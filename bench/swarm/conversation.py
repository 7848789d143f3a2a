"""One connection to a simulated peer: the honest way to answer, and the pieces dishonest ways are made of."""

import random
from collections.abc import Callable
from typing import NamedTuple

import trio

from protocol.identifiers import InfoHash
from protocol.peer.extension import Request, parse_extended_handshake, parse_metadata_message
from protocol.peer.metadata_answerer import AnswererState, MetadataAnswerer
from protocol.peer.wire import Handshake, MessageId, PeerStream

PATIENCE_S = 60.0  # the longest a connection lives
READ_BYTES = 16 * 1024
BOMB_BYTES = 100_000_000


class Visit(NamedTuple):
    """A connection somebody opened to one of the peers."""

    stream: trio.SocketStream
    metadata_of: Callable[[InfoHash], bytes | None]
    rng: random.Random
    peer_id: bytes


def _ignore(reply: bytes) -> None:
    """Nobody counts what was sent."""


async def converse(visit: Visit, find: Callable[[InfoHash], bytes | None], on_sent: Callable[[bytes], None] = _ignore) -> None:
    """Answer as protocol/peer does, until either side has enough."""
    answerer = MetadataAnswerer(find, visit.peer_id, max_copies=10)
    while answerer.state is not AnswererState.CLOSED:
        received = await visit.stream.receive_some(READ_BYTES)
        if not received:
            return
        reply = answerer.receive_data(bytes(received))
        if reply:
            await visit.stream.send_all(reply)
            on_sent(reply)


class Caller:
    """The other side of a faulty peer's conversation, as far as it is heard."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.remote_id = 0
        self._messages = PeerStream(frozenset({int(MessageId.EXTENDED)}))

    async def handshake(self) -> Handshake | None:
        """Theirs; None when they left."""
        while (handshake := self._messages.next_handshake()) is None:
            if not await self._read():
                return None
        return handshake

    async def extended(self) -> bytes | None:
        """The payload of their next extended message; None when they left."""
        while (message := self._messages.next_message()) is None:
            if not await self._read():
                return None
        return message.payload

    async def introduce(self, extended_reply: Callable[[bytes], bytes]) -> bytes | None:
        """Both handshakes, ours made from the metadata; returns the metadata, None when they left or want another torrent."""
        theirs = await self.handshake()
        metadata = None if theirs is None else self.visit.metadata_of(theirs.info_hash)
        if theirs is None or metadata is None:
            return None
        await self.send(Handshake(theirs.info_hash, self.visit.peer_id).encode())
        payload = await self.extended()
        if payload is None or payload[:1] != b"\0":
            return None
        self.remote_id = parse_extended_handshake(payload[1:]).ut_metadata or 0
        await self.send(extended_reply(metadata))
        return metadata

    async def next_request(self) -> Request | None:
        """The next piece they ask for; None when they left."""
        while (payload := await self.extended()) is not None:
            if payload[0]:
                message = parse_metadata_message(payload[1:], BOMB_BYTES)
                if isinstance(message, Request):
                    return message
        return None

    async def send(self, reply: bytes) -> None:
        """Send all of it."""
        await self.visit.stream.send_all(reply)

    async def _read(self) -> bool:
        received = await self.visit.stream.receive_some(READ_BYTES)
        self._messages.receive_data(bytes(received))
        return bool(received)
