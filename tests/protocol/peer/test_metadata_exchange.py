import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.bencode import encode
from protocol.errors import MalformedPeerMessage
from protocol.identifiers import InfoHash
from protocol.peer.extension import PIECE_LENGTH, data, extended, extended_handshake, reject, request
from protocol.peer.metadata_answerer import MetadataAnswerer
from protocol.peer.metadata_asker import AskerState, MetadataAsker, Refusal
from protocol.peer.wire import Handshake, Message, MessageId

PEER_ID = b"-SX0100-abcdefghijkl"
SEEDER_ID = b"-XX0000-zyxwvutsrqpo"
METADATA = random.Random(1).randbytes(3 * PIECE_LENGTH + 77)
HASH = InfoHash(hashlib.sha1(METADATA, usedforsecurity=False).digest())
GREETING = Handshake(HASH, SEEDER_ID).encode()


def asker(info_hash: InfoHash = HASH, *, max_size: int = 10_000_000, max_in_flight: int = 64) -> MetadataAsker:
    return MetadataAsker(info_hash, PEER_ID, max_size=max_size, max_in_flight=max_in_flight)


def collecting(size: int = len(METADATA), info_hash: InfoHash = HASH, **limits: int) -> MetadataAsker:
    """An asker whose requests are out."""
    ours = asker(info_hash, **limits)
    ours.receive_data(Handshake(info_hash, SEEDER_ID).encode())
    ours.receive_data(extended_handshake(size))
    assert ours.state is AskerState.COLLECTING
    return ours


def converse(ours: MetadataAsker, theirs: MetadataAnswerer, noise: random.Random | None = None) -> int:
    """Carry bytes to and fro until nobody has anything to say; returns how many rounds it took."""
    to_them, to_us, rounds = ours.first_bytes(), b"", 0
    while to_them or to_us:
        rounds += 1
        size = noise.randint(1, 20_000) if noise else 1_000_000
        to_us += theirs.receive_data(to_them[:size])
        to_them = to_them[size:]
        to_them += ours.receive_data(to_us[:size])
        to_us = to_us[size:]
    return rounds


@given(st.integers(1, 70_000), st.integers(1, 5), st.booleans(), st.integers())
@settings(max_examples=60)
def test_asker_gets_from_answerer_whatever_the_size_and_the_cut(size: int, in_flight: int, is_v2: bool, seed: int) -> None:
    noise = random.Random(seed)
    metadata = noise.randbytes(size)
    info_hash = InfoHash(hashlib.sha256(metadata).digest()[:20] if is_v2 else hashlib.sha1(metadata, usedforsecurity=False).digest())
    ours = asker(info_hash, max_in_flight=in_flight)
    converse(ours, MetadataAnswerer({info_hash: metadata}.get, SEEDER_ID), noise)
    assert ours.state is AskerState.COMPLETE
    assert ours.metadata == metadata
    assert ours.receive_data(b"more") == b""


def test_all_requests_leave_in_one_send_and_at_most_64() -> None:
    ours = asker()
    ours.receive_data(GREETING)
    assert ours.receive_data(extended_handshake(100 * PIECE_LENGTH)) == b"".join(request(1, piece) for piece in range(64))


def test_the_extended_handshake_waits_for_the_whole_handshake() -> None:
    ours = asker()
    assert ours.first_bytes() == Handshake(HASH, PEER_ID).encode()
    assert ours.receive_data(GREETING[:67]) == b""
    assert ours.receive_data(GREETING[67:]) == extended_handshake()


@pytest.mark.parametrize(
    ("handshake", "refusal"),
    [
        ({b"m": {}}, Refusal.NO_UT_METADATA),
        ({b"m": {b"ut_metadata": 0}, b"metadata_size": 5}, Refusal.NO_UT_METADATA),
        ({b"m": {b"ut_metadata": 2}}, Refusal.NO_METADATA),
        ({b"m": {b"ut_metadata": 2}, b"metadata_size": 0}, Refusal.NO_METADATA),
        ({b"m": {b"ut_metadata": 2}, b"metadata_size": 10_000_001}, Refusal.TOO_LARGE),
    ],
)
def test_an_honest_no_is_a_refusal_before_anything_is_asked(handshake: dict[bytes, object], refusal: Refusal) -> None:
    ours = asker()
    ours.receive_data(GREETING)
    assert ours.receive_data(extended(0, encode(handshake))) == b""  # type: ignore[arg-type]
    assert ours.is_over
    assert ours.refusal is refusal


