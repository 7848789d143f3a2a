"""A client that sends whatever it is given, byte for byte: the polite ones refuse to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import trio

from tests.fakes.website import Website


@dataclass(frozen=True)
class Answer:
    """One answer, as it came."""

    status: int
    head: str
    """Lower case."""
    body: bytes

    def header(self, name: str) -> str:
        """Its value, empty for none."""
        for line in self.head.splitlines():
            if line.startswith(name.lower() + ":"):
                return line.partition(":")[2].strip()
        return ""


class RawClient:
    """One connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = b""

    async def send(self, data: bytes | str) -> None:
        await self.stream.send_all(data.encode("latin-1") if isinstance(data, str) else data)

    async def ask(self, data: bytes | str) -> Answer:
        await self.send(data)
        return await self.answer()

    async def answer(self) -> Answer:
        """The next one that is no 1xx; one with Content-Length, as all of ours are. Raises EOFError when there is none."""
        while True:
            while b"\r\n\r\n" not in self._received:
                await self._receive()
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            status = int(head.split()[1])
            if status >= 200:
                break
        answer = Answer(status, head.decode("latin-1").lower(), b"")
        length = int(answer.header("content-length") or 0)
        while len(self._received) < length:
            await self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(status, answer.head, body)

    async def send_until_cut_off(self, data: str, *, pause_s: float = 0) -> None:
        """Again and again, reading nothing, until the server has enough of it."""
        with suppress(trio.BrokenResourceError):
            while True:
                await self.send(data)
                await trio.sleep(pause_s)

    async def rest(self) -> bytes:
        """Everything until the server hangs up, however rudely."""
        try:
            while True:
                await self._receive()
        except EOFError:
            return self._received

    async def _receive(self) -> None:
        try:
            part = await self.stream.receive_some()
        except trio.BrokenResourceError:
            part = b""
        if not part:
            raise EOFError
        self._received += part


@asynccontextmanager
async def connected(site: Website) -> AsyncIterator[RawClient]:
    """A connection to `site` for as long as the block lasts; ten seconds are enough for every attack."""
    stream = await trio.open_tcp_stream("127.0.0.1", int(site.url.rpartition(":")[2]))
    async with stream:
        with trio.fail_after(10):
            yield RawClient(stream)


def get(path: str, *headers: str, method: str = "GET", host: str = "localhost") -> str:
    """A request without a body."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""])


async def is_alive(site: Website) -> bool:
    """Whether a newcomer is still served."""
    return (await site.get("/healthz", headers={"Connection": "close"})).status_code == 200
