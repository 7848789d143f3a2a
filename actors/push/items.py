"""A torrent as one line of JSON, as POST /api/ingest/bulk takes it (docs/ingest.md)."""

from typing import Any, Final

import msgspec

from catalog.model import Torrent

_AUTHORITIES: Final = frozenset({"imdb", "tmdb", "tvdb"})
_ENCODER: Final = msgspec.json.Encoder()


def item_of(torrent: Torrent) -> bytes:
    """One line without its end. The name and the paths must have passed the content policy, which leaves no lone surrogates."""
    is_v2_only = torrent.info_hash_v2 is not None and torrent.info_hash_v2.startswith(torrent.info_hash)
    info_hash = torrent.info_hash_v2 if is_v2_only and torrent.info_hash_v2 is not None else torrent.info_hash
    item: dict[str, Any] = {
        "info_hash": info_hash.hex(),
        "name": torrent.name,
        "size": torrent.size,
        "files": [{"path": file.path, "size": file.size} for file in torrent.files],
        "file_count": torrent.file_count,
        "source": torrent.source,
    }
    told: dict[str, Any] = {
        "info_hash_v2": torrent.info_hash_v2.hex() if torrent.info_hash_v2 is not None and not is_v2_only else None,
        "private": torrent.is_private or None,
        "seeders": torrent.seeders,
        "leechers": torrent.leechers,
        "published_at": torrent.published_at,
        "category": torrent.site_category,
        "trackers": torrent.trackers or None,
        "ids": {each.authority: each.number for each in torrent.ids if each.authority in _AUTHORITIES} or None,
    }
    return _ENCODER.encode(item | {name: value for name, value in told.items() if value is not None})
