"""Metadata for a peer (BEP 9 over BEP 10), the answering side, without I/O: bytes that arrived in, bytes to send out.

The asking side is in metadata_asker.py. Our extended handshake waits for the other's, for the sake of those who read one thing at a time.
"""

from collections.abc import Callable
from enum import Enum, auto

from protocol.errors import MalformedPeerMessage
from protocol.identifiers import InfoHash
from protocol.peer.extension import (
    EXTENDED_HANDSHAKE,
    EXTENDED_ONLY,
    PIECE_LENGTH,
    SMALL_TALK_BYTES,
    TO_US,
    Request,
    data,
    extended_handshake,
    parse_extended_handshake,
    parse_metadata_message,
    reject,
)
from protocol.peer.wire import Handshake, PeerStream


class AnswererState(Enum):
    """Where a conversation stands, seen from who has the metadata."""

    AWAITING_HANDSHAKE = auto()
    AWAITING_EXTENDED_HANDSHAKE = auto()
    SERVING = auto()
    CLOSED = auto()
    """Nothing more will be answered: send what is left and close the connection."""


class MetadataAnswerer:
    """Gives the info dicts we have to a peer that asks."""

    def __init__(self, find: Callable[[InfoHash], bytes | None], peer_id: bytes, *, max_copies: int = 2) -> None:
        """`find` gives the raw info dict of a hash, or None; a peer gets each piece `max_copies` times at most, on average."""
        self.state = AnswererState.AWAITING_HANDSHAKE
        self._find = find
        self._peer_id = peer_id
        self._max_copies = max_copies
        self._stream = PeerStream(EXTENDED_ONLY)
        self._metadata = b""
        self._remote_id = 0
        self._pieces_left = 0
        self._allowance = SMALL_TALK_BYTES

    @property
    def is_over(self) -> bool:
        """Nothing more will be answered."""
        return self.state is AnswererState.CLOSED

    def receive_data(self, received: bytes) -> bytes:
        """Take what arrived, in any cut; returns what to send now.

        Raises:
            MalformedPeerMessage: the peer breaks the protocol; close the connection.
        """
        if self.is_over:
            return b""
        self._allowance -= len(received)
        if self._allowance < 0:
            raise MalformedPeerMessage("too_much_data")
        self._stream.receive_data(received)
        out = []
        if self.state is AnswererState.AWAITING_HANDSHAKE:
            handshake = self._stream.next_handshake()
            if handshake is None:
                return b""
            out.append(self._on_handshake(handshake))
        while not self.is_over and (message := self._stream.next_message()) is not None:
            payload = message.payload
            if payload[:1] == EXTENDED_HANDSHAKE:
                out.append(self._on_extended_handshake(payload[1:]))
            elif payload[:1] == TO_US and self.state is AnswererState.SERVING:
                out.append(self._on_metadata_message(payload[1:]))
        return b"".join(out)

    def _on_handshake(self, handshake: Handshake) -> bytes:
        metadata = self._find(handshake.info_hash)
        if metadata is None or not handshake.supports_extensions:
            self.state = AnswererState.CLOSED
            return b""
        self._metadata = metadata
        self._pieces_left = self._max_copies * -(-len(metadata) // PIECE_LENGTH)
        self.state = AnswererState.AWAITING_EXTENDED_HANDSHAKE
        return Handshake(handshake.info_hash, self._peer_id).encode()

    def _on_extended_handshake(self, payload: bytes) -> bytes:
        theirs = parse_extended_handshake(payload)
        if theirs.ut_metadata is not None:
            self._remote_id = theirs.ut_metadata
        if self.state is AnswererState.SERVING:
            return b""
        self.state = AnswererState.SERVING
        return extended_handshake(len(self._metadata))

    def _on_metadata_message(self, payload: bytes) -> bytes:
        message = parse_metadata_message(payload, len(self._metadata))
        if not isinstance(message, Request) or not self._remote_id:
            return b""
        if not 0 <= message.piece < -(-len(self._metadata) // PIECE_LENGTH) or not self._pieces_left:
            return reject(self._remote_id, message.piece)
        self._pieces_left -= 1
        return data(self._remote_id, message.piece, self._metadata)
