"""The spool of a crawler without a database: batches of lines on disk, in order, until somebody else has them safely.

    <data_dir>/spool/000000000042-<32 hex digits>.ndjson.gz    a batch
    <data_dir>/spool/aside/...                                 what could not be read, or was refused as a whole; kept for a person
    <data_dir>/spool/.000000000043-...                         half written when the power went; removed at the next start

A batch is a file under its final name only when all of it is on the disk, so a kill at any moment loses nothing that was reported safe.
"""

import gzip
import logging
import os
import re
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.errors import CorruptBatch, SpoolUnavailable

_log = logging.getLogger(__name__)

_NAME: Final = re.compile(r"(\d{12,})-([0-9a-f]{32})\.ndjson\.gz")
_LEVEL: Final = 5
_BLOCK_BYTES: Final = 4096
_ROOM_AGAIN: Final = 0.75
LARGEST_BATCH_BYTES: Final = 256 * 1024 * 1024
"""Uncompressed: ours are far smaller; what unpacks to more was not written here."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One file of the spool."""

    number: int
    """Rises by one a batch, over restarts too: the order they came in."""
    key: str
    """No other batch ever has it: an idempotency key."""
    path: Path
    size_bytes: int
    written_at: float
    """Unix time."""


@dataclass(frozen=True, slots=True)
class SpoolStatistics:
    """What waits."""

    batches: int
    bytes: int
    """On disk, what was set aside included: it takes up room as well."""
    limit_bytes: int
    oldest_at: float | None
    """Unix time of the first of them."""
    set_aside: int
    """Batches in the folder `aside`."""


class Spool:
    """The batches of one folder; one process at a time. Every method blocks: call them in a thread, one at a time."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._aside = folder / "aside"
        self._limit_bytes = limit_bytes
        self._batches: list[Batch] = []
        self._last = 0
        self._set_aside = 0
        self._aside_bytes = 0

    def open(self) -> None:
        """Make the folder, or read it after a restart; may be called again. Raises SpoolUnavailable."""
        with _disk_errors(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._aside.mkdir(mode=0o700, exist_ok=True)
            batches: list[Batch] = []
            for path in self._folder.iterdir():
                if _NAME.fullmatch(path.name.removeprefix(".")) and path.name.startswith("."):
                    path.unlink()
                elif (matched := _NAME.fullmatch(path.name)) is not None:
                    found = path.stat()
                    batches.append(Batch(int(matched[1]), matched[2], path, found.st_size, found.st_mtime))
            aside = [_room(path.stat().st_size) for path in self._aside.iterdir()]
        self._batches = sorted(batches, key=lambda batch: (batch.number, batch.key))
        self._set_aside, self._aside_bytes = len(aside), sum(aside)
        self._last = max([self._last, *(batch.number for batch in batches)])

    @property
    def is_full(self) -> bool:
        """Whether nothing more should come for now."""
        return self._bytes() >= self._limit_bytes

    @property
    def has_room_again(self) -> bool:
        """Whether more may come after it was full: not at once, or it would be full again with the next batch."""
        return self._bytes() <= _ROOM_AGAIN * self._limit_bytes

    def append(self, lines: Sequence[bytes]) -> Batch:
        """Write a batch; when this returns, it is safe.

        Raises:
            SpoolUnavailable: it is not; what was written of it is gone at the next start, if not before.
        """
        number, key = self._last + 1, secrets.token_hex(16)
        path = self._folder / f"{number:012d}-{key}.ndjson.gz"
        packed = gzip.compress(b"".join(line + b"\n" for line in lines), _LEVEL, mtime=0)
        scratch = path.with_name(f".{path.name}")
        with _disk_errors(self._folder, scratch):
            with scratch.open("xb") as stream:
                stream.write(packed)
                stream.flush()
                os.fsync(stream.fileno())
            scratch.replace(path)
            _sync_folder(self._folder)
            written_at = path.stat().st_mtime
        batch = Batch(number, key, path, len(packed), written_at)
        self._batches.append(batch)
        self._last = number
        return batch

    def first(self) -> Batch | None:
        """The oldest batch."""
        return self._batches[0] if self._batches else None

    def read(self, batch: Batch) -> list[bytes]:
        """Its lines.

        Raises:
            CorruptBatch: they cannot be made out, now or ever.
            SpoolUnavailable: the disk does not answer.
        """
        with _disk_errors(batch.path):
            try:
                packed = batch.path.read_bytes()
            except FileNotFoundError as exc:
                raise CorruptBatch("somebody removed it") from exc
        return _unpack(packed)

    def remove(self, batch: Batch) -> None:
        """Somebody else has it. Raises SpoolUnavailable: it is still here, and will come again."""
        with _disk_errors(batch.path):
            batch.path.unlink(missing_ok=True)
        self._batches.remove(batch)  # after a power cut the file may be back: it is sent again, which changes nothing

    def set_aside(self, batch: Batch, reason: str) -> None:
        """Keep it where it is in nobody's way, and say so. Raises SpoolUnavailable."""
        kept = self._aside / batch.path.name
        with _disk_errors(batch.path):
            try:
                batch.path.replace(kept)
            except FileNotFoundError:
                _log.error("%s: %s; its torrents are found again only by chance", batch.path, reason)
            else:
                self._set_aside += 1
                self._aside_bytes += _room(batch.size_bytes)
                _log.error("%s: %s; it is kept as %s", batch.path.name, reason, kept)
        self._batches.remove(batch)

    def statistics(self) -> SpoolStatistics:
        """What waits now."""
        first = self.first()
        return SpoolStatistics(
            batches=len(self._batches),
            bytes=self._bytes(),
            limit_bytes=self._limit_bytes,
            oldest_at=first.written_at if first is not None else None,
            set_aside=self._set_aside,
        )

    def _bytes(self) -> int:
        return self._aside_bytes + sum(_room(batch.size_bytes) for batch in tuple(self._batches))


def _unpack(packed: bytes) -> list[bytes]:
    unpacker = zlib.decompressobj(wbits=31)  # gzip
    try:
        text = unpacker.decompress(packed, LARGEST_BATCH_BYTES)
    except zlib.error as exc:
        raise CorruptBatch(f"it cannot be read ({exc})") from exc
    if not unpacker.eof or unpacker.unused_data or not text.endswith(b"\n"):
        raise CorruptBatch("it is cut short, or is not what was written")
    return text[:-1].split(b"\n")


def _room(size_bytes: int) -> int:
    """What a file takes up: whole blocks."""
    return -(-size_bytes // _BLOCK_BYTES) * _BLOCK_BYTES


@contextmanager
def _disk_errors(place: Path, scratch: Path | None = None) -> Iterator[None]:
    """Turn what the disk refuses into SpoolUnavailable, and clear away `scratch`."""
    try:
        yield
    except OSError as exc:
        if scratch is not None:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)  # its room may be just what is missing
        raise SpoolUnavailable(f"{place}: {exc.strerror or exc}") from exc


def _sync_folder(folder: Path) -> None:
    """A file's new name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
