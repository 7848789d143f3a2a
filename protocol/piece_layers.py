"""Piece layers (BEP 52): the hashes one level above the pieces, checked against each file's Merkle root.

They stand in a .torrent file beside the info dict, which names the roots only; peers send them with the data. A leaf is the SHA-256 of a
16 KiB block; leaves that lie beyond the end of a file count as 32 zero bytes.
"""

from collections.abc import Sequence
from hashlib import sha256

from protocol.bencode import Value
from protocol.errors import MalformedMetainfo
from protocol.metainfo_files import RawFile

BLOCK_LENGTH = 16 * 1024


def check_piece_layers(layers: "Value | None", files: Sequence[RawFile], piece_length: int) -> bool:
    """Whether `layers` covers every file that needs one: those longer than one piece.

    Raises:
        MalformedMetainfo: it is no dictionary of hashes, or a layer does not lead to the root its file names.
    """
    if layers is None:
        layers = {}
    if not isinstance(layers, dict):
        raise MalformedMetainfo("bad_piece_layers")
    is_complete = True
    checked: set[bytes] = set()  # equal files share a root, and a hostile list may name one a hundred thousand times
    for file in files:
        if not needs_piece_layer(file, piece_length):
            continue
        layer = layers.get(file.pieces_root)
        if layer is None:
            is_complete = False
        elif not isinstance(layer, bytes) or len(layer) != -(-file.length // piece_length) * 32:
            raise MalformedMetainfo("bad_piece_layers")
        elif file.pieces_root not in checked:
            if merkle_root(layer, piece_length) != file.pieces_root:
                raise MalformedMetainfo("wrong_piece_layers")
            checked.add(file.pieces_root)
    return is_complete


def needs_piece_layer(file: RawFile, piece_length: int) -> bool:
    """Whether a v2 file is longer than one piece: a shorter one's root is its piece's hash."""
    return file.length > piece_length and not file.is_padding


def merkle_root(layer: bytes, piece_length: int) -> bytes:
    """The root above a layer of 32-byte piece hashes; the layer is filled up to a power of two with hashes of nothing."""
    hashes = [layer[start : start + 32] for start in range(0, len(layer), 32)]
    filler = bytes(32)
    for _ in range((piece_length // BLOCK_LENGTH).bit_length() - 1):  # from the blocks up to the piece level
        filler = sha256(filler + filler).digest()
    while len(hashes) > 1:
        if len(hashes) % 2:
            hashes.append(filler)
        hashes = [sha256(hashes[i] + hashes[i + 1]).digest() for i in range(0, len(hashes), 2)]
        filler = sha256(filler + filler).digest()
    return hashes[0]
