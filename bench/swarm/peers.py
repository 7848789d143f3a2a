"""The simulated peers: BEP 3, 9 and 10 over TCP, each honest or faulty in the way the plan says.

Honest peers are protocol/peer's own answerer; how the others misbehave stands in faults.py.
"""

import functools
import random

import trio

from bench.swarm.conversation import PATIENCE_S, Visit, converse
from bench.swarm.counters import Counters
from bench.swarm.faults import BEHAVIOURS
from bench.swarm.plan import PeerFault, Swarm, SwarmPlan
from bench.swarm.sockets import TcpDoor
from protocol.compact import pack_address
from protocol.errors import MalformedPeerMessage
from protocol.identifiers import InfoHash
from protocol.peer.extension import PIECE_LENGTH

_DATA_HEADER = b"8:msg_typei1e5:piece"


class SimulatedPeers:
    """All peers of a plan behind one door."""

    def __init__(self, plan: SwarmPlan, door: TcpDoor, counters: Counters) -> None:
        self._door = door
        self._counters = counters
        self._seed = plan.options.seed
        self._by_hash = {info_hash: swarm for swarm in plan.swarms for info_hash in swarm.torrent.swarm_hashes}
        self._by_ip = {peer.ip: (peer.fault, swarm) for swarm in plan.swarms for peer in swarm.peers}
        self._metadata = functools.lru_cache(maxsize=256)(self._build)

    async def run(self) -> None:
        """Accept until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                for fault, listener in self._door.listeners():
                    nursery.start_soon(trio.serve_listeners, functools.partial(self._serve, fault), [listener])
        finally:
            self._door.close()

    async def _serve(self, fault: PeerFault, stream: trio.SocketStream) -> None:
        only: Swarm | None = None
        endpoint = pack_address(stream.socket.getsockname())
        if self._door.is_shared:
            if endpoint[:4] not in self._by_ip:
                return  # nobody lives there
            fault, only = self._by_ip[endpoint[:4]]
        self._counters.connections[fault.value] += 1
        visit = Visit(
            stream, functools.partial(self._metadata_of, only), random.Random(f"{self._seed} {endpoint!r}"), endpoint.rjust(20, b"-")
        )
        with trio.move_on_after(PATIENCE_S):
            try:
                await (self._serve_honestly(visit) if fault is PeerFault.HONEST else BEHAVIOURS[fault](visit))
            except (trio.BrokenResourceError, trio.ClosedResourceError, MalformedPeerMessage):
                self._counters.connections["broken_by_visitor"] += 1

    def _metadata_of(self, only: Swarm | None, info_hash: InfoHash) -> bytes | None:
        swarm = self._by_hash.get(info_hash)
        if swarm is None or (only is not None and swarm is not only):
            return None
        return self._metadata(swarm.torrent.info_hash)

    def _build(self, swarm_key: bytes) -> bytes:
        return self._by_hash[swarm_key].torrent.metadata()

    async def _serve_honestly(self, visit: Visit) -> None:
        wanted = InfoHash(b"")
        pieces_left = 0

        def find(info_hash: InfoHash) -> bytes | None:
            nonlocal wanted, pieces_left
            metadata = visit.metadata_of(info_hash)
            wanted, pieces_left = info_hash, -(-len(metadata or b"") // PIECE_LENGTH)
            return metadata

        def count(reply: bytes) -> None:
            nonlocal pieces_left
            before, pieces_left = pieces_left, pieces_left - reply.count(_DATA_HEADER)
            if pieces_left <= 0 < before:
                self._counters.metadata_served.add(wanted)

        await converse(visit, find, count)
