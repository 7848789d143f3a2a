"""Bencode (BEP 3): bencode2 behind caps, a lenient second decoder, and a scanner that tells where a value stands.

bencode2 takes canonical input only (sorted keys, no leading zeros, nothing behind), so what `decode` accepts re-encodes to the same bytes.
Every decoder here lets one exception out, `MalformedBencode`. The pure-Python half is iterative: no input can exhaust the stack.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import bencode2

from protocol.errors import MalformedBencode

Value: TypeAlias = "int | bytes | list[Value] | dict[bytes, Value]"
"""What decoding gives."""

Encodable: TypeAlias = "int | bytes | bytearray | memoryview | Sequence[Encodable] | Mapping[bytes, Encodable]"
"""What encoding takes."""

Buffer: TypeAlias = bytes | bytearray | memoryview

MAX_DEPTH = 64
"""Levels of nesting the pure-Python decoders follow; BEP 52 file trees are the deepest honest input (one level a path component)."""

_THREAD_SAFE_OPENERS = 512
# bencode2 recurses up to 4096 deep, which needs up to 1 MiB of stack; threads on musl and macOS have less. The main thread has 8 MiB.

_MAX_LENGTH_DIGITS = 10
_MAX_INTEGER_DIGITS = 4300
# CPython's own limit for int(), whatever the interpreter was told.


def decode(data: Buffer, *, max_length: int, max_openers: int | None = None) -> Value:
    """Decode canonical bencode.

    Args:
        data: the whole value, nothing behind it.
        max_length: more bytes than this are refused unread.
        max_openers: at most this many `l` and `d` bytes, wherever they stand: a cheap guard against nesting bombs for small messages
            (each level needs one, random bytes have 1 in 128).

    Raises:
        MalformedBencode: not canonical bencode, or a limit is broken.
    """
    length = data.nbytes if type(data) is memoryview else len(data)
    if length > max_length:
        raise MalformedBencode("too_long", f"{length} bytes, at most {max_length}")
    if max_openers is not None:
        if length > max_openers:  # else it cannot have that many
            _check_openers(bytes(data), max_openers)
    elif length > _THREAD_SAFE_OPENERS and not _in_main_thread():
        _check_depth(bytes(data))
    try:
        value: Value = bencode2.bdecode(data)
    except (bencode2.BencodeDecodeError, ValueError, RecursionError) as exc:
        # ValueError: an integer of more than 4300 digits; RecursionError: bencode2's pure-Python build.
        raise MalformedBencode("not_bencode", str(exc)) from exc
    return value


def decode_lenient(data: Buffer, *, max_length: int) -> Value:
    """Decode bencode whose dictionaries are unsorted or repeat a key (the first one counts, as in libtorrent).

    Slower by an order of magnitude; for what `decode` refused and somebody real sent.

    Raises:
        MalformedBencode: not bencode, larger than `max_length` bytes, or deeper than MAX_DEPTH.
    """
    raw = bytes(data)
    if len(raw) > max_length:
        raise MalformedBencode("too_long", f"{len(raw)} bytes, at most {max_length}")
    value, end = _build(raw, 0)
    if end != len(raw):
        raise MalformedBencode("trailing_data", f"the value ends at {end} of {len(raw)}")
    return value


encode: Callable[[Encodable], bytes] = bencode2.bencode
"""Encode canonically: dictionary keys come out sorted. TypeError for a type bencode does not know, which is our bug and not a peer's."""


def span_of(data: Buffer, key: bytes) -> tuple[int, int]:
    """Start and end of the raw value of a top-level dictionary key, e.g. of `info` in a .torrent file, whose SHA-1 is taken as it stands.

    Raises:
        MalformedBencode: no dictionary, no such key, or the bytes up to the end of that value are not bencode.
    """
    raw = bytes(data)
    if raw[:1] != b"d":
        raise MalformedBencode("not_a_dictionary")
    position = 1
    while raw[position : position + 1] != b"e":
        found, position = _string(raw, position)
        end = _skip(raw, position)
        if found == key:
            return position, end
        position = end
    raise MalformedBencode("key_missing", repr(key))


