"""Metainfo: what an info dict (BEP 3, 52; v1, v2 and hybrid) and a .torrent file around it say, read from hostile bytes.

The raw bytes decide identity (their hashes); everything for eyes goes through protocol/display.py. Checks follow libtorrent's: what no
client could download is refused. Where we differ: piece layers may be missing (`has_piece_layers`), because peers send them too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1, sha256
from typing import NamedTuple

from protocol.bencode import Value, decode, decode_lenient, encode, span_of
from protocol.display import display_path, display_text
from protocol.errors import MalformedBencode, MalformedMetainfo
from protocol.identifiers import InfoHash, InfoHashV2
from protocol.metainfo_files import MAX_NAME_BYTES, MAX_SIZE, RawFile, files_v1, files_v2
from protocol.piece_layers import BLOCK_LENGTH, check_piece_layers, needs_piece_layer
from protocol.trackers import tracker_urls

MAX_INFO_BYTES = 10 * 1024 * 1024
MAX_TORRENT_BYTES = 2 * MAX_INFO_BYTES  # a v2 file carries its piece layers outside the info dict
MAX_FILES = 2000

_MAX_PIECE_LENGTH = 2**40
_MAX_LENIENT_BYTES = 1024 * 1024  # the lenient decoder is slow, and what it is for (unsorted keys of old tools) is small
_MAX_NOTE_BYTES = 4096  # comment, created by
_LAST_TIMESTAMP = 253402300799  # the end of the year 9999, beyond which datetime cannot follow


class FileEntry(NamedTuple):
    """One file for display: clean path with `/` between its parts, size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Info:
    """What an info dict says. At least one of the two hashes is there; a hybrid has both."""

    name: str
    size: int
    """Bytes of all files; padding (BEP 47) does not count."""
    files: tuple[FileEntry, ...]
    """Without padding, at most `max_files`; `file_count` is the true number."""
    file_count: int
    piece_length: int
    is_private: bool
    info_hash: InfoHash | None
    info_hash_v2: InfoHashV2 | None
    is_cleaned: bool
    """The name or a path held bytes that are not shown as they are: bad UTF-8, control or bidi characters, "..", separators."""
    needs_piece_layers: bool
    """A .torrent file of it is complete only with piece layers (v2 and hybrid, a file longer than one piece)."""

    @property
    def is_hybrid(self) -> bool:
        """It can be downloaded by v1 and by v2 clients."""
        return self.info_hash is not None and self.info_hash_v2 is not None

    @property
    def swarm_key(self) -> InfoHash:
        """The identity: the v1 hash where there is one, else the v2 hash cut to 20 bytes (BEP 52)."""
        if self.info_hash is not None:
            return self.info_hash
        assert self.info_hash_v2 is not None  # noqa: S101  (parse_info sees to it)
        return InfoHash(self.info_hash_v2[:20])


@dataclass(frozen=True, slots=True)
class Metainfo:
    """A .torrent file."""

    info: Info
    raw_info: bytes
    """The info dict as it stands in the file: what `ut_metadata` serves."""
    trackers: tuple[str, ...]
    """All tiers in one list."""
    comment: str
    created_by: str
    created_at: datetime | None
    has_piece_layers: bool
    """Every v2 file that needs a piece layer has one; True for v1."""
    piece_layers: bytes
    """Those that are needed, as bencode; empty where none is, or one is missing."""


def parse_info(raw: bytes, *, max_files: int = MAX_FILES, max_length: int = MAX_INFO_BYTES, sha1_digest: bytes | None = None) -> Info:
    """Read an info dict as a peer sends it; the caller has checked its hash.

    `sha1_digest`: the SHA-1 of `raw`, if it is known already; large dicts take as long to hash as to read.

    Raises:
        MalformedMetainfo: it breaks BEP 3 or 52; `reason` says how.
    """
    return _read_info(raw, max_files, max_length, sha1_digest=sha1_digest)[0]


