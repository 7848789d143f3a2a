"""What the nodes ask of whoever asked them: a DHT in which nobody ever queries back would be a strange one.

Nodes ping and look for nodes; peers (with BEP 43 `ro`, so that nobody counts on them as nodes) ask for the peers of a planted
torrent and announce themselves with the token they were given.
"""

import hashlib
import random
from typing import NamedTuple

import trio

from bench.swarm.counters import Counters
from bench.swarm.plan import PeerFault, SwarmPlan
from bench.swarm.sockets import UdpDoor
from protocol.bencode import Encodable, encode
from protocol.dht import krpc

_MAX_VISITORS = 1000
_MAX_PENDING = 10_000


class _Asked(NamedTuple):
    source: bytes
    visitor: bytes
    method: str
    info_hash: bytes
    peer: bytes


class Chatter:
    """Queries from the swarm to its visitors, at a fixed rate."""

    def __init__(self, plan: SwarmPlan, door: UdpDoor, endpoints: list[bytes], peers: list[list[bytes]], counters: Counters) -> None:
        self._rate = plan.options.chatter_per_s
        self._door = door
        self._counters = counters
        self._rng = random.Random(f"chatter {plan.options.seed}")
        self._nodes = [(node.node_id, endpoint) for node, endpoint in zip(plan.nodes, endpoints, strict=True) if node.is_findable]
        self._announcers = [
            (swarm.torrent.info_hash, endpoint)
            for swarm, compact in zip(plan.swarms, peers, strict=True)
            for peer, endpoint in zip(swarm.peers, compact, strict=True)
            if swarm.is_reachable and peer.fault is PeerFault.HONEST
        ]
        self._visitors: dict[bytes, None] = {}  # compact addresses, oldest first
        self._pending: dict[bytes, _Asked] = {}

    def seen(self, query: krpc.Query, sender: bytes) -> None:
        """Somebody asked; whoever is not read-only may be asked in turn."""
        if query.is_read_only or not self._rate:
            return
        self._visitors.pop(sender, None)
        self._visitors[sender] = None
        if len(self._visitors) > _MAX_VISITORS:
            del self._visitors[next(iter(self._visitors))]

    async def run(self) -> None:
        """Ask until cancelled; nothing to do at rate 0."""
        if not self._rate or not self._nodes or not self._announcers:
            return
        while True:
            await trio.sleep(1 / self._rate)
            if self._visitors:
                self._ask(self._rng.choice(list(self._visitors)))

    def receive(self, message: krpc.Response | krpc.Error, destination: bytes, sender: bytes) -> None:
        """An answer of a visitor; a peer that got a token announces itself."""
        asked = self._pending.pop(message.transaction_id, None)
        if asked is None or (asked.source, asked.visitor) != (destination, sender):
            return
        if isinstance(message, krpc.Error):
            self._counters.chatter[f"{asked.method}_refused"] += 1
            return
        self._counters.chatter[f"{asked.method}_answered"] += 1
        token = message.values.get(b"token")
        if asked.method == "get_peers" and isinstance(token, bytes):
            port = int.from_bytes(asked.peer[4:])
            arguments: dict[bytes, Encodable] = {b"info_hash": asked.info_hash, b"port": port, b"token": token}
            self._send("announce_peer", asked._replace(method="announce_peer"), _peer_id(asked.peer), arguments, is_read_only=True)

    def _ask(self, visitor: bytes) -> None:
        method = self._rng.choice(("ping", "find_node", "get_peers", "get_peers"))
        info_hash, peer = self._rng.choice(self._announcers)
        node_id, source = self._rng.choice(self._nodes)
        if method != "get_peers":
            arguments: dict[bytes, Encodable] = {b"target": self._rng.randbytes(20)} if method == "find_node" else {}
            self._send(method, _Asked(source, visitor, method, info_hash, b""), node_id, arguments, is_read_only=False)
            return
        if self._door.has_every_address:
            source = peer[:4] + source[4:]  # from the peer's own address: that is the one its announce stands for
        self._send(method, _Asked(source, visitor, method, info_hash, peer), _peer_id(peer), {b"info_hash": info_hash}, is_read_only=True)

    def _send(self, method: str, asked: _Asked, node_id: bytes, arguments: dict[bytes, Encodable], *, is_read_only: bool) -> None:
        transaction_id = self._rng.randbytes(6)
        message: dict[bytes, Encodable] = {b"a": {b"id": node_id, **arguments}, b"q": method.encode(), b"t": transaction_id, b"y": b"q"}
        if is_read_only:
            message[b"ro"] = 1
        self._pending[transaction_id] = asked
        if len(self._pending) > _MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._counters.chatter[f"{method}_sent"] += 1
        self._door.send(encode(message), asked.source, asked.visitor)


def _peer_id(peer: bytes) -> bytes:
    return hashlib.sha1(peer, usedforsecurity=False).digest()
