"""The metadata fetchers: from wanted hashes to torrents with names and files (BEP 9), many peers at a time.

queue.py decides what is tried next, lookup.py finds peers, connection.py talks to one. Here they meet.
"""

import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import trio

from actors.metadata.connection import FetchFailed, PeerConnection
from actors.metadata.lookup import LookupStatistics, PeerLookup
from actors.metadata.queue import Attempt, FetchQueue, QueueLimits
from actors.metadata.unsent import Unsent
from catalog.messages import MetadataWanted, TorrentsFound
from catalog.model import File, Torrent
from config.settings import MetadataSettings
from protocol.compact import is_usable, pack_address
from protocol.errors import MalformedMetainfo
from protocol.identifiers import Address, InfoHash
from protocol.metainfo import Info, parse_info
from protocol.peer.metadata_asker import MetadataAsker
from supervisor.heartbeat import Heart
from supervisor.mailbox import Inbox, Mailbox

SOURCE = "dht"
BATCH_S = 0.25
"""A smaller batch leaves after this long."""
TICK_S = 0.25
"""How exact the time-outs are."""
IN_LOOP_BYTES = 128 * 1024
"""Larger info dicts are read in a thread: one of 10 MB that lists 200,000 files takes a second."""
GRACE_S = 0.5
"""For the fetches under way when the inbox ends."""


@dataclass(frozen=True, slots=True)
class FetcherStatistics:
    """Counters since the start of this fetcher; attempts are connections, of which a hash may take many."""

    attempts: int
    succeeded: int
    failed: dict[str, int]
    """Attempts by reason."""
    malformed: dict[str, int]
    """Info dicts whose hash was right and whose content is refused, by reason; their hashes are not tried again."""
    cleaned: int
    """Torrents whose name or paths are not shown as they are: control or bidi characters, bad UTF-8, "..", separators."""
    given_up: int
    """Hashes no peer of which gave anything, after all rounds."""
    refused_addresses: int
    """Private, reserved or impossible addresses that were named as peers."""
    queued: int
    """Hashes wanted."""
    to_look_up: int
    to_retry: int
    connections: int
    unsent: int
    bad_peers: int
    lookups: LookupStatistics


@dataclass(slots=True)
class _Order:
    """A message of the inbox and how many of its hashes are still wanted."""

    message: MetadataWanted
    remaining: int


