"""Uploaded .torrent files: one as the body itself, or many as multipart/form-data (RFC 7578)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import trio
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, MultipartDecoder, NeedData, State
from werkzeug.sansio.multipart import File as FilePart

from catalog.model import File, Torrent
from protocol.display import clean_text
from protocol.errors import MalformedMetainfo
from protocol.metainfo import Metainfo, parse_torrent_file
from web.errors import BadInput, Fault
from web.ingest.items import Entry, shown_hash

RAW_TYPE: Final = "application/x-bittorrent"
FORM_TYPE: Final = "multipart/form-data"

_LONGEST_NAME: Final = 255
_LONGEST_HEADERS: Final = 16 * 1024
_STEP_BYTES: Final = 256 * 1024
"""Of a form, searched for boundaries (5 ms) before other tasks get their turn."""
_SMALL_BYTES: Final = 64 * 1024
"""A file of so many bytes is read in less time (a millisecond) than a thread takes to begin on a busy machine."""
_EXPLANATIONS: Final = {
    "wrong_piece_layers": "the piece layers do not lead to the roots the files name",
    "bad_piece_layers": "the piece layers are no lists of hashes",
    "inconsistent_hybrid": "its v1 and its v2 half list different files",
    "not_bencode": "this is no bencode",
    "no_info": "there is no info dict",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a request."""

    name: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What a request says about all of its files."""

    source: str
    category: str | None


@dataclass(frozen=True, slots=True)
class TorrentFileReader:
    """Reads .torrent files as torrents, within limits."""

    max_file_bytes: int
    max_files: int
    info_limit_bytes: int
    """Info dicts of up to so many bytes are handed on, to be kept."""

    async def entry(self, upload: Upload, told: Told) -> Entry:
        """The entry of one file."""
        if len(upload.raw) > self.max_file_bytes:
            return Entry(None, faults=(Fault(f"larger than {self.max_file_bytes} bytes"),), file_name=upload.name)
        try:
            if len(upload.raw) <= _SMALL_BYTES:
                await trio.lowlevel.checkpoint()
                found = self._parse(upload.raw)
            else:
                found = await trio.to_thread.run_sync(self._parse, upload.raw)
        except MalformedMetainfo as error:
            explained = _EXPLANATIONS.get(error.reason, "this is no .torrent file that a client could use")
            return Entry(None, faults=(Fault(f"{error.reason}: {explained}"),), file_name=upload.name)
        torrent = self._torrent(found, told)
        return Entry(torrent, shown_hash(torrent.info_hash, torrent.info_hash_v2), file_name=upload.name)

    def _parse(self, raw: bytes) -> Metainfo:
        return parse_torrent_file(raw, max_files=self.max_files, max_length=self.max_file_bytes)

    def _torrent(self, found: Metainfo, told: Told) -> Torrent:
        info = found.info
        is_kept = len(found.raw_info) <= self.info_limit_bytes
        return Torrent(
            info_hash=info.swarm_key,
            name=info.name,
            size=info.size,
            files=tuple(File(path, size) for path, size in info.files),
            file_count=info.file_count,
            source=told.source,
            info_hash_v2=info.info_hash_v2,
            is_private=info.is_private,
            site_category=told.category,
            trackers=() if info.is_private else found.trackers,
            info=found.raw_info if is_kept else None,
            piece_layers=found.piece_layers if is_kept else b"",
        )


async def read_form(body: bytes, boundary: str, max_uploads: int) -> tuple[list[Upload], dict[str, str]]:
    """The files of a form, and its other fields.

    Raises:
        BadInput: it is no multipart/form-data.
        RequestEntityTooLarge: more than `max_uploads` files.
    """
    uploads: list[Upload] = []
    fields: dict[str, str] = {}
    async with aclosing(_parts(body, boundary, 2 * max_uploads + 20)) as parts:
        async for part, data in parts:
            if isinstance(part, FilePart):
                if part.filename or data:  # an empty file input of a form sends neither
                    uploads.append(Upload(clean_text(part.filename)[:_LONGEST_NAME], data))
            elif part.headers.get("content-type", "").startswith(RAW_TYPE):
                uploads.append(Upload("", data))
            else:
                fields[str(part.name)] = data.decode(errors="replace")[:_LONGEST_NAME]
            if len(uploads) > max_uploads:
                raise RequestEntityTooLarge(f"More than {max_uploads} files: send them in several requests")
    return uploads, fields


async def _parts(body: bytes, boundary: str, max_parts: int) -> AsyncGenerator[tuple[Field | FilePart, bytes], None]:
    decoder = MultipartDecoder(boundary.encode(), max_parts=max_parts)
    part: Field | FilePart | None = None
    data: list[bytes] = []
    for start in range(0, len(body) + _STEP_BYTES, _STEP_BYTES):
        decoder.receive_data(body[start : start + _STEP_BYTES] or None)
        while not isinstance(event := _next_event(decoder), NeedData | Epilogue):
            if isinstance(event, Field | FilePart):
                part, data = event, []
            elif isinstance(event, Data) and part is not None:
                data.append(event.data)
                if not event.more_data:
                    yield part, b"".join(data)
        if isinstance(event, Epilogue):
            return
        await trio.lowlevel.checkpoint()
    raise BadInput("The body ends before its last boundary")


def _next_event(decoder: MultipartDecoder) -> Event:
    if decoder.state is State.PART and len(decoder.buffer) > _STEP_BYTES + _LONGEST_HEADERS:
        raise BadInput("The headers of a part are too long")
    try:
        return decoder.next_event()
    except (ValueError, KeyError) as error:  # a part without Content-Disposition, without a name, with headers that are none
        raise BadInput("The body is no multipart/form-data") from error
