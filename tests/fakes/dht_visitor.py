"""A DHT client of a few lines, independent of our nodes: asks, waits for the answer, walks towards a hash."""

import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio

from protocol.bencode import encode
from protocol.compact import pack_address, split, unpack_address
from protocol.dht import krpc
from protocol.errors import MalformedDatagram

NODE_ID = b"visitor of the swarm"


class DhtVisitor:
    """One UDP socket; use `open_visitor`."""

    def __init__(self, opened):
        self._socket = opened
        self._numbers = itertools.count()
        self._waiting = {}
        self.received = []  # (datagram, compact sender), everything that came
        self.queries = []  # queries of others: (query, compact sender)

    async def ask(self, endpoint, method, arguments=None, *, within=0.3, tries=1):
        """The answer (Response or Error), None when there was none in time."""
        for _ in range(tries):
            transaction_id = next(self._numbers).to_bytes(4)
            query = {b"t": transaction_id, b"y": b"q", b"q": method.encode(), b"a": {b"id": NODE_ID, **(arguments or {})}}
            answered, answers = trio.open_memory_channel(10)
            self._waiting[transaction_id, endpoint] = answered
            with suppress(OSError):  # port 0
                await self._socket.sendto(encode(query), unpack_address(endpoint))
            with trio.move_on_after(within):
                return await answers.receive()
        return None

    async def answer(self, query, sender, values):
        await self._socket.sendto(krpc.response(query.transaction_id, {b"id": NODE_ID, **values}, sender), unpack_address(sender))

    async def walk(self, bootstrap, info_hash, *, tries=3, within=0.3):
        """Iterative get_peers (BEP 5): all peers that the nodes closest to the hash tell of."""
        known = dict.fromkeys(bootstrap, None)  # endpoint: node id
        asked, failed, peers = set(), set(), set()

        def distance(endpoint):
            node_id = known[endpoint]
            return int.from_bytes(info_hash) ^ int.from_bytes(node_id) if node_id else 1 << 160

        async def ask(endpoint):
            asked.add(endpoint)
            response = await self.ask(endpoint, "get_peers", {b"info_hash": info_hash}, tries=tries, within=within)
            if isinstance(response, krpc.Response):
                peers.update(response.values.get(b"values", ()))
                for compact in split(response.values.get(b"nodes", b""), 26):
                    known.setdefault(compact[20:], compact[:20])
            else:
                failed.add(endpoint)  # an invented neighbour with an id next to the hash must not push out real ones

        while True:
            nearest = [endpoint for endpoint in sorted(known.keys() - failed, key=distance)[:12] if endpoint not in asked]
            if not nearest:
                return peers
            async with trio.open_nursery() as nursery:
                for endpoint in nearest:
                    nursery.start_soon(ask, endpoint)

    async def _read(self):
        while True:
            datagram, address = await self._socket.recvfrom(65536)
            sender = pack_address(address)
            self.received.append((datagram, sender))
            try:
                message = krpc.parse(datagram)
            except MalformedDatagram:
                try:
                    message = krpc.parse_lenient(datagram)
                except MalformedDatagram:
                    continue
            if isinstance(message, krpc.Query):
                self.queries.append((message, sender))
            elif (message.transaction_id, sender) in self._waiting:
                self._waiting[message.transaction_id, sender].send_nowait(message)


@asynccontextmanager
async def open_visitor(host="127.0.0.1") -> AsyncIterator[DhtVisitor]:
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        await opened.bind((host, 0))
        visitor = DhtVisitor(opened)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(visitor._read)
            yield visitor
            nursery.cancel_scope.cancel()
