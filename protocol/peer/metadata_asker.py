"""Metadata from a peer (BEP 9 over BEP 10), the asking side, without I/O: bytes that arrived in, bytes to send out.

Where we differ from the BEPs: the extended handshake is sent only after the peer's handshake is complete, because aria2 drops a
connection on which both arrive in one segment.
"""

from collections import deque
from enum import Enum, auto
from hashlib import sha1, sha256

from protocol.errors import MalformedPeerMessage
from protocol.identifiers import InfoHash
from protocol.peer.extension import (
    EXTENDED_HANDSHAKE,
    EXTENDED_ONLY,
    PIECE_LENGTH,
    SMALL_TALK_BYTES,
    TO_US,
    Data,
    Reject,
    Request,
    extended_handshake,
    parse_extended_handshake,
    parse_metadata_message,
    reject,
    request,
)
from protocol.peer.wire import Handshake, PeerStream

_MAX_TALK = 16  # extended messages that bring no piece: an honest peer sends two or three, and each of up to 32 KiB may take 10 ms to read
_MAX_REJECTS = 3  # Transmission rejects what is too much at once and serves it later; others mean it


class AskerState(Enum):
    """Where a conversation stands, seen from who wants the metadata."""

    AWAITING_HANDSHAKE = auto()
    AWAITING_EXTENDED_HANDSHAKE = auto()
    COLLECTING = auto()
    COMPLETE = auto()
    """`metadata` is there and its hash is right."""
    REFUSED = auto()
    """The peer is honest but does not give it; `refusal` says why."""


class Refusal(Enum):
    """Why an honest peer gives no metadata."""

    NO_EXTENSIONS = "no_extensions"
    """It does not speak BEP 10."""
    NO_UT_METADATA = "no_ut_metadata"
    """It does not speak BEP 9."""
    NO_METADATA = "no_metadata"
    """It does not have the metadata itself."""
    TOO_LARGE = "too_large"
    REJECTED = "rejected"


class _Event(Enum):
    HANDSHAKE = auto()
    EXTENDED_HANDSHAKE = auto()
    PIECE = auto()
    LAST_PIECE = auto()
    REFUSAL = auto()


_MOVES = {
    (AskerState.AWAITING_HANDSHAKE, _Event.HANDSHAKE): AskerState.AWAITING_EXTENDED_HANDSHAKE,
    (AskerState.AWAITING_HANDSHAKE, _Event.REFUSAL): AskerState.REFUSED,
    (AskerState.AWAITING_EXTENDED_HANDSHAKE, _Event.EXTENDED_HANDSHAKE): AskerState.COLLECTING,
    (AskerState.AWAITING_EXTENDED_HANDSHAKE, _Event.REFUSAL): AskerState.REFUSED,
    (AskerState.COLLECTING, _Event.EXTENDED_HANDSHAKE): AskerState.COLLECTING,  # BEP 10: may be sent again to change something
    (AskerState.COLLECTING, _Event.PIECE): AskerState.COLLECTING,
    (AskerState.COLLECTING, _Event.LAST_PIECE): AskerState.COMPLETE,
    (AskerState.COLLECTING, _Event.REFUSAL): AskerState.REFUSED,
}


