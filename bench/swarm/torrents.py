"""Planted torrents: a release, its info dict in v1, v2 or both (BEP 3, BEP 52), and the hashes it goes by.

Piece hashes are random bytes: nobody downloads the content. Everything else is what real torrents carry, so that a real client
(libtorrent in the tests) accepts the metadata. The info dict is rebuilt from the torrent's own seed whenever it is asked for; a
swarm of 100,000 torrents holds none of them in memory.
"""

import hashlib
import random
from dataclasses import dataclass
from enum import Enum

from bench.swarm.titles import File, Release
from protocol.bencode import Encodable, encode

BLOCK = 16 * 1024  # BEP 52: the smallest piece; BEP 9: a piece of metadata
_LONG_NAME = 100_000
_NESTING = 5000
_LARGEST_PIECE = 32 << 20


class Version(Enum):
    """Which metainfo a torrent has."""

    V1 = "v1"
    V2 = "v2"
    HYBRID = "hybrid"


class Hostility(Enum):
    """What is wrong with metadata whose hash is right."""

    NONE = "none"
    LONG_NAME = "long_name"  # 100 kB
    NUL_BYTES = "nul_bytes"
    BIDI_CONTROLS = "bidi_controls"
    NESTED_BOMB = "nested_bomb"  # a list in a list in a list, 5000 deep


@dataclass(frozen=True, slots=True)
class PlantedTorrent:
    """A torrent of the swarm."""

    release: Release
    version: Version
    hostility: Hostility
    seed: str
    info_hash: bytes  # 20 bytes: SHA-1 of the info dict, or the first 20 of its SHA-256 when it is v2 only
    info_hash_v2: bytes | None  # 32 bytes, for v2 and hybrid
    metadata_size: int  # bytes of the info dict

    @property
    def swarm_hashes(self) -> tuple[bytes, ...]:
        """The 20-byte hashes its peers announce: a hybrid has two (BEP 52)."""
        if self.version is Version.HYBRID and self.info_hash_v2 is not None:
            return (self.info_hash, self.info_hash_v2[:20])
        return (self.info_hash,)

    def metadata(self) -> bytes:
        """The bencoded info dict."""
        return _metadata(self.release, self.version, self.hostility, self.seed)


def plant(release: Release, version: Version, hostility: Hostility, seed: str) -> PlantedTorrent:
    """Make a torrent of a release; the same arguments give the same hashes."""
    metadata = _metadata(release, version, hostility, seed)
    v2 = hashlib.sha256(metadata).digest() if version is not Version.V1 else None
    v1 = hashlib.sha1(metadata, usedforsecurity=False).digest() if version is not Version.V2 else None
    swarm_key = v1 or (v2 or b"")[:20]
    return PlantedTorrent(release, version, hostility, seed, swarm_key, v2, len(metadata))


def _metadata(release: Release, version: Version, hostility: Hostility, seed: str) -> bytes:
    rng = random.Random(f"metadata {seed}")
    piece_length = _piece_length(release.size, rng)
    name = _hostile_name(release.name, hostility)
    info: dict[bytes, Encodable] = {b"name": name, b"piece length": piece_length}
    if version is not Version.V1:
        info |= {b"meta version": 2, b"file tree": _file_tree(release, name, piece_length, rng)}
    if version is not Version.V2:
        info |= _v1_layout(release, piece_length, rng, padded=version is Version.HYBRID)
    raw = encode(info)
    if hostility is Hostility.NESTED_BOMB:
        raw = raw[:-1] + b"2:zz" + b"l" * _NESTING + b"e" * _NESTING + b"e"
    return raw


def _piece_length(size: int, rng: random.Random) -> int:
    """Mostly a hundred pieces or so (metadata of 2 kB); one in eight has thousands, which takes several BEP 9 pieces."""
    wanted = rng.choice((60, 90, 120, 200, 300, 400, 600, 2400))
    length = BLOCK
    while length * wanted < size and length < _LARGEST_PIECE:
        length *= 2
    return length


def _hostile_name(name: str, hostility: Hostility) -> bytes:
    if hostility is Hostility.LONG_NAME:
        return (name + " ").encode().ljust(_LONG_NAME, b"x")
    if hostility is Hostility.NUL_BYTES:
        return name.encode()[:5] + b"\0\0" + name.encode()[5:] + b"\0"
    if hostility is Hostility.BIDI_CONTROLS:
        return f"\u202e{name}\u2066gpj.exe".encode()
    return name.encode()


def _v1_layout(release: Release, piece_length: int, rng: random.Random, *, padded: bool) -> dict[bytes, Encodable]:
    if release.is_single_file:
        return {b"length": release.size, b"pieces": _pieces(release.size, piece_length, rng)}
    files: list[Encodable] = []
    total = 0
    for position, file in enumerate(_in_tree_order(release) if padded else release.files):
        gap = -total % piece_length
        if padded and position and gap:  # BEP 47 pad files: every file of a hybrid starts at a piece
            files.append({b"attr": b"p", b"length": gap, b"path": [b".pad", b"%d" % gap]})
            total += gap
        files.append({b"length": file.size, b"path": [part.encode() for part in file.path]})
        total += file.size
    return {b"files": files, b"pieces": _pieces(total, piece_length, rng)}


def _pieces(size: int, piece_length: int, rng: random.Random) -> bytes:
    return rng.randbytes(20 * -(-size // piece_length))


def _in_tree_order(release: Release) -> list[File]:
    """BEP 52: the v1 files of a hybrid stand in the order of the file tree, which bencode sorts."""
    return sorted(release.files, key=lambda file: [part.encode() for part in file.path])


def _file_tree(release: Release, name: bytes, piece_length: int, rng: random.Random) -> Encodable:
    tree: dict[bytes, Encodable] = {}
    for file in _in_tree_order(release):
        path = [name] if release.is_single_file else [part.encode() for part in file.path]
        folder = tree
        for part in path[:-1]:
            deeper = folder.setdefault(part, {})
            assert isinstance(deeper, dict)
            folder = deeper
        entry: dict[bytes, Encodable] = {b"length": file.size}
        if file.size:
            entry[b"pieces root"] = rng.randbytes(32)
        folder[path[-1]] = {b"": entry}
    return tree
