"""The ground under the guarded client: names are resolved, checked, and connected to by the address that was checked.

Between check and connection nothing is asked a second time, so a name that changes its answer (DNS rebinding) gains nothing. httpcore
takes such a network back end as an argument; httpx 0.28 passes none on, so the transport is ours as well, and no private attribute is
needed.
"""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final, cast

import httpcore
import httpx
import trio

from actors.http.addresses import AddressPolicy

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses; raises OSError."""

_IDLE_S: Final = 15.0
_MAX_ADDRESSES: Final = 6
"""Tried one after the other; a name may have hundreds."""


class AddressRefused(Exception):
    """The host leads to an address we do not go to; actors/http/guarded.py makes a ForbiddenAddress of it."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} is {address}, which is not on the open internet" if host != address else "is not on the open internet")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system, as every program does; it also reads 0x7f000001 and its like."""
    found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to checked addresses, and nothing else."""

    def __init__(
        self, policy: AddressPolicy, resolve: Resolve, connect_timeout_s: float, tcp: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._connect_timeout_s = connect_timeout_s
        self._tcp = tcp or httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers, if each of them may be.

        Raises:
            AddressRefused: one of them may not.
            httpcore.ConnectError, httpcore.ConnectTimeout: no such name, or nobody answers.
        """
        addresses = await self._checked_addresses(host, port)
        for address in addresses[:-1]:
            try:
                return await self._connect(address, port, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._connect(addresses[-1], port, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise httpcore.UnsupportedProtocol(f"a socket of this machine: {path}")

    async def sleep(self, seconds: float) -> None:
        """Pause before another try; httpcore asks for it."""
        await trio.sleep(seconds)

    async def _checked_addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            with trio.fail_after(self._connect_timeout_s):
                addresses = await self._resolve(host, port)
        except trio.TooSlowError as exc:
            raise httpcore.ConnectTimeout(f"the name {host} is not resolved in time") from exc
        except (OSError, UnicodeError) as exc:
            raise httpcore.ConnectError(f"the name {host} is not known: {exc}") from exc
        if not addresses:
            raise httpcore.ConnectError(f"the name {host} has no address")
        if (forbidden := self._policy.forbidden(host, port, addresses)) is not None:
            raise AddressRefused(host, forbidden)
        return addresses[:_MAX_ADDRESSES]

    async def _connect(
        self, address: str, port: int, local_address: str | None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None
    ) -> httpcore.AsyncNetworkStream:
        return await self._tcp.connect_tcp(
            address, port, timeout=self._connect_timeout_s, local_address=local_address, socket_options=socket_options
        )


class Transport(httpx.AsyncBaseTransport):
    """httpx over httpcore, with a network back end of ours. httpcore's errors pass as they are."""

    def __init__(self, network: httpcore.AsyncNetworkBackend, tls: ssl.SSLContext, *, connections: int, proxy: str = "") -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            proxy=httpcore.Proxy(proxy) if proxy else None,
            max_connections=connections,
            keepalive_expiry=_IDLE_S,
            network_backend=network,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, one answer; its body streams."""
        url = httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path)
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=url,
                headers=request.headers.raw,
                content=cast("httpx.AsyncByteStream", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