class MetadataAsker:
    """Gets the info dict of one torrent from one peer."""

    def __init__(self, info_hash: InfoHash, peer_id: bytes, *, max_size: int, max_in_flight: int = 64) -> None:
        """`max_size`: bytes; a peer that announces more is refused before anything is asked of it."""
        self.state = AskerState.AWAITING_HANDSHAKE
        self.is_over = False
        """Nothing more will come of this connection."""
        self.refusal: Refusal | None = None
        self.metadata = b""
        """The info dict, raw, once `state` is COMPLETE; its hash has been checked, its contents have not."""
        self.sha1 = b""
        """Of `metadata`; the info hash, unless that is the SHA-256 of a v2 torrent."""
        self.rejects = 0
        self._info_hash = info_hash
        self._peer_id = peer_id
        self._max_size = max_size
        self._max_in_flight = max_in_flight
        self._stream = PeerStream(EXTENDED_ONLY)
        self._allowance = SMALL_TALK_BYTES
        self._talk = 0
        self._size = 0
        self._remote_id = 0
        self._pieces: list[bytes] = []
        self._missing = 0
        self._to_ask: deque[int] = deque()
        self._asked: set[int] = set()

    def first_bytes(self) -> bytes:
        """What to send as soon as the connection stands."""
        return Handshake(self._info_hash, self._peer_id).encode()

    def receive_data(self, received: bytes) -> bytes:
        """Take what arrived, in any cut; returns what to send now.

        Raises:
            MalformedPeerMessage: the peer breaks the protocol or lies; close the connection.
        """
        if self.is_over:
            return b""
        self._allowance -= len(received)
        if self._allowance < 0:
            raise MalformedPeerMessage("too_much_data")
        self._stream.receive_data(received)
        out = []
        if self.state is AskerState.AWAITING_HANDSHAKE:
            handshake = self._stream.next_handshake()
            if handshake is None:
                return b""
            out.append(self._on_handshake(handshake))
        while not self.is_over and (message := self._stream.next_message()) is not None:
            payload = message.payload
            missing = self._missing
            if payload[:1] == EXTENDED_HANDSHAKE:
                out.append(self._on_extended_handshake(payload[1:]))
            elif payload[:1] == TO_US:
                out.append(self._on_metadata_message(payload))
            self._count_talk(payload, is_piece=self._missing < missing)
        return b"".join(out)

    def _count_talk(self, payload: bytes, *, is_piece: bool) -> None:
        """Pieces are free, for only what we asked for is one; everything else comes out of a budget that no lie about the size enlarges."""
        if is_piece:
            self._allowance += len(payload)
            return
        self._talk += 1
        if self._talk > _MAX_TALK:
            raise MalformedPeerMessage("too_much_talk")

    def _move(self, event: _Event) -> None:
        state = _MOVES.get((self.state, event))
        if state is None:
            raise MalformedPeerMessage("unexpected_message", f"{event.name} while {self.state.name}")
        self.state = state
        self.is_over = state is AskerState.COMPLETE or state is AskerState.REFUSED

    def _refuse(self, refusal: Refusal) -> bytes:
        self._move(_Event.REFUSAL)
        self.refusal = refusal
        return b""

    def _on_handshake(self, handshake: Handshake) -> bytes:
        if handshake.info_hash != self._info_hash:
            raise MalformedPeerMessage("wrong_info_hash")
        if not handshake.supports_extensions:
            return self._refuse(Refusal.NO_EXTENSIONS)
        self._move(_Event.HANDSHAKE)
        return extended_handshake()

    def _on_extended_handshake(self, payload: bytes) -> bytes:
        theirs = parse_extended_handshake(payload)
        is_first = self.state is AskerState.AWAITING_EXTENDED_HANDSHAKE
        if theirs.ut_metadata == 0 or (theirs.ut_metadata is None and is_first):
            return self._refuse(Refusal.NO_UT_METADATA)
        if theirs.ut_metadata is not None:
            self._remote_id = theirs.ut_metadata
        if not is_first:
            self._move(_Event.EXTENDED_HANDSHAKE)
            if theirs.metadata_size not in {None, self._size}:
                raise MalformedPeerMessage("metadata_size_changed")
            return b""
        if not theirs.metadata_size:
            return self._refuse(Refusal.NO_METADATA)
        if theirs.metadata_size > self._max_size:
            return self._refuse(Refusal.TOO_LARGE)
        self._move(_Event.EXTENDED_HANDSHAKE)
        self._size = theirs.metadata_size
        self._missing = -(-self._size // PIECE_LENGTH)
        self._pieces = [b""] * self._missing
        self._to_ask.extend(range(self._missing))
        return self._ask()

    def _on_metadata_message(self, payload: bytes) -> bytes:
        if self.state is not AskerState.COLLECTING:
            raise MalformedPeerMessage("unexpected_message", "ut_metadata before the extended handshake")
        match parse_metadata_message(payload, self._size, start=1):
            case Data(piece, total_size, content):
                if total_size not in {None, self._size}:
                    raise MalformedPeerMessage("metadata_size_changed")
                return self._on_piece(piece, content)
            case Reject(piece):
                return self._on_reject(piece)
            case Request(piece):  # we have nothing to give
                return reject(self._remote_id, piece)
            case None:
                return b""

    def _on_piece(self, piece: int, content: bytes) -> bytes:
        self._answered(piece)
        self._pieces[piece] = content
        self._missing -= 1
        if self._missing:
            self._move(_Event.PIECE)
            return self._ask()
        metadata = b"".join(self._pieces)
        self._pieces = []  # up to 10 MB, which may wait a while for its reader: once is enough
        # The hash first: nothing is decoded that is not what was asked for. A v2 torrent goes by its cut SHA-256 (BEP 52).
        self.sha1 = sha1(metadata, usedforsecurity=False).digest()
        if self.sha1 != self._info_hash and sha256(metadata).digest()[:20] != self._info_hash:
            raise MalformedPeerMessage("wrong_metadata")
        self._move(_Event.LAST_PIECE)
        self.metadata = metadata
        return b""

    def _on_reject(self, piece: int) -> bytes:
        self._answered(piece)
        self.rejects += 1
        if self.rejects > _MAX_REJECTS or not self._asked:
            return self._refuse(Refusal.REJECTED)
        self._to_ask.append(piece)
        return b""  # asked again when the next piece arrives

    def _answered(self, piece: int) -> None:
        if piece not in self._asked:
            raise MalformedPeerMessage("unasked_piece")
        self._asked.remove(piece)

    def _ask(self) -> bytes:
        """As many requests as may be under way; all of them in one send."""
        requests = []
        while self._to_ask and len(self._asked) < self._max_in_flight:
            piece = self._to_ask.popleft()
            self._asked.add(piece)
            requests.append(request(self._remote_id, piece))
        return b"".join(requests)
