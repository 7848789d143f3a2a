"""The messages between actors: facts in the past tense, orders in the imperative. All frozen, all cheap to pass.

They travel in batches where the numbers are large: a memory channel costs 16-20 µs an item, 1 µs when twenty share one.
"""

from dataclasses import dataclass

import trio

from catalog.model import ClassifiedTorrent, Torrent
from protocol.identifiers import Address, InfoHash


@dataclass(frozen=True, slots=True)
class InfoHashesSampled:
    """A DHT node heard of these: from `sample_infohashes` (BEP 51) or from the `get_peers` queries of others."""

    info_hashes: tuple[InfoHash, ...]


@dataclass(frozen=True, slots=True)
class PeersAnnounced:
    """Peers that announced themselves to a DHT node of ours with a valid token (BEP 5 `announce_peer`)."""

    announcements: tuple[tuple[InfoHash, Address], ...]


@dataclass(frozen=True, slots=True)
class MetadataWanted:
    """Order: fetch the metadata of these hashes, which the index neither holds nor has blocked."""

    info_hashes: tuple[InfoHash, ...]
    peers: tuple[tuple[InfoHash, Address], ...] = ()
    """Peers already known for some of them; the others need a look-up."""


@dataclass(frozen=True, slots=True)
class LookUpPeers:
    """Order to a DHT node: find peers of `info_hash` with an iterative `get_peers`."""

    info_hash: InfoHash
    answers: trio.MemorySendChannel["PeersFound"]
    """Gets each new group of peers as it arrives (send_nowait, dropped when full); the node closes it when the look-up ends."""


@dataclass(frozen=True, slots=True)
class PeersFound:
    """Peers that DHT nodes named for a hash, in the order they arrived, none twice within one look-up."""

    info_hash: InfoHash
    peers: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class JobOrdered:
    """There is a new row in the table of jobs."""

    job_id: int


@dataclass(frozen=True, slots=True)
class TorrentsFound:
    """Torrents with names and files, ready for content policy and classifier, whatever way they came in."""

    torrents: tuple[Torrent, ...]


@dataclass(frozen=True, slots=True)
class TorrentsClassified:
    """Torrents that are understood as far as they will be, ready to be stored."""

    torrents: tuple[ClassifiedTorrent, ...]
