"""The whole swarm from a seed, before any socket is open: nodes, torrents, peers, who stores what, and what can be found.

A torrent is *reachable* when an honest peer serves its metadata, that metadata is not hostile, and a node that answers under its
own id and knows sample_infohashes stores its hash. A crawler that finds all of those has found everything it can be asked for;
hostile torrents may be refused or cleaned, so nobody counts on them.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from bench.swarm.keyspace import KeySpace
from bench.swarm.options import SwarmOptions
from bench.swarm.titles import releases
from bench.swarm.torrents import Hostility, PlantedTorrent, Version, plant

HOLDERS = 8  # BEP 5: a hash is announced to the 8 nodes closest to it


class PeerFault(Enum):
    """How a peer answers; everything but HONEST gives no metadata."""

    HONEST = "honest"
    REJECT = "reject"  # BEP 9 reject to every request
    WRONG_SIZE = "wrong_size"  # says a metadata_size that is not the metadata's
    LYING_PIECE = "lying_piece"  # answers with piece indices nobody asked for, far out of range
    WRONG_HASH = "wrong_hash"  # the right size, the wrong bytes
    WRONG_SWARM = "wrong_swarm"  # shakes hands for another info hash
    NO_METADATA = "no_metadata"  # speaks BEP 10 but not ut_metadata
    BLACK_HOLE = "black_hole"  # the connection attempt hangs
    REFUSED = "refused"  # the port is closed
    SILENT = "silent"  # accepts and says nothing
    SLOW_LORIS = "slow_loris"  # a byte every few seconds
    EARLY_CLOSE = "early_close"  # closes after the handshake
    METADATA_BOMB = "metadata_bomb"  # claims 100 MB
    GARBAGE = "garbage"  # random bytes after the handshake


FAULTS = tuple(fault for fault in PeerFault if fault is not PeerFault.HONEST)


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer of one torrent; each has an address of its own where the system allows that."""

    ip: bytes  # 4 bytes, within 127/8
    fault: PeerFault


@dataclass(frozen=True, slots=True)
class Swarm:
    """A torrent and its peers."""

    torrent: PlantedTorrent
    peers: tuple[Peer, ...]
    holders: tuple[int, ...]  # nodes that store one of its hashes
    is_reachable: bool

    @property
    def fault(self) -> str:
        """One word for what is wrong: `none`, `mixed_peers`, `faulty_peers`, `no_holder`, or the kind of hostile metadata."""
        if self.torrent.hostility is not Hostility.NONE:
            return str(self.torrent.hostility.value)
        faulty = sum(peer.fault is not PeerFault.HONEST for peer in self.peers)
        if faulty == len(self.peers):
            return "faulty_peers"
        if not self.is_reachable:
            return "no_holder"
        return "mixed_peers" if faulty else "none"


@dataclass(slots=True)
class Node:
    """A DHT node of the swarm."""

    node_id: bytes
    ip: bytes  # 4 bytes, within 127/8
    spoken_id: bytes  # the id it answers with; another one when it is of the `wrong_ids`
    version: bytes  # `v` of its messages, empty for none
    interval_s: int  # BEP 51
    is_dead: bool
    is_unsorted: bool
    is_bogus: bool
    samples: bool  # knows sample_infohashes
    stored: list[bytes] = field(default_factory=list)  # 20-byte hashes

    @property
    def is_findable(self) -> bool:
        """What it stores can be sampled by a crawler that insists on ids."""
        return not self.is_dead and self.samples and self.spoken_id == self.node_id


@dataclass(frozen=True, slots=True)
class SwarmPlan:
    """Everything that is decided before the first packet."""

    options: SwarmOptions
    nodes: tuple[Node, ...]
    keyspace: KeySpace
    swarms: tuple[Swarm, ...]

    @property
    def reachable(self) -> frozenset[bytes]:
        """The info hashes that a crawler can be expected to index."""
        return frozenset(swarm.torrent.info_hash for swarm in self.swarms if swarm.is_reachable)

    def bootstrap(self, count: int = 8) -> list[Node]:
        """Nodes to start from: alive, honest, spread over the key space by their random ids."""
        good = [node for node in self.nodes if node.is_findable and not node.is_bogus and not node.is_unsorted]
        return (good or list(self.nodes))[:count]


