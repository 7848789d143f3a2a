"""The ways in which simulated peers misbehave, one function each.

A liar about content (wrong bytes, wrong size) is the honest answerer with other content; the others are written out, because they
break the protocol the answerer keeps.
"""

from collections.abc import Awaitable, Callable

import trio

from bench.swarm.conversation import BOMB_BYTES, PATIENCE_S, READ_BYTES, Caller, Visit, converse
from bench.swarm.plan import PeerFault
from protocol.bencode import encode
from protocol.identifiers import InfoHash
from protocol.peer.extension import PIECE_LENGTH, extended, extended_handshake, reject
from protocol.peer.wire import Handshake

_DRIP_S = 2.0


async def _reject(visit: Visit) -> None:
    caller = Caller(visit)
    if await caller.introduce(lambda metadata: extended_handshake(len(metadata))) is not None:
        while (asked := await caller.next_request()) is not None:
            await caller.send(reject(caller.remote_id, asked.piece))


async def _lie_about_pieces(visit: Visit) -> None:
    caller = Caller(visit)
    metadata = await caller.introduce(lambda metadata: extended_handshake(len(metadata)))
    if metadata is None:
        return
    while await caller.next_request() is not None:
        piece = visit.rng.choice((-1, 1 << 31, 10**9, -(1 << 63), len(metadata) // PIECE_LENGTH + 1))
        header = b"d8:msg_typei1e5:piecei%de10:total_sizei%dee" % (piece, len(metadata))
        await caller.send(extended(caller.remote_id, header + metadata[:PIECE_LENGTH]))


async def _bomb(visit: Visit) -> None:
    caller = Caller(visit)
    if await caller.introduce(lambda metadata: extended_handshake(BOMB_BYTES)) is not None:
        while (asked := await caller.next_request()) is not None:
            header = b"d8:msg_typei1e5:piecei%de10:total_sizei%dee" % (asked.piece, BOMB_BYTES)
            await caller.send(extended(caller.remote_id, header + bytes(min(PIECE_LENGTH, BOMB_BYTES - asked.piece * PIECE_LENGTH))))


async def _no_metadata(visit: Visit) -> None:
    caller = Caller(visit)
    if await caller.introduce(lambda metadata: extended(0, encode({b"m": {b"ut_pex": 1}, b"v": b"Simulated 1.0"}))) is not None:
        await trio.sleep(PATIENCE_S)


async def _wrong_size(visit: Visit) -> None:
    def altered(info_hash: InfoHash) -> bytes | None:
        metadata = visit.metadata_of(info_hash)
        if metadata is None:
            return None
        return visit.rng.choice((metadata[: len(metadata) // 2], metadata + bytes(1 + visit.rng.randrange(40_000))))

    await converse(visit, altered)


async def _wrong_hash(visit: Visit) -> None:
    def altered(info_hash: InfoHash) -> bytes | None:
        metadata = visit.metadata_of(info_hash)
        if metadata is None:
            return None
        position = visit.rng.randrange(len(metadata))
        return metadata[:position] + bytes((metadata[position] ^ 1,)) + metadata[position + 1 :]

    await converse(visit, altered)


async def _wrong_swarm(visit: Visit) -> None:
    if await Caller(visit).handshake() is not None:
        await visit.stream.send_all(Handshake(InfoHash(visit.rng.randbytes(20)), visit.peer_id).encode())
        await trio.sleep(PATIENCE_S)


async def _silent(visit: Visit) -> None:
    while await visit.stream.receive_some(READ_BYTES):
        pass


async def _slow_loris(visit: Visit) -> None:
    theirs = await Caller(visit).handshake()
    if theirs is not None:
        for byte in Handshake(theirs.info_hash, visit.peer_id).encode():
            await visit.stream.send_all(bytes((byte,)))
            await trio.sleep(_DRIP_S)


async def _early_close(visit: Visit) -> None:
    theirs = await Caller(visit).handshake()
    if theirs is not None:
        await visit.stream.send_all(Handshake(theirs.info_hash, visit.peer_id).encode())


async def _garbage(visit: Visit) -> None:
    theirs = await Caller(visit).handshake()
    if theirs is not None:
        await visit.stream.send_all(Handshake(theirs.info_hash, visit.peer_id).encode() + visit.rng.randbytes(4000))
        await trio.sleep(PATIENCE_S)


BEHAVIOURS: dict[PeerFault, Callable[[Visit], Awaitable[None]]] = {
    PeerFault.REJECT: _reject,
    PeerFault.WRONG_SIZE: _wrong_size,
    PeerFault.LYING_PIECE: _lie_about_pieces,
    PeerFault.WRONG_HASH: _wrong_hash,
    PeerFault.WRONG_SWARM: _wrong_swarm,
    PeerFault.NO_METADATA: _no_metadata,
    PeerFault.SILENT: _silent,
    PeerFault.SLOW_LORIS: _slow_loris,
    PeerFault.EARLY_CLOSE: _early_close,
    PeerFault.METADATA_BOMB: _bomb,
    PeerFault.GARBAGE: _garbage,
    PeerFault.BLACK_HOLE: _silent,  # nobody gets this far: the connection attempt hangs
    PeerFault.REFUSED: _early_close,
}
