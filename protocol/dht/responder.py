"""Answers to the queries of others: ping, find_node, get_peers, announce_peer (BEP 5) and sample_infohashes (BEP 51).

What others ask and announce is also how we learn of torrents, so it is kept here until somebody takes it.
"""

from collections.abc import Callable
from typing import Any

from protocol.bencode import Encodable
from protocol.compact import ADDRESS_LENGTH_V4, CompactAddress
from protocol.dht import krpc
from protocol.dht.krpc import ErrorCode
from protocol.dht.peer_store import PeerStore, Tokens
from protocol.dht.routing_table import RoutingTable
from protocol.identifiers import NODE_ID_LENGTH, InfoHash

MAX_PEERS_IN_ANSWER = 50
"""With eight nodes beside them the datagram stays near 650 bytes (IPv6: 25 peers, 900 bytes)."""

Values = dict[bytes, Encodable]


class _RefusedError(Exception):
    """Their query is answered with an error."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Responder:
    """The serving half of a node."""

    def __init__(self, table: RoutingTable, peers: PeerStore, tokens: Tokens, *, address_length: int) -> None:
        self._table = table
        self._peers = peers
        self._tokens = tokens
        is_v4 = address_length == ADDRESS_LENGTH_V4
        self._nodes_key, self._want = (b"nodes", b"n4") if is_v4 else (b"nodes6", b"n6")
        self._max_peers = MAX_PEERS_IN_ANSWER if is_v4 else MAX_PEERS_IN_ANSWER // 2
        self.heard: list[InfoHash] = []
        """Hashes others asked for or announced, since somebody took them."""
        self.announced: list[tuple[InfoHash, CompactAddress]] = []
        """Peers that announced themselves with a valid token, since somebody took them."""
        self._methods: dict[bytes, Callable[[dict[bytes, Any], CompactAddress, float], Values]] = {
            b"ping": self._ping,
            b"find_node": self._find_node,
            b"get_peers": self._get_peers,
            b"announce_peer": self._announce_peer,
            b"sample_infohashes": self._sample_infohashes,
        }

    def answer(self, query: krpc.Query, asker: CompactAddress, now: float) -> tuple[bytes, ErrorCode | None]:
        """The datagram to send back, and the code when it is an error."""
        arguments = query.arguments
        try:
            method = self._methods.get(query.method)
            if method is None:
                raise _RefusedError(ErrorCode.METHOD_UNKNOWN, "Method Unknown")
            node_id = arguments.get(b"id")
            if type(node_id) is not bytes or len(node_id) != NODE_ID_LENGTH:
                raise _RefusedError(ErrorCode.PROTOCOL, "id must have 20 bytes")
            return krpc.response(query.transaction_id, method(arguments, asker, now), asker), None
        except _RefusedError as refused:
            return krpc.error(query.transaction_id, refused.code, refused.message), refused.code

    def _ping(self, arguments: dict[bytes, Any], asker: CompactAddress, now: float) -> Values:
        del arguments, asker, now
        return {b"id": self._table.own_id}

    def _find_node(self, arguments: dict[bytes, Any], asker: CompactAddress, now: float) -> Values:
        del asker
        return self._with_nodes(arguments, b"target", now)

    def _get_peers(self, arguments: dict[bytes, Any], asker: CompactAddress, now: float) -> Values:
        values = self._with_nodes(arguments, b"info_hash", now)
        info_hash = arguments[b"info_hash"]
        self.heard.append(info_hash)
        values[b"token"] = self._tokens.issue(asker[:-2])
        if peers := self._peers.peers(info_hash, now, self._max_peers):
            values[b"values"] = peers
        return values

    def _announce_peer(self, arguments: dict[bytes, Any], asker: CompactAddress, now: float) -> Values:
        info_hash = InfoHash(_twenty_bytes(arguments, b"info_hash"))
        token = arguments.get(b"token")
        if type(token) is not bytes or not self._tokens.is_valid(token, asker[:-2]):
            raise _RefusedError(ErrorCode.PROTOCOL, "Bad Token")
        peer = asker
        if not arguments.get(b"implied_port"):
            port = arguments.get(b"port")
            if type(port) is not int or not 0 < port <= 0xFFFF:
                raise _RefusedError(ErrorCode.PROTOCOL, "port must be 1 to 65535")
            peer = asker[:-2] + port.to_bytes(2, "big")
        self._peers.announce(info_hash, peer, now)
        self.announced.append((info_hash, peer))
        return {b"id": self._table.own_id}

    def _sample_infohashes(self, arguments: dict[bytes, Any], asker: CompactAddress, now: float) -> Values:
        del asker
        values = self._with_nodes(arguments, b"target", now)
        samples, interval = self._peers.sample(now)
        values[b"interval"] = interval
        values[b"num"] = len(self._peers)
        values[b"samples"] = samples
        return values

    def _with_nodes(self, arguments: dict[bytes, Any], name: bytes, now: float) -> Values:
        """Our id, and the nodes closest to the argument of this name."""
        target = _twenty_bytes(arguments, name)
        if b"want" in arguments:
            want = arguments[b"want"]
            if type(want) is list and want and self._want not in want:
                return {b"id": self._table.own_id}  # BEP 32: only the other family is wanted, and this node lives in one
        return {b"id": self._table.own_id, self._nodes_key: self._table.closest_compact(target, now)}


def _twenty_bytes(arguments: dict[bytes, Any], name: bytes) -> bytes:
    value = arguments.get(name)
    if type(value) is not bytes or len(value) != 20:
        raise _RefusedError(ErrorCode.PROTOCOL, f"{name.decode()} must have 20 bytes")
    return value
