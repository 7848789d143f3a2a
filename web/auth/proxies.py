"""Proxies in front: what they say about the caller is believed if they are ours, and from nobody else."""

import ipaddress
from collections.abc import Iterable

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from config.settings import HttpSettings
from web.auth.caller import parsed_address
from web.hosts import HostCheck

FORWARDING_HEADERS = frozenset({b"forwarded", b"via", b"x-real-ip"})
_PREFIX = b"x-forwarded-"


class TrustedProxies:
    """An ASGI app that puts caller, scheme and host as a trusted proxy saw them in place of the proxy's own, for everybody behind it."""

    def __init__(self, app: ASGIFramework, settings: HttpSettings, hosts: HostCheck) -> None:
        self._app = app
        self._networks = [ipaddress.ip_network(text) for text in settings.trusted_proxies]
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Pass it on."""
        if self._networks and scope["type"] == "http" and self._trusts(scope):
            scope = self._as_seen_in_front(scope)
        await self._app(scope, receive, send)

    def _trusts(self, scope: HTTPScope) -> bool:
        peer = parsed_address(scope["client"][0]) if scope["client"] else None
        return peer is not None and any(peer in network for network in self._networks)

    def _as_seen_in_front(self, scope: HTTPScope) -> HTTPScope:
        headers = list(scope["headers"])
        seen = scope.copy()
        # The right-most entry is the one our proxy wrote; all others are whatever the caller made up.
        caller = parsed_address(_last(headers, b"x-forwarded-for"))
        if caller is not None:
            seen["client"] = (str(caller), 0)
        if (scheme := _last(headers, b"x-forwarded-proto").lower()) in {"http", "https"}:
            seen["scheme"] = scheme
        host = _last(headers, b"x-forwarded-host")
        if host and self._hosts.allows(host):
            seen["headers"] = [(name, value) for name, value in headers if name.lower() != b"host"] + [(b"host", host.encode("latin-1"))]
        return seen


def is_forwarded(header_names: Iterable[bytes]) -> bool:
    """Whether any header says that a proxy stands between, trusted or not."""
    return any(name in FORWARDING_HEADERS or name.startswith(_PREFIX) for name in map(bytes.lower, header_names))


def _last(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str:
    """The right-most value of a list header, over all its lines; empty if there is none."""
    values = [value for name, value in headers if name.lower() == wanted]
    return values[-1].decode("latin-1").rpartition(",")[2].strip() if values else ""
