"""The simulated DHT on its socket: reads queries, lets the weather have its way, sends the answers when they are due."""

import heapq
import time
from collections.abc import Sequence

import trio

from bench.swarm.answers import NodeAnswers
from bench.swarm.chatter import Chatter
from bench.swarm.counters import Counters
from bench.swarm.plan import SwarmPlan
from bench.swarm.sockets import UdpDoor
from bench.swarm.weather import Fate, Weather
from protocol.dht import krpc
from protocol.errors import MalformedDatagram

_TICK_S = 0.01
_METHODS = frozenset({b"ping", b"find_node", b"get_peers", b"announce_peer", b"sample_infohashes"})


class SimulatedDht:
    """All nodes of a plan behind one door."""

    def __init__(
        self, plan: SwarmPlan, door: UdpDoor, endpoints: Sequence[bytes], answers: NodeAnswers, chatter: Chatter, counters: Counters
    ) -> None:
        self._plan = plan
        self._door = door
        self._answers = answers
        self._chatter = chatter
        self._counters = counters
        self._weather = Weather(plan.options)
        self._by_endpoint = {endpoint: index for index, endpoint in enumerate(endpoints)}
        self._due: list[tuple[float, int, bytes, bytes, bytes]] = []  # when, number, datagram, from, to
        self._number = 0
        self._waiting = trio.Event()

    async def run(self) -> None:
        """Answer until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._door.run, self.receive)
            nursery.start_soon(self._send_when_due)
            nursery.start_soon(self._chatter.run)

    def receive(self, datagram: bytes, destination: bytes, sender: bytes) -> None:
        """One datagram, addressed to one of the nodes."""
        index = self._by_endpoint.get(destination)
        try:
            message = krpc.parse(datagram)
        except MalformedDatagram as malformed:
            self._counters.queries[f"malformed_{malformed.reason}"] += 1
            return
        if not isinstance(message, krpc.Query):
            self._chatter.receive(message, destination, sender)
        elif index is not None and self._plan.nodes[index].is_dead:
            self._counters.to_dead_nodes += 1
        elif index is not None:
            self._answer(index, message, destination, sender)

    def _answer(self, index: int, query: krpc.Query, destination: bytes, sender: bytes) -> None:
        fate = self._weather.fate()
        self._counters.fates[fate.value] += 1
        if fate is Fate.QUERY_LOST:
            return
        now = time.monotonic()
        method = query.method.decode() if query.method in _METHODS else "unknown"
        self._counters.queries[method] += 1
        self._counters.query(index, sender[:4], now)
        self._chatter.seen(query, sender)
        if query.method == b"sample_infohashes":
            self._counters.sample_asked(index, sender, now)
        answer, samples = self._answers.answer(index, query, sender, now)
        if fate is Fate.ANSWER_LOST:
            return
        if fate is Fate.MALFORMED:
            answer = self._weather.broken(answer)
        elif query.method == b"sample_infohashes":
            self._counters.sample_told(index, sender, samples, now)
        for _ in range(2 if fate is Fate.DOUBLED else 1):
            self._send(answer, destination, sender, now + self._weather.delay())

    def _send(self, datagram: bytes, source: bytes, to: bytes, due: float) -> None:
        if not self._plan.options.delay_ms:
            self._door.send(datagram, source, to)
            return
        self._number += 1
        heapq.heappush(self._due, (due, self._number, datagram, source, to))
        self._waiting.set()

    async def _send_when_due(self) -> None:
        while True:
            await self._waiting.wait()
            self._waiting = trio.Event()
            while self._due:
                now = time.monotonic()
                while self._due and self._due[0][0] <= now:
                    _, _, datagram, source, to = heapq.heappop(self._due)
                    self._door.send(datagram, source, to)
                await trio.sleep(_TICK_S)
