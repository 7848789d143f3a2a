"""Where a request comes from. It is shown and slows down guessing, it never gives a right: proxies make everybody local."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

from quart import Request


def address_of(request: Request) -> str:
    """The caller's address; behind a trusted proxy (web/auth/proxies.py) the one it names. Empty where there is none."""
    client = request.scope.get("client")
    return client[0] if client else ""


def agent_of(request: Request) -> str:
    """What the caller says it is."""
    return request.headers.get("User-Agent", "")


def network_of(address: str) -> str:
    """The address, or for IPv6 the /64: whoever has one address there has all."""
    found = parsed_address(address)
    if isinstance(found, IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, also with a port or in brackets as some proxies write it, and IPv4 in IPv6's clothes as IPv4; None if it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
