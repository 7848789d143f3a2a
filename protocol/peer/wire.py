"""The peer wire protocol (BEP 3): the 68-byte handshake, and length-prefixed messages out of a growing buffer.

BEP 10 messages are understood in extension.py; who asks and answers stands in metadata_asker.py and metadata_answerer.py.
"""

from enum import IntEnum
from typing import NamedTuple

from protocol.errors import MalformedPeerMessage
from protocol.identifiers import InfoHash

HANDSHAKE_LENGTH = 68

MAX_MESSAGE_LENGTH = 32 * 1024
"""Of a message we read: a ut_metadata piece of 16 KiB and its header fit twice."""
MAX_SKIPPED_LENGTH = 1024 * 1024
"""Of a message we pass over unread: the bitfield of a torrent with eight million pieces."""

_PROTOCOL = b"\x13BitTorrent protocol"
_RESERVED = b"\0\0\0\0\0\x10\0\x01"  # BEP 10: byte 5, 0x10 (extension protocol); BEP 5: byte 7, 0x01 (DHT)


class MessageId(IntEnum):
    """What a message is (BEP 3, 5, 10)."""

    CHOKE = 0
    UNCHOKE = 1
    INTERESTED = 2
    NOT_INTERESTED = 3
    HAVE = 4
    BITFIELD = 5
    REQUEST = 6
    PIECE = 7
    CANCEL = 8
    PORT = 9
    EXTENDED = 20


class Handshake(NamedTuple):
    """The first 68 bytes of either side."""

    info_hash: InfoHash
    peer_id: bytes
    reserved: bytes = _RESERVED

    @property
    def supports_extensions(self) -> bool:
        """BEP 10."""
        return bool(self.reserved[5] & 0x10)

    @property
    def supports_dht(self) -> bool:
        """BEP 5."""
        return bool(self.reserved[7] & 0x01)

    def encode(self) -> bytes:
        """As it goes over the wire."""
        return _PROTOCOL + self.reserved + self.info_hash + self.peer_id


class Message(NamedTuple):
    """One message; keep-alives are none."""

    id: int
    payload: bytes

    def encode(self) -> bytes:
        """As it goes over the wire: length, id, payload."""
        return (len(self.payload) + 1).to_bytes(4, "big") + bytes((self.id,)) + self.payload


class PeerStream:
    """What a peer has sent, cut into its handshake and its messages."""

    def __init__(self, wanted: frozenset[int]) -> None:
        """Only messages with an id in `wanted` are kept; others are passed over without being buffered."""
        self._wanted = wanted
        self._buffer = bytearray()
        self._position = 0  # in the buffer; what lies before it is read
        self._to_skip = 0  # bytes still to come of a message nobody wants

    def receive_data(self, data: bytes) -> None:
        """Add what arrived, in any cut."""
        if self._to_skip:
            skipped = min(self._to_skip, len(data))
            self._to_skip -= skipped
            data = data[skipped:]
        if self._position:
            del self._buffer[: self._position]
            self._position = 0
        self._buffer += data

    def next_handshake(self) -> Handshake | None:
        """The handshake, to be asked for before any message; None until all of it is there.

        Raises:
            MalformedPeerMessage: this is no BitTorrent peer; known from the first wrong byte on.
        """
        start = self._buffer[: len(_PROTOCOL)]
        if not _PROTOCOL.startswith(start):
            raise MalformedPeerMessage("not_bittorrent")
        if len(self._buffer) < HANDSHAKE_LENGTH:
            return None
        raw = bytes(self._buffer[:HANDSHAKE_LENGTH])
        self._position = HANDSHAKE_LENGTH
        return Handshake(InfoHash(raw[28:48]), raw[48:68], raw[20:28])

    def next_message(self) -> Message | None:
        """The next wanted message; None until all of it is there.

        Raises:
            MalformedPeerMessage: a message claims to be longer than any honest one.
        """
        buffer = self._buffer
        while len(buffer) - self._position > 4:
            position = self._position
            length = int.from_bytes(buffer[position : position + 4], "big")
            if length == 0:  # a keep-alive
                self._position += 4
                continue
            message_id = buffer[position + 4]
            end = position + 4 + length
            if message_id in self._wanted:
                if length > MAX_MESSAGE_LENGTH:
                    raise MalformedPeerMessage("message_too_long", f"{length} bytes")
                if end > len(buffer):
                    return None
                self._position = end
                with memoryview(buffer) as view:
                    return Message(message_id, bytes(view[position + 5 : end]))  # one copy; a slice of the bytearray would be another
            if length > MAX_SKIPPED_LENGTH:
                raise MalformedPeerMessage("message_too_long", f"{length} bytes")
            self._to_skip = max(0, end - len(buffer))
            self._position = end - self._to_skip
        return None
