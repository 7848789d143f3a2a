"""A torrent's file list as a few bytes in its row: front-coded paths, then DEFLATE with a dictionary of what file names are made of.

A row per file costs five times the bytes and the write-ahead log (docs/schema.md). The codec's number stands beside the bytes, so
that another may come: readers know all codecs ever written, writers use CODEC.

Codec 1, before compression: varint(number of files); for each file varint(bytes shared with the path before), varint(bytes that
follow), varint(size); then what follows, of all files. Paths are UTF-8, lone surrogates as three bytes. Compressed as raw DEFLATE.
"""

import zlib
from collections.abc import Sequence

from catalog.model import File
from storage.errors import CorruptFileList

CODEC = 1
MAX_DECODED = 32 * 1024 * 1024
"""Bytes a list may have when unpacked: what is in the database may come from a backup of somebody else."""
MAX_FILES = 1_000_000
"""Files of a list that is unpacked; an info dict of 10 MB cannot name as many."""

_DICTIONARY = (
    b" - 01 - 02 - 03 - 04 - 05.pdf.epub.zip.rar.iso.exe.jpg.png.cue.log.m3u.flac.avi.mp4.txt.nfo.srtSubs/English.srtSample/-sample.mkv"
    b"Cover.jpgcover.jpg.1080p.BluRay.x264-.2160p.WEB-DL.x265-.DDP5.1.H.264-.AAC.720p.HDTV.WEB.x264-S01E01.S01E02.S01E03.S01E04.S01E05"
    b".mkv.mp3"
)
"""Part of codec 1: to change it is to make another codec."""
# A compressor with the full window takes longer to set up (57 µs) than to compress five paths (10 µs); a small one is copied instead.
_SMALL_WINDOW = 4096
_SMALL = zlib.compressobj(6, zlib.DEFLATED, -12, 5, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)


def encode(files: Sequence[File]) -> bytes:
    """Pack `files`, in their order, by codec CODEC."""
    head = bytearray()
    tails: list[bytes] = []
    _put(head, len(files))
    before = b""
    for file in files:
        path = file.path.encode("utf-8", "surrogatepass")
        shared = _shared(before, path)
        _put(head, shared)
        _put(head, len(path) - shared)
        _put(head, file.size)
        tails.append(path[shared:])
        before = path
    plain = b"".join((head, *tails))
    if len(plain) <= _SMALL_WINDOW:
        compressor = _SMALL.copy()
    else:
        compressor = zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    return compressor.compress(plain) + compressor.flush()


def decode(codec: int, data: bytes) -> tuple[File, ...]:
    """Unpack a list.

    Raises:
        CorruptFileList: an unknown codec, damaged bytes, or more than MAX_DECODED of them.
    """
    if codec != CODEC:
        raise CorruptFileList(f"file list of codec {codec}, which this version does not know")
    try:
        unpacker = zlib.decompressobj(-15, _DICTIONARY)
        plain = unpacker.decompress(data, MAX_DECODED)
        if not unpacker.eof or unpacker.unused_data:
            raise CorruptFileList("file list is cut short, too large, or followed by something else")
        return _unpacked(plain)
    except (zlib.error, IndexError, ValueError) as error:
        raise CorruptFileList(f"file list is damaged: {error}") from error


def _unpacked(plain: bytes) -> tuple[File, ...]:
    count, at = _take(plain, 0)
    if count > min(len(plain), MAX_FILES):
        raise CorruptFileList("file list claims more files than it has bytes, or than any torrent has")
    heads: list[tuple[int, int, int]] = []
    for _ in range(count):
        shared, at = _take(plain, at)
        length, at = _take(plain, at)
        size, at = _take(plain, at)
        heads.append((shared, length, size))
    files: list[File] = []
    before = b""
    total = 0
    for shared, length, size in heads:
        path = before[:shared] + plain[at : at + length]
        if len(path) != shared + length:
            raise CorruptFileList("file list ends within a path")
        total += len(path)  # front coding multiplies: the sum is bounded as well
        if total > MAX_DECODED:
            raise CorruptFileList("file list is too large")
        at += length
        files.append(File(path.decode("utf-8", "surrogatepass"), size))
        before = path
    if at != len(plain):
        raise CorruptFileList("file list has more bytes than files")
    return tuple(files)


def _shared(left: bytes, right: bytes) -> int:
    """Length of the common prefix, by bisection: slices compare at the speed of C."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _put(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _take(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise CorruptFileList("file list has a number of more than 64 bits")
