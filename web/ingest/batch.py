"""A body of many items, as a JSON array or as lines (NDJSON), taken apart so that a bad one spoils nothing but itself."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import Final

import msgspec
import trio
from werkzeug.exceptions import RequestEntityTooLarge

from web.errors import BadInput, Fault
from web.ingest.items import Entry, StrictItem, entry_of, read_item
from web.json_text import nesting_fault

LINE_TYPES: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})

_SLICE: Final = 100
"""Items read before other tasks get their turn, some two milliseconds."""
_ALL: Final = msgspec.json.Decoder(list[StrictItem])
_SCAN: Final = json.JSONDecoder()


async def read_batch(body: bytes, mimetype: str, max_items: int, max_files: int) -> list[Entry]:
    """The entries of a body, in order.

    Raises:
        BadInput: it is neither; of a broken array nobody knows where its items end.
        RequestEntityTooLarge: more than `max_items`.
    """
    body = body.strip()
    if not body:
        raise BadInput("The body is empty: send a JSON array of items, or one item a line")
    if mimetype in LINE_TYPES or not body.startswith(b"["):
        return await _read_lines(body, max_items, max_files)
    return await _read_array(body, max_items, max_files)


async def _read_lines(body: bytes, max_items: int, max_files: int) -> list[Entry]:
    # Blank lines cost no item, but time.
    if body.count(b"\n") >= 2 * max_items:
        raise _too_many(max_items)
    entries: list[Entry] = []
    for number, line in enumerate(body.split(b"\n"), 1):
        if text := line.strip():
            if len(entries) == max_items:
                raise _too_many(max_items)
            entry = read_item(text, max_files)
            entries.append(replace(entry, line=number, faults=tuple(replace(fault, line=number) for fault in entry.faults)))
            await _pause(len(entries))
    return entries


async def _read_array(body: bytes, max_items: int, max_files: int) -> list[Entry]:
    try:
        # Follows no nesting but that of items, and passes over the rest within the interpreter's limit.
        items: Sequence[StrictItem] = _ALL.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return await _read_one_by_one(body, max_items, max_files)
    if len(items) > max_items:
        raise _too_many(max_items)
    entries: list[Entry] = []
    for index, item in enumerate(items):
        entries.append(_placed(entry_of(item, max_files), index))
        await _pause(index + 1)
    return entries


async def _read_one_by_one(body: bytes, max_items: int, max_files: int) -> list[Entry]:
    """An array with something wrong or unknown in it: slower, and never more than `max_items` of it in memory."""
    if (fault := nesting_fault(body)) is not None:
        raise BadInput("The body cannot be read", fault)
    entries: list[Entry] = []
    for text in _elements(body):
        if len(entries) == max_items:
            raise _too_many(max_items)
        entries.append(_placed(read_item(text.encode(), max_files), len(entries)))
        await _pause(len(entries))
    return entries


def _elements(body: bytes) -> Iterator[str]:
    """The texts of an array's elements."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadInput("The body cannot be read", Fault("the text is not UTF-8", line=body.count(b"\n", 0, error.start) + 1)) from error
    at = WHITESPACE.match(text, 1).end()
    if text[at : at + 1] == "]":
        at += 1
    else:
        while True:
            try:
                _, end = _SCAN.raw_decode(text, at)
            except json.JSONDecodeError as error:
                raise _broken(text, error.pos, error.msg) from error
            except ValueError as error:  # an integer of more than 4300 digits
                raise _broken(text, at, "a number is too long") from error
            yield text[at:end]
            end = WHITESPACE.match(text, end).end()
            at = WHITESPACE.match(text, end + 1).end()
            if text[end : end + 1] == "]":
                break
            if text[end : end + 1] != ",":
                raise _broken(text, end, "expected ',' or ']'")
    if at != len(text):
        raise _broken(text, at, "something follows the array")


def _broken(text: str, at: int, words: str) -> BadInput:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return BadInput("The body is no JSON array", Fault(f"{words[0].lower()}{words[1:]} (column {column})", line=line))


def _placed(entry: Entry, index: int) -> Entry:
    if not entry.faults:
        return entry
    return replace(entry, faults=tuple(Fault(fault.detail, f"/{index}{fault.pointer}") for fault in entry.faults))


async def _pause(done: int) -> None:
    if done % _SLICE == 0:
        await trio.lowlevel.checkpoint()


def _too_many(max_items: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"More than {max_items} items: send them in several requests")