def make_plan(options: SwarmOptions) -> SwarmPlan:
    """Decide everything; the same options give the same swarm."""
    nodes = tuple(_nodes(options))
    keyspace = KeySpace([node.node_id for node in nodes])
    swarms = tuple(_swarms(options, nodes, keyspace))
    return SwarmPlan(options, nodes, keyspace, swarms)


def _nodes(options: SwarmOptions) -> Iterator[Node]:
    rng = random.Random(f"nodes {options.seed}")
    for ip in _node_addresses(options.nodes, rng):
        node_id = rng.randbytes(20)
        yield Node(
            node_id=node_id,
            ip=ip,
            spoken_id=rng.randbytes(20) if rng.random() < options.wrong_ids else node_id,
            version=rng.choice((b"LT\x02\x01", b"LT\x01\x02", b"UT\xb2\xee", b"TR\x03\x00", b"")),
            interval_s=max(0, round(options.interval_s * rng.uniform(0.5, 1.5))),
            is_dead=rng.random() < options.dead,
            is_unsorted=rng.random() < options.unsorted,
            is_bogus=rng.random() < options.bogus,
            samples=rng.random() >= options.no_samples,
        )


def _node_addresses(count: int, rng: random.Random) -> Iterator[bytes]:
    """127.16-127.x.x: each in a /24 of its own while there are enough, because nodes avoid neighbours of one network."""
    networks = 112 * 256
    if count <= networks:
        for network in rng.sample(range(networks), count):
            yield bytes((127, 16 + network // 256, network % 256, rng.randint(1, 254)))
        return
    for number in rng.sample(range(networks * 254), count):
        network, host = divmod(number, 254)
        yield bytes((127, 16 + network // 256, network % 256, 1 + host))


def _peer_addresses(rng: random.Random) -> Iterator[bytes]:
    """127.128-254.x.x, each once."""
    taken: set[int] = set()
    while True:
        number = rng.randrange(127 * 256 * 254)
        if number not in taken:
            taken.add(number)
            network, host = divmod(number, 254)
            yield bytes((127, 128 + network // 256, network % 256, 1 + host))


def _swarms(options: SwarmOptions, nodes: tuple[Node, ...], keyspace: KeySpace) -> Iterator[Swarm]:
    rng = random.Random(f"swarms {options.seed}")
    addresses = _peer_addresses(rng)
    names = releases(options.seed)
    for number in range(options.torrents):
        hostility = rng.choice(tuple(Hostility)[1:]) if rng.random() < options.hostile else Hostility.NONE
        version = rng.choices(tuple(Version), (80, 8, 12))[0] if hostility is Hostility.NONE else Version.V1
        torrent = plant(next(names), version, hostility, f"{options.seed} {number}")
        peers = tuple(Peer(next(addresses), fault) for fault in _faults(options, rng))
        holders = {index for info_hash in torrent.swarm_hashes for index in _store(info_hash, nodes, keyspace)}
        serves = hostility is Hostility.NONE and any(peer.fault is PeerFault.HONEST for peer in peers)
        yield Swarm(torrent, peers, tuple(sorted(holders)), serves and any(nodes[index].is_findable for index in holders))


def _store(info_hash: bytes, nodes: tuple[Node, ...], keyspace: KeySpace) -> list[int]:
    closest = keyspace.closest(info_hash, HOLDERS)
    for index in closest:
        nodes[index].stored.append(info_hash)
    return closest


def _faults(options: SwarmOptions, rng: random.Random) -> list[PeerFault]:
    draw = rng.random()
    if draw < options.faulty_peers:
        return rng.sample(FAULTS, rng.randint(1, 3))
    if draw < options.faulty_peers + options.mixed_peers:
        faults = [PeerFault.HONEST, *rng.sample(FAULTS, rng.randint(1, 3))]
        rng.shuffle(faults)
        return faults
    return [PeerFault.HONEST] * rng.randint(1, 4)
