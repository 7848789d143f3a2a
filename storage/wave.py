"""What became of the torrents of one wave: what the tables beside `torrent` need to know when they add theirs."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from catalog.model import ClassifiedTorrent

_ROW = struct.Struct(">q 20s ? q")


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row of `torrent` that a wave has made or changed."""

    id: int
    is_new: bool
    first_seen: int
    """As PostgreSQL counts: microseconds since 2000."""


@dataclass(frozen=True)
class StoredWave:
    """A wave that is stored, still within its transaction."""

    torrents: Sequence[ClassifiedTorrent]
    """All of it: the blocked ones have no row."""
    new: int
    updated: int
    blocked: frozenset[bytes]
    """Info hashes, as the torrents carry them."""
    renamed: Mapping[bytes, bytes]
    """Info hashes of torrents that are stored under another one: the short v2 hash of a hybrid under its v1 hash."""
    packed: bytes
    """What the upsert returns, see PACKED_ROWS."""

    @cached_property
    def rows(self) -> dict[bytes, StoredRow]:
        """The rows by the info hash they stand under; unpacked when first asked for, which crawled torrents never do."""
        return {info_hash: StoredRow(number, is_new, first_seen) for number, info_hash, is_new, first_seen in _ROW.iter_unpack(self.packed)}

    def row_of(self, torrent: ClassifiedTorrent) -> StoredRow | None:
        """The row that a torrent of the wave became; None if it is blocked, or no observation and gone or outdated."""
        info_hash = torrent.torrent.info_hash
        return None if info_hash in self.blocked else self.rows.get(self.renamed.get(info_hash, info_hash))


PACKED_ROWS = "coalesce(string_agg(int8send(id) || info_hash || boolsend(is_new) || timestamptz_send(first_seen), ''::bytea), ''::bytea)"
"""A tenth of the time that as many rows of four columns would take on their way."""
