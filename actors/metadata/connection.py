"""One conversation with one peer over TCP: connects, carries the asker's bytes to and fro, and says how it ended.

Every await costs more than all our own work between two of them, so the socket is a plain non-blocking one and each wait is a bare
"readable" or "writable": four of them for small metadata. Time-outs are the caller's: it compares `deadline` and calls `abort`,
because a cancel scope for each connection would cost as much as the connection.
"""

import socket
from contextlib import suppress
from errno import EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS

import trio

from protocol.errors import MalformedPeerMessage, SwarmdexError
from protocol.identifiers import Address
from protocol.peer.metadata_asker import MetadataAsker, Refusal

_RECEIVE_BYTES = 64 * 1024
_SLOWEST_BYTES_PER_S = 64 * 1024  # what arrives buys time at this rate: 10 MB over a home line outlast any time-out meant for silence

_OUR_FAULT = frozenset({EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL})  # no descriptor, no port, no memory left
_FOR_EVERY_HASH = frozenset({Refusal.NO_EXTENSIONS, Refusal.NO_UT_METADATA})


class FetchFailed(SwarmdexError):
    """This peer gives no metadata for this hash; `reason` is a short stable word for counters."""

    def __init__(self, reason: str, *, is_peer_bad: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_peer_bad = is_peer_bad
        """It will not help with other hashes either."""


class PeerConnection:
    """A connection that lives as long as `fetch` runs."""

    def __init__(self, asker: MetadataAsker, address: Address, *, connect_deadline: float, deadline: float) -> None:
        """Deadlines are Trio times; `deadline` below is the one that counts at the moment."""
        self.deadline = connect_deadline
        self._deadline = deadline
        self._asker = asker
        self._address = address
        self._socket: socket.socket | None = None
        self._is_connected = False
        self._aborted: FetchFailed | None = None

    async def fetch(self) -> None:
        """Return when the asker has the metadata. Cancelled or failed: the socket is closed.

        Raises:
            FetchFailed: by what the peer did, or by `abort`.
        """
        try:
            with socket.socket(socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET) as self._socket:
                await self._connect(self._socket)
                await self._converse(self._socket)
        except trio.ClosedResourceError:  # what a wait raises that `abort` ended
            raise self._aborted or FetchFailed("closed", is_peer_bad=False) from None
        except MalformedPeerMessage as exc:
            raise FetchFailed(exc.reason, is_peer_bad=True) from exc
        except OSError as exc:
            await trio.lowlevel.checkpoint()  # what fails at once must not keep the loop to itself
            if exc.errno in _OUR_FAULT:
                await trio.sleep(1.0)
                raise FetchFailed("out_of_sockets", is_peer_bad=False) from exc
            raise FetchFailed(_reason(exc), is_peer_bad=not self._is_connected) from exc
        finally:
            self._socket = None
        if (refusal := self._asker.refusal) is not None:
            raise FetchFailed(refusal.value, is_peer_bad=refusal in _FOR_EVERY_HASH)

    def time_out(self) -> None:
        """The deadline has passed."""
        if self._is_connected:
            self.abort("timeout", is_peer_bad=False)
        else:
            self.abort("connect_timeout", is_peer_bad=True)

    def abort(self, reason: str, *, is_peer_bad: bool = False) -> None:
        """Make `fetch` raise FetchFailed with this reason."""
        if self._aborted is None and self._socket is not None:
            self._aborted = FetchFailed(reason, is_peer_bad=is_peer_bad)
            trio.lowlevel.notify_closing(self._socket)

    async def _connect(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        try:
            sock.connect(self._address)  # on loopback it is often done at once
        except BlockingIOError:
            await self._writable(sock)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, "connect") from None  # Python makes the right subclass of it
        self._is_connected = True
        self.deadline = self._deadline

    async def _converse(self, sock: socket.socket) -> None:
        asker = self._asker
        to_send = asker.first_bytes()
        while not asker.is_over:
            if to_send:
                await self._send(sock, to_send)
            await trio.lowlevel.wait_readable(sock)
            if self._aborted is not None:
                raise self._aborted
            try:
                received = sock.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                to_send = b""
                continue
            if not received:
                raise FetchFailed("closed", is_peer_bad=False)
            self.deadline += len(received) / _SLOWEST_BYTES_PER_S
            to_send = asker.receive_data(received)

    async def _send(self, sock: socket.socket, data: bytes) -> None:
        """A few hundred bytes into an empty buffer: the first try nearly always takes them all."""
        while True:
            with suppress(BlockingIOError):
                data = data[sock.send(data) :]
            if not data:
                return
            await self._writable(sock)

    async def _writable(self, sock: socket.socket) -> None:
        await trio.lowlevel.wait_writable(sock)
        if self._aborted is not None:
            raise self._aborted


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "closed"
    return "unreachable"
