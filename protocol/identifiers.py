"""The identifiers of the protocols. Hashes and tokens are raw bytes, each with its own type, because they are easy to swap."""

from dataclasses import dataclass
from typing import NewType

InfoHash = NewType("InfoHash", bytes)
"""20 bytes: SHA-1 of a v1 info dict, or the first 20 bytes of the SHA-256 of a v2 one (BEP 52); what the DHT and the peers use."""

InfoHashV2 = NewType("InfoHashV2", bytes)
"""32 bytes: SHA-256 of a v2 or hybrid info dict (BEP 52)."""

NodeId = NewType("NodeId", bytes)
"""20 bytes: a DHT node's id (BEP 5)."""

Token = NewType("Token", bytes)
"""What a node hands out with `get_peers` and wants back with `announce_peer` (BEP 5)."""

TransactionId = NewType("TransactionId", bytes)
"""Ties a KRPC response to its query (BEP 5)."""

Address = tuple[str, int]
"""IP address as text (v4 or v6, no scope) and port."""

INFO_HASH_LENGTH = 20
INFO_HASH_V2_LENGTH = 32
NODE_ID_LENGTH = 20


@dataclass(frozen=True, slots=True)
class ExternalId:
    """A work's number in another database: ("imdb", 1727587), ("tmdb", 45745), ("tvdb", 71471)."""

    authority: str
    number: int
