"""How a stored torrent is shown in a feed."""

from catalog.model import Kind, TorrentRow
from protocol.magnet import magnet_for
from protocol.torznab.feed import FeedItem
from web.links import details_url, download_url

_VIDEO_KINDS = frozenset({Kind.TV, Kind.ANIME})


def feed_item(row: TorrentRow, base: str) -> FeedItem:
    """A stored torrent as a feed shows it."""
    magnet = magnet_for(row.info_hash, row.info_hash_v2, row.name, row.size, row.trackers)
    is_v2_only = magnet.info_hash is None and row.info_hash_v2 is not None
    info_hash = row.info_hash_v2 if is_v2_only and row.info_hash_v2 is not None else row.info_hash
    return FeedItem(
        info_hash=info_hash.hex(),
        title=row.name,
        size=row.size,
        published=row.first_seen,
        categories=row.categories,
        magnet=str(magnet),
        details_url=details_url(base, row.info_hash),
        file_count=row.file_count or None,  # 0: nobody has told us
        seeders=row.seeders,
        leechers=row.leechers,
        attributes=tuple(_attributes(row)),
        torrent_url=download_url(base, row.info_hash) if row.has_info else "",
    )


def _attributes(row: TorrentRow) -> list[tuple[str, str | int]]:
    parsed = row.parsed
    found = _ids(row)
    if parsed.year is not None:
        found.append(("year", parsed.year))
    if row.kind in _VIDEO_KINDS:
        found += _numbering(row)
    if parsed.resolution:
        found.append(("resolution", parsed.resolution))
    if parsed.video_codec:
        found.append(("video", parsed.video_codec))
    if parsed.group:
        found.append(("team", parsed.group))
    if parsed.languages:
        found.append(("language", ",".join(parsed.languages)))
    return found


def _ids(row: TorrentRow) -> list[tuple[str, str | int]]:
    """As two generations of clients read them: `imdb` has digits only, `imdbid` the letters too; both at least seven digits."""
    found: list[tuple[str, str | int]] = []
    for given in row.ids:
        if given.authority == "imdb":
            found += [("imdb", f"{given.number:07}"), ("imdbid", f"tt{given.number:07}")]
        elif given.authority in {"tmdb", "tvdb"}:
            found.append((f"{given.authority}id", given.number))
    return found


def _numbering(row: TorrentRow) -> list[tuple[str, str | int]]:
    """One season, and one episode of it: an attribute holds one number, so a pack names its season only and a bundle nothing."""
    parsed = row.parsed
    found: list[tuple[str, str | int]] = []
    if len(parsed.seasons) == 1:
        found.append(("season", parsed.seasons[0]))
        if len(parsed.episodes) == 1:
            found.append(("episode", parsed.episodes[0]))
    if parsed.date is not None:
        found.append(("tvairdate", parsed.date.isoformat()))
    return found
