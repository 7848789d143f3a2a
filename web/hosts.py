"""Which Host headers are answered: the guard against DNS rebinding.

A page of somebody else can make a browser talk to our port by letting its own name point to 127.0.0.1; the browser then still sends
that name. So names must be known. An address needs no list: it belongs to nobody else and cannot be rebound.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from config.settings import HttpSettings

_LETTERS = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-f:.]+\](:\d+)?", re.ASCII | re.IGNORECASE)
"""What a name or an address is written with. The header comes back in links, so nothing else gets through."""


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
    if not host or not _LETTERS.fullmatch(host_header):
        return None
    return host.rstrip(".")


def is_loopback(host_and_port: str) -> bool:
    """Whether this is the machine itself: as `http.bind` nobody else reaches it, as a Host header nobody else is meant."""
    host = host_name(host_and_port)
    if host is None:
        return False
    return host == "localhost" or host.endswith(".localhost") or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
