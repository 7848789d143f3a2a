import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import MalformedPeerMessage
from protocol.identifiers import InfoHash
from protocol.peer.wire import MAX_MESSAGE_LENGTH, MAX_SKIPPED_LENGTH, Handshake, Message, MessageId, PeerStream

EVERY_ID = frozenset(range(256))
HASH = InfoHash(bytes(range(20)))
PEER_ID = b"-SX0100-abcdefghijkl"


def chunks(data: bytes, noise: random.Random, largest: int = 50) -> list[bytes]:
    """`data` in random cuts."""
    cut = []
    while data:
        size = noise.randint(1, largest)
        cut.append(data[:size])
        data = data[size:]
    return cut


def read_all(stream: PeerStream) -> list[Message]:
    return list(iter(stream.next_message, None))


def test_a_handshake_is_68_bytes_with_the_bits_of_bep_5_and_10() -> None:
    raw = Handshake(HASH, PEER_ID).encode()
    assert raw == b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x01" + HASH + PEER_ID
    assert len(raw) == 68
    stream = PeerStream(EVERY_ID)
    stream.receive_data(raw)
    shaken = stream.next_handshake()
    assert shaken == Handshake(HASH, PEER_ID)
    assert shaken.supports_extensions
    assert shaken.supports_dht
    assert not Handshake(HASH, PEER_ID, bytes(8)).supports_extensions


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=100))), st.integers())
def test_messages_come_out_as_they_went_in_however_they_are_cut(sent: list[tuple[int, bytes]], seed: int) -> None:
    messages = [Message(*pair) for pair in sent]
    stream = PeerStream(EVERY_ID)
    read = []
    for chunk in chunks(b"\0\0\0\0".join(message.encode() for message in messages), random.Random(seed)):  # keep-alives between
        stream.receive_data(chunk)
        read += read_all(stream)
    assert read == messages


@given(st.integers())
def test_unwanted_messages_are_passed_over(seed: int) -> None:
    bitfield = Message(MessageId.BITFIELD, bytes(100_000)).encode()
    wanted = Message(MessageId.EXTENDED, b"\x01abc")
    stream = PeerStream(frozenset({20}))
    read = []
    for chunk in chunks(bitfield + wanted.encode() + bitfield + wanted.encode(), random.Random(seed), 70_000):
        stream.receive_data(chunk)
        read += read_all(stream)
        assert len(stream._buffer) <= 70_000 + 100
    assert read == [wanted, wanted]


@pytest.mark.parametrize(("message_id", "limit"), [(20, MAX_MESSAGE_LENGTH), (5, MAX_SKIPPED_LENGTH)])
def test_a_message_beyond_its_cap_is_refused_at_its_fifth_byte(message_id: int, limit: int) -> None:
    stream = PeerStream(frozenset({20}))
    stream.receive_data((limit + 1).to_bytes(4, "big") + bytes((message_id,)))
    with pytest.raises(MalformedPeerMessage, match="message_too_long"):
        stream.next_message()


def test_a_stranger_is_known_from_the_first_wrong_byte() -> None:
    stream = PeerStream(EVERY_ID)
    stream.receive_data(b"\x13Bit")
    assert stream.next_handshake() is None
    stream.receive_data(b"Coin")
    with pytest.raises(MalformedPeerMessage, match="not_bittorrent"):
        stream.next_handshake()
