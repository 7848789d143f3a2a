"""Our own queries: sent within the budgets, matched to their answers."""

from collections.abc import Callable
from typing import Any, Concatenate

from protocol.compact import CompactNode, unpack_address
from protocol.dht.address_policy import AddressPolicy
from protocol.dht.budget import TokenBucket, TwoGenerations
from protocol.dht.node_id import RandomBits
from protocol.dht.profile import Profile
from protocol.dht.query_book import PendingQuery, Purpose, QueryBook
from protocol.dht.routing_table import RoutingTable
from protocol.identifiers import NODE_ID_LENGTH, Address, NodeId, TransactionId

QUERY_TIMEOUT_S = 4.0
FLOW_S = 30.0
"""A router forgets a UDP flow after a minute or so; two generations of this remember it for no longer than that."""

Write = Callable[Concatenate[TransactionId, NodeId, ...], bytes]
"""One of krpc's writers: called with the transaction id, our id, and the arguments given to `ask`."""


class Asker:
    """The asking half of a node. Whoever has something to ask checks `room` and `may_ask` first."""

    def __init__(self, table: RoutingTable, profile: Profile, policy: AddressPolicy, random_bits: RandomBits, now: float) -> None:
        self.outbox: list[tuple[bytes, Address]] = []
        self._table = table
        self._policy = policy
        self._book = QueryBook(random_bits, timeout_s=QUERY_TIMEOUT_S)
        self._packets = TokenBucket(profile.packets_per_s, now)
        self._new_addresses = TokenBucket(profile.new_addresses_per_s, now)
        # Who has been asked once lately, who twice ...: as many times as a look-up may ask one address.
        self._asked = [TwoGenerations(profile.ask_again_after_s, now) for _ in range(profile.lookups_per_address)]
        self._flows = TwoGenerations(FLOW_S, now)

    def __len__(self) -> int:
        return len(self._book)

    def room(self, now: float) -> int:
        """Queries the budgets have room for, even if all go to addresses we have not talked to lately."""
        return min(self._packets.available(now), self._new_addresses.available(now))

    def spare_room(self, now: float) -> int:
        """Room that leaves some for others."""
        return min(self._packets.spare(now), self._new_addresses.spare(now))

    def debt_s(self, now: float) -> float:
        """Seconds until the budgets have room again, if those who ask whatever they say have used them up."""
        return max(self._packets.debt_s(now), self._new_addresses.debt_s(now))

    def may_ask(self, node: CompactNode) -> bool:
        """Whether its address is one we talk to and has not been asked a moment ago."""
        address = node[NODE_ID_LENGTH:]
        return self._policy.host_key(address) not in self._asked[0] and self._policy.allows(address)

    def may_look_up(self, node: CompactNode) -> bool:
        """The same for look-ups, whose many ways share their last nodes: the lab lets them ask one address more often."""
        address = node[NODE_ID_LENGTH:]
        return self._policy.host_key(address) not in self._asked[-1] and self._policy.allows(address)

    def ask(self, node: CompactNode, purpose: Purpose, context: object, now: float, write: Write, *arguments: Any) -> None:
        """Send a query, whatever the budgets say; they pay for it."""
        compact = node[NODE_ID_LENGTH:]
        address = unpack_address(compact)
        transaction_id = self._book.add(address, node, purpose, context, now)
        host = self._policy.host_key(compact)
        next((asked for asked in self._asked if host not in asked), self._asked[-1]).add(host)
        self._packets.spend()
        if host not in self._flows:
            self._new_addresses.spend()
        self._flows.add(host)  # each packet keeps it open
        self.outbox.append((write(transaction_id, self._table.own_id, *arguments), address))

    def answered(self, transaction_id: bytes, address: Address) -> PendingQuery | None:
        """The query this answers; None for a reply nobody asked for."""
        return self._book.answered(transaction_id, address)

    def expire(self, now: float) -> list[PendingQuery]:
        """Queries that stayed without an answer."""
        for asked in self._asked:
            asked.turn(now)
        self._flows.turn(now)
        return self._book.expire(now)
