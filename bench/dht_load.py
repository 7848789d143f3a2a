"""The load generators of bench/dht.py.

No codec in the measured part: prebuilt bytes, spliced by offset, so that a generator stays cheaper than what it loads.
"""

import random
import selectors
import socket
import struct
from collections.abc import Iterator
from time import perf_counter, sleep
from typing import Any

from bench.harness import Offer, Outcome, Watch
from protocol.bencode import encode
from protocol.dht import krpc
from protocol.errors import MalformedDatagram
from protocol.identifiers import Address, NodeId, TransactionId

NODES = tuple(f"127.60.{number}.1" for number in range(160))
"""The nodes in the routing tables of both contenders; one address each, as libtorrent wants it."""

ASKERS = tuple(f"127.63.{number}.1" for number in range(32))
IN_FLIGHT = 8
"""Queries each asker has on their way."""

REFILL_S = 0.02

MOST_PER_S = 55_000
"""Queries. Below what either contender can answer and what this generator can ask: what counts is the contender's CPU time per answer,
and a generator at its own limit would be measured instead."""

FULL_ANSWER = 250
"""Bytes; an answer with eight nodes has more, one with seven has not."""

SIMULATED = 400_000
"""Nodes the crawler can meet."""

SIMULATED_HASHES = 200_000

_IP_PKTINFO = 8
_PKTINFO = struct.Struct("=I4s4s")


class TableNodes:
    """The 160 nodes: answer whatever the contender asks them, so that it keeps them in its table."""

    def __init__(self, port: int, seed: int) -> None:
        dice = random.Random(seed)
        self._ids: dict[socket.socket, bytes] = {}
        for host in NODES:
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.setblocking(False)
            opened.bind((host, port))
            self._ids[opened] = dice.randbytes(20)
        self.answered = 0

    def __iter__(self) -> Iterator[socket.socket]:
        return iter(self._ids)

    def answer(self, sock: socket.socket) -> None:
        """Answer one datagram that is there."""
        data, address = sock.recvfrom(2048)
        try:
            query = krpc.parse(data)
        except MalformedDatagram:
            return
        if isinstance(query, krpc.Query):
            self.answered += 1
            values = {b"id": self._ids[sock], b"nodes": b""}
            sock.sendto(encode({b"r": values, b"t": query.transaction_id, b"y": b"r"}), address)


