"""A running swarm: the plan, its sockets, and what is said about it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trio

from bench.swarm.answers import NodeAnswers
from bench.swarm.chatter import Chatter
from bench.swarm.counters import Counters
from bench.swarm.dht import SimulatedDht
from bench.swarm.peers import SimulatedPeers
from bench.swarm.plan import SwarmPlan
from bench.swarm.sockets import TcpDoor, open_udp
from protocol.compact import unpack_address


class SimulatedSwarm:
    """Opens every socket when made; `run` answers until cancelled and closes them."""

    def __init__(self, plan: SwarmPlan, *, port: int = 0, one_socket: bool = True) -> None:
        """`port`: of the DHT nodes, 0 for any; `one_socket=False`: the way of systems where one socket cannot stand for all addresses."""
        self.plan = plan
        self.counters = Counters(plan)
        self._udp = open_udp(len(plan.nodes), port, one_socket=one_socket)
        self._tcp = TcpDoor(one_socket=self._udp.has_every_address)
        self.node_endpoints = [self._udp.endpoint(node.ip) for node in plan.nodes]
        self.peer_endpoints = [[self._tcp.endpoint(peer) for peer in swarm.peers] for swarm in plan.swarms]
        self.bootstrap = [_text(self.node_endpoints[plan.nodes.index(node)]) for node in plan.bootstrap()]

    async def run(self) -> None:
        """Be the swarm."""
        peers = {
            info_hash: list(dict.fromkeys(endpoints))
            for swarm, endpoints in zip(self.plan.swarms, self.peer_endpoints, strict=True)
            for info_hash in swarm.torrent.swarm_hashes
        }
        answers = NodeAnswers(self.plan, self.node_endpoints, peers, self.counters)
        chatter = Chatter(self.plan, self._udp, self.node_endpoints, self.peer_endpoints, self.counters)
        dht = SimulatedDht(self.plan, self._udp, self.node_endpoints, answers, chatter, self.counters)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(dht.run)
            nursery.start_soon(SimulatedPeers(self.plan, self._tcp, self.counters).run)

    def announcement(self) -> dict[str, Any]:
        """What whoever started us wants to know first."""
        return {"bootstrap": self.bootstrap, "planted": len(self.plan.swarms), "reachable": len(self.plan.reachable), "pid": os.getpid()}

    def planted(self) -> Iterator[dict[str, Any]]:
        """One object per torrent."""
        for swarm, endpoints in zip(self.plan.swarms, self.peer_endpoints, strict=True):
            torrent = swarm.torrent
            yield {
                "name": torrent.release.name,
                "info_hash": torrent.info_hash.hex(),
                "info_hash_v2": torrent.info_hash_v2.hex() if torrent.info_hash_v2 else None,
                "version": torrent.version.value,
                "reachable": swarm.is_reachable,
                "fault": swarm.fault,
                "size": torrent.release.size,
                "metadata_size": torrent.metadata_size,
                "peers": [
                    {"address": _text(endpoint), "fault": peer.fault.value} for peer, endpoint in zip(swarm.peers, endpoints, strict=True)
                ],
                "files": [{"path": "/".join(file.path), "size": file.size} for file in torrent.release.files],
            }

    def write_list(self, path: Path) -> None:
        """The planted torrents as NDJSON, whole or not at all."""
        unfinished = path.with_name(path.name + ".part")
        with unfinished.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(planted, ensure_ascii=False) + "\n" for planted in self.planted())
        unfinished.replace(path)


def _text(endpoint: bytes) -> str:
    host, port = unpack_address(endpoint)
    return f"{host}:{port}"
