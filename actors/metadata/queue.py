"""Which hash is tried with which peer, and when: order, races, retries, and peers not worth asking. Pure: `now` is an argument.

A hash goes through rounds. A round asks the peers already known, then those a look-up finds; when all have failed, the next round
comes minutes later, and after the last one the hash is given up. Hashes whose peers announced themselves to us go first: those
peers are known to be alive.
"""

import heapq
import ipaddress
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from protocol.identifiers import Address, InfoHash


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """The numbers of the queue."""

    hashes: int = 20_000
    """Wanted at a time; about 1 kB each."""
    rounds: int = 3
    """Before a hash is given up."""
    retry_s: float = 180.0
    """From the first failed round to the second; each further pause is four times as long."""
    peers_per_round: int = 30
    """Peers tried for one hash in one round; a swarm of which thirty do not answer will not answer."""
    races: int = 3
    """Peers asked at the same time for one hash."""
    connections_per_ip: int = 2
    bad_peer_s: float = 300.0
    """A peer that could not be reached, or lied, is left alone for this long, whatever hash it is named for."""
    bad_peers: int = 50_000
    """Remembered at most; the oldest go first."""


@dataclass(slots=True, eq=False)
class _Wanted:
    """One hash on its way."""

    info_hash: InfoHash
    is_announced: bool = False
    untried: deque[Address] = field(default_factory=deque)
    known: set[Address] = field(default_factory=set)  # this round: untried, under way or failed
    in_flight: int = 0
    rounds: int = 0  # failed ones
    was_looked_up: bool = False  # in this round
    is_looked_up: bool = False  # right now, or waiting for its turn
    is_paused: bool = False  # between two rounds
    is_ready: bool = False  # stands in one of the ready queues
    waits_for: str | None = None  # the network whose connections are all taken
    freed: str | None = None  # the network it was woken for


@dataclass(frozen=True, slots=True)
class Attempt:
    """A peer to ask for a hash."""

    info_hash: InfoHash
    peer: Address
    _wanted: _Wanted


