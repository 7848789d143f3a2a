"""What a DHT datagram costs: our node against libtorrent's as a server, and the crawl against the barest loop that could do it.

`responder`: both serve find_node on a routing table filled with the same 160 nodes; the load is 256 queries in flight from 32 askers.
Our node is the whole actor: socket, budgets, routing table, counters, and it keeps its table alive meanwhile, as libtorrent's does.

`crawler`: DHT node and triage as the daemon runs them, from the datagram to the question which hashes are new, against simulated nodes that
answer each sample_infohashes with 20 hashes and 8 nodes (707 bytes). The pair is a bare loop on the same sockets: bencode2, one dictionary,
two sets, no routing table, no limits, no BEP 51 bookkeeping, no checks. It is the ceiling of this design in Python, not another crawler.
"""

import os
import socket
import time
from collections.abc import Sequence
from functools import partial
from select import select
from typing import Any

import bencode2
import trio

from actors.dht.node import DhtNode, Finding
from actors.dht.plan import plan_nodes
from actors.dht.triage import Triage
from bench.dht_load import NODES, answer_samples, ask_find_node, first_nodes
from bench.harness import GENERATOR, SUBJECT, Case, Contender, Offer, Options, Outcome, Report, Watch, compare
from catalog.messages import LookUpPeers, MetadataWanted
from config.settings import DhtSettings
from protocol.compact import unpack_address
from protocol.identifiers import Address, InfoHash
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox

TARGET_RESPONDER = 0.8
TARGET_CRAWLER = 0.5
WARM_UP_S = 0.3


def run(options: Options) -> Report:
    """Both cases."""
    return compare(
        "dht",
        options,
        [
            Case(
                "responder",
                "answers",
                drives=GENERATOR,
                generator=partial(ask_find_node, options.seconds, options.seed),
                subject=Contender("swarmdex", serve_ours),
                pairs=[Contender("libtorrent", serve_libtorrent)],
                target=TARGET_RESPONDER,
            ),
            Case(
                "crawler",
                "responses",
                drives=SUBJECT,
                generator=partial(answer_samples, options.seed),
                subject=Contender("swarmdex", partial(crawl, options.seconds)),
                pairs=[Contender("bare_loop", partial(crawl_bare, options.seconds))],
                target=TARGET_CRAWLER,
            ),
        ],
        notes=("crawler: at least 15,000 responses (300,000 hashes) per CPU-second are wanted, 20,000 are aimed at",),
    )


class Running:
    """A DHT node of ours with the mailboxes it needs."""

    def __init__(self, host: str, bootstrap: Sequence[Address]) -> None:
        self.orders = Mailbox[LookUpPeers]("orders", 10)
        self.findings = Mailbox[Finding]("findings", 1000)
        settings = DhtSettings(
            bind=(f"{host}:0",),
            nodes=1,
            bootstrap=tuple(f"{name}:{port}" for name, port in bootstrap),
            allow_loopback=True,
            profile="lab",
        )
        [plan] = plan_nodes(settings)
        self.node = DhtNode(self.orders.open_inbox(), self.findings, plan, settings, Heart())


def serve_ours(offer: Offer) -> None:
    """Our node with a full table; serves until terminated."""

    async def serve() -> None:
        table_port = free_port(NODES[0])
        running = Running("127.61.0.1", [(host, table_port) for host in NODES])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.node.run)
            await trio.sleep(0.1)
            offer((running.node.address, table_port))

    trio.run(serve)


def serve_libtorrent(offer: Offer) -> None:
    """Libtorrent's node with a full table; serves until terminated."""
    import libtorrent as lt  # noqa: PLC0415  (a package of the dev extra)

    table_port, port = free_port(NODES[0]), free_port("127.61.0.1")
    session = lt.session(
        {
            "listen_interfaces": f"127.61.0.1:{port}",
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "dht_bootstrap_nodes": "",
            "dht_block_ratelimit": 1_000_000_000,
            "dht_upload_rate_limit": 1_000_000_000,
            "alert_mask": 0,
        }
    )
    offer((("127.61.0.1", port), table_port))
    for _ in range(4):
        for host in NODES:
            session.add_dht_node((host, table_port))
        time.sleep(1.0)
    while True:
        time.sleep(60.0)


def crawl(seconds: float, offered: Any, watch: Watch) -> Outcome:
    """The daemon's way: DHT node and triage; the database knows every hash already."""

    async def nothing_new(hashes: Sequence[InfoHash]) -> list[InfoHash]:
        del hashes
        await trio.lowlevel.checkpoint()
        return []

    async def work() -> Outcome:
        running = Running("127.62.0.1", [offered])
        triage = Triage(running.findings.open_inbox(), Mailbox[MetadataWanted]("wanted", 10), nothing_new, Heart())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.node.run)
            nursery.start_soon(triage.run)
            while running.node.statistics().core.samples_received < 1000:  # noqa: ASYNC110  (a counter has no event)
                await trio.sleep(0.01)
            before = running.node.statistics().core
            watch.start()
            await trio.sleep(seconds)
            watch.stop()
            after = running.node.statistics().core
            nursery.cancel_scope.cancel()
        counted = triage.statistics()
        hashes = after.hashes_received - before.hashes_received
        return Outcome(
            after.samples_received - before.samples_received,
            {"hashes": hashes, "repeated_share": counted.repeated / max(1, counted.heard), "dropped": sum(after.dropped.values())},
        )

    return trio.run(work)


class BareLoop:
    """Decode, match, remember, ask the next: nothing else."""

    def __init__(self, sock: socket.socket, frontier: list[bytes]) -> None:
        self._socket = sock
        self._pending: dict[bytes, Address] = {}
        self._hashes: set[bytes] = set()
        self._met: set[bytes] = set()
        self._frontier = frontier

    def ask_next(self) -> None:
        """Ask the node met last."""
        node = self._frontier.pop()
        transaction_id = os.urandom(4)
        self._pending[transaction_id] = address = unpack_address(node[20:])
        arguments = {b"id": b"i" * 20, b"target": node[:20]}
        query = {b"a": arguments, b"q": b"sample_infohashes", b"t": transaction_id, b"y": b"q"}
        self._socket.sendto(bencode2.bencode(query), address)

    def read(self) -> int:
        """Wait, then take up to 64 answers; returns how many."""
        answered = 0
        select([self._socket], [], [], 1.0)
        for _ in range(64):
            try:
                data, address = self._socket.recvfrom(2048)
            except BlockingIOError:
                break
            answered += self._take(data, address)
        return answered

    def _take(self, data: bytes, address: Address) -> bool:
        message = bencode2.bdecode(data)
        if self._pending.pop(message[b"t"], None) != address:
            return False
        values = message[b"r"]
        samples, nodes = values[b"samples"], values[b"nodes"]
        self._hashes.update(samples[start : start + 20] for start in range(0, len(samples), 20))
        for start in range(0, len(nodes), 26):
            node = nodes[start : start + 26]
            if node not in self._met:
                self._met.add(node)
                self._frontier.append(node)
        self.ask_next()
        return True


def crawl_bare(seconds: float, offered: Any, watch: Watch) -> int:
    """The ceiling: a BareLoop."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.62.0.1", 0))
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        loop = BareLoop(sock, first_nodes(offered))
        for _ in range(256):
            loop.ask_next()
        warm_until = time.perf_counter() + WARM_UP_S
        while time.perf_counter() < warm_until:
            loop.read()
        watch.start()
        ends_at, answered = time.perf_counter() + seconds, 0
        while time.perf_counter() < ends_at:
            answered += loop.read()
        return answered


def free_port(host: str) -> int:
    """A UDP port nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