def parse_torrent_file(raw: bytes, *, max_files: int = MAX_FILES, max_length: int = MAX_TORRENT_BYTES) -> Metainfo:
    """Read a .torrent file, canonical bencode or not: the hashes are taken over the info dict's bytes as they stand.

    Raises:
        MalformedMetainfo: it breaks BEP 3 or 52; `reason` says how.
    """
    top = _decode_dict(raw, max_length)
    try:
        start, end = span_of(raw, b"info")
    except MalformedBencode as exc:
        raise MalformedMetainfo(exc.reason if b"info" in top else "no_info") from exc
    raw_info = bytes(raw[start:end])
    encoding = _note(top.get(b"encoding"))
    info, v2 = _read_info(raw_info, max_files, max_length, encoding=encoding)
    layers = top.get(b"piece layers")
    has_piece_layers = check_piece_layers(layers, v2, info.piece_length)
    return Metainfo(
        info=info,
        raw_info=raw_info,
        trackers=tracker_urls(_announce_urls(top)),
        comment=_note(top.get(b"comment.utf-8", top.get(b"comment")), encoding),
        created_by=_note(top.get(b"created by"), encoding),
        created_at=_timestamp(top.get(b"creation date")),
        has_piece_layers=has_piece_layers,
        piece_layers=_needed_layers(layers, v2, info) if has_piece_layers else b"",
    )


def _needed_layers(layers: "Value | None", v2: Sequence[RawFile], info: Info) -> bytes:
    """Checked already: a dictionary in which each of them is."""
    needed = {file.pieces_root for file in v2 if needs_piece_layer(file, info.piece_length)}
    return encode({root: layers[root] for root in needed}) if needed and isinstance(layers, dict) else b""


def _read_info(
    raw: bytes, max_files: int, max_length: int, *, encoding: str | None = None, sha1_digest: bytes | None = None
) -> tuple[Info, list[RawFile]]:
    """The info, and its v2 files for whoever checks piece layers."""
    info = _decode_dict(raw, max_length)
    has_v1 = b"pieces" in info
    has_v2 = _has_v2(info)
    if not has_v1 and not has_v2:
        raise MalformedMetainfo("no_pieces")
    piece_length = _piece_length(info, has_v2)
    name, shown_name = _names(info)
    v1 = files_v1(info, name, shown_name) if has_v1 else []
    v2 = files_v2(info[b"file tree"]) if has_v2 else []
    if has_v1:
        _check_pieces(info[b"pieces"], v1, piece_length)
    if has_v1 and has_v2:
        _check_hybrid(v1, v2, piece_length)
    files = [file for file in v1 or v2 if not file.is_padding]
    size = sum(file.length for file in files)
    if size > MAX_SIZE:
        raise MalformedMetainfo("bad_length")
    info_hash = InfoHash(sha1_digest or sha1(raw, usedforsecurity=False).digest()) if has_v1 else None
    info_hash_v2 = InfoHashV2(sha256(raw).digest()) if has_v2 else None
    title = display_text(shown_name, encoding)
    entries, is_cleaned = _shown(files[:max_files], encoding)
    parsed = Info(
        name=title or (info_hash or info_hash_v2 or b"").hex(),  # a name of nothing but control characters
        size=size,
        files=entries,
        file_count=len(files),
        piece_length=piece_length,
        is_private=info.get(b"private") == 1,
        info_hash=info_hash,
        info_hash_v2=info_hash_v2,
        is_cleaned=is_cleaned or title.encode() != shown_name,
        needs_piece_layers=any(needs_piece_layer(file, piece_length) for file in v2),
    )
    return parsed, v2


