"""KRPC, the messages of the DHT: queries, responses and errors (BEP 5), with BEP 32, 42, 43 and 51 in them.

`parse` reads a datagram, the functions at the end write them. Parsed messages are named tuples: one is made per datagram, and a frozen
dataclass costs four times as much. What a query's arguments must look like is judged where it is answered (responder.py), because the
asker is owed an error 203 then.
"""

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

from protocol.bencode import Encodable, decode, decode_lenient, encode
from protocol.errors import MalformedBencode, MalformedDatagram
from protocol.identifiers import NODE_ID_LENGTH, InfoHash, NodeId, Token, TransactionId

MAX_DATAGRAM = 2048
"""Bytes. Honest messages fit an MTU; nothing larger is read."""

MAX_OPENERS = 200
"""Guard against nesting bombs: honest messages have about one `l` or `d` byte in 128, and a dozen real ones."""

MAX_TRANSACTION_ID = 64
"""Bytes we are willing to echo."""

VERSION = b"SX\x00\x01"
"""Our `v`: two letters of the client, two bytes of version."""


class ErrorCode(IntEnum):
    """The four errors of BEP 5."""

    GENERIC = 201
    SERVER = 202
    PROTOCOL = 203
    METHOD_UNKNOWN = 204


class Query(NamedTuple):
    """A question; `arguments` are as they came."""

    transaction_id: bytes
    method: bytes
    arguments: dict[bytes, Any]
    is_read_only: bool
    """BEP 43: the asker answers nothing and belongs in no table."""


class Response(NamedTuple):
    """An answer; `values` are as they came, but for the id, which has been checked."""

    transaction_id: bytes
    node_id: bytes
    values: dict[bytes, Any]
    seen_address: Any
    """BEP 42 `ip`: the compact address the other side saw us under. As it came, mostly None."""


class Error(NamedTuple):
    """A refusal."""

    transaction_id: bytes
    code: int
    message: bytes


Message: TypeAlias = Query | Response | Error


def parse(data: bytes) -> Message:
    """Read a datagram.

    Raises:
        MalformedDatagram: it is no KRPC message; `reason` is "not_bencode" where a lenient second try may help.
    """
    try:
        value = decode(data, max_length=MAX_DATAGRAM, max_openers=MAX_OPENERS)
    except MalformedBencode as exc:
        raise MalformedDatagram(exc.reason, str(exc)) from exc
    return _message(value)


def parse_lenient(data: bytes) -> Message:
    """Read a datagram whose dictionaries are unsorted: some nodes of the network send them. Ten times slower than `parse`.

    Raises:
        MalformedDatagram: it is no KRPC message.
    """
    try:
        value = decode_lenient(data, max_length=MAX_DATAGRAM)
    except MalformedBencode as exc:
        raise MalformedDatagram(exc.reason, str(exc)) from exc
    return _message(value)


def _message(value: Any) -> Message:
    if type(value) is not dict:
        raise MalformedDatagram("not_a_message")
    transaction_id = value.get(b"t")
    if type(transaction_id) is not bytes or len(transaction_id) > MAX_TRANSACTION_ID:
        raise MalformedDatagram("no_transaction_id")
    kind = value.get(b"y")
    if kind == b"r":
        values = value.get(b"r")
        if type(values) is not dict:
            raise MalformedDatagram("no_values")
        node_id = values.get(b"id")
        if type(node_id) is not bytes or len(node_id) != NODE_ID_LENGTH:
            raise MalformedDatagram("no_node_id")
        return Response(transaction_id, node_id, values, value.get(b"ip"))
    if kind == b"q":
        method = value.get(b"q")
        arguments = value.get(b"a")
        if type(method) is not bytes or type(arguments) is not dict:
            raise MalformedDatagram("no_method")
        return Query(transaction_id, method, arguments, value.get(b"ro") == 1)
    if kind == b"e":
        return _error(transaction_id, value.get(b"e"))
    raise MalformedDatagram("unknown_kind")


def _error(transaction_id: bytes, error: Any) -> Error:
    # Some implementations leave the text out; the code is what counts.
    if type(error) is not list or not error or type(error[0]) is not int:
        raise MalformedDatagram("no_error_code")
    message = error[1] if len(error) > 1 and type(error[1]) is bytes else b""
    return Error(transaction_id, error[0], message)


def _query(transaction_id: bytes, method: bytes, arguments: dict[bytes, Encodable], is_read_only: bool) -> bytes:
    message: dict[bytes, Encodable] = {b"a": arguments, b"q": method, b"t": transaction_id, b"v": VERSION, b"y": b"q"}
    if is_read_only:
        message[b"ro"] = 1
    return encode(message)


def ping(transaction_id: TransactionId, node_id: NodeId, *, is_read_only: bool = False) -> bytes:
    """Write a `ping` query."""
    return _query(transaction_id, b"ping", {b"id": node_id}, is_read_only)


def find_node(
    transaction_id: TransactionId, node_id: NodeId, target: bytes, *, want: tuple[bytes, ...] = (), is_read_only: bool = False
) -> bytes:
    """Write a `find_node` query; `want` holds b"n4" and b"n6" as in BEP 32, empty for the family of the socket."""
    arguments: dict[bytes, Encodable] = {b"id": node_id, b"target": target}
    if want:
        arguments[b"want"] = want
    return _query(transaction_id, b"find_node", arguments, is_read_only)


def get_peers(
    transaction_id: TransactionId, node_id: NodeId, info_hash: InfoHash, *, want: tuple[bytes, ...] = (), is_read_only: bool = False
) -> bytes:
    """Write a `get_peers` query; `want` as in `find_node`."""
    arguments: dict[bytes, Encodable] = {b"id": node_id, b"info_hash": info_hash}
    if want:
        arguments[b"want"] = want
    return _query(transaction_id, b"get_peers", arguments, is_read_only)


def announce_peer(
    transaction_id: TransactionId, node_id: NodeId, info_hash: InfoHash, port: int, token: Token, *, implied_port: bool = False
) -> bytes:
    """Write an `announce_peer` query; with `implied_port` the UDP source port counts and `port` is ignored."""
    arguments: dict[bytes, Encodable] = {b"id": node_id, b"info_hash": info_hash, b"port": port, b"token": token}
    if implied_port:
        arguments[b"implied_port"] = 1
    return _query(transaction_id, b"announce_peer", arguments, is_read_only=False)


def sample_infohashes(transaction_id: TransactionId, node_id: NodeId, target: bytes, *, is_read_only: bool = False) -> bytes:
    """Write a `sample_infohashes` query (BEP 51)."""
    return _query(transaction_id, b"sample_infohashes", {b"id": node_id, b"target": target}, is_read_only)


def response(transaction_id: bytes, values: dict[bytes, Encodable], seen_address: bytes) -> bytes:
    """Write an answer; `seen_address` is the compact address of the asker, which BEP 42 tells it back."""
    return encode({b"ip": seen_address, b"r": values, b"t": transaction_id, b"v": VERSION, b"y": b"r"})


def error(transaction_id: bytes, code: ErrorCode, message: str) -> bytes:
    """Write a refusal: `y` is "e" and `e` a list of code and text, as BEP 5 has it."""
    return encode({b"e": [int(code), message.encode()], b"t": transaction_id, b"v": VERSION, b"y": b"e"})
