"""The swarm's sockets: thousands of addresses on loopback behind one UDP and two TCP sockets, and never a packet beyond loopback.

On Linux every address of 127/8 is ours without setting anything up: a socket on 0.0.0.0, tied to the device "lo" by
SO_BINDTODEVICE, receives for all of them, and IP_PKTINFO tells which one was meant and answers from it. Unprivileged users may do
this too (since Linux 5.7). Elsewhere every node gets a port of its own on 127.0.0.1, and every kind of peer one.
"""

import errno
import resource
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import trio

from bench.swarm.plan import Peer, PeerFault
from protocol.compact import pack_address, unpack_address

Receive = Callable[[bytes, bytes, bytes], None]
"""Called with a datagram, the compact address it was sent to, and the one it came from."""

_LOOPBACK = 127
_IP_PKTINFO = 8  # Linux; Python names it from 3.12 on
_PKTINFO = struct.Struct("=I4s4s")  # interface, the address to answer from, the address it was sent to
_BATCH = 64  # datagrams read before other tasks run
_BUFFER_BYTES = 4 << 20
_BACKLOG = 1024


class UdpDoor(Protocol):
    """Where datagrams come in and go out."""

    @property
    def has_every_address(self) -> bool:
        """True when datagrams may leave from any address of 127/8."""
        ...

    def endpoint(self, ip: bytes) -> bytes:
        """The compact address under which the node meant to live at `ip` can be reached."""
        ...

    def send(self, datagram: bytes, source: bytes, to: bytes) -> None:
        """Send or drop; both addresses are compact."""
        ...

    async def run(self, receive: Receive) -> None:
        """Read until cancelled."""
        ...


class AnyAddress:
    """One socket for all of 127/8 (Linux)."""

    has_every_address = True

    def __init__(self, port: int = 0) -> None:
        self._socket = _on_lo(socket.SOCK_DGRAM, port)
        self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        _widen(self._socket)
        self._port: bytes = self._socket.getsockname()[1].to_bytes(2)

    def endpoint(self, ip: bytes) -> bytes:
        """The address itself, on our port."""
        return ip + self._port

    def send(self, datagram: bytes, source: bytes, to: bytes) -> None:
        """Send from `source`, whose port is always ours; drop when the way is not free."""
        if to[0] != _LOOPBACK:
            return
        information = _PKTINFO.pack(0, source[:4], bytes(4))
        try:
            self._socket.sendmsg([datagram], [(socket.IPPROTO_IP, _IP_PKTINFO, information)], 0, unpack_address(to))
        except OSError:
            return  # port 0, a full buffer: UDP promises nothing

    async def run(self, receive: Receive) -> None:
        """Read in batches; packets that were not sent to 127/8 are none of ours."""
        with self._socket:
            while True:
                await trio.lowlevel.wait_readable(self._socket)
                for _ in range(_BATCH):
                    try:
                        datagram, ancillary, _, sender = self._socket.recvmsg(4096, 64)
                    except BlockingIOError:
                        break
                    destination = next(
                        (value[8:12] for level, kind, value in ancillary if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO)), b"\0"
                    )
                    if destination[0] == _LOOPBACK:
                        receive(datagram, destination + self._port, pack_address(sender))


class ManyPorts:
    """A socket for every node on 127.0.0.1: for systems where one cannot stand for all."""

    has_every_address = False

    def __init__(self) -> None:
        self._sockets: dict[bytes, socket.socket] = {}

    def endpoint(self, ip: bytes) -> bytes:
        """A new socket for a node."""
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind(("127.0.0.1", 0))
        opened.setblocking(False)
        compact = pack_address(opened.getsockname())
        self._sockets[compact] = opened
        return compact

    def send(self, datagram: bytes, source: bytes, to: bytes) -> None:
        """Send or drop."""
        if to[0] != _LOOPBACK:
            return
        try:
            self._sockets[source].sendto(datagram, unpack_address(to))
        except OSError:
            return

    async def run(self, receive: Receive) -> None:
        """Read all of them."""
        async with trio.open_nursery() as nursery:
            for compact, opened in self._sockets.items():
                nursery.start_soon(self._read, compact, opened, receive)

    async def _read(self, compact: bytes, opened: socket.socket, receive: Receive) -> None:
        with opened:
            while True:
                await trio.lowlevel.wait_readable(opened)
                try:
                    datagram, sender = opened.recvfrom(4096)
                except OSError:
                    continue  # BSD reports an earlier answer's "port unreachable" here
                receive(datagram, compact, pack_address(sender))


