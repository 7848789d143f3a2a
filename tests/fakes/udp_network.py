"""An in-memory UDP network for sans-I/O DHT nodes: seeded loss, duplication and delay, and a clock that jumps."""

import heapq
import random
from collections.abc import Callable
from itertools import count
from typing import Protocol

Address = tuple[str, int]


class Core(Protocol):
    def receive_datagram(self, data: bytes, address: Address, now: float) -> None: ...
    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]: ...
    def next_deadline(self) -> float: ...
    def handle_timer(self, now: float) -> None: ...


class UdpNetwork:
    """Cores by address. Everything that happens follows from the seed."""

    def __init__(self, seed: int, *, loss: float = 0.0, duplication: float = 0.0, delay_s: tuple[float, float] = (0.01, 0.05)) -> None:
        self.now = 1000.0
        self.delivered = 0
        self.lost = 0
        self._random = random.Random(seed)
        self._loss = loss
        self._duplication = duplication
        self._delay = delay_s
        self._cores: dict[Address, Core] = {}
        self._in_flight: list[tuple[float, int, Address, Address, bytes]] = []
        self._numbers = count()

    def attach(self, address: Address, core: Core) -> None:
        self._cores[address] = core

    def detach(self, address: Address) -> None:
        del self._cores[address]

    def send(self, data: bytes, source: Address, destination: Address) -> None:
        if self._random.random() < self._loss:
            self.lost += 1
            return
        for _ in range(2 if self._random.random() < self._duplication else 1):
            arrives_at = self.now + self._random.uniform(*self._delay)
            heapq.heappush(self._in_flight, (arrives_at, next(self._numbers), source, destination, data))

    def flush(self, address: Address) -> None:
        core = self._cores.get(address)
        if core is not None:
            for data, destination in core.datagrams_to_send(self.now):
                self.send(data, address, destination)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, event by event, until `until` says so or `seconds` are over."""
        ends_at = self.now + seconds
        while self.now < ends_at and not until():
            deadlines = [(core.next_deadline(), address) for address, core in self._cores.items()]
            next_timer = min((deadline for deadline, _ in deadlines), default=ends_at)
            next_arrival = self._in_flight[0][0] if self._in_flight else ends_at
            self.now = max(self.now, min(next_timer, next_arrival, ends_at))
            while self._in_flight and self._in_flight[0][0] <= self.now:
                _, _, source, destination, data = heapq.heappop(self._in_flight)
                core = self._cores.get(destination)
                if core is not None:
                    self.delivered += 1
                    core.receive_datagram(data, source, self.now)
                    self.flush(destination)
            for deadline, address in deadlines:
                if deadline <= self.now and address in self._cores:
                    self._cores[address].handle_timer(self.now)
                    self.flush(address)
