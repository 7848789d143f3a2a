"""The HTTP client for addresses that strangers chose: mirrors, redirects, posters, feeds.

It goes to the open internet alone (actors/http/addresses.py), over http and https alone, follows redirects by hand and checks each, and
gives every answer a size and a deadline as a whole, so that neither a bomb nor a drip holds it up.
"""

import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import httpcore
import httpx
import trio

from actors.http.addresses import AddressPolicy, is_public
from actors.http.body import ACCEPTED, read_body
from actors.http.errors import (
    ForbiddenAddress,
    ForbiddenUrl,
    MalformedAnswer,
    TooManyRedirects,
    TooSlow,
    Unreachable,
    words_of,
)
from actors.http.network import AddressRefused, GuardedNetwork, Resolve, Transport, resolve

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD: Final = frozenset({307, 308})
_FOR_ANYBODY: Final = frozenset({"accept", "accept-language", "user-agent", "cache-control"})
"""Headers that go along to another host; all others, keys and cookies among them, were meant for the first one."""
_LOCAL_DOMAINS: Final = frozenset({"localhost", "local", "internal", "lan", "home", "corp", "intranet"})
_BODY_BYTES: Final = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may cost."""

    max_bytes: int = _BODY_BYTES
    """Of the body, unpacked."""
    deadline_s: float = 30.0
    """From the first name look-up to the last byte, redirects included."""
    redirects: int = 3


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer with its whole body."""

    url: str
    """Where it came from in the end, without user and password."""
    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)


