"""Writes search results as the RSS feed that Torznab clients read.

The shape is what the clients' own parsers demand, stricter than the specification: `guid` and its neighbours without attributes
(cross-seed), the prefix `torznab:` to the letter (Headphones, Medusa), `size` three times over, numeric time zone (autobrr), and a
swarm count only where one is known (Sonarr rejects 0 seeders, but takes an unknown number).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from protocol.torrent_file import TORRENT_TYPE
from protocol.torznab.xml import DECLARATION, clean, quoted

MAGNET_TYPE = "application/x-bittorrent;x-scheme-handler/magnet"
"""The type of an enclosure that is a magnet link."""
TOKEN_PLACE = "\0"  # noqa: S105 - a place for one, not one
"""Stands in a written item where the token of its reader goes; no text of ours or anybody's holds this character."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One torrent in a feed. None: unknown, and then it is not sent."""

    info_hash: str
    """Lower-case hex: 40 characters, or 64 for a torrent that exists as v2 only."""
    title: str
    size: int
    """Bytes; 0: unknown."""
    published: datetime
    """When this index saw it first, timezone-aware: immutable, because clients page by it."""
    categories: tuple[int, ...]
    """The first one in the thousand of the torrent's kind."""
    magnet: str
    details_url: str
    file_count: int | None = None
    seeders: int | None = None
    leechers: int | None = None
    attributes: tuple[tuple[str, str | int], ...] = ()
    """What else is known, by Torznab's names: ("season", 1), ("resolution", "1080p")."""
    torrent_url: str = ""
    """Where its .torrent file can be downloaded, up to the token at its end; empty: there is only the magnet link."""


@dataclass(frozen=True, slots=True)
class Channel:
    """The feed itself."""

    title: str
    description: str
    site_url: str
    self_url: str
    """Without the API key: feeds are kept, passed on and logged."""


def feed_document(channel: Channel, items: Iterable[FeedItem], *, offset: int, total: int, now: datetime) -> bytes:
    """The whole feed; `total` counts all matches."""
    return feed_of(channel, [written_item(item, now) for item in items], offset=offset, total=total)


def feed_of(channel: Channel, written: Iterable[str], *, offset: int, total: int) -> bytes:
    """The same of items that are written already."""
    parts = [
        DECLARATION,
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:torznab="http://torznab.com/schemas/2015/feed"'
        ' xmlns:newznab="http://www.newznab.com/DTD/2010/feeds/attributes/">\n<channel>\n',
        f'<atom:link href="{quoted(channel.self_url)}" rel="self" type="application/rss+xml"/>\n',
        f"<title>{quoted(channel.title)}</title>\n<description>{quoted(channel.description)}</description>\n",
        f"<link>{quoted(channel.site_url)}</link>\n<language>en</language>\n<category>search</category>\n",
        f'<newznab:response offset="{offset}" total="{total}"/>\n',
        *written,
        "</channel>\n</rss>\n",
    ]
    return "".join(parts).encode()


def written_item(item: FeedItem, now: datetime) -> str:
    """An item's element; empty for one without a legible title or of unknown size: clients drop it, some the page with it.

    One with a `torrent_url` has TOKEN_PLACE behind it each time: replace it before anybody reads the feed.
    """
    title = clean(item.title)
    return _element(item, title, now) if title and item.size > 0 else ""


def rfc_1123(moment: datetime, *, now: datetime) -> str:
    """As Go's RFC1123Z has it: "Mon, 02 Jan 2006 15:04:05 +0000"; never later than `now`, never before 1990 (clients refuse both)."""
    at = min(max(moment, _EARLIEST), now).astimezone(UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year} {at.hour:02}:{at.minute:02}:{at.second:02} +0000"


def _element(item: FeedItem, title: str, now: datetime) -> str:
    magnet = quoted(item.magnet)
    link, link_type = (f"{quoted(item.torrent_url)}{TOKEN_PLACE}", TORRENT_TYPE) if item.torrent_url else (magnet, MAGNET_TYPE)
    categories = "".join(f"<category>{category}</category>" for category in item.categories)
    return (
        f"<item>\n<title>{quoted(title)}</title><guid>{item.info_hash}</guid>"
        f"<link>{link}</link><comments>{quoted(item.details_url)}</comments>"
        f"<pubDate>{rfc_1123(item.published, now=now)}</pubDate><size>{item.size}</size>{categories}"
        f'<enclosure url="{link}" length="{item.size}" type="{link_type}"/>\n{_attributes(item, magnet)}</item>\n'
    )


def _attributes(item: FeedItem, magnet: str) -> str:
    pairs: list[tuple[str, str | int]] = [("category", category) for category in item.categories]
    pairs += [("size", item.size), ("infohash", item.info_hash)]
    if item.file_count is not None:
        pairs.append(("files", item.file_count))
    pairs += _swarm(item.seeders, item.leechers)
    # autobrr reads a missing downloadvolumefactor as 0 anyway; there is no ratio to keep on a public swarm.
    pairs += [*item.attributes, ("downloadvolumefactor", 0), ("uploadvolumefactor", 1)]
    written = [f'<torznab:attr name="{name}" value="{value if isinstance(value, int) else quoted(value)}"/>' for name, value in pairs]
    written.append(f'<torznab:attr name="magneturl" value="{magnet}"/>\n')
    return "".join(written)


def _swarm(seeders: int | None, leechers: int | None) -> Sequence[tuple[str, int]]:
    """Leechers stand before peers, because SickChill takes the first of the two; peers are both together."""
    known: list[tuple[str, int]] = []
    if seeders is not None:
        known.append(("seeders", seeders))
    if leechers is not None:
        known.append(("leechers", leechers))
    if seeders is not None and leechers is not None:
        known.append(("peers", seeders + leechers))
    return known