class FindNodeLoad:
    """256 find_node queries in flight from 32 askers, while the nodes in the contender's table go on answering it."""

    def __init__(self, address: Address, table_port: int, seed: int) -> None:
        self.answers = self.full_answers = 0
        self._address = address
        self._table = TableNodes(table_port, seed)
        self._queries = _queries(seed)
        self._selector = selectors.DefaultSelector()
        self._answered: dict[socket.socket, int] = {}
        for node in self._table:
            self._selector.register(node, selectors.EVENT_READ, None)

    def fill_table(self) -> None:
        """Let the contender ask its nodes until its answers have eight of them."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((ASKERS[0], 0))
            probe.setblocking(False)
            gives_up_at = perf_counter() + 20.0
            full = 0
            while full < 20:
                assert perf_counter() < gives_up_at, "the contender's routing table stays empty"
                probe.sendto(next(self._queries), self._address)
                for key, _ in self._selector.select(0.05):
                    self._table.answer(key.fileobj)  # type: ignore[arg-type]
                try:
                    full += len(probe.recv(2048)) > FULL_ANSWER
                except BlockingIOError:
                    continue

    def run(self, seconds: float) -> None:
        """Ask for so long."""
        for host in ASKERS:
            asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            asker.setblocking(False)
            asker.bind((host, 0))
            asker.connect(self._address)
            self._selector.register(asker, selectors.EVENT_READ, asker)
            self._answered[asker] = 0
        refill_at = started_at = perf_counter()
        before = dict.fromkeys(self._answered, 0)
        while (now := perf_counter()) < started_at + seconds:
            if now >= refill_at:
                refill_at = now + REFILL_S
                self._refill(before)
                before = dict(self._answered)
            if (ahead_s := self.answers / MOST_PER_S - (now - started_at)) > 0:
                sleep(ahead_s)
            for key, _ in self._selector.select(REFILL_S):
                if key.data is None:
                    self._table.answer(key.fileobj)  # type: ignore[arg-type]
                else:
                    self._exchange(key.data)

    def _refill(self, before: dict[socket.socket, int]) -> None:
        """An asker without any answer lately has lost its packets, or has not begun: fill its window."""
        for asker, count in before.items():
            if self._answered[asker] == count:
                for _ in range(IN_FLIGHT):
                    asker.send(next(self._queries))

    def _exchange(self, asker: socket.socket) -> None:
        for _ in range(IN_FLIGHT):
            try:
                data = asker.recv(2048)
            except BlockingIOError:
                break
            self.answers += 1
            self._answered[asker] += 1
            self.full_answers += len(data) > FULL_ANSWER
            asker.send(next(self._queries))


def ask_find_node(seconds: float, seed: int, offered: Any, watch: Watch) -> Outcome:
    """Counts the answers to find_node, and how many of them had eight nodes."""
    address, table_port = offered
    load = FindNodeLoad(address, table_port, seed)
    load.fill_table()
    watch.start()
    load.run(seconds)
    watch.stop()
    return Outcome(load.answers, {"with_eight_nodes": load.full_answers / max(1, load.answers)})


def _queries(seed: int) -> Iterator[bytes]:
    dice = random.Random(seed + 1)
    own = NodeId(dice.randbytes(20))
    prebuilt = [krpc.find_node(TransactionId(dice.randbytes(2)), own, dice.randbytes(20), is_read_only=True) for _ in range(4096)]
    while True:
        yield from prebuilt


def first_nodes(address: Address) -> list[bytes]:
    """Nodes to begin with, for a crawler without bootstrap."""
    return [_node_at(bytes((127, 100, step >> 8, step & 255)), address[1]) for step in range(1, 600)]


def _node_at(ip: bytes, port: int) -> bytes:
    return bytes((ip[3], ip[2], ip[1])) + _ID_TAIL + ip + port.to_bytes(2, "big")


_ID_TAIL = bytes(range(17))


def answer_samples(seed: int, offer: Offer) -> None:
    """Hundreds of thousands of nodes behind one socket, each with samples and neighbours; serves until terminated."""
    dice = random.Random(seed)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    sock.bind(("0.0.0.0", 0))  # noqa: S104  (tied to lo)
    sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 4 << 20)
    port = sock.getsockname()[1]
    nodes = b"".join(
        _node_at(bytes((127, dice.randrange(100, 250), dice.randrange(256), dice.randrange(1, 255))), port) for _ in range(SIMULATED)
    )
    hashes = dice.randbytes(20 * SIMULATED_HASHES)
    offer(("127.100.1.1", port))
    node_end, hash_end = len(nodes) - 8 * 26, len(hashes) - 400
    node_at = hash_at = 0
    while True:
        data, ancillary, _, sender = sock.recvmsg(2048, 64)
        asked = ancillary[0][2][8:12]
        start = data.find(b"hashes1:t")
        middle = b"8:intervali21600e5:nodes208:" if start > 0 else b"5:nodes208:"
        start = data.rfind(b"1:t") + 3
        transaction_id = data[start : start + 2 + data[start] - 48]
        answer = b"".join(
            (
                b"d2:ip6:\x7f\x3e\x00\x01\x00\x00" + b"1:rd2:id20:",
                bytes((asked[3], asked[2], asked[1])) + _ID_TAIL,
                middle,
                nodes[node_at : node_at + 208],
                b"3:numi500e7:samples400:",
                hashes[hash_at : hash_at + 400],
                b"e1:t",
                transaction_id,
                b"1:v4:XX\x00\x011:y1:re",
            )
        )
        node_at = node_at + 208 if node_at < node_end else 0
        hash_at = hash_at + 400 if hash_at < hash_end else 0
        sock.sendmsg([answer], [(socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(0, asked, bytes(4)))], 0, sender)
