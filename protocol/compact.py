"""Compact addresses and nodes: 6 and 26 bytes for IPv4 (BEP 5), 18 and 38 bytes for IPv6 (BEP 32).

Inside the DHT everything stays compact; text is made where a socket or a person needs it. Which addresses of the network are worth a packet
is decided here too: peers name us private, reserved and impossible ones all the time.
"""

import ipaddress
from typing import TypeAlias

from protocol.identifiers import Address

CompactAddress: TypeAlias = bytes
"""6 bytes (IPv4 and port) or 18 (IPv6 and port), big-endian."""

CompactNode: TypeAlias = bytes
"""26 or 38 bytes: a node id, then its compact address."""

ADDRESS_LENGTH_V4 = 6
ADDRESS_LENGTH_V6 = 18

_PUBLIC, _NEVER, _LOCAL, _MIXED = range(4)


def _first_octets() -> bytes:
    table = bytearray([_PUBLIC]) * 256
    table[0] = _NEVER
    table[224:] = bytes([_NEVER]) * 32  # multicast, class E, broadcast
    table[10] = table[127] = _LOCAL
    for octet in (100, 169, 172, 192, 198, 203):
        table[octet] = _MIXED
    return bytes(table)


_BY_FIRST_OCTET = _first_octets()
# The common case must cost one look-up: a crawler judges eight of these per datagram.

_LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(text) for text in ("100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_DEAD_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
_GLOBAL_UNICAST_V6 = ipaddress.ip_network("2000::/3")


def pack_address(address: Address) -> CompactAddress:
    """The compact form of an address; ValueError when the host is no IP address or the port is out of range."""
    host, port = address
    if ":" in host:
        return ipaddress.IPv6Address(host.partition("%")[0]).packed + _pack_port(port)
    first, second, third, fourth = host.split(".")
    return bytes((int(first), int(second), int(third), int(fourth))) + _pack_port(port)


def _pack_port(port: int) -> bytes:
    if not 0 <= port <= 0xFFFF:
        raise ValueError(f"port {port} is out of range")
    return port.to_bytes(2, "big")


def unpack_address(compact: CompactAddress) -> Address:
    """The address of 6 or 18 compact bytes; ValueError for any other length."""
    if len(compact) == ADDRESS_LENGTH_V4:
        return f"{compact[0]}.{compact[1]}.{compact[2]}.{compact[3]}", compact[4] << 8 | compact[5]
    if len(compact) != ADDRESS_LENGTH_V6:
        raise ValueError(f"a compact address of {len(compact)} bytes")
    return ipaddress.IPv6Address(compact[:16]).compressed, compact[16] << 8 | compact[17]


def split(joined: bytes, length: int) -> list[bytes]:
    """Cut `joined` into pieces of `length` bytes; an empty list when it does not come out even."""
    if len(joined) % length:
        return []
    return [joined[start : start + length] for start in range(0, len(joined), length)]


def is_public(compact: CompactAddress) -> bool:
    """Whether the address belongs to the public internet, so that everything behind it is one host or one household."""
    return is_usable(compact, allow_local=False)


def is_usable(compact: CompactAddress, *, allow_local: bool) -> bool:
    """Whether a packet sent there can arrive: a port, and an address that is routed.

    `allow_local` lets loopback and private networks pass too (tests, the demo); multicast, documentation and port 0 never do.
    """
    if compact[-2:] == b"\0\0":
        return False
    if len(compact) == ADDRESS_LENGTH_V4:
        kind = _BY_FIRST_OCTET[compact[0]]
        if kind == _PUBLIC:
            return True
        if kind == _LOCAL:
            return allow_local
        return kind == _MIXED and _is_usable_by_network(ipaddress.IPv4Address(compact[:4]), allow_local)
    return len(compact) == ADDRESS_LENGTH_V6 and _is_usable_by_network(ipaddress.IPv6Address(compact[:16]), allow_local)


def _is_usable_by_network(host: ipaddress.IPv4Address | ipaddress.IPv6Address, allow_local: bool) -> bool:
    if any(host in network for network in _LOCAL_NETWORKS):
        return allow_local
    if host.version == 6 and host not in _GLOBAL_UNICAST_V6:
        return False
    return not any(host in network for network in _DEAD_NETWORKS)
