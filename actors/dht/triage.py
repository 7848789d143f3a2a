"""Between the DHT and the metadata fetchers: lets each hash through once in a while, and only if the index neither holds nor blocks it."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import trio

from catalog.messages import InfoHashesSampled, MetadataWanted, PeersAnnounced
from protocol.dht.budget import TwoGenerations
from protocol.identifiers import Address, InfoHash
from storage.errors import DatabaseUnavailable
from supervisor.heartbeat import Heart
from supervisor.mailbox import Inbox, Mailbox

Finding: TypeAlias = InfoHashesSampled | PeersAnnounced
AskUnknown: TypeAlias = Callable[[Sequence[InfoHash]], Awaitable[Sequence[InfoHash]]]

BATCH = 500
BATCH_S = 0.25
REMEMBER_S = 30 * 60.0
"""A hash comes through again after this long, twice at most: its fetch may have failed meanwhile."""
REMEMBER = 1_000_000
"""Hashes in each of the two generations: about 90 bytes each."""
REMEMBER_ANNOUNCED_S = 5 * 60.0
"""An announced peer is alive now, so its hash comes through even if it was sampled before; but not with each of its peers."""
MAX_PEERS = 20
"""Announced peers kept for one hash within a batch."""
RETRY_PAUSES_S = (0.5, 1.0, 2.0, 5.0)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TriageStatistics:
    """Counters since the start of this triage."""

    heard: int
    """Hashes, repeated ones included."""
    repeated: int
    known: int
    """Stored or blocked already."""
    wanted: int
    peers: int
    """Announced peers passed on with their hashes."""
    remembered: int
    database_retries: int


class Triage:
    """Finds out which of the heard hashes are worth a fetch; its one job.

    Args:
        inbox: what the DHT nodes heard.
        wanted: orders for the fetchers; while it is full the triage waits, its own mailbox fills, and the nodes stop asking.
        ask_unknown: gives those of some hashes that the index neither holds nor has blocked; may raise DatabaseUnavailable.
        heart: beats beside everything else: to wait for the fetchers or the database is to be alive.
    """

    def __init__(self, inbox: Inbox[Finding], wanted: Mailbox[MetadataWanted], ask_unknown: AskUnknown, heart: Heart) -> None:
        self._inbox = inbox
        self._wanted = wanted
        self._ask_unknown = ask_unknown
        self._heart = heart
        self._remembered = TwoGenerations(REMEMBER_S, trio.current_time(), capacity=REMEMBER)
        self._announced = TwoGenerations(REMEMBER_ANNOUNCED_S, trio.current_time(), capacity=REMEMBER)
        self._new: set[bytes] = set()
        self._peers: dict[InfoHash, set[Address]] = {}
        self._held: list[Finding] = []
        self._is_open = True
        self._heard = self._repeated = self._known = self._wanted_count = self._peer_count = self._retries = 0

    async def run(self) -> None:
        """Return when the inbox ends; what was received is asked about and passed on first. Cancelled: it is delivered again."""
        self._heart.report(self.statistics)
        self._heart.ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heart.keep_beating)
            while self._is_open:
                await self._gather()
                await self._pass_on()
            nursery.cancel_scope.cancel()

    def statistics(self) -> TriageStatistics:
        """A snapshot of the counters."""
        return TriageStatistics(
            heard=self._heard,
            repeated=self._repeated,
            known=self._known,
            wanted=self._wanted_count,
            peers=self._peer_count,
            remembered=len(self._remembered),
            database_retries=self._retries,
        )

    async def _gather(self) -> None:
        """Take findings until there is a batch of new hashes, or the first has waited long enough."""
        try:
            self._take(await self._inbox.receive())
            with trio.move_on_after(BATCH_S):
                while len(self._new) < BATCH:
                    self._take(await self._inbox.receive())
        except trio.EndOfChannel:
            self._is_open = False

    def _take(self, finding: Finding) -> None:
        self._held.append(finding)
        now = trio.current_time()
        self._remembered.turn(now)
        if isinstance(finding, InfoHashesSampled):
            count = len(finding.info_hashes)
            new = self._remembered.add_new(set(finding.info_hashes))
        else:
            count = len(finding.announcements)
            self._announced.turn(now)
            hashes: set[bytes] = {info_hash for info_hash, _ in finding.announcements}
            self._remembered.add_new(hashes)
            new = self._announced.add_new(hashes)
            for info_hash, address in finding.announcements:
                if len(self._peers.setdefault(info_hash, set())) < MAX_PEERS:
                    self._peers[info_hash].add(address)
        self._heard += count
        self._repeated += count - len(new)
        self._new |= new

    async def _pass_on(self) -> None:
        if self._new:
            hashes = [InfoHash(info_hash) for info_hash in self._new]
            unknown = tuple(await self._ask_patiently(hashes))
            self._known += len(hashes) - len(unknown)
            if unknown:
                peers = tuple((info_hash, address) for info_hash in unknown for address in self._peers.get(info_hash, ()))
                await self._wanted.send(MetadataWanted(unknown, peers))
                self._wanted_count += len(unknown)
                self._peer_count += len(peers)
        for finding in self._held:
            self._inbox.done(finding)
        self._held = []
        self._new = set()
        self._peers = {}

    async def _ask_patiently(self, hashes: list[InfoHash]) -> Sequence[InfoHash]:
        """Ask until the database answers; meanwhile nothing is lost, and nothing more is taken from the inbox."""
        attempt = 0
        while True:
            try:
                return await self._ask_unknown(hashes)
            except DatabaseUnavailable as exc:
                if attempt == 0:
                    _log.warning("triage waits for the database: %s", exc)
                self._retries += 1
            await trio.sleep(RETRY_PAUSES_S[min(attempt, len(RETRY_PAUSES_S) - 1)])
            attempt += 1
