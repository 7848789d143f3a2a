"""The simulated DHT nodes: one query of one node in, its answer out, without I/O (BEP 5, 42, 51).

Nodes answer truthfully out of the knowledge of the whole network: the 8 closest of all nodes, alive or dead, as a well-filled
routing table would name them. The exceptions are the traits the plan gave them: unsorted keys, another id, invented neighbours.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

from bench.swarm.counters import Counters
from bench.swarm.plan import Node, SwarmPlan
from protocol.dht import krpc

K = 8
MAX_SAMPLES = 20  # libtorrent's cap; 20 of them and 8 nodes fit an MTU
MAX_VALUES = 50
_TOKEN_LIFE_S = 300.0  # BEP 5: a new secret every five minutes, the previous one still good
_MAX_ANNOUNCED = 10_000

Fields = dict[bytes, bytes]
"""Keys of `r` and their bencoded values."""


class Refused(Exception):
    """The node answers with a KRPC error."""

    def __init__(self, code: int, text: bytes) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class NodeAnswers:
    """Answers for every node of the plan."""

    def __init__(self, plan: SwarmPlan, endpoints: Sequence[bytes], peers: Mapping[bytes, list[bytes]], counters: Counters) -> None:
        """`endpoints`: compact address (6 bytes) of each node; `peers`: compact addresses by 20-byte hash."""
        self._plan = plan
        self._counters = counters
        self._peers = peers
        self._compact = [node.node_id + endpoint for node, endpoint in zip(plan.nodes, endpoints, strict=True)]
        self._stored = [frozenset(node.stored) for node in plan.nodes]
        self._announced: dict[int, dict[bytes, dict[bytes, None]]] = {}  # node, info hash, compact addresses in order
        self._secret = random.Random(f"tokens {plan.options.seed}").randbytes(16)
        self._rng = random.Random(f"bogus {plan.options.seed}")

    def answer(self, index: int, query: krpc.Query, sender: bytes, now: float) -> tuple[bytes, list[bytes]]:
        """The datagram node `index` sends back to `sender` (compact address), and the samples in it."""
        node = self._plan.nodes[index]
        samples: list[bytes] = []
        try:
            fields = self._fields(index, node, query, sender, now, samples)
        except Refused as refused:
            self._counters.errors[refused.code] += 1
            refusal = b"li%de%se" % (refused.code, _string(refused.text))
            return _message({b"e": refusal}, b"e", node, query.transaction_id, sender), []
        fields[b"id"] = _string(node.spoken_id)
        return _message({b"r": _dictionary(fields, node.is_unsorted)}, b"r", node, query.transaction_id, sender), samples

    def _fields(self, index: int, node: Node, query: krpc.Query, sender: bytes, now: float, samples: list[bytes]) -> Fields:
        arguments = query.arguments
        _argument(arguments, b"id")
        match query.method:
            case b"ping":
                return {}
            case b"find_node":
                return self._nodes(index, node, _argument(arguments, b"target"), sender)
            case b"get_peers":
                return self._get_peers(index, node, _argument(arguments, b"info_hash"), sender, now)
            case b"announce_peer":
                return self._announce(index, arguments, sender, now)
            case b"sample_infohashes" if node.samples:
                samples += self._samples(index, now)
                return self._nodes(index, node, _argument(arguments, b"target"), sender) | {
                    b"interval": b"i%de" % node.interval_s,
                    b"num": b"i%de" % len(self._hashes(index)),
                    b"samples": _string(b"".join(samples)),
                }
            case _:
                raise Refused(204, b"Method Unknown")

    def _nodes(self, index: int, node: Node, target: bytes, sender: bytes) -> Fields:
        if node.is_bogus:
            return {b"nodes": _string(self._invented(target, sender))}
        closest = [near for near in self._plan.keyspace.closest(target, K + 1) if near != index][:K]
        return {b"nodes": _string(b"".join(self._compact[near] for near in closest))}

    def _invented(self, target: bytes, sender: bytes) -> bytes:
        """Neighbours nobody will ever answer for: never an address outside 127/8, so that whoever believes them stays on this machine."""
        rng = self._rng
        nodes = []
        for _ in range(K):
            node_id = rng.choice((rng.randbytes(20), target, target[:19] + rng.randbytes(1), bytes(20)))
            nowhere = bytes((127, 15)) + rng.randbytes(4)
            nodes.append(node_id + rng.choice((nowhere, nowhere, nowhere[:4] + b"\0\0", sender)))
        joined = b"".join(nodes)
        return joined if rng.random() < 0.8 else joined[:-3]

    def _get_peers(self, index: int, node: Node, info_hash: bytes, sender: bytes, now: float) -> Fields:
        fields = self._nodes(index, node, info_hash, sender) | {b"token": _string(self._token(index, sender, now))}
        values = list(self._announced.get(index, {}).get(info_hash, ()))
        if info_hash in self._stored[index]:
            planted = self._peers[info_hash]
            start = index % max(1, len(planted))  # holders name the same peers in different orders
            values += planted[start:] + planted[:start]
        if values:
            self._counters.peers_told.add(info_hash)
            fields[b"values"] = b"l%se" % b"".join(_string(peer) for peer in values[:MAX_VALUES])
        return fields

    def _announce(self, index: int, arguments: Mapping[bytes, Any], sender: bytes, now: float) -> Fields:
        info_hash = _argument(arguments, b"info_hash")
        token, port = arguments.get(b"token"), arguments.get(b"port")
        if token not in {self._token(index, sender, now), self._token(index, sender, now - _TOKEN_LIFE_S)}:
            raise Refused(203, b"Bad Token")
        if arguments.get(b"implied_port"):
            port = int.from_bytes(sender[4:])
        if not isinstance(port, int) or not 0 < port < 1 << 16:
            raise Refused(203, b"Bad Port")
        if self._counters.announced < _MAX_ANNOUNCED:
            peers = self._announced.setdefault(index, {}).setdefault(info_hash, {})
            if len(peers) < MAX_VALUES:
                peers[sender[:4] + port.to_bytes(2)] = None
        self._counters.announced += 1
        return {}

    def _hashes(self, index: int) -> frozenset[bytes]:
        return self._stored[index].union(self._announced.get(index, ()))

    def _samples(self, index: int, now: float) -> list[bytes]:
        """BEP 51: a random part of what is stored, the same one until the interval is over."""
        hashes = sorted(self._hashes(index))
        if len(hashes) <= MAX_SAMPLES:
            return hashes
        epoch = int(now / max(1, self._plan.nodes[index].interval_s))
        return random.Random(f"{self._plan.options.seed} {index} {epoch}").sample(hashes, MAX_SAMPLES)

    def _token(self, index: int, sender: bytes, now: float) -> bytes:
        window = int(now // _TOKEN_LIFE_S)
        return hashlib.blake2b(sender[:4] + b"%d %d" % (index, window), key=self._secret, digest_size=8).digest()


def _argument(arguments: Mapping[bytes, Any], name: bytes) -> bytes:
    value = arguments.get(name)
    if not isinstance(value, bytes) or len(value) != 20:
        raise Refused(203, b"Bad " + name)
    return value


def _message(fields: Fields, kind: bytes, node: Node, transaction_id: bytes, sender: bytes) -> bytes:
    fields |= {b"t": _string(transaction_id), b"y": _string(kind), b"ip": _string(sender)}  # BEP 42: the address we see them under
    if node.version:
        fields[b"v"] = _string(node.version)
    return _dictionary(fields, node.is_unsorted)


def _dictionary(fields: Fields, is_unsorted: bool) -> bytes:
    keys = sorted(fields, reverse=is_unsorted)
    return b"d%se" % b"".join(_string(key) + fields[key] for key in keys)


def _string(value: bytes) -> bytes:
    return b"%d:%s" % (len(value), value)