def test_a_peer_without_extensions_is_a_refusal() -> None:
    ours = asker()
    assert ours.receive_data(Handshake(HASH, SEEDER_ID, bytes(8)).encode()) == b""
    assert ours.refusal is Refusal.NO_EXTENSIONS


def test_another_info_hash_in_the_handshake_is_a_lie() -> None:
    with pytest.raises(MalformedPeerMessage, match="wrong_info_hash"):
        asker().receive_data(Handshake(InfoHash(bytes(20)), SEEDER_ID).encode())


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (extended_handshake(len(METADATA) + 1), "metadata_size_changed"),
        (data(1, 0, METADATA + b"x"), "metadata_size_changed"),
        (extended(1, b"d8:msg_typei1e5:piecei4e10:total_sizei49229ee" + bytes(PIECE_LENGTH)), "piece_out_of_range"),
        (extended(1, b"d8:msg_typei1e5:piecei-1e10:total_sizei49229ee" + bytes(PIECE_LENGTH)), "piece_out_of_range"),
        (extended(1, b"d8:msg_typei1e5:piecei18446744073709551616ee" + bytes(PIECE_LENGTH)), "piece_out_of_range"),
        (data(1, 0, METADATA) * 2, "unasked_piece"),
        (reject(1, 0) * 2, "unasked_piece"),
        (b"".join(data(1, piece, bytes(len(METADATA))) for piece in range(4)), "wrong_metadata"),
        (Message(MessageId.HAVE, bytes(4)).encode() * 300_000, "too_much_data"),
        (extended(0, b"junk"), "bad_extended_handshake"),
        (extended(1, b"junk"), "bad_metadata_message"),
        (b"\xff\xff\xff\xff\x14", "message_too_long"),
    ],
)
def test_lies_while_collecting_are_refused(sent: bytes, reason: str) -> None:
    ours = collecting()
    with pytest.raises(MalformedPeerMessage) as caught:
        ours.receive_data(sent)
    assert caught.value.reason == reason


def test_ut_metadata_before_the_extended_handshake_is_refused() -> None:
    ours = asker()
    with pytest.raises(MalformedPeerMessage, match="unexpected_message"):
        ours.receive_data(GREETING + data(1, 0, METADATA))


def test_a_second_extended_handshake_may_change_the_id() -> None:
    ours = collecting(max_in_flight=1)
    ours.receive_data(extended(0, b"d1:md11:ut_metadatai77eee"))
    assert ours.receive_data(data(1, 0, METADATA)) == request(77, 1)


def test_the_whole_budget_of_metadata_may_be_used() -> None:
    ours = collecting()
    assert ours.receive_data(Message(MessageId.BITFIELD, bytes(1_000_000)).encode()) == b""
    for piece in range(4):
        ours.receive_data(data(1, piece, METADATA))
    assert ours.metadata == METADATA


@pytest.mark.parametrize("message", [extended(0, b"de"), extended(1, b"d8:msg_typei9e5:piecei0ee"), request(1, 0), extended(9, b"")])
def test_a_peer_that_talks_and_gives_no_pieces_is_left(message: bytes) -> None:
    ours = collecting()
    ours.receive_data(message * 15)
    with pytest.raises(MalformedPeerMessage, match="too_much_talk"):
        ours.receive_data(message)


def test_an_announced_size_buys_no_room_for_anything_but_its_pieces() -> None:
    ours = collecting(10_000_000)
    chatter = Message(MessageId.BITFIELD, bytes(500_000)).encode()
    for _ in range(4):
        ours.receive_data(chatter)
    with pytest.raises(MalformedPeerMessage, match="too_much_data"):
        ours.receive_data(chatter)


