"""Which DHT nodes there will be: socket, share of the key space and part of the budgets for each, from the settings."""

import socket
from dataclasses import dataclass

from config.rules import split_address
from config.settings import DhtSettings
from protocol.dht.profile import PROFILES, Profile
from protocol.dht.sweep import Share
from protocol.identifiers import Address


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One node of the pool."""

    name: str
    bind: Address
    share: Share
    profile: Profile

    @property
    def is_ipv6(self) -> bool:
        """Its address family: IPv4 and IPv6 are two separate DHTs (BEP 32)."""
        return ":" in self.bind[0]


def plan_nodes(settings: DhtSettings) -> tuple[NodePlan, ...]:
    """The nodes of the pool.

    A named port is for one node; further nodes on that address take free ones. Addresses this machine cannot bind (no IPv6, mostly) are
    passed over as long as one is left. The nodes of one address family divide this instance's share of the key space among themselves,
    and all of them divide the profile's budgets.

    Raises:
        ValueError: a setting cannot be used; the message names it.
    """
    try:
        profile = PROFILES[settings.profile]
    except KeyError:
        raise ValueError(f"dht.profile must be one of {', '.join(PROFILES)}, not {settings.profile!r}") from None
    if profile.is_local_only and not settings.allow_loopback:
        raise ValueError(f"dht.profile {settings.profile!r} is for loopback only and needs dht.allow_loopback = true")
    try:
        share = Share.parse(settings.keyspace)
    except ValueError as exc:
        raise ValueError(f"dht.keyspace: {exc}") from None
    addresses = [address for address in map(_parse_bind, settings.bind) if _can_bind(address)]
    if not addresses:
        raise ValueError(f"dht.bind: none of {', '.join(settings.bind)} can be bound on this machine")
    binds = [_turn(addresses, number) for number in range(settings.nodes)]
    plans = []
    for number, bind in enumerate(binds):
        kin = [other for other, address in enumerate(binds) if (":" in address[0]) == (":" in bind[0])]
        part = profile.divided(len(binds), len(kin))
        plans.append(NodePlan(f"node-{number}", bind, share.divided(kin.index(number), len(kin)), part))
    return tuple(plans)


def _turn(addresses: list[Address], number: int) -> Address:
    """The address of the `number`-th node; a port that is named once is one node's, the others there take any free one."""
    host, port = addresses[number % len(addresses)]
    return host, port if number < len(addresses) else 0


def _parse_bind(text: str) -> Address:
    try:
        return split_address(text)
    except ValueError:
        raise ValueError(f"dht.bind: {text!r} is not host:port or [IPv6]:port") from None


def _can_bind(address: Address) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address[0], 0))
    except OSError:
        return False
    return True
