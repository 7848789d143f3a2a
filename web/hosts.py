"""Which Host headers are answered: the guard against DNS rebinding.

A page of somebody else can make a browser talk to our port by letting its own name point to 127.0.0.1; the browser then still sends
that name. So names must be known. An address needs no list: it belongs to nobody else and cannot be rebound.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from config.settings import HttpSettings


class HostCheck:
    """Knows the names this instance goes by."""

    def __init__(self, settings: HttpSettings) -> None:
        names: Iterable[str] = ("localhost", *settings.allowed_hosts, urlsplit(settings.public_url).hostname or "")
        self._names = frozenset(name.lower().rstrip(".") for name in names if name)

    def allows(self, host_header: str) -> bool:
        """Whether to answer a request with this Host header; its port does not matter."""
        host = host_name(host_header)
        return host is not None and (host in self._names or host.endswith(".localhost") or _is_address(host))


def host_name(host_header: str) -> str | None:
    """The name or address in a Host header, lower-case and without port and brackets; None if it is none."""
    try:
        split = urlsplit(f"//{host_header}")
        host, _ = split.hostname, split.port  # which raises for a port that is none
    except ValueError:
        return None
    if not host or not set(host_header).isdisjoint("/?#@\\ \t"):
        return None
    return host.rstrip(".")


def is_loopback_bind(bind: str) -> bool:
    """Whether only this machine reaches `bind` ("127.0.0.1:3333", "[::1]:3333")."""
    host = host_name(bind)
    return host is not None and (host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
