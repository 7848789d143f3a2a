"""Writes a .torrent file (BEP 3, 12, 52) around an info dict, whose bytes stay as they are: their hash is the torrent's name."""

from collections.abc import Sequence

from protocol.bencode import Encodable, encode

TORRENT_TYPE = "application/x-bittorrent"


def torrent_file(info: bytes, trackers: Sequence[str] = (), piece_layers: bytes = b"") -> bytes:
    """The whole file.

    Args:
        info: the raw info dict.
        trackers: announce URLs; each is a tier of its own, so a client asks them all in turn.
        piece_layers: bencode of the layers that its v2 files need; a file that needs some and has none is broken.
    """
    fields: list[tuple[bytes, bytes]] = []  # in bencode's order
    if trackers:
        urls = [url.encode() for url in trackers]
        tiers: list[Encodable] = [[url] for url in urls]
        fields += [(b"announce", encode(urls[0])), (b"announce-list", encode(tiers))]
    fields.append((b"info", info))
    if piece_layers:
        fields.append((b"piece layers", piece_layers))
    return b"d" + b"".join(encode(key) + value for key, value in fields) + b"e"
