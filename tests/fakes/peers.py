"""Peers on loopback, each on an address of its own: honest ones made of our answerer, and wicked ones made by hand."""

import contextlib
import hashlib
import itertools
import socket
from collections.abc import Awaitable, Callable, Iterator

import trio

from protocol.bencode import encode
from protocol.identifiers import Address, InfoHash
from protocol.peer.extension import PIECE_LENGTH, extended, extended_handshake, reject
from protocol.peer.metadata_answerer import MetadataAnswerer
from protocol.peer.wire import HANDSHAKE_LENGTH, Handshake
from tests.fakes.torrents import single_file_info

SEEDER_ID = b"-XX0000-zyxwvutsrqpo"
_hosts = (f"127.44.{number // 250}.{number % 250 + 1}" for number in itertools.count())

Conversation = Callable[[trio.SocketStream], Awaitable[None]]


def sintel(number: int = 0, pieces: int = 30) -> tuple[InfoHash, bytes]:
    """An info dict of its own for each number, and its hash."""
    raw = encode(single_file_info(f"Sintel.2010.1080p.{number}.mkv".encode(), length=pieces * 65_536))
    return InfoHash(hashlib.sha1(raw, usedforsecurity=False).digest()), raw


class Peers:
    """Starts peers in a nursery and counts who connects."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self.connections: dict[Address, int] = {}
        self.open: dict[Address, int] = {}

    async def honest(self, *infos: bytes, host: str | None = None) -> Address:
        """Serves these info dicts, v1 and v2 hash alike."""
        metadata: dict[bytes, bytes] = {}
        for raw in infos:
            metadata[hashlib.sha1(raw, usedforsecurity=False).digest()] = raw
            metadata[hashlib.sha256(raw).digest()[:20]] = raw

        async def talk(stream: trio.SocketStream) -> None:
            answerer = MetadataAnswerer(metadata.get, SEEDER_ID)
            while not answerer.is_over:
                received = await stream.receive_some(65_536)
                if not received:
                    return
                await stream.send_all(answerer.receive_data(bytes(received)))

        return await self.peer(talk, host=host)

    async def scripted(self, *answers: bytes, pause: float = 0.0, host: str | None = None) -> Address:
        """Shakes hands for whatever is asked, then sends each answer after the next thing it hears, then listens on."""

        async def talk(stream: trio.SocketStream) -> None:
            theirs = await _exactly(stream, HANDSHAKE_LENGTH)
            await stream.send_all(Handshake(InfoHash(theirs[28:48]), SEEDER_ID).encode())
            for answer in answers:
                if not await stream.receive_some(65_536):
                    return
                await trio.sleep(pause)
                await stream.send_all(answer)
            while await stream.receive_some(65_536):
                pass

        return await self.peer(talk, host=host)

    async def rejecting(self, size: int) -> Address:
        return await self.scripted(extended_handshake(size), b"".join(reject(1, piece) for piece in range(-(-size // PIECE_LENGTH))))

    async def lying_about_the_piece(self, size: int) -> Address:
        header = b"d8:msg_typei1e5:piecei4000000000e10:total_sizei%dee" % size
        return await self.scripted(extended_handshake(size), extended(1, header + bytes(min(size, PIECE_LENGTH))))

    async def dripping(self, raw: bytes, pause: float) -> Address:
        """Everything right, a byte at a time."""
        parts = extended_handshake(len(raw))

        async def talk(stream: trio.SocketStream) -> None:
            theirs = await _exactly(stream, HANDSHAKE_LENGTH)
            for byte in Handshake(InfoHash(theirs[28:48]), SEEDER_ID).encode() + parts:
                await trio.sleep(pause)
                await stream.send_all(bytes((byte,)))

        return await self.peer(talk)

    async def peer(self, conversation: Conversation, *, host: str | None = None) -> Address:
        opened = trio.socket.socket(trio.socket.AF_INET6 if ":" in (host or "") else trio.socket.AF_INET)
        await opened.bind((host or next(_hosts), 0))
        opened.listen(100)
        address: Address = opened.getsockname()[:2]
        self.connections[address] = self.open[address] = 0

        async def handle(stream: trio.SocketStream) -> None:
            self.connections[address] += 1
            self.open[address] += 1
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                async with stream:
                    await conversation(stream)
            self.open[address] -= 1

        self._nursery.start_soon(trio.serve_listeners, handle, [trio.SocketListener(opened)])
        return address


@contextlib.contextmanager
def black_hole() -> Iterator[Address]:
    """An address where connecting hangs: a listener whose backlog is full and never accepted."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((next(_hosts), 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()


async def _exactly(stream: trio.SocketStream, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = await stream.receive_some(size - len(received))
        if not part:
            raise trio.BrokenResourceError
        received += bytes(part)
    return received
