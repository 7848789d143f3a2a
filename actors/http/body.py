"""Reading an answer's body: unpacked in steps, counted as it grows, so that no bomb gets larger than the limit.

httpx would unpack each chunk whole, and packings within packings; so the raw bytes are taken and unpacked here.
"""

import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Final

import httpcore
import httpx

from actors.http.errors import MalformedAnswer, TooLarge

ACCEPTED: Final = "gzip, deflate"
_STEP_BYTES: Final = 256 * 1024
_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


async def read_body(answer: httpx.Response, limit_bytes: int, url: str) -> bytes:
    """The whole body, unpacked.

    Raises:
        TooLarge: it is or becomes larger than `limit_bytes`.
        MalformedAnswer: its packing is damaged, or none that was asked for.
    """
    told = answer.headers.get("Content-Length", "")
    if told.isdecimal() and int(told[:20]) > limit_bytes:
        raise _too_large(url, limit_bytes)
    unpacker = _unpacker(answer.headers.get("Content-Encoding", ""), url)
    parts: list[bytes] = []
    length = 0
    raws = answer.aiter_raw()
    try:
        async for raw in raws:
            for part in unpacker.unpack(raw) if unpacker is not None else (raw,):
                length += len(part)
                if length > limit_bytes:
                    raise _too_large(url, limit_bytes)
                parts.append(part)
    except (TooLarge, MalformedAnswer):
        await _end(answer, raws)
        raise
    if unpacker is not None and length and not unpacker.is_complete:
        raise MalformedAnswer(url, "the body is cut short")
    return b"".join(parts)


async def _end(answer: httpx.Response, raws: AsyncIterator[bytes]) -> None:
    """Hang up, and let the generators below run into it: Trio complains of each that is left to the garbage collector."""
    await answer.aclose()
    with suppress(httpcore.NetworkError, httpcore.ProtocolError):
        async for _ in raws:
            pass  # what had arrived


def _unpacker(encoding: str, url: str) -> "_Unpacker | None":
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return None
    if encoding not in _WINDOWS:  # one packing within another is none of them either
        raise MalformedAnswer(url, f"the body is packed as {encoding[:50]!r}, which nobody asked for")
    return _Unpacker(_WINDOWS[encoding], url)


class _Unpacker:
    """One packed body."""

    def __init__(self, window: int, url: str) -> None:
        self._unzip = zlib.decompressobj(wbits=window)
        self._may_be_raw = window == 15  # some servers send deflate without the header RFC 9110 asks for
        self._url = url

    @property
    def is_complete(self) -> bool:
        return self._unzip.eof

    def unpack(self, raw: bytes) -> Iterator[bytes]:
        """What comes of some packed bytes, in steps."""
        while raw and not self._unzip.eof:
            try:
                part = self._unzip.decompress(raw, _STEP_BYTES)
            except zlib.error as exc:
                if not self._may_be_raw:
                    raise MalformedAnswer(self._url, f"the body is damaged: {exc}") from exc
                self._unzip = zlib.decompressobj(wbits=-15)
                self._may_be_raw = False
                continue
            self._may_be_raw = False
            raw = self._unzip.unconsumed_tail
            yield part


def _too_large(url: str, limit_bytes: int) -> TooLarge:
    return TooLarge(url, f"the body is larger than {limit_bytes} bytes")
