"""A DHT node as a sans-I/O core: datagrams and `now` in, datagrams and events out.

    node.receive_datagram(data, address, now)      what the socket gave
    node.handle_timer(now)                         at next_deadline(), or every 50 ms
    for data, address in node.datagrams_to_send(now): ...
    for event in node.take_events(): ...           of the look-ups, soon
    for finding in node.take_findings(): ...       info hashes and peers, in batches

It opens no socket, reads no clock and draws no random number of its own. Nothing a peer sends makes it raise: what is refused is counted.
The parts: krpc (messages), routing_table and caretaker, responder (queries of others), asker (queries of ours), sweep (BEP 51),
lookups (BEP 5).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from protocol.compact import ADDRESS_LENGTH_V4, CompactAddress, CompactNode, is_public, pack_address, split, unpack_address
from protocol.dht import krpc
from protocol.dht.address_policy import AddressPolicy
from protocol.dht.address_votes import AddressVotes
from protocol.dht.asker import Asker
from protocol.dht.budget import AnswerBudget, TokenBucket, TwoGenerations
from protocol.dht.caretaker import Caretaker
from protocol.dht.events import AddressLearned, Event, InfoHashesHeard, PeersHeard
from protocol.dht.krpc import Error, Message, Query, Response
from protocol.dht.lookups import Lookups
from protocol.dht.node_id import RandomBits, is_secure, secure_id
from protocol.dht.peer_store import PeerStore, Tokens
from protocol.dht.profile import Profile
from protocol.dht.query_book import PendingQuery, Purpose
from protocol.dht.recent_nodes import RecentNodes
from protocol.dht.responder import Responder
from protocol.dht.routing_table import RoutingTable
from protocol.dht.sweep import Share, Sweep, SweepStatistics
from protocol.errors import MalformedDatagram
from protocol.identifiers import NODE_ID_LENGTH, Address, InfoHash, NodeId

TICK_S = 0.05
TOKEN_SECRET_S = 300.0
MAX_BURST = 128
"""Sample queries in one go: the next datagrams in bring the next ones out."""
MAX_LENIENT_PER_S = 200
"""Datagrams that get the slow second decoder."""
EXPLORE_PER_S = 5.0
"""`find_node` queries that look for new regions while the sweep has nobody to ask."""
MET_S = 60.0
MAX_MET = 20_000
UNKNOWN_ID = bytes(NODE_ID_LENGTH)
"""Stands for the id of a router until it has answered."""


@dataclass(frozen=True, slots=True)
class NodeStatistics:
    """Counters since the start, and what is there now."""

    node_id: bytes
    received: int
    sent: int
    queries_received: int
    answers_received: int
    samples_received: int
    """Answers to sample_infohashes that held a sample."""
    hashes_received: int
    table_size: int
    table_good: int
    pending_queries: int
    lookups: int
    stored_hashes: int
    sweep: SweepStatistics
    dropped: dict[str, int]
    """Datagrams and answers that were refused, by reason."""


class Node:
    """One node id on one socket, of one address family.

    Args:
        address_length: 6 for an IPv4 socket, 18 for IPv6.
        profile: this node's budgets.
        random_bits: for ids, targets, transaction ids.
        make_secret: gives 16 unpredictable bytes, for tokens.
        now: the first reading of the clock whose readings all other methods get.
        allow_local: talk to loopback and private addresses too.
        share: the part of the key space to sweep.
        is_sweeping: False for a node that serves and looks up but never samples.
    """

    def __init__(
        self,
        *,
        address_length: int,
        profile: Profile,
        random_bits: RandomBits,
        make_secret: Callable[[], bytes],
        now: float,
        allow_local: bool = False,
        share: Share = Share(0, 1),  # noqa: B008  (immutable)
        is_sweeping: bool = True,
    ) -> None:
        self.is_sweeping = is_sweeping
        """Turned off while nobody takes what is found: back-pressure by not asking, never by not reading."""
        policy = AddressPolicy(allow_local=allow_local, is_local_only=profile.is_local_only)
        self._address_length = address_length
        self._nodes_key = b"nodes" if address_length == ADDRESS_LENGTH_V4 else b"nodes6"
        self._max_in_flight = profile.max_in_flight
        self._random_bits = random_bits
        self._make_secret = make_secret
        self._policy = policy
        self._recent = RecentNodes()
        self._sweep = Sweep(
            random_bits,
            node_length=NODE_ID_LENGTH + address_length,
            share=share,
            policy=policy,
            on_elsewhere=self._recent.named,  # not ours to sample, but look-ups lead everywhere
        )
        # Until our address is known any id will do; one in our share makes the first look-ups name nodes we may sample.
        self._table = RoutingTable(NodeId(self._sweep.random_target()))
        self._peers = PeerStore(random_bits)
        self._tokens = Tokens(make_secret())
        self._token_secret_at = now + TOKEN_SECRET_S
        self._responder = Responder(self._table, self._peers, self._tokens, address_length=address_length)
        self._answers = AnswerBudget(profile.answers_per_s, profile.answers_per_host, now, policy)
        self._lenient = TokenBucket(MAX_LENIENT_PER_S, now)
        self._met = TwoGenerations(MET_S, now, capacity=MAX_MET)  # nodes that asked us lately
        self._asker = Asker(self._table, profile, policy, random_bits, now)
        self._lookups = Lookups(self._asker, self._table, self._recent, policy, address_length=address_length)
        self._caretaker = Caretaker(self._table, self._asker, self._lookups, profile, random_bits, now)
        self._explorations = TokenBucket(EXPLORE_PER_S, now)
        self._votes = AddressVotes()
        self._samples_in_flight = 0
        self._hashes: list[InfoHash] = []
        self._learned: list[AddressLearned] = []
        self._tick_at = now
        self._dropped: Counter[str] = Counter()
        self._received = self._sent = self._queries = self._answered = self._samples = self._hash_count = 0

    @property
    def node_id(self) -> NodeId:
        """Our id; it changes when we learn under which address others see us (BEP 42)."""
        return self._table.own_id

    @property
    def is_lonely(self) -> bool:
        """Nobody in the table answers, if anybody is there: somebody must name routers."""
        return all(contact.is_bad for contact in self._table)

    @property
    def hashes_waiting(self) -> int:
        """Hashes that the next `take_findings` will give."""
        return len(self._hashes) + len(self._responder.heard)

    # What the owner calls

    def bootstrap(self, routers: list[Address], now: float) -> None:
        """Ask these for the first nodes, whatever the budgets say; addresses of the other family are left out."""
        for address in routers:
            compact = pack_address(address)
            if len(compact) == self._address_length and self._policy.allows(compact):
                self._asker.ask(UNKNOWN_ID + compact, Purpose.BOOTSTRAP, None, now, krpc.find_node, self.node_id)

    def look_up(self, info_hash: InfoHash, now: float, timeout_s: float = 20.0) -> int:
        """Start a look-up for peers; its number comes back in LookupAdvanced and LookupEnded."""
        return self._lookups.look_up_peers(info_hash, now, timeout_s)

    def cancel_lookup(self, lookup: int) -> None:
        """Stop it; no event follows."""
        self._lookups.cancel(lookup)

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram in. Never raises for what a peer sent."""
        self._received += 1
        message: Message | None
        try:
            message = krpc.parse(data)
        except MalformedDatagram as exc:
            message = self._parse_again(data, exc, now)
        if isinstance(message, Response):
            self._on_response(message, address, now)
        elif isinstance(message, Query):
            self._on_query(message, address, now)
        elif message is not None:
            self._on_error(message, address, now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Everything to send now, the next sample queries among it. The caller sends it or loses it."""
        if self.is_sweeping:
            self._ask_for_samples(now)
        outbox = self._asker.outbox
        self._asker.outbox = []
        self._sent += len(outbox)
        return outbox

    def take_findings(self) -> list[InfoHashesHeard | PeersHeard]:
        """Hashes and announcements since the last call: at most one event of each kind."""
        findings: list[InfoHashesHeard | PeersHeard] = []
        if hashes := self._hashes + self._responder.heard:
            findings.append(InfoHashesHeard(tuple(hashes)))
            self._hashes = []
            self._responder.heard.clear()
        if announced := self._responder.announced:
            findings.append(PeersHeard(tuple((info_hash, unpack_address(peer)) for info_hash, peer in announced)))
            announced.clear()
        return findings

    def take_events(self) -> list[Event]:
        """What has become of the look-ups since the last call."""
        events: list[Event] = [*self._learned, *self._lookups.events]
        if events:
            self._learned.clear()
            self._lookups.events.clear()
        return events

    def next_deadline(self) -> float:
        """When `handle_timer` wants to be called."""
        return self._tick_at

    def handle_timer(self, now: float) -> None:
        """Time has passed: expire queries, turn secrets, keep the table alive, drive the look-ups."""
        self._tick_at = now + TICK_S
        for query in self._asker.expire(now):
            self._on_silence(query, now)
        self._met.turn(now)
        if now >= self._token_secret_at:
            self._token_secret_at = now + TOKEN_SECRET_S
            self._tokens.turn(self._make_secret())
            self._peers.expire(now)
        self._caretaker.tick(now)
        self._lookups.drive(now)
        if self.is_sweeping and self._sweep.is_idle:
            self._explore(now)

    def statistics(self) -> NodeStatistics:
        """A snapshot of the counters."""
        return NodeStatistics(
            node_id=self.node_id,
            received=self._received,
            sent=self._sent,
            queries_received=self._queries,
            answers_received=self._answered,
            samples_received=self._samples,
            hashes_received=self._hash_count,
            table_size=len(self._table),
            table_good=self._table.good(self._tick_at),
            pending_queries=len(self._asker),
            lookups=len(self._lookups),
            stored_hashes=len(self._peers),
            sweep=self._sweep.statistics(),
            dropped=dict(self._dropped),
        )

    # Datagrams in

    def _parse_again(self, data: bytes, first: MalformedDatagram, now: float) -> Message | None:
        if first.reason == "not_bencode" and data[:1] == b"d" and self._lenient.take(now):
            try:
                message = krpc.parse_lenient(data)
            except MalformedDatagram as exc:
                first = exc
            else:
                self._dropped["lenient_accepted"] += 1
                return message
        self._dropped[first.reason] += 1
        return None

    def _on_query(self, query: Query, address: Address, now: float) -> None:
        self._queries += 1
        asker = self._answers.admit(address, now)
        if isinstance(asker, str):
            self._dropped[asker] += 1
            return
        answer, code = self._responder.answer(query, asker, now)
        self._asker.outbox.append((answer, address))
        if code is not None:
            self._dropped[f"answered_error_{code.value}"] += 1
        elif not query.is_read_only:
            node_id = query.arguments[b"id"]
            if not self._table.heard_query(node_id, asker, now) and asker not in self._met:
                # A living node: worth a sample, and perhaps a place in the table.
                self._met.add(asker)
                self._sweep.hear(node_id + asker, now)
                self._caretaker.meet(node_id + asker)

    def _on_response(self, response: Response, address: Address, now: float) -> None:
        query = self._asker.answered(response.transaction_id, address)
        if query is None:
            self._dropped["not_asked_for"] += 1
            return
        self._answered += 1
        _, node, purpose, context = query
        if purpose is Purpose.BOOTSTRAP:
            node = response.node_id + node[NODE_ID_LENGTH:]
        if node.startswith(response.node_id):
            self._table.heard_response(response.node_id, node[NODE_ID_LENGTH:], now)
            self._recent.heard(node)
        else:
            # Who comes back under a new id, or has many, is not fit for the table; what it tells may still be true.
            self._dropped["other_id_than_named"] += 1
            self._forget(node, now)
        if response.seen_address is not None:
            self._on_seen_address(response.seen_address, node[NODE_ID_LENGTH:], now)
        nodes = response.values.get(self._nodes_key)
        if type(nodes) is bytes:
            self._sweep.hear(nodes, now)
            if purpose is Purpose.BOOTSTRAP:
                self._caretaker.join(split(nodes, NODE_ID_LENGTH + self._address_length), now)
        if purpose is Purpose.SAMPLE:
            self._on_sample(node, response, now)
        elif purpose is Purpose.LOOK_UP:
            self._lookups.answered(context, node, response.values, now)

    def _on_sample(self, node: CompactNode, response: Response, now: float) -> None:
        self._samples_in_flight -= 1
        samples = response.values.get(b"samples")
        if type(samples) is not bytes or len(samples) % 20:
            self._dropped["no_sample"] += 1
            self._sweep.refused(node, now)
            return
        self._samples += 1
        if samples:
            self._hash_count += len(samples) // 20
            self._hashes += [samples[start : start + 20] for start in range(0, len(samples), 20)]  # type: ignore[misc]
        interval = response.values.get(b"interval")
        self._sweep.answered(node, interval if type(interval) is int else 0, now, gave_hashes=bool(samples))

    def _on_error(self, error: Error, address: Address, now: float) -> None:
        query = self._asker.answered(error.transaction_id, address)
        if query is None:
            self._dropped["not_asked_for"] += 1
            return
        self._answered += 1
        self._dropped["error_received"] += 1
        if query.purpose is Purpose.SAMPLE:
            self._samples_in_flight -= 1
            self._sweep.refused(query.node, now)
        elif query.purpose is Purpose.LOOK_UP:
            self._lookups.failed(query.context, query.node)

    def _on_silence(self, query: PendingQuery, now: float) -> None:
        node = query.node
        if query.purpose is Purpose.SAMPLE:
            self._samples_in_flight -= 1
            self._sweep.silent(node, now)
        elif query.purpose is Purpose.LOOK_UP:
            self._lookups.failed(query.context, node)
        self._forget(node, now)

    def _forget(self, node: CompactNode, now: float) -> None:
        self._recent.silent(node)
        self._table.failed(node[:NODE_ID_LENGTH], node[NODE_ID_LENGTH:], now)

    def _on_seen_address(self, seen: object, voter: CompactAddress, now: float) -> None:
        if type(seen) is not bytes or len(seen) != self._address_length or not is_public(seen):
            return
        ip = self._votes.vote(seen[:-2], voter[:-2])
        if ip is not None and not is_secure(self.node_id, ip + b"\0\1"):
            self._table.change_own_id(secure_id(ip, self._random_bits(8), self._random_bits), now)
            self._caretaker.start_over(now)
            self._learned.append(AddressLearned(unpack_address(ip + b"\0\0")[0]))

    # The sweep

    def _ask_for_samples(self, now: float) -> None:
        # Hashes are cheap and peers are dear: while look-ups run, the sweep lives on what they leave.
        budget = self._asker.spare_room(now) if len(self._lookups) else self._asker.room(now)
        room = min(self._max_in_flight - self._samples_in_flight, MAX_BURST, budget)
        for _ in range(room):
            node = self._sweep.next_node(now)
            if node is None:
                return
            if node.startswith(self.node_id):
                continue
            if self._asker.may_ask(node):
                self._asker.ask(node, Purpose.SAMPLE, None, now, krpc.sample_infohashes, self._sweep.target_for(node))
                self._samples_in_flight += 1
            else:
                self._sweep.postpone(node, now)

    def _explore(self, now: float) -> None:
        """Look into a random region, so that the sweep meets nodes nobody has named yet."""
        for _ in range(min(self._explorations.available(now), self._asker.room(now))):
            target = self._sweep.random_target()
            seeds = [node for node in self._lookups.seeds(target, now) if self._asker.may_ask(node)]
            if not seeds:
                return
            self._explorations.spend()
            self._asker.ask(seeds[self._random_bits(16) % len(seeds)], Purpose.EXPLORE, None, now, krpc.find_node, target)
