"""What the swarm saw of its visitors: how politely they asked, and how much of what can be found they were told."""

import time
from collections import Counter
from typing import Any

from bench.swarm.plan import SwarmPlan

_RATE_WINDOW_S = 10.0
_MISSING_NAMED = 20  # hashes of each stage that a report names
_RATE_LIMIT = 50  # in a window: libtorrent bans an address that sends a node more than 5 packets a second, for five minutes


class Counters:
    """Counts; `report()` sums up. Addresses are compact: 4 bytes, with a port 6."""

    def __init__(self, plan: SwarmPlan) -> None:
        self._plan = plan
        self._started = time.monotonic()
        self.queries: Counter[str] = Counter()  # that reached a live node, by method
        self.to_dead_nodes = 0
        self.fates: Counter[str] = Counter()  # what the weather did to exchanges
        self.errors: Counter[int] = Counter()  # answers of type error, by code
        self.connections: Counter[str] = Counter()  # to peers, by the peer's fault
        self.chatter: Counter[str] = Counter()  # our own queries, and the answers to them
        self.announced = 0
        self.samples_early = 0  # sample_infohashes before the node's interval was over, by IP address
        self.samples_early_same_port = 0  # the same, by IP address and port
        self.over_rate = 0  # windows of 10 s in which one address sent one node more than 50 queries
        self.sampled: set[bytes] = set()
        self.peers_told: set[bytes] = set()
        self.metadata_served: set[bytes] = set()
        self._per_node: Counter[int] = Counter()
        self._last_sample: dict[tuple[int, bytes], float] = {}
        self._windows: dict[tuple[int, bytes], tuple[float, int]] = {}

    def query(self, node: int, ip: bytes, now: float) -> None:
        """A node was asked something."""
        self._per_node[node] += 1
        start, count = self._windows.get((node, ip), (now, 0))
        if now - start >= _RATE_WINDOW_S:
            start, count = now, 0
        self._windows[node, ip] = (start, count + 1)
        if count == _RATE_LIMIT:
            self.over_rate += 1

    def sample_asked(self, node: int, sender: bytes, now: float) -> None:
        """A node was asked for samples: was it too early?"""
        interval = self._plan.nodes[node].interval_s
        self.samples_early += now - self._last_sample.get((node, sender[:4]), -interval) < interval
        self.samples_early_same_port += now - self._last_sample.get((node, sender), -interval) < interval

    def sample_told(self, node: int, sender: bytes, samples: list[bytes], now: float) -> None:
        """Samples arrived whole; the interval runs from here. Those lost on the way may be asked for again."""
        self._last_sample[node, sender[:4]] = self._last_sample[node, sender] = now
        self.sampled.update(samples)

    def report(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        reachable = [swarm.torrent for swarm in self._plan.swarms if swarm.is_reachable]

        stages = {"sampled": self.sampled, "peers_told": self.peers_told, "metadata_served": self.metadata_served}
        missing = {stage: [torrent for torrent in reachable if told.isdisjoint(torrent.swarm_hashes)] for stage, told in stages.items()}
        asked = self._per_node.values()
        return {
            "seconds": round(time.monotonic() - self._started, 3),
            "planted": len(self._plan.swarms),
            "reachable": len(reachable),
            "recall": {stage: len(reachable) - len(torrents) for stage, torrents in missing.items()},
            "missing": {stage: [torrent.info_hash.hex() for torrent in torrents[:_MISSING_NAMED]] for stage, torrents in missing.items()},
            "queries": {"total": self.queries.total(), **self.queries},
            "queries_to_dead_nodes": self.to_dead_nodes,
            "queries_per_node": {
                "nodes": len(asked),
                "mean": round(sum(asked) / max(1, len(asked)), 3),
                "max": max(asked, default=0),
            },
            "samples_early": self.samples_early,
            "samples_early_same_port": self.samples_early_same_port,
            "over_rate": self.over_rate,
            "announced": self.announced,
            "errors": {str(code): count for code, count in self.errors.items()},
            "weather": dict(self.fates),
            "peer_connections": {"total": self.connections.total(), **self.connections},
            "chatter": dict(self.chatter),
        }
