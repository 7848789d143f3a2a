"""The look-ups under way in one node: whom to ask next, and what is told to whoever started them."""

from typing import Any

from protocol.compact import ADDRESS_LENGTH_V4, CompactNode, unpack_address
from protocol.dht import krpc
from protocol.dht.address_policy import AddressPolicy
from protocol.dht.asker import Asker
from protocol.dht.events import LookupAdvanced, LookupEnded
from protocol.dht.lookup import Lookup
from protocol.dht.query_book import Purpose
from protocol.dht.recent_nodes import RecentNodes
from protocol.dht.round_trip import RoundTrip
from protocol.dht.routing_table import RoutingTable
from protocol.identifiers import NODE_ID_LENGTH, InfoHash

SEEDS = 16


class Lookups:
    """All of them, by number. One may look for our own id, with find_node and no events; the others look for peers."""

    def __init__(self, asker: Asker, table: RoutingTable, recent: RecentNodes, policy: AddressPolicy, *, address_length: int) -> None:
        self.events: list[LookupAdvanced | LookupEnded] = []
        self._asker = asker
        self._table = table
        self._recent = recent
        self._policy = policy
        self._address_length = address_length
        self._nodes_key = b"nodes" if address_length == ADDRESS_LENGTH_V4 else b"nodes6"
        self._round_trip = RoundTrip()
        self._running: dict[int, Lookup] = {}
        self._count = 0
        self._for_ourselves: int | None = None

    def __len__(self) -> int:
        return len(self._running)

    def seeds(self, target: bytes, now: float) -> list[CompactNode]:
        """The nodes we know nearest to a target."""
        known = self._recent.near(target, SEEDS)
        return known + [contact.node for contact in self._table.closest(target, now) if contact.node not in known]

    def look_up_peers(self, info_hash: InfoHash, now: float, timeout_s: float) -> int:
        """Start looking for peers; returns the number that stands in the events."""
        number = self._start(info_hash, self.seeds(info_hash, now), now + timeout_s)
        self._drive(number, now)
        return number

    def look_up_ourselves(self, target: bytes, seeds: list[CompactNode], now: float, timeout_s: float) -> None:
        """Start looking for the nodes near our id, unless that is going on."""
        if self._for_ourselves is None:
            self._for_ourselves = self._start(target, seeds, now + timeout_s)

    def cancel(self, number: int) -> None:
        """Forget one; no event follows."""
        self._running.pop(number, None)

    def answered(self, number: int, node: CompactNode, values: dict[bytes, Any], now: float) -> None:
        """A node answered a question of this look-up."""
        lookup = self._running.get(number)
        if lookup is None:
            return
        asked_at = lookup.asked_at(node)
        if asked_at is not None:
            self._round_trip.measured(now - asked_at)
        nodes, peers = values.get(self._nodes_key), values.get(b"values")
        length = self._address_length
        new = lookup.answered(
            node,
            nodes if type(nodes) is bytes else b"",
            [peer for peer in peers if type(peer) is bytes and len(peer) == length] if type(peers) is list else [],
        )
        if new and number != self._for_ourselves:
            self.events.append(LookupAdvanced(number, tuple(map(unpack_address, new))))
        self._drive(number, now)

    def failed(self, number: int, node: CompactNode) -> None:
        """A node refused or stayed silent."""
        lookup = self._running.get(number)
        if lookup is not None:
            lookup.failed(node)

    def drive(self, now: float) -> None:
        """Ask whom the look-ups want asked now, and end those that are done."""
        for number in list(self._running):
            self._drive(number, now)

    def _start(self, target: bytes, seeds: list[CompactNode], ends_at: float) -> int:
        self._count += 1
        node_length = NODE_ID_LENGTH + self._address_length
        self._running[self._count] = Lookup(target, seeds, node_length=node_length, policy=self._policy, ends_at=ends_at)
        return self._count

    def _drive(self, number: int, now: float) -> None:
        lookup = self._running[number]
        write = krpc.find_node if number == self._for_ourselves else krpc.get_peers
        slow_after_s = self._round_trip.slow_after_s
        for node in lookup.wanted(now, slow_after_s, self._asker.may_look_up):
            if not self._asker.room(now):
                break
            self._asker.ask(node, Purpose.LOOK_UP, number, now, write, lookup.target)
            lookup.asked(node, now)
        if lookup.is_done(now, slow_after_s):
            del self._running[number]
            if number == self._for_ourselves:
                self._for_ourselves = None
            else:
                self.events.append(LookupEnded(number, lookup.peer_count))
