import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.bencode import encode
from protocol.errors import MalformedPeerMessage
from protocol.peer.extension import (
    PIECE_LENGTH,
    Data,
    ExtendedHandshake,
    Reject,
    Request,
    data,
    extended_handshake,
    parse_extended_handshake,
    parse_metadata_message,
    reject,
    request,
)

SIZE = 2 * PIECE_LENGTH + 1000
METADATA = bytes(range(256)) * 132


def payload(framed: bytes) -> bytes:
    """Without length, message id and extension id."""
    assert int.from_bytes(framed[:4], "big") == len(framed) - 4
    assert framed[4] == 20
    return framed[6:]


def test_a_handshake_says_what_bep_10_wants() -> None:
    assert payload(extended_handshake()) == b"d1:md11:ut_metadatai1eee"
    assert parse_extended_handshake(payload(extended_handshake(31_235))) == ExtendedHandshake(1, 31_235)


def test_the_example_of_bep_9_is_read() -> None:
    assert parse_extended_handshake(b"d1:md11:ut_metadatai3ee13:metadata_sizei31235ee") == ExtendedHandshake(3, 31_235)
    assert parse_metadata_message(b"d8:msg_typei0e5:piecei0ee", SIZE) == Request(0)
    assert parse_metadata_message(b"d8:msg_typei2e5:piecei0ee", SIZE) == Reject(0)
    example = b"d8:msg_typei1e5:piecei0e10:total_sizei34256ee" + b"x" * PIECE_LENGTH
    assert parse_metadata_message(example, 34_256) == Data(0, 34_256, b"x" * PIECE_LENGTH)


def test_unsorted_keys_are_read() -> None:
    assert parse_extended_handshake(b"d13:metadata_sizei7e1:md11:ut_metadatai3eee") == ExtendedHandshake(3, 7)
    assert parse_metadata_message(b"d5:piecei0e8:msg_typei1e10:total_sizei3eeabc", 3) == Data(0, 3, b"abc")


@given(st.integers(1, 40_000))
def test_every_piece_of_every_size_comes_back(size: int) -> None:
    metadata = METADATA[:1] * size
    for piece in range(-(-size // PIECE_LENGTH)):
        wanted = metadata[piece * PIECE_LENGTH : (piece + 1) * PIECE_LENGTH]
        assert parse_metadata_message(payload(data(9, piece, metadata)), size) == Data(piece, size, wanted)
        assert parse_metadata_message(payload(request(9, piece)), size) == Request(piece)
        assert parse_metadata_message(payload(reject(9, piece)), size) == Reject(piece)


def test_a_piece_that_looks_like_a_header_is_a_piece() -> None:
    metadata = b"d8:msg_typei2e5:piecei0ee" * 1000
    for piece in range(2):
        read = parse_metadata_message(payload(data(1, piece, metadata)), len(metadata))
        assert read == Data(piece, len(metadata), metadata[piece * PIECE_LENGTH : (piece + 1) * PIECE_LENGTH])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"d8:msg_typei1e5:piecei9e10:total_sizei33768ee" + bytes(PIECE_LENGTH), "piece_out_of_range"),
        (b"d8:msg_typei1e5:piecei-1e10:total_sizei33768ee" + bytes(PIECE_LENGTH), "piece_out_of_range"),
        (b"d8:msg_typei1e5:piecei4294967296ee" + bytes(1000), "piece_out_of_range"),
        (b"d8:msg_typei1e5:piecei2ee" + bytes(PIECE_LENGTH), "bad_metadata_message"),  # the last piece has 1000 bytes
        (b"d8:msg_typei1e5:piecei0ee" + bytes(PIECE_LENGTH - 1), "bad_metadata_message"),
        (b"d8:msg_typei1e5:piecei0ee", "wrong_piece_length"),
        (b"d8:msg_typei2e5:piecei3ee", "piece_out_of_range"),
        (b"d8:msg_typei2ee", "bad_metadata_message"),
        (b"d5:piecei0ee", "bad_metadata_message"),
        (b"d8:msg_type1:15:piecei0ee", "bad_metadata_message"),
        (b"le", "bad_metadata_message"),
        (b"", "bad_metadata_message"),
        (b"l" * 900, "bad_metadata_message"),
    ],
)
def test_lies_about_pieces_are_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedPeerMessage) as caught:
        parse_metadata_message(raw, SIZE)
    assert caught.value.reason == reason


def test_unknown_message_types_are_passed_over_as_bep_9_asks() -> None:
    assert parse_metadata_message(b"d8:msg_typei7e5:piecei0ee", SIZE) is None


@pytest.mark.parametrize("fields", [{b"m": 5}, {b"m": {b"ut_metadata": 256}}, {b"m": {b"ut_metadata": b"1"}}, {b"metadata_size": -1}])
def test_impossible_numbers_in_a_handshake_are_refused(fields: dict[bytes, object]) -> None:
    with pytest.raises(MalformedPeerMessage):
        parse_extended_handshake(encode(fields))  # type: ignore[arg-type]


@given(st.binary(max_size=200), st.integers(1, 100_000))
def test_any_bytes_give_a_value_or_the_one_exception(raw: bytes, size: int) -> None:
    for parse in (parse_extended_handshake, lambda payload: parse_metadata_message(payload, size)):
        for wrapped in (raw, b"d" + raw + b"e", b"d8:msg_typei1e5:piece" + raw):
            with contextlib.suppress(MalformedPeerMessage):
                parse(wrapped)
