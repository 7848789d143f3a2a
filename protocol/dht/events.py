"""What a DHT node tells its owner."""

from dataclasses import dataclass

from protocol.identifiers import Address, InfoHash


@dataclass(frozen=True, slots=True)
class InfoHashesHeard:
    """Hashes from samples (BEP 51) and from the queries of others; nothing is removed that was heard before."""

    info_hashes: tuple[InfoHash, ...]


@dataclass(frozen=True, slots=True)
class PeersHeard:
    """Peers that announced themselves to us with a valid token."""

    announcements: tuple[tuple[InfoHash, Address], ...]


@dataclass(frozen=True, slots=True)
class LookupAdvanced:
    """A look-up found peers, none of which it had named before."""

    lookup: int
    peers: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class LookupEnded:
    """A look-up is over; nothing more comes of it."""

    lookup: int
    peer_count: int


@dataclass(frozen=True, slots=True)
class AddressLearned:
    """Enough nodes told us under which address they see us (BEP 42); the node id has been changed to one that belongs to it."""

    ip: str


Event = LookupAdvanced | LookupEnded | AddressLearned
