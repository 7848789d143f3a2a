"""An HTTP server that says exactly the bytes a test wants, for answers no well-behaved server gives."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

Answer = Callable[[trio.abc.Stream, bytes], Awaitable[None]]


@dataclass
class TrickyServer:
    """Where it is, and the requests it got."""

    port: int
    requests: list[bytes] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"


def saying(head: str, body: bytes = b"") -> Answer:
    """The same answer to everybody: a status line and headers without their last line feeds, and a body."""

    async def answer(stream: trio.abc.Stream, _request: bytes) -> None:
        await stream.send_all(head.encode().replace(b"\n", b"\r\n") + b"\r\n\r\n" + body)

    return answer


def ok(body: bytes, *headers: str) -> Answer:
    return saying("\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]), body)


def redirect(location: str, status: int = 302) -> Answer:
    return saying(f"HTTP/1.1 {status} Elsewhere\nContent-Length: 0\nLocation: {location}")


@asynccontextmanager
async def tricky_server(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[TrickyServer]:
    """Answers one request a connection, then closes it."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    server = TrickyServer(listener.socket.getsockname()[1])

    async def serve(plain: trio.SocketStream) -> None:
        stream: trio.abc.Stream = plain if tls is None else trio.SSLStream(plain, tls, server_side=True, https_compatible=True)
        async with stream:
            try:
                request = b""
                while b"\r\n\r\n" not in request:
                    if not (part := await stream.receive_some()):
                        return
                    request += part
                server.requests.append(request)
                await answer(stream, request)
            except trio.BrokenResourceError:
                pass  # the client has seen enough

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield server
        nursery.cancel_scope.cancel()
