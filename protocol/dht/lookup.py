"""One iterative look-up: towards the eight nodes closest to a target (BEP 5 `get_peers` and `find_node`), without I/O.

Differs from the Kademlia paper: a node that has not answered after a moment no longer counts among the closest, and others are asked in its
place; its answer is still taken when it comes (libtorrent calls this the short timeout).
"""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice

from protocol.compact import CompactAddress, CompactNode, split
from protocol.dht.address_policy import AddressPolicy
from protocol.identifiers import NODE_ID_LENGTH

PARALLEL = 4
CLOSEST = 8
MAX_QUERIES = 80
MAX_CANDIDATES = 200
MAX_PEERS = 500


class _State(Enum):
    NEW = auto()
    ASKED = auto()
    ANSWERED = auto()
    FAILED = auto()


@dataclass(slots=True, order=True)
class _Candidate:
    distance: int
    node: CompactNode = field(compare=False)
    state: _State = field(default=_State.NEW, compare=False)
    asked_at: float = field(default=0.0, compare=False)


class Lookup:
    """The state of one look-up. Whoever drives it asks `wanted`, says what became of each question, and stops at `is_done`.

    Args:
        target: info hash or node id.
        seeds: nodes to begin with.
        node_length: 26 or 38, by the family of the network.
        policy: which addresses are worth a question, and a connection.
        ends_at: when it gives up.
    """

    def __init__(self, target: bytes, seeds: list[CompactNode], *, node_length: int, policy: AddressPolicy, ends_at: float) -> None:
        self.target = target
        self.ends_at = ends_at
        self._number = int.from_bytes(target, "big")
        self._node_length = node_length
        self._policy = policy
        self._candidates: list[_Candidate] = []  # nearest first
        self._by_host: dict[bytes, _Candidate] = {}  # one place each, or one host with many ids near the target has all
        self._peers: set[CompactAddress] = set()
        self._queries = 0
        for node in seeds:
            self._consider(node)

    def wanted(self, now: float, slow_after_s: float, may_ask: Callable[[CompactNode], bool]) -> list[CompactNode]:
        """Nodes to ask now, nearest first, out of those that may be asked now.

        A node that was asked more than `slow_after_s` ago counts neither among the closest nor among the few asked at a time.
        """
        room = min(PARALLEL, MAX_QUERIES - self._queries)
        new = []
        for candidate in self._hopeful(now, slow_after_s):
            if candidate.state is _State.ASKED:
                room -= 1
            elif candidate.state is _State.NEW:
                new.append(candidate.node)
        return list(islice(filter(may_ask, new), max(0, room)))

    def asked(self, node: CompactNode, now: float) -> None:
        """This node has been sent the question."""
        candidate = self._by_host[self._host(node)]
        candidate.state = _State.ASKED
        candidate.asked_at = now
        self._queries += 1

    def asked_at(self, node: CompactNode) -> float | None:
        """When it was asked; None when nearer ones have pushed it out since."""
        candidate = self._by_host.get(self._host(node))
        return None if candidate is None or candidate.node != node else candidate.asked_at

    def answered(self, node: CompactNode, nodes: bytes, peers: list[CompactAddress]) -> list[CompactAddress]:
        """It named nodes (joined) and peers; returns the peers that are new to this look-up."""
        self._move(node, _State.ANSWERED)
        for named in split(nodes, self._node_length)[: 2 * CLOSEST]:
            self._consider(named)
        new = []
        for peer in peers:
            if peer not in self._peers and len(self._peers) < MAX_PEERS and self._policy.allows(peer):
                self._peers.add(peer)
                new.append(peer)
        return new

    def failed(self, node: CompactNode) -> None:
        """It stayed silent, or answered with an error."""
        self._move(node, _State.FAILED)

    def is_done(self, now: float, slow_after_s: float) -> bool:
        """The closest nodes have all answered, or there is nobody or no time left."""
        if now >= self.ends_at:
            return True
        states = {candidate.state for candidate in self._hopeful(now, slow_after_s)}
        if self._queries >= MAX_QUERIES:
            return _State.ASKED not in states
        return states <= {_State.ANSWERED}

    @property
    def peer_count(self) -> int:
        """Peers found so far."""
        return len(self._peers)

    def _hopeful(self, now: float, slow_after_s: float) -> list[_Candidate]:
        """The closest that have answered or may yet do so soon."""
        hopeful: list[_Candidate] = []
        for candidate in self._candidates:
            is_slow = candidate.state is _State.ASKED and now >= candidate.asked_at + slow_after_s
            if not is_slow and candidate.state is not _State.FAILED:
                hopeful.append(candidate)
                if len(hopeful) == CLOSEST:
                    break
        return hopeful

    def _consider(self, node: CompactNode) -> None:
        host = self._host(node)
        if host in self._by_host or not self._policy.allows(node[NODE_ID_LENGTH:]):
            return
        candidate = _Candidate(self._number ^ int.from_bytes(node[:NODE_ID_LENGTH], "big"), node)
        if len(self._candidates) >= MAX_CANDIDATES:
            if candidate.distance >= self._candidates[-1].distance:
                return
            del self._by_host[self._host(self._candidates.pop().node)]
        insort(self._candidates, candidate)
        self._by_host[host] = candidate

    def _move(self, node: CompactNode, state: _State) -> None:
        candidate = self._by_host.get(self._host(node))
        if candidate is not None and candidate.node == node:
            candidate.state = state

    def _host(self, node: CompactNode) -> bytes:
        return self._policy.host_key(node[NODE_ID_LENGTH:])