def test_the_largest_metadata_fits_through_the_small_talk() -> None:
    metadata = random.Random(2).randbytes(5_000_000)
    ours = collecting(len(metadata), info_hash=InfoHash(hashlib.sha1(metadata, usedforsecurity=False).digest()))
    for piece in range(-(-len(metadata) // PIECE_LENGTH)):
        ours.receive_data(data(1, piece, metadata))
    assert ours.metadata == metadata


def test_a_rejected_piece_is_asked_again_once_others_have_come() -> None:
    ours = collecting()
    assert ours.receive_data(reject(1, 2)) == b""
    assert ours.receive_data(data(1, 0, METADATA)) == request(1, 2)
    for piece in (1, 2, 3):
        ours.receive_data(data(1, piece, METADATA))
    assert ours.metadata == METADATA
    assert ours.rejects == 1


@pytest.mark.parametrize("pieces", [1, 40])
def test_a_peer_that_rejects_everything_refuses(pieces: int) -> None:
    ours = collecting(pieces * PIECE_LENGTH)
    for piece in range(min(pieces, 4)):
        ours.receive_data(reject(1, piece))
    assert ours.refusal is Refusal.REJECTED
    assert ours.rejects == min(pieces, 4)


def test_the_answerer_knows_what_it_has_and_what_was_asked() -> None:
    theirs = MetadataAnswerer({HASH: METADATA}.get, SEEDER_ID)
    assert theirs.receive_data(Handshake(HASH, PEER_ID).encode()) == GREETING
    assert theirs.receive_data(extended(0, b"d1:md11:ut_metadatai9eee")) == extended_handshake(len(METADATA))
    assert theirs.receive_data(request(1, 3)) == data(9, 3, METADATA)
    for piece in (4, -1, 2**64):
        assert theirs.receive_data(request(1, piece)) == reject(9, piece)


def test_the_answerer_closes_on_an_unknown_hash() -> None:
    theirs = MetadataAnswerer({}.get, SEEDER_ID)
    assert theirs.receive_data(Handshake(HASH, PEER_ID).encode()) == b""
    assert theirs.is_over


def test_the_answerer_is_no_amplifier() -> None:
    theirs = MetadataAnswerer({HASH: METADATA}.get, SEEDER_ID)
    theirs.receive_data(Handshake(HASH, PEER_ID).encode() + extended_handshake())
    answers = [theirs.receive_data(request(1, 0)) for _ in range(100)]
    assert answers[:8] == [data(1, 0, METADATA)] * 8
    assert answers[8:] == [reject(1, 0)] * 92


def hostile_stream(noise: random.Random) -> bytes:
    """What a broken or wicked peer may send: valid parts, mutated, repeated, out of order, cut."""
    size = noise.choice([len(METADATA), 20, 2**31, 2**70, -1, 0])
    parts = [
        GREETING,
        GREETING[: noise.randint(0, 68)],
        extended_handshake(abs(size)),
        extended(0, b"d1:md11:ut_metadatai%de1:xi0ee13:metadata_sizei%dee" % (noise.choice([-1, 0, 1, 255, 256]), size)),
        data(1, noise.randint(0, 4), METADATA),
        extended(1, b"d8:msg_typei%de5:piecei%dee" % (noise.randint(-1, 4), noise.choice([-1, 0, 3, 4, 2**64])) + noise.randbytes(99)),
        reject(noise.randint(0, 3), noise.randint(0, 5)),
        request(noise.randint(0, 3), noise.randint(-5, 5)),
        Message(noise.randrange(256), noise.randbytes(noise.randint(0, 50))).encode(),
        extended(noise.randint(0, 2), noise.choice([b"l", b"d", b"d1:m", b"li0e"]) * noise.randint(0, 20_000 // 4)),
        noise.randbytes(noise.randint(0, 100)),
        bytes(noise.randint(0, 30)),
    ]
    stream = bytearray(b"".join(noise.choices(parts, k=noise.randint(1, 6))) + b"\0")
    if noise.random() < 0.7:
        stream[:0] = GREETING + extended_handshake(len(METADATA))
    for _ in range(noise.choice([0, 0, 1, 3])):
        stream[noise.randrange(len(stream))] = noise.randrange(256)
    return bytes(stream)


@pytest.mark.parametrize("seed", range(4))
def test_fuzzed_streams_raise_nothing_but_the_one_exception(seed: int) -> None:
    """4 x 11,000 streams in more than 25,000 chunks each, to both sides."""
    noise = random.Random(seed)
    fed = 0
    outcomes = set()
    for _ in range(11_000):
        stream = hostile_stream(noise)
        ours, theirs = asker(max_size=noise.choice([100_000, 2**30])), MetadataAnswerer({HASH: METADATA}.get, SEEDER_ID)
        for end in (ours, theirs):
            rest = memoryview(stream)
            try:
                while rest:
                    size = noise.choice([1, 30, 68, 1000, 100_000])
                    end.receive_data(bytes(rest[:size]))
                    rest = rest[size:]
                    fed += 1
            except MalformedPeerMessage as exc:
                outcomes.add(exc.reason)
        outcomes.add(ours.state.name)
        assert ours.state is not AskerState.COMPLETE or ours.metadata == METADATA
    assert fed > 25_000
    assert len(outcomes) > 10, outcomes