def _in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def _openers(data: bytes) -> int:
    return data.count(b"l") + data.count(b"d")


def _check_openers(data: bytes, max_openers: int) -> None:
    openers = _openers(data)
    if openers > max_openers:
        raise MalformedBencode("too_deep", f"{openers} openers, at most {max_openers}")


def _check_depth(data: bytes) -> None:
    if _openers(data) > _THREAD_SAFE_OPENERS:
        _skip(data, 0)  # raises when deeper than MAX_DEPTH


def _skip(data: bytes, position: int) -> int:
    """The end of the value that starts at `position`."""
    expects_key: list[bool | None] = []  # one entry a level: None in a list, in a dictionary whether a key comes next
    while True:
        lead = data[position : position + 1]
        if lead == b"e":
            if not expects_key or expects_key.pop() is False:
                raise MalformedBencode("not_bencode", f"unexpected end at {position}")
            position += 1
        else:
            if expects_key and expects_key[-1] is not None:
                if expects_key[-1] and not lead.isdigit():
                    raise MalformedBencode("not_bencode", f"a key that is no string at {position}")
                expects_key[-1] = not expects_key[-1]
            if lead in (b"l", b"d"):
                if len(expects_key) >= MAX_DEPTH:
                    raise MalformedBencode("too_deep", f"more than {MAX_DEPTH} levels")
                expects_key.append(None if lead == b"l" else True)
                position += 1
            elif lead == b"i":
                position = _integer(data, position)[1]
            else:
                position = _string_span(data, position)[1]
        if not expects_key:
            return position


def _build(data: bytes, position: int) -> tuple[Value, int]:  # noqa: C901  (one loop over the four kinds of value reads best whole)
    """The value that starts at `position`, and its end."""
    levels: list[tuple[list[Value] | dict[bytes, Value], bytes]] = []  # the container around, and the key under which we stand in it
    container: list[Value] | dict[bytes, Value] | None = None
    key = b""
    while True:
        closes = data[position : position + 1] == b"e"
        if isinstance(container, dict) and not closes:
            key, position = _string(data, position)
        lead = data[position : position + 1]
        value: Value
        if lead in (b"l", b"d"):
            if len(levels) + (container is not None) >= MAX_DEPTH:
                raise MalformedBencode("too_deep", f"more than {MAX_DEPTH} levels")
            if container is not None:
                levels.append((container, key))
            container = [] if lead == b"l" else {}
            position += 1
            continue
        if lead == b"e":
            if container is None or not closes:  # not closes: a key with no value
                raise MalformedBencode("not_bencode", f"unexpected end at {position}")
            value = container
            container, key = levels.pop() if levels else (None, b"")
            position += 1
        elif lead == b"i":
            value, position = _integer(data, position)
        else:
            value, position = _string(data, position)
        if container is None:
            return value, position
        if isinstance(container, list):
            container.append(value)
        else:
            container.setdefault(key, value)


def _integer(data: bytes, position: int) -> tuple[int, int]:
    end = data.find(b"e", position, position + _MAX_INTEGER_DIGITS + 2)
    digits = data[position + 1 : end]
    unsigned = digits.removeprefix(b"-")
    if end < 0 or not unsigned.isdigit() or (unsigned[0] == 0x30 and digits != b"0"):
        raise MalformedBencode("not_bencode", f"no integer at {position}")
    try:
        return int(digits), end + 1
    except ValueError as exc:
        raise MalformedBencode("not_bencode", "an integer of too many digits") from exc


def _string_span(data: bytes, position: int) -> tuple[int, int]:
    colon = data.find(b":", position, position + _MAX_LENGTH_DIGITS + 1)
    digits = data[position:colon]
    if colon < 0 or not digits.isdigit() or (digits[0] == 0x30 and len(digits) > 1):
        raise MalformedBencode("not_bencode", f"no value at {position}")
    start = colon + 1
    end = start + int(digits)
    if end > len(data):
        raise MalformedBencode("not_bencode", f"a string at {position} runs past the end")
    return start, end


def _string(data: bytes, position: int) -> tuple[bytes, int]:
    start, end = _string_span(data, position)
    return data[start:end], end