class MetadataFetcher:
    """Fetches the metadata of wanted hashes from their peers; its one job."""

    def __init__(
        self,
        heart: Heart,
        inbox: Inbox[MetadataWanted],
        outbox: Mailbox[TorrentsFound],
        settings: MetadataSettings,
        lookup: PeerLookup,
        *,
        allow_loopback: bool = False,
    ) -> None:
        """`allow_loopback`: connect to loopback and private addresses too."""
        self._heart = heart
        self._inbox = inbox
        self._outbox = outbox
        self._settings = settings
        self._lookup = lookup
        self._allow_loopback = allow_loopback
        self._peer_id = b"-SX0100-" + secrets.token_bytes(12)
        self._queue = FetchQueue(
            QueueLimits(rounds=settings.attempts, retry_s=settings.retry_after_s, connections_per_ip=settings.connections_per_ip)
        )
        self._orders: dict[InfoHash, list[_Order]] = {}
        self._connections: dict[InfoHash, list[PeerConnection]] = {}
        self._lookups: dict[InfoHash, trio.CancelScope] = {}
        self._unsent = Unsent()
        self._workers = 0
        self._readers = trio.CapacityLimiter(1)
        self._is_stopping = False
        self._is_idle = trio.Event()
        self._nursery: trio.Nursery  # while run() runs
        self._has_unsent = trio.Event()
        self._has_batch = trio.Event()
        self._queue_room = trio.lowlevel.ParkingLot()
        self._outbox_room = trio.lowlevel.ParkingLot()
        self._attempts = self._succeeded = self._cleaned = self._given_up = self._refused_addresses = 0
        self._failed: Counter[str] = Counter()
        self._malformed: Counter[str] = Counter()

    async def run(self) -> None:
        """Return when the inbox ends; what was fetched is sent on first. Cancelled or ended: what was wanted is delivered again."""
        self._heart.report(self.statistics)
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._tick)
                nursery.start_soon(self._send_batches)
                self._heart.ready()
                await self._take_orders()
                await self._finish_attempts()
                nursery.cancel_scope.cancel()
            await self._send_unsent()
        finally:
            self._send_unsent_nowait()

    def statistics(self) -> FetcherStatistics:
        """A snapshot of the counters."""
        return FetcherStatistics(
            attempts=self._attempts,
            succeeded=self._succeeded,
            failed=dict(self._failed),
            malformed=dict(self._malformed),
            cleaned=self._cleaned,
            given_up=self._given_up,
            refused_addresses=self._refused_addresses,
            queued=len(self._queue),
            to_look_up=self._queue.to_look_up,
            to_retry=self._queue.to_retry,
            connections=sum(map(len, self._connections.values())),
            unsent=len(self._unsent),
            bad_peers=self._queue.bad_peers,
            lookups=self._lookup.statistics(),
        )

    # What is wanted

    async def _take_orders(self) -> None:
        async for message in self._inbox:
            self._take(message)
            while self._queue.is_full:
                await self._queue_room.park()

    def _take(self, message: MetadataWanted) -> None:
        now = trio.current_time()
        peers: dict[InfoHash, list[Address]] = {info_hash: [] for info_hash in message.info_hashes}
        for info_hash, peer in message.peers:
            peers.setdefault(info_hash, []).append(peer)
        order = _Order(message, len(peers))
        for info_hash, known in peers.items():
            orders = self._orders.setdefault(info_hash, [])
            orders.append(order)
            if len(orders) == 1 or info_hash in self._queue:  # else it is fetched already and about to be sent on
                self._queue.add(info_hash, self._usable(known), now)
        if not peers:
            self._inbox.done(message)
        self._keep_busy()

    def _finish(self, info_hash: InfoHash) -> None:
        """The outcome of a hash is safe, or it is given up."""
        for order in self._orders.pop(info_hash, ()):
            order.remaining -= 1
            if not order.remaining:
                self._inbox.done(order.message)
        if self._queue_room and not self._queue.is_full:
            self._queue_room.unpark()

    def _usable(self, peers: list[Address] | tuple[Address, ...]) -> list[Address]:
        usable = [peer for peer in peers if self._is_usable(peer)]
        self._refused_addresses += len(peers) - len(usable)
        return usable

    def _is_usable(self, peer: Address) -> bool:
        try:
            return is_usable(pack_address(peer), allow_local=self._allow_loopback)
        except ValueError:
            return False

    # What is done about it

    def _keep_busy(self) -> None:
        """Start look-ups and workers for what can be done now; finish what cannot be done at all."""
        for info_hash in self._queue.take_given_up():
            self._given_up += 1
            self._finish(info_hash)
        if self._is_stopping:
            return
        # Peers go stale: none are looked up for hashes that would only wait.
        while len(self._lookups) < min(self._lookup.room, self._settings.lookups) and self._queue.ready < self._settings.workers:
            wanted = self._queue.next_lookup()
            if wanted is None:
                break
            scope = self._lookups[wanted] = trio.CancelScope()
            self._nursery.start_soon(self._look_up, wanted, scope)
        for _ in range(min(self._queue.ready, self._settings.workers - self._workers)):
            self._workers += 1
            self._nursery.start_soon(self._work)

    async def _look_up(self, info_hash: InfoHash, scope: trio.CancelScope) -> None:
        def found(peers: tuple[Address, ...]) -> None:
            self._queue.add_peers(info_hash, self._usable(peers), trio.current_time())
            self._keep_busy()

        try:
            with scope:
                await self._lookup.look_up(info_hash, found)
        finally:
            if self._lookups.get(info_hash) is scope:
                del self._lookups[info_hash]
        self._queue.lookup_ended(info_hash, trio.current_time())
        self._keep_busy()

    async def _finish_attempts(self) -> None:
        """Make no further ones, and give those under way a moment."""
        self._is_stopping = True
        if self._workers:
            with trio.move_on_after(GRACE_S):
                await self._is_idle.wait()

    async def _work(self) -> None:
        """Make attempts while there are any to make."""
        try:
            while not self._is_stopping:
                attempt = self._queue.next_attempt(trio.current_time())
                if attempt is None:
                    return
                await self._try(attempt)
                self._keep_busy()
                while self._unsent.is_full:
                    await self._outbox_room.park()
        finally:
            self._workers -= 1
            if self._is_stopping and not self._workers:
                self._is_idle.set()

    async def _try(self, attempt: Attempt) -> None:
        now = trio.current_time()
        info_hash, settings = attempt.info_hash, self._settings
        asker = MetadataAsker(info_hash, self._peer_id, max_size=settings.max_size_bytes)
        connection = PeerConnection(
            asker, attempt.peer, connect_deadline=now + settings.connect_timeout_s, deadline=now + settings.fetch_timeout_s
        )
        others = self._connections.setdefault(info_hash, [])
        others.append(connection)
        self._attempts += 1
        is_peer_bad = False
        try:
            await connection.fetch()
            self._succeeded += 1
            await self._on_metadata(info_hash, asker)
        except FetchFailed as exc:
            self._failed[exc.reason] += 1
            is_peer_bad = exc.is_peer_bad
        finally:
            others.remove(connection)
            if not others:
                del self._connections[info_hash]
            self._queue.attempt_ended(attempt, trio.current_time(), is_peer_bad=is_peer_bad)

    async def _on_metadata(self, info_hash: InfoHash, asker: MetadataAsker) -> None:
        """The hash is right, so whatever the content is, no other peer has a better one."""
        is_wanted = info_hash in self._queue
        self._queue.finish(info_hash)
        if not is_wanted:
            return
        for other in self._connections[info_hash]:
            other.abort("outrun")
        if info_hash in self._lookups:
            self._lookups[info_hash].cancel()
        try:
            info = await self._read(asker)
            if info_hash not in {info.info_hash, (info.info_hash_v2 or b"")[:20]}:
                raise MalformedMetainfo("other_version")  # a v1 dict that goes by its SHA-256, or the reverse
        except MalformedMetainfo as exc:
            self._malformed[exc.reason] += 1
            self._finish(info_hash)
            return
        self._cleaned += info.is_cleaned
        self._unsent.add(info_hash, _torrent(info, self._kept(info, asker.metadata)))
        self._has_unsent.set()
        if self._unsent.fills_a_message:
            self._has_batch.set()

    async def _read(self, asker: MetadataAsker) -> Info:
        settings = self._settings
        read = partial(parse_info, asker.metadata, max_files=settings.max_files, max_length=settings.max_size_bytes, sha1_digest=asker.sha1)
        if len(asker.metadata) <= IN_LOOP_BYTES:
            return read()
        return await trio.to_thread.run_sync(read, limiter=self._readers, abandon_on_cancel=True)

    def _kept(self, info: Info, raw: bytes) -> bytes | None:
        """The info dict itself, if it is to be stored. Peers send it without piece layers, and without those no .torrent is complete."""
        is_kept = len(raw) <= self._settings.info_limit_bytes and not info.needs_piece_layers
        return bytes(raw) if is_kept else None

    async def _tick(self) -> None:
        while True:
            now = trio.current_time()
            for connections in self._connections.values():
                for connection in connections:
                    if connection.deadline <= now:
                        connection.time_out()
            self._queue.start_due_rounds(now)
            self._keep_busy()
            self._heart.beat()
            await trio.sleep(TICK_S)

    # What comes out

    async def _send_batches(self) -> None:
        while True:
            await self._has_unsent.wait()
            with trio.move_on_after(BATCH_S):
                await self._has_batch.wait()
            await self._send_unsent()

    async def _send_unsent(self) -> None:
        while self._unsent:
            message = self._unsent.next_message()
            await self._outbox.send(message)
            self._sent(message)
            self._outbox_room.unpark_all()
        self._has_unsent, self._has_batch = trio.Event(), trio.Event()

    def _send_unsent_nowait(self) -> None:
        """Cut off or crashed: what there is room for need not be fetched again."""
        with suppress(trio.WouldBlock, trio.ClosedResourceError):
            while self._unsent:
                message = self._unsent.next_message()
                self._outbox.send_nowait(message)
                self._sent(message)

    def _sent(self, message: TorrentsFound) -> None:
        """It is in the outbox."""
        for info_hash in self._unsent.remove(message):
            self._finish(info_hash)


def _torrent(info: Info, raw: bytes | None) -> Torrent:
    return Torrent(
        info_hash=info.swarm_key,
        name=info.name,
        size=info.size,
        files=tuple(File(path, size) for path, size in info.files),
        file_count=info.file_count,
        source=SOURCE,
        info_hash_v2=info.info_hash_v2,
        is_private=info.is_private,
        info=raw,
    )