def open_udp(nodes: int, port: int = 0, *, one_socket: bool = True) -> UdpDoor:
    """One socket for everything where the system can do that."""
    if one_socket and sys.platform == "linux":
        try:
            return AnyAddress(port)
        except OSError as exc:
            if exc.errno not in {errno.EPERM, errno.ENODEV, errno.ENOPROTOOPT}:
                raise
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > nodes:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (min(hard, nodes * 2 + 4096) if hard != resource.RLIM_INFINITY else nodes * 2 + 4096, hard)
        )
    return ManyPorts()


class TcpDoor:
    """Where connections to peers come in."""

    def __init__(self, *, one_socket: bool) -> None:
        """`one_socket`: one listening socket for all addresses; else one for each way to behave, all on 127.0.0.1."""
        self.is_shared = one_socket
        self._closed = _bound(one_socket)  # bound and never listening: connections to it are refused, and nobody else gets the port
        self._full = _full(one_socket)
        self._listeners: dict[PeerFault, socket.socket] = {}
        if one_socket:
            self._listeners[PeerFault.HONEST] = _listening(one_socket)
        else:
            self._listeners = {
                fault: _listening(one_socket) for fault in PeerFault if fault not in {PeerFault.REFUSED, PeerFault.BLACK_HOLE}
            }

    def endpoint(self, peer: Peer) -> bytes:
        """The peer's compact address."""
        match peer.fault:
            case PeerFault.REFUSED:
                chosen = self._closed
            case PeerFault.BLACK_HOLE:
                chosen = self._full[0]
            case fault:
                chosen = self._listeners[PeerFault.HONEST if self.is_shared else fault]
        compact = pack_address(chosen.getsockname())
        return peer.ip + compact[4:] if self.is_shared else compact

    def listeners(self) -> Iterable[tuple[PeerFault, trio.SocketListener]]:
        """Each listener and the behaviour behind it; when shared, the address of a connection tells the peer."""
        return [(fault, trio.SocketListener(trio.socket.from_stdlib_socket(opened))) for fault, opened in self._listeners.items()]

    def close(self) -> None:
        """Close what no listener closes."""
        for opened in (self._closed, *self._full):
            opened.close()


def _on_lo(kind: socket.SocketKind, port: int = 0) -> socket.socket:
    opened = socket.socket(socket.AF_INET, kind)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        opened.bind(("0.0.0.0", port))  # noqa: S104 - bound to lo: nothing beyond this machine can reach it
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)
    return opened


def _bound(one_socket: bool) -> socket.socket:
    if one_socket:
        return _on_lo(socket.SOCK_STREAM)
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.bind(("127.0.0.1", 0))
    opened.setblocking(False)
    return opened


def _listening(one_socket: bool, backlog: int = _BACKLOG) -> socket.socket:
    opened = _bound(one_socket)
    opened.listen(backlog)
    return opened


def _full(one_socket: bool) -> Sequence[socket.socket]:
    """A listener whose backlog is full, and the connections that fill it: further attempts hang until they time out."""
    hole = _listening(one_socket, backlog=0)
    _, port = hole.getsockname()
    fillers = []
    for _ in range(3):
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    return (hole, *fillers)


def _widen(opened: socket.socket) -> None:
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        opened.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)  # the kernel caps it silently at rmem_max
