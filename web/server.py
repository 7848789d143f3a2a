"""Serves the app with hypercorn on Trio, as one child of the supervision tree."""

import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable

import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from hypercorn.utils import repr_socket_addr
from quart_trio import QuartTrio

from config.rules import split_address
from protocol.errors import SwarmdexError
from supervisor.heartbeat import Heart
from web.app import create_app
from web.connection import Patience
from web.journal.recorder import Recorder
from web.listener import Listener
from web.parts import WebParts
from web.traffic import Traffic

logger = logging.getLogger("swarmdex.web.hypercorn")

_BEAT_S = 1.0


class PortUnavailable(SwarmdexError):
    """The address of http.bind cannot be opened; the message says why and what to do."""


def _nobody_asks(_url: str) -> None:
    pass


class PortServer(ABC):
    """Serves one port; may be run again after a crash.

    Args:
        bind: address and port; port 0 picks a free one.
        on_bound: called with the URL ("http://127.0.0.1:3333") each time the port is open.
        patience: how long clients are waited for.
    """

    def __init__(self, bind: str, on_bound: Callable[[str], None] = _nobody_asks, patience: Patience | None = None) -> None:
        self._bind = bind
        self._on_bound = on_bound
        self._patience = patience or Patience()
        self._stop: trio.Event | None = None

    @abstractmethod
    def _make_app(self, traffic: Traffic) -> QuartTrio:
        """The app of one start."""

    async def _accompany(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """What runs beside the app, until it is cancelled."""
        task_status.started()

    async def run(self, heart: Heart) -> None:
        """Serve until `stop`. Requests in flight then get a moment to finish; cancelled, they get nothing.

        Raises:
            PortUnavailable: the port is taken, or not ours to take.
        """
        self._stop = stop = trio.Event()
        traffic = Traffic()
        heart.report(traffic.statistics)
        app = _finishing(self._make_app(traffic))
        listener = Listener(app, _config(), self._patience)
        bound = _listen(self._bind)
        self._bind = repr_socket_addr(bound.family, bound.getsockname())  # a port picked by the system is kept over restarts
        async with trio.open_nursery() as nursery:
            await nursery.start(listener.serve, bound, stop)
            self._on_bound(f"http://{self._bind}")
            async with trio.open_nursery() as company:
                await company.start(self._accompany)
                heart.ready()
                while not stop.is_set():
                    heart.beat()
                    with trio.move_on_after(_BEAT_S):
                        await stop.wait()
                company.cancel_scope.cancel()

    def stop(self) -> None:
        """Ask it to end."""
        if self._stop is not None:
            self._stop.set()


class WebServer(PortServer):
    """Serves the app over an index."""

    def __init__(self, parts: WebParts, on_bound: Callable[[str], None] = _nobody_asks, patience: Patience | None = None) -> None:
        super().__init__(parts.settings.bind, on_bound, patience)
        self._parts = parts
        self._recorder = Recorder(parts.settings.kept_requests, parts.search)  # here, so that a crash loses none

    def _make_app(self, traffic: Traffic) -> QuartTrio:
        return create_app(self._parts, traffic, self._recorder)

    async def _accompany(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._recorder.explainer.run(task_status=task_status)


def _listen(bind: str) -> socket.socket:
    """Open the port ourselves: hypercorn leaves a socket behind when it cannot, and says less."""
    host, port = split_address(bind)
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.bind((host, port))
    except OSError as exc:
        opened.close()
        cure = "stop what uses it, or choose another port with http.bind"
        raise PortUnavailable(f"http.bind: {bind} cannot be opened ({exc.strerror}): {cure}") from exc
    return opened


def _config() -> Config:
    config = Config()
    config.include_server_header = False
    config.errorlog = logger
    config.accesslog = None  # ours is in web/app.py: without the query, where keys are
    return config


def _finishing(app: ASGIFramework) -> ASGIFramework:
    """Let the last message of an answer reach the end of its way.

    Hypercorn tells the app that the client is gone before it closes the connection, both within this one call; quart-trio then
    cancels the call, and a connection that should have been closed stays open for as long as the client likes.
    """

    async def finishing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def send_to_the_end(message: ASGISendEvent) -> None:
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            with trio.CancelScope(shield=is_last):
                await send(message)

        await app(scope, receive, send_to_the_end)

    return finishing
