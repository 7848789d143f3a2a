"""The extension protocol (BEP 10) and the messages of `ut_metadata` (BEP 9): bytes to values and back."""

from typing import NamedTuple

from protocol.bencode import Encodable, Value, decode, decode_lenient, encode
from protocol.errors import MalformedBencode, MalformedPeerMessage
from protocol.peer.wire import MAX_MESSAGE_LENGTH, Message, MessageId

PIECE_LENGTH = 16 * 1024
"""BEP 9: of every metadata piece but the last."""

LOCAL_UT_METADATA = 1
"""The id under which others shall send us ut_metadata; they choose their own."""

EXTENDED_ONLY = frozenset({int(MessageId.EXTENDED)})
"""The only messages that matter to who gives or gets metadata."""

EXTENDED_HANDSHAKE = b"\0"
"""The first byte of an extended message's payload that is a handshake."""

TO_US = bytes((LOCAL_UT_METADATA,))
"""The same of a ut_metadata message that is sent to us."""

SMALL_TALK_BYTES = 2 * 1024 * 1024
"""What a peer may send besides metadata: a large bitfield, `have` messages, peer exchange."""

_MAX_HEADER_LENGTH = 1024  # honest ones have about 45 bytes
_REQUEST, _DATA, _REJECT = 0, 1, 2


class ExtendedHandshake(NamedTuple):
    """What of a BEP 10 handshake matters for metadata."""

    ut_metadata: int | None
    """The id the peer wants it sent under; 0: switched off; None: not mentioned."""
    metadata_size: int | None


class Request(NamedTuple):
    """Asks for a piece."""

    piece: int


class Data(NamedTuple):
    """Brings a piece."""

    piece: int
    total_size: int | None
    data: bytes


class Reject(NamedTuple):
    """Denies a piece."""

    piece: int


def extended(extension_id: int, payload: bytes) -> bytes:
    """An extended message, framed."""
    return Message(MessageId.EXTENDED, bytes((extension_id,)) + payload).encode()


def extended_handshake(metadata_size: int | None = None) -> bytes:
    """Ours, framed; with a size for those who have the metadata."""
    handshake: dict[bytes, Encodable] = {b"m": {b"ut_metadata": LOCAL_UT_METADATA}}
    if metadata_size is not None:
        handshake[b"metadata_size"] = metadata_size
    return extended(0, encode(handshake))


def request(extension_id: int, piece: int) -> bytes:
    """Framed."""
    return extended(extension_id, b"d8:msg_typei0e5:piecei%dee" % piece)


def reject(extension_id: int, piece: int) -> bytes:
    """Framed."""
    return extended(extension_id, b"d8:msg_typei2e5:piecei%dee" % piece)


def data(extension_id: int, piece: int, metadata: bytes) -> bytes:
    """Piece number `piece` of `metadata`, framed."""
    header = b"d8:msg_typei1e5:piecei%de10:total_sizei%dee" % (piece, len(metadata))
    return extended(extension_id, header + metadata[piece * PIECE_LENGTH : (piece + 1) * PIECE_LENGTH])


def parse_extended_handshake(payload: bytes) -> ExtendedHandshake:
    """Read the payload of extended message 0; keys of other extensions are passed over.

    Raises:
        MalformedPeerMessage: not a bencoded dictionary, or a number out of range.
    """
    fields = _dictionary(payload, MAX_MESSAGE_LENGTH, "bad_extended_handshake")
    extensions = fields.get(b"m", {})
    if not isinstance(extensions, dict):
        raise MalformedPeerMessage("bad_extended_handshake")
    ut_metadata = extensions.get(b"ut_metadata")
    metadata_size = fields.get(b"metadata_size")
    if ut_metadata is not None and (not isinstance(ut_metadata, int) or not 0 <= ut_metadata <= 255):
        raise MalformedPeerMessage("bad_extended_handshake", "ut_metadata")
    if metadata_size is not None and (not isinstance(metadata_size, int) or metadata_size < 0):
        raise MalformedPeerMessage("bad_extended_handshake", "metadata_size")
    return ExtendedHandshake(ut_metadata, metadata_size)


def parse_metadata_message(payload: bytes, metadata_size: int, *, start: int = 0) -> Request | Data | Reject | None:
    """Read a ut_metadata message about metadata of this size; None for a type BEP 9 does not know, which it says to ignore.

    `start`: bytes of `payload` to pass over, so that nobody needs to copy a large one for that.

    A data message is a bencoded header with the raw piece behind it. How long the piece must be is known, so the header is what stands
    before it; only the last piece may be shorter than the others.

    Raises:
        MalformedPeerMessage: not bencode, a number missing, a piece out of range or of the wrong length.
    """
    pieces = -(-metadata_size // PIECE_LENGTH)
    for length in _piece_lengths(metadata_size):
        if 0 < len(payload) - start - length <= _MAX_HEADER_LENGTH:
            try:
                fields = _dictionary(payload[start:-length], _MAX_HEADER_LENGTH, "")
            except MalformedPeerMessage:
                continue  # it may be the other length, or no data message
            piece = fields.get(b"piece")
            if fields.get(b"msg_type") == _DATA and isinstance(piece, int) and 0 <= piece < pieces:
                if length != min(PIECE_LENGTH, metadata_size - piece * PIECE_LENGTH):
                    continue
                total_size = fields.get(b"total_size")
                return Data(piece, total_size if isinstance(total_size, int) else None, payload[-length:])
            break
    else:
        fields = _dictionary(payload[start:], _MAX_HEADER_LENGTH, "bad_metadata_message")
    return _without_data(fields, pieces)


def _without_data(fields: dict[bytes, Value], pieces: int) -> Request | Reject | None:
    kind, piece = fields.get(b"msg_type"), fields.get(b"piece")
    if not isinstance(kind, int) or not isinstance(piece, int):
        raise MalformedPeerMessage("bad_metadata_message")
    if kind not in {_REQUEST, _DATA, _REJECT}:
        return None
    if kind == _REQUEST:
        return Request(piece)  # whoever answers checks the range, because a wrong one is rejected
    if not 0 <= piece < pieces:
        raise MalformedPeerMessage("piece_out_of_range", str(piece)[:20])
    if kind == _DATA:
        raise MalformedPeerMessage("wrong_piece_length")
    return Reject(piece)


def _piece_lengths(metadata_size: int) -> tuple[int, ...]:
    rest = metadata_size % PIECE_LENGTH
    if metadata_size < PIECE_LENGTH:
        return (rest,)
    return (PIECE_LENGTH, rest) if rest else (PIECE_LENGTH,)


def _dictionary(payload: bytes, max_length: int, reason: str) -> dict[bytes, Value]:
    """Strict first; a second, lenient try for the clients that do not sort their keys."""
    try:
        try:
            value = decode(payload, max_length=max_length)
        except MalformedBencode:
            value = decode_lenient(payload, max_length=max_length)
    except MalformedBencode as exc:
        raise MalformedPeerMessage(reason, exc.reason) from exc
    if not isinstance(value, dict):
        raise MalformedPeerMessage(reason)
    return value
