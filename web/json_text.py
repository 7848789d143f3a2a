"""JSON from strangers as values of our types, and where exactly it is wrong (RFC 6901 pointers, lines)."""

import re
from collections.abc import Hashable
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

from web.errors import BadInput, Fault

T = TypeVar("T")

MAX_NESTING: Final = 32
"""Objects and lists in one another; ours need four."""

_FLOAT: Final = "got `float`"
_LARGEST_WHOLE: Final = 1 << 53
"""Beyond it, floats skip whole numbers."""
_SYNTAX_PLACE: Final = re.compile(r" \(byte (\d+)\)$")
_VALUE_PLACE: Final = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_INDEX: Final = re.compile(r"\[(\d+)\]")
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_AS_SQUARE: Final = bytes.maketrans(b"{}", b"[]")


def decoded(body: bytes, type_: type[T]) -> T:
    """A JSON text as a `type_`. Raises BadInput: it is no JSON, nested too deeply, or not of that type."""
    value: T
    value, fault = tried(_decoder_of(cast("Hashable", type_)), body)
    if fault is not None:
        raise BadInput("The body is not as expected", fault)
    return value


def tried(decoder: "msgspec.json.Decoder[T]", text: bytes) -> tuple[T, None] | tuple[Any, Fault]:
    """The value, or None and what is wrong with the text."""
    if (fault := nesting_fault(text)) is not None:
        return None, fault
    try:
        try:
            return decoder.decode(text), None
        except msgspec.ValidationError as error:
            if _FLOAT not in str(error):
                raise
            return msgspec.convert(_whole(msgspec.json.decode(text)), decoder.type), None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return None, fault_of(error, text)


def _whole(value: Any) -> Any:
    """The value with 3.0 written as 3: JSON knows one kind of number, and some languages write whole ones so."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_WHOLE:
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    return [_whole(member) for member in value] if isinstance(value, list) else value


@cache
def _decoder_of(type_: Hashable) -> "msgspec.json.Decoder[Any]":
    """The decoder for a type; making one takes longer than using it."""
    return msgspec.json.Decoder(cast("Any", type_))


def nesting_fault(text: bytes) -> Fault | None:
    """What is wrong if objects and lists are nested deeper than MAX_NESTING; found without decoding, in linear time."""
    if text.count(b"[") + text.count(b"{") <= MAX_NESTING:
        return None
    brackets = _STRING.sub(b"", text).translate(_AS_SQUARE, _ALL_BUT_BRACKETS)
    for _ in range(MAX_NESTING):
        before = len(brackets)
        brackets = brackets.replace(b"[]", b"")
        if len(brackets) == before:
            break
    # Brackets without their other half are no JSON, and the decoder says so better, unless they alone are too deep for it.
    if b"[]" not in brackets and brackets.count(b"[") <= MAX_NESTING:
        return None
    return Fault(f"objects and lists are nested more than {MAX_NESTING} deep")


def fault_of(error: Exception, text: bytes) -> Fault:
    """What msgspec says is wrong with `text`, in words for a client, and where."""
    words = str(error)
    if isinstance(error, RecursionError):
        return Fault("objects and lists are nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return Fault("the text is not UTF-8")
    if isinstance(error, msgspec.ValidationError):
        place = _VALUE_PLACE.search(words)
        return Fault(words, pointer="") if place is None else Fault(words[: place.start()], pointer=_pointer(place[1]))
    words = words.removeprefix("JSON is malformed: ")
    if place := _SYNTAX_PLACE.search(words):
        at = int(place[1])
        line, column = text.count(b"\n", 0, at) + 1, at - text.rfind(b"\n", 0, at)
        return Fault(f"not JSON: {words[: place.start()]} (column {column})", line=line)
    return Fault(f"not JSON: {words}")


def _pointer(path: str) -> str:
    """`.files[3].size`, as msgspec writes it, as RFC 6901; `[...]` is a key it does not name."""
    return _INDEX.sub(r"/\1", path.replace("[...]", "")).replace(".", "/")