class GuardedClient:
    """Fetches what a stranger's URL names; one for each purpose, inside `async with`.

    Args:
        user_agent: who we are.
        allowed: "host:port" of servers of one's own that may be on this machine or network.
        proxy: URL of an HTTP proxy; then it resolves the names, and only hosts that are addresses are checked here.
        connect_timeout_s: for each address of a host.
        connections: at a time.
        resolve: asks the system unless given.
        tls: trusts the usual authorities unless given.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        allowed: Iterable[str] = (),
        proxy: str = "",
        connect_timeout_s: float = 10.0,
        connections: int = 10,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = AddressPolicy(allowed)
        self._is_proxied = bool(proxy)
        reached = (*allowed, _place(httpx.URL(proxy))) if proxy else allowed
        network = GuardedNetwork(AddressPolicy(reached), resolve, connect_timeout_s)
        tls = tls or httpx.create_ssl_context(verify=True, trust_env=False)
        self._client = httpx.AsyncClient(
            transport=Transport(network, tls, connections=connections, proxy=proxy),
            headers={"User-Agent": user_agent, "Accept-Encoding": ACCEPTED},
            timeout=None,  # noqa: S113  (each fetch as a whole has a deadline)
            follow_redirects=False,
            trust_env=False,
        )
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._client)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self._open.aclose()

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits = Limits()) -> Fetched:
        """Fetch with GET; see `request`."""
        return await self.request("GET", url, headers=headers, limits=limits)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", limits: Limits = Limits()
    ) -> Fetched:
        """Fetch an answer, whatever its status.

        Raises:
            FetchFailed: one of its kinds; actors/http/errors.py says which means what.
        """
        shown = "the address"
        try:
            first = _checked(httpx.URL(url), self._policy, is_proxied=self._is_proxied)
            shown = shown_url(first)
            with trio.fail_after(limits.deadline_s):
                return await self._follow(self._client.build_request(method, first, headers=headers, content=body or None), limits)
        except trio.TooSlowError as exc:
            raise TooSlow(shown, f"no whole answer within {limits.deadline_s:g} s") from exc
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise ForbiddenUrl(shown, f"is none: {exc}") from exc

    async def _follow(self, request: httpx.Request, limits: Limits) -> Fetched:
        for _ in range(limits.redirects + 1):
            found = await self._ask(request, limits)
            if isinstance(found, Fetched):
                return found
            request = found
        raise TooManyRedirects(shown_url(request.url), f"the end of more than {limits.redirects} redirects")

    async def _ask(self, request: httpx.Request, limits: Limits) -> "Fetched | httpx.Request":
        """The answer, or the request it redirects to."""
        url = shown_url(request.url)
        try:
            answer = await self._client.send(request, stream=True)
            try:
                if answer.status_code in _REDIRECTS and "Location" in answer.headers:
                    return self._redirected(request, answer)
                body = await read_body(answer, limits.max_bytes, url)
            finally:
                await answer.aclose()
        except AddressRefused as exc:
            raise ForbiddenAddress(url, str(exc)) from exc
        except httpcore.UnsupportedProtocol as exc:
            raise ForbiddenUrl(url, str(exc)) from exc
        except (httpcore.ProtocolError, httpx.ProtocolError) as exc:  # httpx has a look at where a redirect leads, too
            raise MalformedAnswer(url, f"the answer is no HTTP: {exc}") from exc
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProxyError, ssl.SSLError) as exc:
            raise Unreachable(url, words_of(exc)) from exc
        return Fetched(str(_without_password(request.url)), answer.status_code, answer.headers, body)

    def _redirected(self, request: httpx.Request, answer: httpx.Response) -> httpx.Request:
        target = _checked(_join(request.url, answer.headers["Location"]), self._policy, is_proxied=self._is_proxied)
        is_elsewhere = _origin(target) != _origin(request.url)
        keeps_method = answer.status_code in _KEEPS_METHOD or request.method in {"GET", "HEAD"}
        has_body = keeps_method and request.method not in {"GET", "HEAD"}
        if is_elsewhere:
            if has_body:
                raise ForbiddenUrl(shown_url(target), "a redirect would hand our request body to another host")
            target = _without_password(target)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name in _FOR_ANYBODY or (not is_elsewhere and name not in {"host", "cookie", "content-length", "transfer-encoding"})
        }
        if not has_body:
            headers.pop("content-type", None)
        return self._client.build_request(
            request.method if keeps_method else "GET", target, headers=headers, content=request.content if has_body else None
        )


def shown_url(url: httpx.URL) -> str:
    """A URL for logs and errors: without user, password and query."""
    return str(_without_password(url).copy_with(query=None, fragment=None))


def _without_password(url: httpx.URL) -> httpx.URL:
    return url.copy_with(username="", password="")


def _checked(url: httpx.URL, policy: AddressPolicy, *, is_proxied: bool) -> httpx.URL:
    """The URL as it may be asked for. Raises Forbidden."""
    shown = shown_url(url)
    if url.scheme not in {"http", "https"}:
        raise ForbiddenUrl(shown, "neither http nor https")
    if not url.host:
        raise ForbiddenUrl(shown, "names no host")
    port = url.port or (443 if url.scheme == "https" else 80)
    # Behind a proxy nobody here resolves the name, so at least what is plainly not of the internet is refused.
    if is_proxied and not policy.is_allowed_place(url.host, port) and not _may_be_public(url.host):
        raise ForbiddenAddress(shown, "is not on the open internet")
    return url.copy_with(fragment=None)


def _may_be_public(host: str) -> bool:
    """Whether a host that a proxy will resolve looks like one of the internet: a public address, or a name with a dot in it."""
    host = host.rstrip(".").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # The last label of a name on the internet is no number: 0x7f.1, 127.1 and 2130706433 are addresses in disguise.
        *names, last = host.split(".")
        return bool(names) and not last[:1].isdigit() and last not in _LOCAL_DOMAINS
    return is_public(host)


def _join(base: httpx.URL, location: str) -> httpx.URL:
    try:
        return base.join(location)
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise ForbiddenUrl(shown_url(base), f"redirects to what is no address: {exc}") from exc


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _place(url: httpx.URL) -> str:
    port = url.port or (443 if url.scheme == "https" else 80)
    return f"[{url.host}]:{port}" if ":" in url.host else f"{url.host}:{port}"
