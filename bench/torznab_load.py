"""The Torznab clients of bench/torznab.py: keep-alive connections over loopback, each asking again as soon as it has its answer."""

import random
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter

from bench.database import measure
from bench.harness import Outcome, Watch

Offered = tuple[int, str]
"""Port and API key."""


class BadAnswer(Exception):
    """Not what was asked for: a benchmark of error answers is none."""


class Client:
    """One keep-alive connection, opened again when the server has had enough of it. Not http.client: that takes half of a core."""

    def __init__(self, offered: Offered, coding: str = "identity") -> None:
        self._port, self._key = offered
        self._head = f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nAccept-Encoding: {coding}\r\n\r\n"
        self._buffer = bytearray(4 << 20)
        self._socket = self._connected()

    def get(self, query: str) -> tuple[bytes, memoryview]:
        """Head and body of a good answer; the body is valid until the next call. Raises BadAnswer."""
        self._socket.sendall(f"GET /api?{query}&apikey={self._key} {self._head}".encode())
        view = memoryview(self._buffer)
        length = self._receive(0)
        while (end := self._buffer.find(b"\r\n\r\n", 0, length)) < 0:
            length = self._receive(length)
        head = bytes(view[:end]).lower()
        if not head.startswith(b"http/1.1 200"):
            raise BadAnswer(f"{query}: {bytes(view[:length])!r}")
        _, _, rest = head.partition(b"content-length:")
        whole = end + 4 + int(rest.partition(b"\r\n")[0])
        while length < whole:
            length = self._receive(length)
        if b"connection: close" in head:
            self._socket.close()
            self._socket = self._connected()
        return bytes(view[:end]), view[end + 4 : whole]

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _receive(self, length: int) -> int:
        received = self._socket.recv_into(memoryview(self._buffer)[length:])
        if not received:
            raise BadAnswer("the server closed the connection")
        return length + received


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked for."""

    seconds: float
    connections: int
    conninfo: str
    """Of the server whose processor time is watched besides."""
    coding: str = "identity"
    """In which answers are taken."""


def poll(feeds: Sequence[str], load: Load, offered: Offered, watch: Watch) -> Outcome:
    """Ask for `feeds` in turn as fast as they come."""
    work = cycle([("feed", feed) for feed in feeds])
    return _ask(work, feeds, load, offered, watch)


def mix(classes: Mapping[str, Sequence[str]], seed: int, load: Load, offered: Offered, watch: Watch) -> Outcome:
    """Ask for something of every class equally often, in random order."""
    rng = random.Random(seed)
    warm_up = [query for queries in classes.values() for query in queries[:3]]

    def work() -> Iterator[tuple[str, str]]:
        while True:
            for name in rng.sample(list(classes), len(classes)):
                yield name, rng.choice(classes[name])

    return _ask(work(), warm_up, load, offered, watch)


def _ask(work: Iterator[tuple[str, str]], warm_up: Sequence[str], load: Load, offered: Offered, watch: Watch) -> Outcome:
    first = Client(offered, load.coding)
    for query in warm_up:
        first.get(query)
    clients = [Client(offered, load.coding) for _ in range(load.connections)]  # now: the server closes those that are idle for seconds
    before = measure(load.conninfo)
    times: dict[str, list[float]] = defaultdict(list)
    size = 0
    lock = threading.Lock()
    failures: list[BaseException] = []
    watch.start()
    deadline = perf_counter() + load.seconds

    def ask(client: Client) -> None:
        nonlocal size
        try:
            while (started := perf_counter()) < deadline and not failures:
                with lock:
                    name, query = next(work)
                body = client.get(query)[1]
                times[name].append(perf_counter() - started)
                size += len(body)
        except (OSError, BadAnswer) as exc:
            failures.append(exc)

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch.stop()
    if failures:
        raise failures[0]
    count = sum(map(len, times.values()))
    after = measure(load.conninfo)
    return Outcome(
        count,
        {
            "database_us_per_request": (after.server_s - before.server_s) / count * 1e6,
            "bytes_per_answer": size / count,
            **_percentiles(times),
        },
    )


def _percentiles(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    found = {}
    everything = [duration for durations in times.values() for duration in durations]
    for name, durations in [("all", everything), *(sorted(times.items()) if len(times) > 1 else ())]:
        ordered = sorted(durations)
        for percent in (50, 95, 99):
            found[f"{name}.p{percent}_ms"] = 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
    return found