class FetchQueue:
    """Holds wanted hashes; says what to do next; learns how it went."""

    def __init__(self, limits: QueueLimits) -> None:
        self._limits = limits
        self._wanted: dict[InfoHash, _Wanted] = {}
        self._announced: deque[_Wanted] = deque()
        self._ready: deque[_Wanted] = deque()
        self._to_look_up: deque[InfoHash] = deque()
        self._retries: list[tuple[float, int, InfoHash]] = []  # a heap: when, tie-breaker, hash
        self._retry_number = 0
        self._connections: dict[str, int] = {}  # by network
        self._blocked: dict[str, deque[_Wanted]] = {}  # by network: hashes whose next peer is there
        self._bad: OrderedDict[Address, float] = OrderedDict()  # until when
        self._given_up: list[InfoHash] = []

    def __len__(self) -> int:
        return len(self._wanted)

    def __contains__(self, info_hash: InfoHash) -> bool:
        return info_hash in self._wanted

    @property
    def is_full(self) -> bool:
        """No more hashes should be taken in; `add` still works."""
        return len(self._wanted) >= self._limits.hashes

    @property
    def ready(self) -> int:
        """Hashes that may have a peer to try at once."""
        return len(self._announced) + len(self._ready)

    @property
    def to_look_up(self) -> int:
        """Hashes that wait for a look-up."""
        return len(self._to_look_up)

    @property
    def to_retry(self) -> int:
        """Hashes that wait for their next round."""
        return len(self._retries)

    @property
    def bad_peers(self) -> int:
        """Peers remembered as not worth asking."""
        return len(self._bad)

    def add(self, info_hash: InfoHash, peers: Iterable[Address], now: float) -> None:
        """Want a hash; `peers` announced themselves for it. One that is wanted already only gets the peers."""
        wanted = self._wanted.get(info_hash)
        if wanted is None:
            wanted = self._wanted[info_hash] = _Wanted(info_hash)
            wanted.is_announced = self._add_peers(wanted, peers, now)
            self._move_on(wanted, now)
        elif self._add_peers(wanted, peers, now):
            wanted.is_announced = True
            self._make_ready(wanted)

    def add_peers(self, info_hash: InfoHash, peers: Iterable[Address], now: float) -> None:
        """A look-up found these."""
        wanted = self._wanted.get(info_hash)
        if wanted is not None and self._add_peers(wanted, peers, now):
            self._make_ready(wanted)

    def next_attempt(self, now: float) -> Attempt | None:
        """The next hash and peer to connect, counted as under way until `attempt_ended`; None: nothing to do."""
        while self._announced or self._ready:
            wanted = (self._announced or self._ready).popleft()
            wanted.is_ready = False
            is_open = self._wanted.get(wanted.info_hash) is wanted and wanted.in_flight < self._limits.races
            peer = self._take_peer(wanted, now) if is_open else None
            if wanted.freed is not None:
                freed, wanted.freed = wanted.freed, None
                if not self._is_busy(freed):  # it had no use for the connection it was woken for: the next one may have
                    self._unblock(freed)
            if peer is not None:
                self._make_ready(wanted)  # behind the others: a race only where there is nothing better to do
                return Attempt(wanted.info_hash, peer, wanted)
            if is_open:
                self._move_on(wanted, now)
        return None

    def attempt_ended(self, attempt: Attempt, now: float, *, is_peer_bad: bool = False) -> None:
        """An attempt succeeded (after `finish`), failed or was called off."""
        network = _network(attempt.peer[0])
        self._connections[network] -= 1
        if not self._connections[network]:
            del self._connections[network]
        self._unblock(network)
        if is_peer_bad:
            self._bad[attempt.peer] = now + self._limits.bad_peer_s
            self._bad.move_to_end(attempt.peer)
            if len(self._bad) > self._limits.bad_peers:
                self._bad.popitem(last=False)
        attempt._wanted.in_flight -= 1
        if self._wanted.get(attempt.info_hash) is attempt._wanted:
            self._move_on(attempt._wanted, now)

    def next_lookup(self) -> InfoHash | None:
        """The next hash to look up peers for, counted as under way until `lookup_ended`; None: nothing to do."""
        while self._to_look_up:
            info_hash = self._to_look_up.popleft()
            if info_hash in self._wanted:
                return info_hash
        return None

    def lookup_ended(self, info_hash: InfoHash, now: float) -> None:
        """No more peers will come of it."""
        wanted = self._wanted.get(info_hash)
        if wanted is not None:
            wanted.is_looked_up = False
            wanted.was_looked_up = True
            self._move_on(wanted, now)

    def take_given_up(self) -> list[InfoHash]:
        """The hashes that have failed their last round since the last call; they are no longer wanted."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def finish(self, info_hash: InfoHash) -> None:
        """No longer wanted: fetched, or not worth another try. Attempts under way are still to be ended."""
        wanted = self._wanted.pop(info_hash, None)
        if wanted is not None:
            self._wake(wanted)

    def start_due_rounds(self, now: float) -> None:
        """Begin the next round of hashes whose pause is over."""
        while self._retries and self._retries[0][0] <= now:
            wanted = self._wanted.get(heapq.heappop(self._retries)[2])
            if wanted is not None and wanted.is_paused:
                wanted.is_paused = wanted.was_looked_up = False
                wanted.known = set(wanted.untried)  # those that failed during the pause have had one as well
                self._move_on(wanted, now)

    def _add_peers(self, wanted: _Wanted, peers: Iterable[Address], now: float) -> bool:
        """Whether there is a peer that was not known."""
        before = len(wanted.known)
        for peer in peers:
            if len(wanted.known) >= self._limits.peers_per_round:
                break
            if peer not in wanted.known and not self._is_bad(peer, now):
                wanted.known.add(peer)
                wanted.untried.append(peer)
        if len(wanted.known) == before:
            return False
        self._wake(wanted)  # the new ones may be elsewhere
        return True

    def _is_bad(self, peer: Address, now: float) -> bool:
        until = self._bad.get(peer)
        if until is None:
            return False
        if until <= now:
            del self._bad[peer]
        return until > now

    def _make_ready(self, wanted: _Wanted) -> None:
        if wanted.untried and not wanted.is_ready and wanted.waits_for is None and wanted.in_flight < self._limits.races:
            wanted.is_ready = True
            (self._announced if wanted.is_announced else self._ready).append(wanted)

    def _take_peer(self, wanted: _Wanted, now: float) -> Address | None:
        """A peer that may be connected now; a hash that has only peers in busy networks then waits for the first of them."""
        busy: list[Address] = []
        taken = None
        while wanted.untried and taken is None:
            peer = wanted.untried.popleft()
            if self._is_busy(_network(peer[0])):
                busy.append(peer)
            elif not self._is_bad(peer, now):
                taken = peer
        wanted.untried.extendleft(reversed(busy))
        if taken is not None:
            network = _network(taken[0])
            self._connections[network] = self._connections.get(network, 0) + 1
            wanted.in_flight += 1
        elif busy:
            wanted.waits_for = _network(busy[0][0])
            self._blocked.setdefault(wanted.waits_for, deque()).append(wanted)
        return taken

    def _is_busy(self, network: str) -> bool:
        return self._connections.get(network, 0) >= self._limits.connections_per_ip

    def _unblock(self, network: str) -> None:
        """A connection to `network` is free: the hash that has waited longest for it may try again."""
        while blocked := self._blocked.get(network):
            wanted = blocked[0]
            self._wake(wanted)
            self._make_ready(wanted)
            if wanted.is_ready:
                wanted.freed = network
                return

    def _wake(self, wanted: _Wanted) -> None:
        """Let it wait for no network."""
        if wanted.waits_for is not None:
            blocked = self._blocked[wanted.waits_for]
            blocked.remove(wanted)
            if not blocked:
                del self._blocked[wanted.waits_for]
            wanted.waits_for = None

    def _move_on(self, wanted: _Wanted, now: float) -> None:
        """What comes next for a hash: a peer, a look-up, a pause, or the end."""
        if wanted.untried:
            self._make_ready(wanted)
            return
        if wanted.in_flight or wanted.is_looked_up or wanted.is_paused:
            return
        if not wanted.was_looked_up:
            wanted.is_looked_up = True
            if wanted.is_announced:  # somebody is there: worth more than a hash that may be years old
                self._to_look_up.appendleft(wanted.info_hash)
            else:
                self._to_look_up.append(wanted.info_hash)
            return
        wanted.rounds += 1
        if wanted.rounds >= self._limits.rounds:
            del self._wanted[wanted.info_hash]
            self._given_up.append(wanted.info_hash)
            return
        wanted.is_paused = True
        wanted.known.clear()
        self._retry_number += 1
        pause = self._limits.retry_s * 4 ** (wanted.rounds - 1)
        heapq.heappush(self._retries, (now + pause, self._retry_number, wanted.info_hash))


def _network(host: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 a household has in IPv6."""
    return ipaddress.IPv6Address(host).exploded[:19] if ":" in host else host
