"""Keeps a routing table alive: pings who has gone quiet and who has shown up, refreshes old buckets, looks for our own id."""

from protocol.compact import CompactNode
from protocol.dht import krpc
from protocol.dht.asker import Asker
from protocol.dht.budget import TokenBucket
from protocol.dht.lookups import Lookups
from protocol.dht.node_id import RandomBits, random_id_near
from protocol.dht.profile import Profile
from protocol.dht.query_book import Purpose
from protocol.dht.routing_table import RoutingTable
from protocol.identifiers import NODE_ID_LENGTH

SELF_LOOKUP_S = 900.0
SELF_LOOKUP_WHEN_SMALL_S = 20.0
"""Between look-ups of our own id: they fill the near buckets and make us known. A table of a handful wants it soon again."""
SMALL_TABLE = 16
SELF_LOOKUP_TIMEOUT_S = 20.0
MAX_NEWCOMERS = 64
PINGS_PER_TICK = 4
NEWCOMERS_SHARE = 0.1
"""Of the budget for new addresses: anybody can make strangers ask us, and their pings must not use up the rest."""
MAX_DEBT_S = 1.0
"""Our own contacts are pinged before it is their turn, but the budgets hold: beyond this debt they wait too."""


class Caretaker:
    """Looks after one table, a little at each tick."""

    def __init__(self, table: RoutingTable, asker: Asker, lookups: Lookups, profile: Profile, random_bits: RandomBits, now: float) -> None:
        self._table = table
        self._asker = asker
        self._lookups = lookups
        self._random_bits = random_bits
        self._newcomers: list[CompactNode] = []
        self._greetings = TokenBucket(profile.new_addresses_per_s * NEWCOMERS_SHARE, now)
        self._self_lookup_at = now

    def meet(self, node: CompactNode) -> None:
        """Somebody we do not know asked us something: it may have a place in the table once it has answered a ping."""
        if len(self._newcomers) < MAX_NEWCOMERS and self._table.has_room_for(node[:NODE_ID_LENGTH]):
            self._newcomers.append(node)

    def join(self, nodes: list[CompactNode], now: float) -> None:
        """A router named these: walk from them to our own id."""
        self._lookups.look_up_ourselves(self._near_ourselves(), nodes, now, SELF_LOOKUP_TIMEOUT_S)

    def start_over(self, now: float) -> None:
        """Our id has changed."""
        self._self_lookup_at = now

    def tick(self, now: float) -> None:
        """What is due now."""
        if self._asker.debt_s(now) <= MAX_DEBT_S:
            self._keep_up(now)
        if now >= self._self_lookup_at and len(self._table):
            self._self_lookup_at = now + (SELF_LOOKUP_S if len(self._table) >= SMALL_TABLE else SELF_LOOKUP_WHEN_SMALL_S)
            near = self._near_ourselves()
            self._lookups.look_up_ourselves(near, self._lookups.seeds(near, now), now, SELF_LOOKUP_TIMEOUT_S)

    def _keep_up(self, now: float) -> None:
        while self._newcomers and self._greetings.take(now):
            self._ping(self._newcomers.pop(), now)  # the last one is the likeliest to be still there
        for contact in self._table.to_ping(now, limit=PINGS_PER_TICK):
            self._ping(contact.node, now)
        target = self._table.to_refresh(now, self._random_bits)
        if target is not None:
            for contact in self._table.closest(target, now, count=2):
                if self._asker.may_ask(contact.node):
                    self._asker.ask(contact.node, Purpose.EXPLORE, None, now, krpc.find_node, target)

    def _ping(self, node: CompactNode, now: float) -> None:
        if self._asker.may_ask(node):
            self._asker.ask(node, Purpose.PING, None, now, krpc.ping)

    def _near_ourselves(self) -> bytes:
        return random_id_near(self._table.own_id, 159, self._random_bits)  # differs in the last bit: nobody answers with itself
