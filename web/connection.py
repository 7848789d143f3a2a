"""One client's connection: hypercorn's HTTP/1.1 between waits that all have an end.

Hypercorn's own loop (hypercorn/trio/tcp_server.py) is not used, because strangers can hurt it (measured with 0.18): it changes to
HTTP/2 for whoever asks, where a few odd frames raise out of the connection and end the whole server; it waits for ever, deaf even to
cancellation, for a client that does not read its answer; and it hangs up so fast on one that still sends that the answer is lost.
"""

import logging
import math
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState
from hypercorn.utils import parse_socket_addr

logger = logging.getLogger("swarmdex.web")

_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client is waited for, and how many there may be."""

    idle_s: float = 5.0
    """For a whole head of a request: from the opening, then from the end of the answer before. Data in between buys no time."""
    send_s: float = 20.0
    """For the client to take 64 KiB of an answer."""
    linger_s: float = 2.0
    """For one that still sends to read an answer that came early: hanging up on it at once would destroy what is on its way."""
    connections: int = 500
    """Each is a file descriptor. The one that is idle for the longest makes room for a new one."""


class Connection:
    """Reads, lets hypercorn make requests of it, and writes the answers, until either side has enough."""

    def __init__(self, app: AppWrapper, config: Config, context: WorkerContext, stream: trio.SocketStream, patience: Patience) -> None:
        self._app = app
        self._config = config
        self._context = context
        self._stream = stream
        self._patience = patience
        self._writing = trio.Lock()
        self._reading = trio.CancelScope()
        self._is_deaf = False
        self._protocol: _Http1
        self.idle_since: float | None = trio.current_time()
        """Trio's clock; None while a request is under way."""

    async def run(self) -> None:
        """Serve it to its end. What goes wrong here is logged and ends this connection, never the server."""
        try:
            async with TaskGroup() as tasks:
                self._protocol = self._speak(tasks)
                self._reading.deadline = trio.current_time() + self._patience.idle_s
                with self._reading:
                    try:
                        await self._read()
                    finally:
                        self.abort()  # also frees who still writes
                await self._protocol.handle(Closed())  # which tells the app that nobody listens
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the client is gone
        except* Exception as errors:
            logger.error("a connection was ended by a mistake of ours", exc_info=errors)
        finally:
            self.abort()

    def abort(self) -> None:
        """Close the socket under everything that waits for it."""
        self._stream.socket.close()

    def _speak(self, tasks: TaskGroup) -> "_Http1":
        socket = self._stream.socket
        client = parse_socket_addr(socket.family, socket.getpeername())
        server = parse_socket_addr(socket.family, socket.getsockname())
        is_tls = False
        return _Http1(self._app, self._config, self._context, tasks, ConnectionState({}), is_tls, client, server, self._send)

    async def _read(self) -> None:
        while True:
            data = await self._stream.receive_some(_PIECE_BYTES)
            if not self._is_deaf:
                try:
                    await self._protocol.handle(RawData(bytes(data)))
                except _NotServed as refused:
                    await self._protocol.refuse(refused.status)
            if not data:
                return

    async def _send(self, event: Event) -> None:
        """What the protocol wants done."""
        match event:
            case RawData(data=data):
                await self._write(data)
            case Updated(idle=is_idle):
                self.idle_since = trio.current_time() if is_idle else None
                if not self._is_deaf:
                    self._reading.deadline = trio.current_time() + self._patience.idle_s if is_idle else math.inf
            case Closed() if self._protocol.is_answering:
                self._is_deaf = True  # what came after the request is broken; the answer to it is not
            case Closed():
                await self._hang_up()
                await self._protocol.handle(event)

    async def _write(self, data: bytes) -> None:
        """All of it or nothing more for ever: an answer that is cut short must not be followed by another."""
        async with self._writing:
            for start in range(0, len(data), _PIECE_BYTES):
                with trio.CancelScope(shield=True, deadline=trio.current_time() + self._patience.send_s) as patience:
                    try:
                        await self._stream.send_all(memoryview(data)[start : start + _PIECE_BYTES])
                    except (trio.BrokenResourceError, trio.ClosedResourceError):
                        break
                if patience.cancelled_caught:
                    break
            else:
                return
        self.abort()
        await self._protocol.handle(Closed())

    async def _hang_up(self) -> None:
        """Say that nothing more comes, then read on for a little while."""
        self._is_deaf = True
        self._reading.deadline = min(self._reading.deadline, trio.current_time() + self._patience.linger_s)
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError), trio.move_on_at(self._reading.deadline):
            async with self._writing:
                await self._stream.send_eof()


class _NotServed(Exception):
    """A request that is none of ours to answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Http1(H11Protocol):
    """Hypercorn's HTTP/1.1 without its ways into HTTP/2 and websockets."""

    @property
    def is_answering(self) -> bool:
        """Whether the app has begun an answer and will end it."""
        return self.stream is not None and self.connection.our_state is h11.SEND_BODY

    async def refuse(self, status: int) -> None:
        """Answer a request that never becomes one for the app, and end the connection."""
        await self._send_error_response(status)
        await self.send(Closed())

    async def _check_protocol(self, event: h11.Request) -> None:
        """Instead of changing to HTTP/2: `Upgrade: h2c` may be ignored (RFC 9110, 7.8), and the rest is refused.

        No address speaks websockets. Hypercorn leaves the connections of those it refuses itself open, and breaks on frames that come
        before its answer; tests/attacks/test_websockets.py knows how.
        """
        if event.http_version not in {b"1.0", b"1.1"}:
            raise _NotServed(505)
        if not _is_target(event.target):
            raise _NotServed(400)
        if any(name == b"upgrade" and b"websocket" in value.lower() for name, value in event.headers):
            raise _NotServed(403)


def _is_target(target: bytes) -> bool:
    """A path, or a whole URL with one (RFC 9112, 3.2.2); anything else breaks Quart."""
    if target.startswith(b"/"):
        return True
    try:
        return target.startswith((b"http://", b"https://")) and urlsplit(target).path.startswith(b"/")
    except ValueError:
        return False
