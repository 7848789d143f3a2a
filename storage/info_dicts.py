"""Info dicts that are kept, so that .torrent files can be made of them (metadata.keep_info).

What stands in the table can be handed out: a dict is kept only under its own hash, and only where the .torrent would be complete. The
hash is checked again on the way out, because rows of different hashes may become one (storage/merging.py).
"""

from collections.abc import Sequence
from hashlib import sha1, sha256
from typing import Any

import psycopg

from catalog.model import ClassifiedTorrent, Torrent
from protocol.errors import MalformedMetainfo
from protocol.identifiers import InfoHash, InfoHashV2
from protocol.metainfo import parse_info
from protocol.torrent_file import torrent_file
from storage.database import Connection, Database

Cursor = psycopg.Cursor[Any]


def keep(cursor: Cursor, wave: Sequence[ClassifiedTorrent]) -> None:
    """Keep the info dicts that come with a wave just stored. The first one stays: all others of its hash are equal to it."""
    kept = [_parameters(torrent.torrent) for torrent in wave if torrent.torrent.info is not None and _can_be_handed_out(torrent.torrent)]
    if kept:
        cursor.executemany(_KEEP, kept)


class InfoDicts:
    """The table of kept info dicts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def torrent_file(self, torrent_id: int, trackers: Sequence[str]) -> bytes | None:
        """The .torrent file of a stored torrent; None if its info dict is not kept."""
        found = await self._database.run(lambda connection: _find(connection, torrent_id))
        if found is None:
            return None
        raw, piece_layers, info_hash, info_hash_v2 = found
        return torrent_file(raw, trackers, piece_layers or b"") if is_of(raw, info_hash, info_hash_v2) else None


def is_of(raw: bytes, info_hash: InfoHash, info_hash_v2: InfoHashV2 | None) -> bool:
    """Whether `raw` is the info dict with these hashes, both of them where there are two."""
    if info_hash_v2 is not None and sha256(raw).digest() != info_hash_v2:
        return False
    is_v2_only = info_hash_v2 is not None and info_hash_v2.startswith(info_hash)
    return is_v2_only or sha1(raw, usedforsecurity=False).digest() == info_hash


def _can_be_handed_out(torrent: Torrent) -> bool:
    raw = torrent.info or b""
    if not is_of(raw, torrent.info_hash, torrent.info_hash_v2):
        return False
    if torrent.info_hash_v2 is None or torrent.piece_layers:
        return True
    try:
        return not parse_info(raw, max_files=0).needs_piece_layers
    except MalformedMetainfo:
        return False


def _parameters(torrent: Torrent) -> tuple[bytes | None, ...]:
    # The row may stand under the other hash of a hybrid.
    short_v2 = torrent.info_hash_v2[:20] if torrent.info_hash_v2 is not None else None
    return (torrent.info, torrent.piece_layers or None, torrent.info_hash, short_v2)


def _find(connection: Connection, torrent_id: int) -> tuple[bytes, bytes | None, InfoHash, InfoHashV2 | None] | None:
    return connection.execute(_FIND, (torrent_id,)).fetchone()


_KEEP = """
INSERT INTO info_dict (torrent_id, raw, piece_layers)
SELECT id, %s, %s FROM torrent WHERE info_hash IN (%s, %s)
ON CONFLICT DO NOTHING
"""
_FIND = "SELECT raw, piece_layers, info_hash, info_hash_v2 FROM info_dict JOIN torrent ON torrent.id = torrent_id WHERE torrent_id = %s"
