"""Reading request bodies: never more than a limit, which counts what is unpacked, and never for longer than such a body needs.

`read_body` gives the bytes, `read_json` a value of a given type; what is wrong comes out as 400, 408, 413 or 415.
"""

import zlib
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

import trio
from quart import request
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout, UnsupportedMediaType

from web.errors import BadInput
from web.json_text import decoded

T = TypeVar("T")

JSON_LIMIT_BYTES: Final = 64 * 1024
GZIP_RATIO: Final = 100
"""Fold a body may grow when it is unpacked: JSON reaches thirty, a bomb a thousand."""

_PATIENCE_S: Final = 20.0
"""For the first bytes."""
_SLOWEST_BYTES_PER_S: Final = 16 * 1024
_FREE_BYTES: Final = 64 * 1024
"""May come out of whatever went in: a short body may be of one letter."""
_STEP_BYTES: Final = 256 * 1024
"""Unpacked before other tasks get their turn: a millisecond."""
_MAX_MEMBERS: Final = 2000
"""gzip streams one after the other. Tools that work in parallel make one of each 64 KiB; empty ones would keep us busy for nothing."""


class UnsupportedCoding(UnsupportedMediaType):
    """A Content-Encoding that is not read; says which are (RFC 9110, 15.5.16)."""

    def get_headers(self, *arguments: Any, **named: Any) -> list[tuple[str, str]]:
        """With Accept-Encoding."""
        return [*super().get_headers(*arguments, **named), ("Accept-Encoding", "gzip, identity")]


async def read_body(limit_bytes: int, *, gzip_allowed: bool = False, gzip_ratio: int = GZIP_RATIO) -> bytes:
    """The body of the current request, unpacked.

    Raises:
        RequestEntityTooLarge: it is or becomes larger than `limit_bytes`, or grows more than `gzip_ratio` fold.
        UnsupportedMediaType: its Content-Encoding is not allowed.
        RequestTimeout: it does not arrive in time.
        BadInput: its gzip stream is damaged.
    """
    gunzip = _Gunzip(gzip_ratio) if _is_gzip(gzip_allowed=gzip_allowed) else None
    kept = _Kept(limit_bytes)
    if (request.content_length or 0) > limit_bytes:
        raise kept.too_large()
    body = aiter(request.body)
    deadline = trio.current_time() + _PATIENCE_S
    while (chunk := await _next_chunk(body, deadline)) is not None:
        deadline += len(chunk) / _SLOWEST_BYTES_PER_S  # every byte buys time: a slow line is served, an idle one is not
        if gunzip is None:
            kept.add(chunk)
            continue
        gunzip.feed(chunk)
        while part := gunzip.unpack():
            kept.add(part)
            await trio.lowlevel.checkpoint()
    if gunzip is not None:
        gunzip.end()
    return kept.joined()


async def read_json(type_: type[T], limit_bytes: int = JSON_LIMIT_BYTES) -> T:
    """The JSON body of the current request as a `type_`.

    Raises:
        BadInput: it is not JSON, nested too deeply, or not of that type; the fault says where.
        UnsupportedMediaType: its Content-Type says that it is not JSON.
        RequestEntityTooLarge, RequestTimeout: as read_body.
    """
    if not is_json(request.mimetype):
        raise UnsupportedMediaType("Send application/json")
    return decoded(await read_body(limit_bytes), type_)


def is_json(mimetype: str) -> bool:
    """Whether a body that calls itself so may be read as JSON; one that says nothing may.

    Forms and plain text may not: browsers send those to foreign hosts without asking.
    """
    return mimetype in {"", "application/json"} or (mimetype.startswith("application/") and mimetype.endswith("+json"))


def _is_gzip(*, gzip_allowed: bool) -> bool:
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return False
    if gzip_allowed and coding in {"gzip", "x-gzip"}:
        return True
    raise UnsupportedCoding(
        "This Content-Encoding is not read here: send the body " + ("as gzip or as it is" if gzip_allowed else "as it is")
    )


async def _next_chunk(body: AsyncIterator[bytes], deadline: float) -> bytes | None:
    """What arrived meanwhile, None at the end."""
    with trio.move_on_at(deadline):
        return await anext(body, None)
    raise RequestTimeout("The body did not arrive in time")


class _Kept:
    """What was read so far, within the limit."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._length = 0
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._limit_bytes:
            raise self.too_large()
        self._parts.append(part)

    def joined(self) -> bytes:
        return b"".join(self._parts)

    def too_large(self) -> RequestEntityTooLarge:
        return RequestEntityTooLarge(f"The body is larger than {self._limit_bytes} bytes")


class _Gunzip:
    """Unpacks gzip in steps; several members one after the other are one body (RFC 1952, 2.2)."""

    def __init__(self, ratio: int) -> None:
        self._ratio = ratio
        self._fed = self._unpacked = 0
        self._members = 1
        self._member = zlib.decompressobj(wbits=31)
        self._waiting = b""

    def feed(self, chunk: bytes) -> None:
        """Take what arrived; call `unpack` until it has nothing."""
        self._fed += len(chunk)
        self._waiting = chunk

    def unpack(self) -> bytes:
        """The next part, at most _STEP_BYTES; empty when all that was fed is unpacked."""
        while True:
            try:
                part = self._member.decompress(self._waiting, _STEP_BYTES)
            except zlib.error as error:
                raise BadInput("The gzip stream of the body is damaged") from error
            self._waiting = self._member.unused_data or self._member.unconsumed_tail
            if self._member.eof and self._waiting:
                self._begin_member()
                if not part:
                    continue
            self._unpacked += len(part)
            if self._unpacked > _FREE_BYTES + self._ratio * self._fed:
                raise RequestEntityTooLarge(f"The body grows more than {self._ratio} fold when it is unpacked")
            return part

    def end(self) -> None:
        """Nothing more comes. Raises BadInput when something should."""
        if not self._member.eof:
            raise BadInput("The gzip stream of the body ends too early")

    def _begin_member(self) -> None:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise BadInput(f"The gzip stream of the body has more than {_MAX_MEMBERS} members")
        self._member = zlib.decompressobj(wbits=31)
