"""A DHT node on a socket: reads, ticks, sends, and hands on what protocol/dht/node.py finds. The protocol itself is there.

One await per wake-up, not per datagram: a wait for readability with up to 64 datagrams drained behind it costs a fifth of an
`await recvfrom` each. Nothing between the socket and the core makes a task or waits.
"""

import logging
import random
import secrets
import socket
import struct
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import trio

from actors.dht.plan import NodePlan
from catalog.messages import InfoHashesSampled, LookUpPeers, PeersAnnounced, PeersFound
from config.rules import split_address
from config.settings import DhtSettings
from protocol.compact import ADDRESS_LENGTH_V4, ADDRESS_LENGTH_V6
from protocol.dht.events import AddressLearned, InfoHashesHeard, LookupAdvanced, LookupEnded
from protocol.dht.krpc import MAX_DATAGRAM
from protocol.dht.node import TICK_S, Node, NodeStatistics
from protocol.identifiers import Address
from supervisor.heartbeat import Heart
from supervisor.mailbox import Inbox, Mailbox

Finding: TypeAlias = InfoHashesSampled | PeersAnnounced

DRAIN = 64
"""Datagrams read before the answers go out."""
DRAINS = 4
"""Reads of that size per wake-up: 256 datagrams keep the other tasks waiting for 5 to 10 ms."""
DRAIN_AGAIN_ABOVE = 4
"""Fewer than this at once is no rush: back to the event loop."""
RECEIVE_BUFFER = 4 * 1024 * 1024
SEND_BUFFER = 1024 * 1024
BATCH = 500
BATCH_S = 0.25
MAX_LOOKUPS = 64
"""Look-ups at a time; further orders wait in the inbox."""
BOOTSTRAP_PAUSES_S = (2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
RESOLVE_TIMEOUT_S = 10.0

_SO_MEMINFO = 55  # Linux: nine counters of a socket, the last one is the datagrams dropped for want of buffer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DhtNodeStatistics:
    """One node of the pool."""

    name: str
    address: Address
    core: NodeStatistics
    lookups_started: int
    lookups_ended: int
    peers_found: int
    findings_dropped: int
    """Batches that found the mailbox full; the node stops asking until it is half empty."""
    is_held_back: bool
    bootstraps: int
    failures: dict[str, int]
    """What the socket and the resolver refused, by kind."""
    kernel_drops: int
    """Datagrams the kernel dropped because we read too slowly."""


class DhtNode:
    """Keeps one DHT node on one socket; its one job.

    Args:
        inbox: orders to look up peers.
        findings: where sampled hashes and announced peers go; full means dropped and counted, and nothing more is asked for a while.
        plan: this node's socket, share and budgets.
        settings: routers and address policy.
        heart: beats at each tick.
    """

    def __init__(self, inbox: Inbox[LookUpPeers], findings: Mailbox[Finding], plan: NodePlan, settings: DhtSettings, heart: Heart) -> None:
        self._inbox = inbox
        self._findings = findings
        self._plan = plan
        self._heart = heart
        self._routers = [split_address(router) for router in settings.bootstrap]
        self._core = Node(
            address_length=ADDRESS_LENGTH_V6 if plan.is_ipv6 else ADDRESS_LENGTH_V4,
            profile=plan.profile,
            random_bits=random.Random(secrets.randbits(256)).getrandbits,
            make_secret=lambda: secrets.token_bytes(16),
            now=trio.current_time(),
            allow_local=settings.allow_loopback,
            share=plan.share,
        )
        self._socket: socket.socket | None = None
        self._address: Address = plan.bind
        self._orders: dict[int, LookUpPeers] = {}
        self._waiting: deque[LookUpPeers] = deque()  # for somebody to ask
        self._slots = trio.Semaphore(MAX_LOOKUPS)
        self._delivered_at = trio.current_time()
        self._failures: Counter[str] = Counter()
        self._lookups_started = self._lookups_ended = self._peers_found = self._findings_dropped = self._bootstraps = 0

    @property
    def address(self) -> Address:
        """Where the socket is bound, once `run` has begun."""
        return self._address

    async def run(self) -> None:
        """Serve until the inbox ends; then the look-ups that were running have closed their `answers`.

        Cancelled or crashed: the `answers` stay open, for the orders are delivered again. The socket is closed in any case.
        """
        self._heart.report(self.statistics)
        with self._open_socket() as self._socket:
            self._address = self._socket.getsockname()[:2]
            _log.info("%s listens on %s port %d", self._plan.name, *self._address)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, self._socket)
                nursery.start_soon(self._tick, self._socket)
                nursery.start_soon(self._keep_company, self._socket)
                self._heart.ready()
                await self._take_orders(self._socket)
                nursery.cancel_scope.cancel()
        for number in list(self._orders):
            self._end_lookup(number)
        while self._waiting:
            self._answered(self._waiting.popleft())

    def statistics(self) -> DhtNodeStatistics:
        """A snapshot of the counters."""
        return DhtNodeStatistics(
            name=self._plan.name,
            address=self._address,
            core=self._core.statistics(),
            lookups_started=self._lookups_started,
            lookups_ended=self._lookups_ended,
            peers_found=self._peers_found,
            findings_dropped=self._findings_dropped,
            is_held_back=not self._core.is_sweeping,
            bootstraps=self._bootstraps,
            failures=dict(self._failures),
            kernel_drops=self._kernel_drops(),
        )

    # The socket

    def _open_socket(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET6 if self._plan.is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            if self._plan.is_ipv6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)  # the kernel gives what net.core.rmem_max allows
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            opened.bind(self._plan.bind)
        except BaseException:
            opened.close()
            raise
        return opened

    def _kernel_drops(self) -> int:
        if self._socket is None:
            return 0
        try:
            drops: int = struct.unpack("9I", self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))[8]
        except (OSError, struct.error):
            return 0  # not Linux, or closed by now
        return drops

    async def _read(self, sock: socket.socket) -> None:
        while True:
            await trio.lowlevel.wait_readable(sock)
            # While we answer the first ones the next arrive; a look at the socket costs a twentieth of a turn of the event loop.
            for _ in range(DRAINS):
                now = trio.current_time()
                count = self._drain(sock, now)
                self._flush(sock, now)
                if count < DRAIN_AGAIN_ABOVE:
                    break

    def _drain(self, sock: socket.socket, now: float) -> int:
        """Read up to DRAIN datagrams; returns how many there were."""
        receive, take = sock.recvfrom, self._core.receive_datagram
        for count in range(DRAIN):
            try:
                data, address = receive(MAX_DATAGRAM + 1)  # one more than allowed, so that what is too long is seen to be
            except BlockingIOError:
                return count
            except OSError as exc:  # an ICMP message about something we sent earlier
                self._failures[type(exc).__name__] += 1
                continue
            take(data, address if len(address) == 2 else address[:2], now)
        return DRAIN

    async def _tick(self, sock: socket.socket) -> None:
        while True:
            now = trio.current_time()
            self._core.handle_timer(now)
            self._flush(sock, now)
            self._start_lookups(sock, now)
            if not self._core.is_sweeping:
                mailbox = self._findings.statistics()
                self._core.is_sweeping = mailbox.depth <= mailbox.capacity // 2
            self._heart.beat()
            await trio.sleep(TICK_S)

    def _flush(self, sock: socket.socket, now: float) -> None:
        for data, address in self._core.datagrams_to_send(now):
            try:
                sock.sendto(data, address)
            except BlockingIOError:
                self._failures["send_buffer_full"] += 1  # lost, as any datagram may be
            except OSError as exc:
                self._failures[type(exc).__name__] += 1
        for event in self._core.take_events():
            self._on_event(event)
        if self._core.hashes_waiting >= BATCH or now >= self._delivered_at + BATCH_S:
            self._delivered_at = now
            self._deliver()

    # What comes out

    def _deliver(self) -> None:
        for finding in self._core.take_findings():
            if isinstance(finding, InfoHashesHeard):
                hashes = finding.info_hashes
                for start in range(0, len(hashes), BATCH):
                    self._hand_on(InfoHashesSampled(hashes[start : start + BATCH]))
            else:
                self._hand_on(PeersAnnounced(finding.announcements))

    def _hand_on(self, finding: Finding) -> None:
        try:
            self._findings.send_nowait(finding)
        except trio.WouldBlock:
            self._findings_dropped += 1
            self._core.is_sweeping = False
        except trio.ClosedResourceError:
            self._core.is_sweeping = False  # the triage is being stopped; so shall we be

    def _on_event(self, event: LookupAdvanced | LookupEnded | AddressLearned) -> None:
        if isinstance(event, LookupEnded):
            self._end_lookup(event.lookup)
        elif isinstance(event, AddressLearned):
            _log.info("%s is seen as %s by others and took a node id that belongs there (BEP 42)", self._plan.name, event.ip)
        elif event.lookup in self._orders:
            order = self._orders[event.lookup]
            self._peers_found += len(event.peers)
            try:
                order.answers.send_nowait(PeersFound(order.info_hash, event.peers))
            except trio.WouldBlock:
                self._failures["answers_full"] += 1
            except (trio.BrokenResourceError, trio.ClosedResourceError):  # nobody wants to know any more
                self._core.cancel_lookup(event.lookup)
                self._end_lookup(event.lookup)

    def _end_lookup(self, number: int) -> None:
        order = self._orders.pop(number, None)
        if order is not None:
            self._answered(order)
            self._lookups_ended += 1

    def _answered(self, order: LookUpPeers) -> None:
        order.answers.close()
        self._inbox.done(order)
        self._slots.release()

    # What comes in

    async def _take_orders(self, sock: socket.socket) -> None:
        while True:
            await self._slots.acquire()
            try:
                order = await self._inbox.receive()
            except trio.EndOfChannel:
                return
            self._waiting.append(order)
            self._start_lookups(sock, trio.current_time())

    def _start_lookups(self, sock: socket.socket, now: float) -> None:
        # With nobody to ask, at the start and after a crash, a look-up would end at once as if there were no peers.
        while self._waiting and not self._core.is_lonely:
            order = self._waiting.popleft()
            self._lookups_started += 1
            self._orders[self._core.look_up(order.info_hash, now)] = order
            self._flush(sock, now)

    async def _keep_company(self, sock: socket.socket) -> None:
        """Ask the routers whenever the table is empty, more and more patiently."""
        attempt = 0
        while True:
            if self._core.is_lonely:
                routers = [address for router in self._routers for address in await self._resolve(router)]
                now = trio.current_time()
                self._core.bootstrap(routers, now)
                self._flush(sock, now)
                self._bootstraps += 1
                pause = BOOTSTRAP_PAUSES_S[min(attempt, len(BOOTSTRAP_PAUSES_S) - 1)]
                attempt += 1
            else:
                attempt, pause = 0, BOOTSTRAP_PAUSES_S[0]
            await trio.sleep(pause)

    async def _resolve(self, router: Address) -> list[Address]:
        family = socket.AF_INET6 if self._plan.is_ipv6 else socket.AF_INET
        with trio.move_on_after(RESOLVE_TIMEOUT_S), suppress(OSError, UnicodeError):  # UnicodeError: no host name at all
            found = await trio.socket.getaddrinfo(*router, family=family, type=socket.SOCK_DGRAM)  # in a thread of Trio's
            return [(str(address[0]), int(address[1])) for *_, address in found]
        self._failures["router_not_resolved"] += 1
        return []
