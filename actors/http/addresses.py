"""Which hosts and addresses a stranger's URL may lead us to: the guard against SSRF (server-side request forgery)."""

import ipaddress
from collections.abc import Iterable
from typing import Final

from config.rules import split_address

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address
_NEVER: Final = tuple(
    map(
        ipaddress.ip_network,
        # Of no use to us, or of none any more (Teredo, 6to4); the releases of Python do not agree on them.
        ("192.0.0.0/24", "2001::/23", "2002::/16", "3fff::/20", "5f00::/16"),
    )
)
_ISATAP: Final = (bytes.fromhex("00005efe"), bytes.fromhex("02005efe"))  # RFC 5214: before the last four bytes


def is_public(text: str) -> bool:
    """Whether an address belongs to the open internet, whatever IPv4 address it may carry inside."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])  # a zone belongs to a link, and no link is public
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return _is_global(address)
    if address.ipv4_mapped is not None:
        return _is_global(address.ipv4_mapped)
    if address in _NAT64:  # on a network without IPv4 every old site has such an address
        return _is_global(_last_four(address))
    is_tunnel = address.packed[8:12] in _ISATAP
    return _is_global(address) and not (is_tunnel and not _is_global(_last_four(address)))


def _is_global(address: IpAddress) -> bool:
    is_site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    is_special = address.is_multicast or address.is_reserved or is_site_local or any(address in network for network in _NEVER)
    return address.is_global and not is_special


def _last_four(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(address.packed[12:])


class AddressPolicy:
    """Public addresses, and the places that were allowed by name.

    Args:
        allowed: "host:port" of servers of one's own, reached whatever their address: "localhost:8080", "[fd00::1]:443".
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(_place(*split_address(text)) for text in allowed)

    def is_allowed_place(self, host: str, port: int) -> bool:
        """Whether this host and port were allowed by name."""
        return _place(host, port) in self._allowed

    def forbidden(self, host: str, port: int, addresses: Iterable[str]) -> str | None:
        """The first of a host's addresses that we do not go to; one is enough, for nobody knows which of them will be used."""
        if self.is_allowed_place(host, port):
            return None
        return next((address for address in addresses if not is_public(address)), None)


def _place(host: str, port: int) -> tuple[str, int]:
    return host.lower().rstrip(".").strip("[]"), port