def _decode_dict(raw: bytes, max_length: int) -> dict[bytes, Value]:
    # A bomb of empty lists takes thirty times its own size in memory. Half of its bytes are openers; of honest text a tenth, of lists of
    # very short names a quarter, of hashes 1 in 128.
    max_openers = 100_000 + len(raw) // 3
    try:
        value = decode(raw, max_length=max_length, max_openers=max_openers)
    except MalformedBencode as exc:
        if exc.reason != "not_bencode" or len(raw) > _MAX_LENIENT_BYTES:
            raise MalformedMetainfo(exc.reason) from exc
        try:  # files by old tools have unsorted keys
            value = decode_lenient(raw, max_length=max_length)
        except MalformedBencode as second:
            raise MalformedMetainfo(second.reason) from second
    if not isinstance(value, dict):
        raise MalformedMetainfo("not_a_dictionary")
    return value


def _has_v2(info: dict[bytes, Value]) -> bool:
    version = info.get(b"meta version")
    if version is None or version == 1:
        return False
    if version != 2:
        raise MalformedMetainfo("unknown_meta_version")
    if b"file tree" not in info:
        raise MalformedMetainfo("bad_file_tree")
    return True


def _piece_length(info: dict[bytes, Value], has_v2: bool) -> int:
    length = info.get(b"piece length")
    if not isinstance(length, int) or not 0 < length <= _MAX_PIECE_LENGTH:
        raise MalformedMetainfo("bad_piece_length")
    if has_v2 and (length < BLOCK_LENGTH or length & (length - 1)):  # BEP 52: a power of two, at least 16 KiB
        raise MalformedMetainfo("bad_piece_length")
    return length


def _names(info: dict[bytes, Value]) -> tuple[bytes, bytes]:
    """`name`, and what to show: `name.utf-8` where there is a usable one, as in libtorrent."""
    name, shown = info.get(b"name"), info.get(b"name.utf-8")
    if not isinstance(shown, bytes):
        shown = name
    if name is None:
        name = shown  # a few old tools wrote only this one
    if not isinstance(name, bytes) or not isinstance(shown, bytes):
        raise MalformedMetainfo("no_name")
    if max(len(name), len(shown)) > MAX_NAME_BYTES:
        raise MalformedMetainfo("name_too_long")
    return name, shown


def _check_pieces(pieces: Value, files: Sequence[RawFile], piece_length: int) -> None:
    """BEP 3: one SHA-1 for each piece, padding included."""
    total = sum(file.length for file in files)
    if not isinstance(pieces, bytes) or len(pieces) != -(-total // piece_length) * 20:
        raise MalformedMetainfo("bad_pieces")


def _check_hybrid(v1: Sequence[RawFile], v2: Sequence[RawFile], piece_length: int) -> None:
    """BEP 52: both halves must describe the same files, and in v1 each of them must start at a piece."""
    position = 0
    listed: list[tuple[tuple[bytes, ...], int]] = []
    for file in v1:
        if not file.is_padding:
            if file.length and position % piece_length:
                raise MalformedMetainfo("inconsistent_hybrid")
            listed.append((file.path, file.length))
        position += file.length
    if listed != [(file.path, file.length) for file in v2 if not file.is_padding]:
        raise MalformedMetainfo("inconsistent_hybrid")


def _shown(files: Iterable[RawFile], encoding: str | None) -> tuple[tuple[FileEntry, ...], bool]:
    entries = []
    is_cleaned = False
    for file in files:
        path = display_path(file.shown_path, encoding)
        is_cleaned = is_cleaned or path.encode() != b"/".join(file.shown_path)
        entries.append(FileEntry(path, file.length))
    return tuple(entries), is_cleaned


def _announce_urls(top: dict[bytes, Value]) -> Iterable[str]:
    """BEP 12: where there is an `announce-list`, `announce` repeats its first entry."""
    tiers = top.get(b"announce-list")
    for tier in [top.get(b"announce"), *(tiers if isinstance(tiers, list) else [])]:
        for url in tier if isinstance(tier, list) else [tier]:
            if isinstance(url, bytes):
                yield url.decode(errors="replace")


def _note(value: "Value | None", encoding: str | None = None) -> str:
    return display_text(value[:_MAX_NOTE_BYTES], encoding) if isinstance(value, bytes) else ""


def _timestamp(value: "Value | None") -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) and 0 < value <= _LAST_TIMESTAMP else None
