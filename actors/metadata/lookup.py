"""Peer look-ups: orders to the DHT nodes, in turn, and the peers they name as they name them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import trio

from catalog.messages import LookUpPeers, PeersFound
from protocol.identifiers import Address, InfoHash
from supervisor.mailbox import Mailbox

_ANSWERS_AHEAD = 32  # groups of peers that wait for us; a node drops further ones
_LEAST_ROOM, _FIRST_ROOM, _MOST_ROOM = 4.0, 16.0, 512.0


@dataclass(frozen=True, slots=True)
class LookupStatistics:
    """Counters of the peer look-ups."""

    running: int
    room: int
    """At most so many at a time now."""
    started: int
    with_peers: int
    timed_out: int
    peers: int


class PeerLookup:
    """Finds peers of a hash; one look-up asks one node of each group, at the same time.

    A group is the nodes of one address family: an IPv6 node knows only IPv6 peers, so each look-up needs one of both.

    How many run at a time follows from how long they take: the nodes share one packet budget among all look-ups, and too many at
    once would all be cut off by the time-out. So each slow one makes room for less, each quick one for more: twice as many per
    round until the first slow one, half a look-up more for each after it.
    """

    def __init__(self, groups: Sequence[Sequence[Mailbox[LookUpPeers]]], *, timeout_s: float) -> None:
        self._groups = tuple(tuple(group) for group in groups if group)
        self._timeout_s = timeout_s
        self._room = _FIRST_ROOM
        self._has_been_slow = False
        self._running = self._started = self._with_peers = self._timed_out = self._peers = 0

    @property
    def room(self) -> int:
        """So many may run at a time now."""
        return int(self._room)

    async def look_up(self, info_hash: InfoHash, found: Callable[[tuple[Address, ...]], None]) -> None:
        """Call `found` with each new group of peers; return when all nodes asked are done, or after the time-out.

        Cancelled: the nodes see the closed channel and stop asking for this hash.
        """
        turn = self._started
        self._started += 1
        self._running += 1
        has_peers = False
        started = trio.current_time()
        answers, arriving = trio.open_memory_channel[PeersFound](_ANSWERS_AHEAD)
        try:
            with trio.move_on_after(self._timeout_s) as scope, arriving:
                with answers:
                    for group in self._groups:
                        await self._order(group, turn, LookUpPeers(info_hash, answers.clone()))
                async for answer in arriving:
                    self._peers += len(answer.peers)
                    has_peers = has_peers or bool(answer.peers)
                    found(answer.peers)
            self._timed_out += scope.cancelled_caught
        finally:
            # Cancelled as well: the first peers it named were good enough.
            self._adapt(trio.current_time() - started)
            self._running -= 1
            self._with_peers += has_peers

    def _adapt(self, took_s: float) -> None:
        if took_s > self._timeout_s / 2:
            self._has_been_slow = True
            self._room = max(_LEAST_ROOM, self._room * 0.9)
        else:
            self._room = min(_MOST_ROOM, self._room + (0.5 if self._has_been_slow else 1.0))

    async def _order(self, group: Sequence[Mailbox[LookUpPeers]], turn: int, order: LookUpPeers) -> None:
        """Give the order to the node whose turn it is; to the next one if it is stopped."""
        for offset in range(len(group)):
            try:
                await group[(turn + offset) % len(group)].send(order)
            except trio.ClosedResourceError:
                continue
            except BaseException:
                order.answers.close()
                raise
            return
        order.answers.close()

    def statistics(self) -> LookupStatistics:
        """A snapshot of the counters."""
        return LookupStatistics(self._running, self.room, self._started, self._with_peers, self._timed_out, self._peers)
