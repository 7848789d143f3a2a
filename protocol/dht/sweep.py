"""The walk through the key space with sample_infohashes (BEP 51): every node once per interval it answered with.

A node asked tells its samples and eight more nodes; those not met yet join the frontier. The target of each question differs from the
asked node's id in a random one of its first bits, so over time every bucket of every table is read: the deep ones name a node's
neighbours, the shallow ones lead across. Nodes that gave hashes come again when their interval is over. Nodes that stayed silent are tried
again only while there is nobody else to ask: more than half of all named nodes are gone, the rest lost a packet.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple

from protocol.compact import CompactAddress, CompactNode
from protocol.dht.address_policy import AddressPolicy
from protocol.dht.node_id import RandomBits
from protocol.dht.rest_times import PLACES, RestTimes
from protocol.identifiers import NODE_ID_LENGTH

MIN_INTERVAL_S = 10.0
"""However short the interval a node names; it also gets other queries from us."""

MAX_INTERVAL_S = 21_600.0
"""The longest interval BEP 51 allows; longer ones count as this."""

SILENT_FOR_S = 3600.0
"""A node that did not answer is not asked again for so long, nor one that waits in the frontier added twice."""

REFUSED_FOR_S = 6 * 3600.0
"""A node without BEP 51 is not asked again for so long."""

SECOND_CHANCES_S = (5.0, 20.0, 60.0)
"""When to try a silent node again, counted from each silence."""

MIN_PLACES = 1 << 20
"""Of the table of rest times; a small share of the key space has fewer nodes."""

POSTPONED_S = 2.0
MAX_POSTPONED = 8

MAX_NODES_PER_ANSWER = 16
"""BEP 5 says eight; more than this is somebody filling our frontier."""


class Share(NamedTuple):
    """A part of the key space, `part` of `parts`: several instances, or several nodes of one, each walk their own."""

    part: int
    parts: int

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Read "part/parts"; ValueError when it is not 0 <= part < parts <= 65536."""
        part, _, parts = text.partition("/")
        share = cls(int(part), int(parts))
        if not 0 <= share.part < share.parts <= 0x10000:
            raise ValueError(f"a share of the key space is part/parts with 0 <= part < parts, not {text}")
        return share

    def divided(self, index: int, count: int) -> "Share":
        """The `index`-th of `count` equal pieces of this share."""
        return Share(self.part * count + index, self.parts * count)


class SweepStatistics(NamedTuple):
    """How the walk stands."""

    frontier: int
    waiting: int
    silent: int


