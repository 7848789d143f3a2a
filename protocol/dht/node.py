"""A DHT node as a sans-I/O core: datagrams and `now` in, datagrams and events out.

    node.receive_datagram(data, address, now)      what the socket gave
    node.handle_timer(now)                         at next_deadline(), or every 50 ms
    for data, address in node.datagrams_to_send(now): ...
    for event in node.take_events(): ...           of the look-ups, soon
    for finding in node.take_findings(): ...       info hashes and peers, in batches

It opens no socket, reads no clock and draws no random number of its own. Nothing a peer sends makes it raise: what is refused is counted.
The parts: krpc (messages), routing_table, responder (queries of others), query_book (queries of ours), sweep (BEP 51), lookup (BEP 5).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from protocol.compact import ADDRESS_LENGTH_V4, CompactAddress, CompactNode, is_public, is_usable, pack_address, unpack_address
from protocol.dht import krpc
from protocol.dht.address_votes import AddressVotes
from protocol.dht.budget import AnswerBudget, TokenBucket, TwoGenerations, host_key
from protocol.dht.events import AddressLearned, Event, InfoHashesHeard, LookupAdvanced, LookupEnded, PeersHeard
from protocol.dht.lookup import Lookup
from protocol.dht.node_id import RandomBits, is_secure, random_id, random_id_near, secure_id
from protocol.dht.peer_store import PeerStore, Tokens
from protocol.dht.profile import Profile
from protocol.dht.query_book import PendingQuery, Purpose, QueryBook
from protocol.dht.recent_nodes import RecentNodes
from protocol.dht.responder import Responder
from protocol.dht.routing_table import RoutingTable
from protocol.dht.sweep import Share, Sweep, SweepStatistics
from protocol.errors import MalformedDatagram
from protocol.identifiers import NODE_ID_LENGTH, Address, InfoHash, NodeId

QUERY_TIMEOUT_S = 4.0
TICK_S = 0.05
TOKEN_SECRET_S = 300.0
SELF_LOOKUP_S = 900.0
SELF_LOOKUP_WHEN_SMALL_S = 20.0
"""Between look-ups of our own id: they fill the near buckets and make us known. A table of a handful wants it soon again."""
SMALL_TABLE = 16
FLOW_S = 60.0
"""A router forgets a UDP flow after about a minute, so an address is a new one again then."""
MAX_BURST = 128
"""Sample queries in one go: the next datagrams in bring the next ones out."""
MAX_LENIENT_PER_S = 200
"""Datagrams that get the slow second decoder."""
MAX_CURIOSITY = 64
"""Nodes that queried us and wait to be pinged."""
EXPLORE_PER_S = 5.0
"""`find_node` queries that look for new regions while the sweep has nobody to ask."""
SEEDS = 16


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
        self._address_length = address_length
        self._node_length = NODE_ID_LENGTH + address_length
        self._nodes_key = b"nodes" if address_length == ADDRESS_LENGTH_V4 else b"nodes6"
        self._profile = profile
        self._random_bits = random_bits
        self._make_secret = make_secret
        self._allow_local = allow_local
        self._table = RoutingTable(random_id(random_bits))
        self._peers = PeerStore(random_bits)
        self._tokens = Tokens(make_secret())
        self._responder = Responder(self._table, self._peers, self._tokens, address_length=address_length)
        self._book = QueryBook(random_bits, timeout_s=QUERY_TIMEOUT_S)
        self._sweep = Sweep(random_bits, node_length=self._node_length, share=share, allow_local=allow_local)
        self._recent = RecentNodes()
        self._votes = AddressVotes()
        self._lookups: dict[int, Lookup] = {}
        self._lookup_count = 0
        self._self_lookup: int | None = None
        self._self_lookup_at = now
        self._token_secret_at = now + TOKEN_SECRET_S
        self._packets = TokenBucket(profile.packets_per_s, now)
        self._new_addresses = TokenBucket(profile.new_addresses_per_s, now)
        self._lenient = TokenBucket(MAX_LENIENT_PER_S, now)
        self._explorations = TokenBucket(EXPLORE_PER_S, now)
        self._answers = AnswerBudget(profile.answers_per_s, profile.answers_per_host, now)
        self._asked = TwoGenerations(1.0, now)  # hosts asked within the last second or two
        self._flows = TwoGenerations(FLOW_S, now)  # hosts we have talked to lately
        self._curious: list[CompactNode] = []
        self._samples_in_flight = 0
        self._hashes: list[InfoHash] = []
        self._events: list[Event] = []
        self._outbox: list[tuple[bytes, Address]] = []
        self._tick_at = now
        self._dropped: Counter[str] = Counter()
        self._received = self._sent = self._queries = self._answered = self._samples = self._hash_count = 0

    @property
    def node_id(self) -> NodeId:
        """Our id; it changes when we learn under which address others see us (BEP 42)."""
        return self._table.own_id

    @property
    def is_lonely(self) -> bool:
        """Nobody is in the table: somebody must name routers."""
        return not len(self._table)

    @property
    def hashes_waiting(self) -> int:
        """Hashes that the next `take_findings` will give."""
        return len(self._hashes) + len(self._responder.heard)

    # What the owner calls

    def bootstrap(self, routers: list[Address], now: float) -> None:
        """Ask these for the first nodes, whatever the budgets say; addresses of the other family are left out."""
        for address in routers:
            compact = pack_address(address)
            if len(compact) == self._address_length and self._is_usable(compact):
                transaction_id = self._book.add(address, compact, Purpose.BOOTSTRAP, None, now)
                self._send_query(krpc.find_node(transaction_id, self.node_id, self.node_id), address, host_key(compact))

    def look_up(self, info_hash: InfoHash, now: float, timeout_s: float = 20.0) -> int:
        """Start a look-up for peers; its number comes back in LookupAdvanced and LookupEnded."""
        number = self._start_lookup(info_hash, self._seeds(info_hash, now), now, timeout_s)
        self._drive(number, now)
        return number

    def cancel_lookup(self, lookup: int) -> None:
        """Stop it; no event follows."""
        self._lookups.pop(lookup, None)

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram in. Never raises for what a peer sent."""
        self._received += 1
        try:
            message = krpc.parse(data)
        except MalformedDatagram as exc:
            second_try = self._parse_again(data, exc, now)
            if second_try is None:
                return
            message = second_try
        kind = type(message)
        if kind is krpc.Response:
            self._on_response(message, address, now)  # type: ignore[arg-type]
        elif kind is krpc.Query:
            self._on_query(message, address, now)  # type: ignore[arg-type]
        else:
            self._on_error(message, address, now)  # type: ignore[arg-type]

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Everything to send now, the next sample queries among it. The caller sends it or loses it."""
        if self.is_sweeping:
            self._ask_for_samples(now)
        outbox = self._outbox
        self._outbox = []
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
        events = self._events
        self._events = []
        return events

    def next_deadline(self) -> float:
        """When `handle_timer` wants to be called."""
        return self._tick_at

    def handle_timer(self, now: float) -> None:
        """Time has passed: expire queries, turn secrets, keep the table alive, drive the look-ups."""
        self._tick_at = now + TICK_S
        for query in self._book.expire(now):
            self._on_silence(query, now)
        self._asked.turn(now)
        self._flows.turn(now)
        if now >= self._token_secret_at:
            self._token_secret_at = now + TOKEN_SECRET_S
            self._tokens.turn(self._make_secret())
            self._peers.expire(now)
        self._keep_table_alive(now)
        for number in list(self._lookups):
            self._drive(number, now)
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
            pending_queries=len(self._book),
            lookups=len(self._lookups),
            stored_hashes=len(self._peers),
            sweep=self._sweep.statistics(),
            dropped=dict(self._dropped),
        )

    # Datagrams in

    def _parse_again(self, data: bytes, first: MalformedDatagram, now: float) -> krpc.Message | None:
        if first.reason == "not_bencode" and data[:1] == b"d" and self._lenient.available(now):
            self._lenient.spend()
            try:
                message = krpc.parse_lenient(data)
            except MalformedDatagram as exc:
                first = exc
            else:
                self._dropped["lenient_accepted"] += 1
                return message
        self._dropped[first.reason] += 1
        return None

    def _on_query(self, query: krpc.Query, address: Address, now: float) -> None:
        self._queries += 1
        refusal = self._answers.refusal(address[0], now)
        if refusal is not None:
            self._dropped[refusal] += 1
            return
        asker = pack_address(address)
        if not self._is_usable(asker):
            self._dropped["unusable_address"] += 1
            return
        answer, code = self._responder.answer(query, asker, now)
        self._outbox.append((answer, address))
        if code is not None:
            self._dropped[f"answered_error_{code.value}"] += 1
        elif not query.is_read_only:
            node_id = query.arguments[b"id"]
            if not self._table.heard_query(node_id, asker, now):
                self._meet(node_id + asker, now)

    def _meet(self, node: CompactNode, now: float) -> None:
        """Somebody we do not know asked us: a living node, worth a sample and perhaps a place in the table once it has answered."""
        self._sweep.hear(node, now)
        if len(self._curious) < MAX_CURIOSITY and self._table.has_room_for(node[:NODE_ID_LENGTH]):
            self._curious.append(node)

    def _on_response(self, response: krpc.Response, address: Address, now: float) -> None:
        query = self._book.answered(response.transaction_id, address)
        if query is None:
            self._dropped["not_asked_for"] += 1
            return
        self._answered += 1
        node = query.node
        if query.purpose is Purpose.BOOTSTRAP:
            node = response.node_id + node
        if node.startswith(response.node_id):
            self._table.heard_response(response.node_id, node[NODE_ID_LENGTH:], now)
            self._recent.heard(node)
        else:
            self._dropped["other_id_than_named"] += 1  # not fit for the table; what it tells may still be true
        if response.seen_address is not None:
            self._on_seen_address(response.seen_address, node[NODE_ID_LENGTH:], now)
        nodes = response.values.get(self._nodes_key)
        if type(nodes) is not bytes:
            nodes = b""
        purpose = query.purpose
        if purpose is Purpose.SAMPLE:
            self._on_sample(node, response, now)
        elif purpose is Purpose.LOOK_UP:
            self._on_lookup_answer(query.context, node, nodes, response, now)
        elif purpose is Purpose.BOOTSTRAP:
            self._on_router_answer(nodes, now)
        if nodes:
            self._sweep.hear(nodes, now)

    def _on_sample(self, node: CompactNode, response: krpc.Response, now: float) -> None:
        self._samples_in_flight -= 1
        samples = response.values.get(b"samples")
        if type(samples) is not bytes or len(samples) % 20:
            self._dropped["no_sample"] += 1
            self._sweep.refused(node, now)
            return
        self._samples += 1
        if samples:
            count = len(samples) // 20
            self._hash_count += count
            self._hashes += [samples[start : start + 20] for start in range(0, len(samples), 20)]  # type: ignore[misc]
        interval = response.values.get(b"interval")
        self._sweep.answered(node, interval if type(interval) is int else 0, now, gave_hashes=bool(samples))

    def _on_lookup_answer(self, number: int, node: CompactNode, nodes: bytes, response: krpc.Response, now: float) -> None:
        lookup = self._lookups.get(number)
        if lookup is None:
            return
        values = response.values.get(b"values")
        peers = [peer for peer in values if type(peer) is bytes and len(peer) == self._address_length] if type(values) is list else []
        new = lookup.answered(node, nodes, peers)
        if new:
            self._events.append(LookupAdvanced(number, tuple(map(unpack_address, new))))
        self._drive(number, now)

    def _on_router_answer(self, nodes: bytes, now: float) -> None:
        length = self._node_length
        named = [nodes[start : start + length] for start in range(0, len(nodes) - length + 1, length)]
        if self._self_lookup is None:
            self._self_lookup = self._start_lookup(self.node_id, named, now, timeout_s=20.0)

    def _on_error(self, error: krpc.Error, address: Address, now: float) -> None:
        query = self._book.answered(error.transaction_id, address)
        if query is None:
            self._dropped["not_asked_for"] += 1
            return
        self._answered += 1
        self._dropped["error_received"] += 1
        if query.purpose is Purpose.SAMPLE:
            self._samples_in_flight -= 1
            self._sweep.refused(query.node, now)
        elif query.purpose is Purpose.LOOK_UP and query.context in self._lookups:
            self._lookups[query.context].failed(query.node)
            self._drive(query.context, now)

    def _on_silence(self, query: PendingQuery, now: float) -> None:
        node = query.node
        if query.purpose is Purpose.SAMPLE:
            self._samples_in_flight -= 1
            self._sweep.silent(node, now)
        elif query.purpose is Purpose.LOOK_UP and query.context in self._lookups:
            self._lookups[query.context].failed(node)
        if query.purpose is not Purpose.BOOTSTRAP:
            self._recent.silent(node)
            self._table.failed(node[:NODE_ID_LENGTH], node[NODE_ID_LENGTH:], now)

    def _on_seen_address(self, seen: object, voter: CompactAddress, now: float) -> None:
        if type(seen) is not bytes or len(seen) != self._address_length or not is_public(seen):
            return
        ip = self._votes.vote(seen[:-2], voter[:-2])
        if ip is not None and not is_secure(self.node_id, ip + b"\0\1"):
            self._table.change_own_id(secure_id(ip, self._random_bits(8), self._random_bits), now)
            self._events.append(AddressLearned(unpack_address(ip + b"\0\0")[0]))
            self._self_lookup_at = now

    # Queries out

    def _is_usable(self, compact: CompactAddress) -> bool:
        if self._profile.is_local_only and is_public(compact):
            return False
        return is_usable(compact, allow_local=self._allow_local)

    def _send_query(self, data: bytes, address: Address, host: bytes) -> None:
        self._asked.add(host)
        self._packets.spend()
        if host not in self._flows:
            self._flows.add(host)
            self._new_addresses.spend()
        self._outbox.append((data, address))

    def _may_ask(self, compact: CompactAddress) -> bytes | None:
        """The host key when this address may be asked now; never more than once a second."""
        host = host_key(compact)
        return None if host in self._asked or not self._is_usable(compact) else host

    def _ask_for_samples(self, now: float) -> None:
        room = min(self._profile.max_in_flight - self._samples_in_flight, MAX_BURST)
        if room <= 0:
            return
        room = min(room, self._packets.available(now), self._new_addresses.available(now))
        for _ in range(room):
            node = self._sweep.next_node(now)
            if node is None:
                return
            if node.startswith(self.node_id):
                continue
            compact = node[NODE_ID_LENGTH:]
            host = self._may_ask(compact)
            if host is None:
                if self._is_usable(compact):
                    self._sweep.postpone(node, now + 2.0)
                else:
                    self._sweep.refused(node, now)
                continue
            address = unpack_address(compact)
            transaction_id = self._book.add(address, node, Purpose.SAMPLE, None, now)
            self._samples_in_flight += 1
            self._send_query(krpc.sample_infohashes(transaction_id, self.node_id, self._sweep.target_for(node)), address, host)

    def _find_node(self, node: CompactNode, target: bytes, now: float) -> None:
        """Ask one node of ours, for the sake of the table or the sweep."""
        compact = node[NODE_ID_LENGTH:]
        host = self._may_ask(compact)
        if host is None:
            return
        address = unpack_address(compact)
        transaction_id = self._book.add(address, node, Purpose.EXPLORE, None, now)
        self._send_query(krpc.find_node(transaction_id, self.node_id, NodeId(target)), address, host)

    def _explore(self, now: float) -> None:
        """Look into a random region, so that the sweep meets nodes nobody has named yet."""
        for _ in range(min(self._explorations.available(now), self._packets.available(now))):
            target = self._sweep.random_target()
            nodes = self._seeds(target, now)
            if not nodes:
                return
            self._explorations.spend()
            self._find_node(nodes[self._random_bits(16) % len(nodes)], target, now)

    def _keep_table_alive(self, now: float) -> None:
        for node in self._curious:
            self._ping(node, now)
        self._curious.clear()
        for contact in self._table.to_ping(now, limit=4):
            self._ping(contact.node, now)
        target = self._table.to_refresh(now, self._random_bits)
        if target is not None:
            for contact in self._table.closest(target, now, count=2):
                self._find_node(contact.node, target, now)
        if self._self_lookup is None and now >= self._self_lookup_at and len(self._table):
            self._self_lookup_at = now + (SELF_LOOKUP_S if len(self._table) >= SMALL_TABLE else SELF_LOOKUP_WHEN_SMALL_S)
            near = random_id_near(self.node_id, 159, self._random_bits)
            self._self_lookup = self._start_lookup(near, self._seeds(near, now), now, timeout_s=20.0)

    def _ping(self, node: CompactNode, now: float) -> None:
        compact = node[NODE_ID_LENGTH:]
        host = self._may_ask(compact)
        if host is not None:
            address = unpack_address(compact)
            transaction_id = self._book.add(address, node, Purpose.PING, None, now)
            self._send_query(krpc.ping(transaction_id, self.node_id), address, host)

    # Look-ups

    def _seeds(self, target: bytes, now: float) -> list[CompactNode]:
        known = self._recent.near(target, SEEDS)
        return known + [contact.node for contact in self._table.closest(target, now) if contact.node not in known]

    def _start_lookup(self, target: bytes, seeds: list[CompactNode], now: float, timeout_s: float) -> int:
        self._lookup_count += 1
        self._lookups[self._lookup_count] = Lookup(
            target, seeds, node_length=self._node_length, allow_local=self._allow_local, ends_at=now + timeout_s
        )
        return self._lookup_count

    def _drive(self, number: int, now: float) -> None:
        """Ask whom the look-up wants asked, as far as budgets allow; end it when it is done."""
        lookup = self._lookups[number]
        for node in lookup.wanted(now):
            if not self._packets.available(now):
                break
            host = self._may_ask(node[NODE_ID_LENGTH:])
            if host is None:
                continue  # asked a moment ago for another purpose; the next tick tries again
            address = unpack_address(node[NODE_ID_LENGTH:])
            transaction_id = self._book.add(address, node, Purpose.LOOK_UP, number, now)
            lookup.asked(node, now)
            if number == self._self_lookup:
                query = krpc.find_node(transaction_id, self.node_id, NodeId(lookup.target))
            else:
                query = krpc.get_peers(transaction_id, self.node_id, InfoHash(lookup.target))
            self._send_query(query, address, host)
        if lookup.is_done(now):
            del self._lookups[number]
            if number == self._self_lookup:
                self._self_lookup = None
            else:
                self._events.append(LookupEnded(number, lookup.peer_count))
