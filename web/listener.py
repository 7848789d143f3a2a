"""Accepts connections, and ends them when the server stops: in the place of hypercorn's `serve` (web/connection.py says why)."""

import logging
import socket
from contextlib import suppress
from operator import itemgetter

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework

from web.connection import Connection, Patience

logger = logging.getLogger("swarmdex.web")

GRACE_S = 2.0
"""Seconds that requests get to finish once the server is asked to stop."""
_ACCEPT_PAUSE_S = 0.1
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 10\r\nContent-Length: 0\r\n\r\n"


class Listener:
    """Serves `app` on one socket, many connections at a time."""

    def __init__(self, app: ASGIFramework, config: Config, patience: Patience) -> None:
        self._app = ASGIWrapper(app)
        self._config = config
        self._context = WorkerContext(None)
        self._patience = patience
        self._open: set[Connection] = set()
        self._has_ended = trio.Event()

    async def serve(self, bound: socket.socket, stop: trio.Event, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Return when `stop` is set and every connection has ended. Closes the socket."""
        lifespan = Lifespan(self._app, self._config, {})
        with trio.socket.from_stdlib_socket(bound) as opened:
            opened.listen(self._config.backlog)
            async with trio.open_nursery() as nursery:
                await nursery.start(lifespan.handle_lifespan)
                await lifespan.wait_for_startup()
                async with trio.open_nursery() as connections:
                    connections.start_soon(self._accept, opened, connections)
                    task_status.started()
                    try:
                        await stop.wait()
                        opened.close()
                        await self._finish()
                    finally:
                        for connection in self._open:
                            connection.abort()  # cancellation alone does not reach one that is writing
                        connections.cancel_scope.cancel()
                await lifespan.wait_for_shutdown()
                nursery.cancel_scope.cancel()

    async def _accept(self, opened: trio.socket.SocketType, connections: trio.Nursery) -> None:
        while opened.fileno() != -1:
            try:
                accepted, _ = await opened.accept()
            except trio.ClosedResourceError:
                return
            except OSError as error:
                # Out of file descriptors, or a client that was gone before its turn: neither is a reason to stop.
                logger.warning("a connection could not be accepted: %s", error)
                self._make_room()
                await trio.sleep(_ACCEPT_PAUSE_S)
            else:
                connections.start_soon(self._serve_one, trio.SocketStream(accepted))

    async def _serve_one(self, stream: trio.SocketStream) -> None:
        if len(self._open) >= self._patience.connections and not self._make_room():
            await _turn_away(stream)
            return
        connection = Connection(self._app, self._config, self._context, stream, self._patience)
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)
            self._has_ended.set()

    def _make_room(self) -> bool:
        """End the connection that is idle for the longest; False when all are at work."""
        idle = [(connection.idle_since, connection) for connection in self._open if connection.idle_since is not None]
        if not idle:
            return False
        _, oldest = min(idle, key=itemgetter(0))
        self._open.discard(oldest)
        oldest.abort()
        return True

    async def _finish(self) -> None:
        """Idle connections end now, the others have GRACE_S for their request."""
        await self._context.terminated.set()
        for connection in self._open:
            if connection.idle_since is not None:
                connection.abort()
        with trio.move_on_after(GRACE_S):
            while self._open:
                self._has_ended = trio.Event()
                await self._has_ended.wait()


async def _turn_away(stream: trio.SocketStream) -> None:
    async with stream:
        with suppress(trio.BrokenResourceError):
            await stream.send_all(_FULL)  # fits into any buffer