class Sweep:
    """Whom to ask for samples next. Time is an argument.

    Args:
        random_bits: for targets.
        node_length: 26 or 38.
        policy: which addresses are worth a question.
        share: the part of the key space to walk.
        on_elsewhere: gets the nodes outside of it.
        max_frontier: nodes that wait to be asked for the first time.
        max_waiting: nodes that wait for their interval to end.
    """

    def __init__(
        self,
        random_bits: RandomBits,
        *,
        node_length: int,
        policy: AddressPolicy,
        share: Share = Share(0, 1),  # noqa: B008  (immutable)
        on_elsewhere: Callable[[CompactNode], None] = lambda _: None,
        max_frontier: int = 20_000,
        max_waiting: int = 50_000,
    ) -> None:
        self._random_bits = random_bits
        self._node_length = node_length
        self._bounds = range(share.part * 0x10000 // share.parts, (share.part + 1) * 0x10000 // share.parts)
        self._is_everywhere = share.parts == 1
        self._on_elsewhere = on_elsewhere
        self._policy = policy
        self._max_frontier = max_frontier
        self._max_waiting = max_waiting
        self._frontier: deque[CompactNode] = deque()
        self._silent: list[tuple[float, CompactNode]] = []  # heap of nodes that get another chance, by the time of it
        self._silences: dict[CompactAddress, int] = {}
        self._postponed: dict[CompactAddress, int] = {}
        self._waiting: list[tuple[float, CompactNode]] = []  # heap of nodes that gave hashes, by the time they may be asked again
        self._rests = RestTimes(max(MIN_PLACES, PLACES // share.parts))

    def hear(self, nodes: bytes, now: float) -> None:
        """Somebody named these nodes (joined compact nodes); those worth a question join the frontier."""
        length = self._node_length
        if len(nodes) % length:
            return
        frontier, rests, allows = self._frontier, self._rests, self._policy.allows
        if len(frontier) >= self._max_frontier:
            return
        soon = now + SILENT_FOR_S
        for start in range(0, min(len(nodes), MAX_NODES_PER_ANSWER * length), length):
            address = nodes[start + NODE_ID_LENGTH : start + length]
            if rests[address] > now or not allows(address):
                continue
            node = nodes[start : start + length]
            if self._is_everywhere or (node[0] << 8 | node[1]) in self._bounds:
                rests.rest(address, soon)
                frontier.append(node)
            else:
                self._on_elsewhere(node)

    def next_node(self, now: float) -> CompactNode | None:
        """Whom to ask now: first those whose interval is over, then the frontier."""
        while self._waiting and self._waiting[0][0] <= now:
            node = heappop(self._waiting)[1]
            address = node[NODE_ID_LENGTH:]
            if self._rests[address] < now + 1.0:  # (whole seconds) not asked again in between, because somebody named it
                self._rests.rest(address, now + SILENT_FOR_S)
                return node
        if self._frontier:
            return self._frontier.popleft()
        while self._silent and self._silent[0][0] <= now:
            node = heappop(self._silent)[1]
            if node[NODE_ID_LENGTH:] in self._silences:  # else it was named, asked and has answered since
                return node
        return None

    def postpone(self, node: CompactNode, now: float) -> None:
        """It could not be asked now, because its address was asked a moment ago. A host with too many nodes wears our patience out."""
        address = node[NODE_ID_LENGTH:]
        count = self._postponed.pop(address, 0) + 1
        if count > MAX_POSTPONED:
            self._rests.rest(address, now + SILENT_FOR_S)
            return
        if len(self._postponed) > 2 * self._max_waiting:  # most have been asked since and are not missed here
            self._postponed.clear()
        self._postponed[address] = count
        until = now + POSTPONED_S * count
        self._rests.rest(address, until)
        self._wait(node, until)

    def answered(self, node: CompactNode, interval_s: float, now: float, *, gave_hashes: bool) -> None:
        """It gave a sample and wants to be left alone for `interval_s`."""
        address = node[NODE_ID_LENGTH:]
        self._silences.pop(address, None)
        until = now + min(max(interval_s, MIN_INTERVAL_S), MAX_INTERVAL_S)
        self._rests.rest(address, until)
        if gave_hashes:
            self._wait(node, until)

    def silent(self, node: CompactNode, now: float) -> None:
        """It did not answer."""
        address = node[NODE_ID_LENGTH:]
        count = self._silences.pop(address, 0)
        if count < len(SECOND_CHANCES_S) and len(self._silent) < self._max_waiting:
            self._silences[address] = count + 1
            heappush(self._silent, (now + SECOND_CHANCES_S[count], node))
            if len(self._silences) > 2 * self._max_waiting:  # most have answered since and are not missed here
                self._silences.clear()

    def refused(self, node: CompactNode, now: float) -> None:
        """It answered without a sample: it does not know BEP 51."""
        address = node[NODE_ID_LENGTH:]
        self._silences.pop(address, None)
        self._rests.rest(address, now + REFUSED_FOR_S)

    def target_for(self, node: CompactNode) -> bytes:
        """The target of the question to this node: its id up to a random one of the first 24 bits, then different, then random."""
        noise = self._random_bits(160).to_bytes(20, "big")
        place, bit = divmod(noise[0] % 24, 8)
        keep = 0xFF00 >> bit & 0xFF  # the bits of that byte in front of the one that differs
        changed = node[place] & keep | (~node[place] & 0x80 >> bit) | (noise[place + 1] & 0x7F >> bit)
        return node[:place] + bytes((changed,)) + noise[place + 1 :]

    def random_target(self) -> bytes:
        """A random id within this sweep's share."""
        prefix = self._bounds.start + self._random_bits(32) % len(self._bounds)
        return prefix.to_bytes(2, "big") + self._random_bits(144).to_bytes(18, "big")

    @property
    def is_idle(self) -> bool:
        """Nobody is left to ask; a look into other regions may find somebody."""
        return not self._frontier

    def statistics(self) -> SweepStatistics:
        """Sizes of what is kept."""
        return SweepStatistics(len(self._frontier), len(self._waiting), len(self._silent))

    def _wait(self, node: CompactNode, until: float) -> None:
        if len(self._waiting) < self._max_waiting:  # beyond, it comes again when somebody names it
            heappush(self._waiting, (until, node))
