"""Torrents made by libtorrent, for tests that compare our reading with its."""

import hashlib
import random
from pathlib import Path
from typing import Any, NamedTuple

import libtorrent

FLAGS = {"v1": libtorrent.create_torrent.v1_only, "v2": libtorrent.create_torrent.v2_only, "hybrid": 0}

SINTEL = (("Sintel/video/Sintel.2010.1080p.mkv", 70_000), ("Sintel/Sintel.srt", 1_300), ("Sintel/empty.nfo", 0))
BUNNY = (("Big Buck Bunny.mkv", 40_000),)


class Made(NamedTuple):
    """A .torrent file, and libtorrent's own view of it."""

    raw: bytes
    torrent_info: Any

    @property
    def raw_info(self) -> bytes:
        return bytes(self.torrent_info.info_section())

    @property
    def files(self) -> list[tuple[str, int]]:
        storage = self.torrent_info.layout()
        pad = libtorrent.file_storage.flag_pad_file
        return [
            (storage.file_path(i), storage.file_size(i)) for i in range(storage.num_files()) if not int(storage.file_flags(i)) & int(pad)
        ]


def make_torrent(folder: Path, version: str, files: tuple[tuple[str, int], ...] = SINTEL, piece_length: int = 16_384) -> Made:
    """Writes the files below `folder` and lets libtorrent hash them."""
    noise = random.Random(7)
    for name, size in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise.randbytes(size))
    creator = libtorrent.create_torrent(libtorrent.list_files(str(folder / files[0][0].split("/")[0])), piece_length, FLAGS[version])
    libtorrent.set_piece_hashes(creator, str(folder))
    raw = libtorrent.bencode(creator.generate())
    return Made(raw, libtorrent.torrent_info(raw))


def single_file_info(name: bytes = b"Sintel.mkv", length: int = 1_000_000, piece_length: int = 65_536) -> dict[bytes, Any]:
    """An info dict that needs no data: its piece hashes are of nothing."""
    pieces = b"".join(hashlib.sha1(b"%d" % n, usedforsecurity=False).digest() for n in range(-(-length // piece_length)))
    return {b"length": length, b"name": name, b"piece length": piece_length, b"pieces": pieces}
