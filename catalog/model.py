"""What swarmdex knows about a torrent: frozen values that travel from the sources to the store and on to the pages.

Bytes stay bytes (hashes become hex at the edge: web, logs); sizes are bytes; times are timezone-aware UTC datetimes.
"""

from dataclasses import dataclass, field
from datetime import date as Date  # noqa: N812  # a field below is called `date`, and would hide the type
from datetime import datetime
from enum import StrEnum

from catalog.receipts import Receipt
from protocol.identifiers import ExternalId, InfoHash, InfoHashV2


class Kind(StrEnum):
    """What a torrent holds; the order is the order of the stored numbers and must not change."""

    OTHER = "other"
    MOVIE = "movie"
    TV = "tv"
    ANIME = "anime"
    MUSIC = "music"
    AUDIOBOOK = "audiobook"
    EBOOK = "ebook"
    COMIC = "comic"
    GAME = "game"
    SOFTWARE = "software"
    ADULT = "adult"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a torrent: path with `/` between its parts, never used as a path on disk."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Torrent:
    """A torrent as it was found: hashes, name, files, and what the source said about its swarm."""

    info_hash: InfoHash
    name: str
    size: int
    files: tuple[File, ...]
    """At most the configured number of files; `file_count` is the true number."""
    file_count: int
    source: str
    """Where it came from: "dht", later a site's name or the name an ingest client gave."""
    info_hash_v2: InfoHashV2 | None = None
    is_private: bool = False
    seeders: int | None = None
    """None: unknown, which is not the same as 0."""
    leechers: int | None = None
    published_at: datetime | None = None
    site_category: str | None = None
    """What the source files it under: a Torznab id as text, or the site's own word."""
    trackers: tuple[str, ...] = ()
    """Announce URLs, none of them with a passkey."""
    ids: tuple[ExternalId, ...] = ()
    """What the source says the work's numbers elsewhere are."""
    info: bytes | None = field(default=None, repr=False)
    """The raw info dict, where it was fetched or uploaded and is to be kept."""
    piece_layers: bytes = field(default=b"", repr=False)
    """What a .torrent file of it has beside the info dict (BEP 52), checked, as bencode; empty: none is needed, or not all are known."""
    seen_at: datetime | None = None
    """Set: this is no observation but the stored torrent sent through again, as it was last seen then. What is newer by now stays."""
    receipt: Receipt | None = field(default=None, repr=False, compare=False)
    """Who waits to hear what becomes of it."""


@dataclass(frozen=True, slots=True)
class ParsedTitle:
    """What a name says. Empty tuples and None: the name does not say."""

    title: str
    year: int | None = None
    seasons: tuple[int, ...] = ()
    episodes: tuple[int, ...] = ()
    absolute_episodes: tuple[int, ...] = ()
    date: Date | None = None
    resolution: str | None = None
    """"480p" "576p" "720p" "1080p" "2160p" ..."""
    video_codec: str | None = None
    """"h264" "h265" "av1" "vp9" "xvid" "mpeg2" ..."""
    source: str | None = None
    """"bluray" "web" "tv" "dvd" "cam" ..."""
    group: str | None = None
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes."""
    confidence: float = 0.0
    """0 to 1; below 0.5 the name counts as not parsed and is searched by its raw words only."""
    stage: str = "none"
    """Which part of the cascade decided: "rules", "guessit" or "none"."""


@dataclass(frozen=True, slots=True)
class ClassifiedTorrent:
    """A torrent with what its name and files say it is."""

    torrent: Torrent
    parsed: ParsedTitle
    kind: Kind
    kind_confidence: float
    classifier_version: int


@dataclass(frozen=True, slots=True)
class TorrentRow:
    """A stored torrent as pages and feeds show it; `files` only where asked for."""

    id: int
    info_hash: InfoHash
    info_hash_v2: InfoHashV2 | None
    name: str
    size: int
    file_count: int
    kind: Kind
    parsed: ParsedTitle
    first_seen: datetime
    """Immutable; feeds are ordered and dated by it."""
    last_seen: datetime
    published_at: datetime | None
    seeders: int | None
    leechers: int | None
    swarm_at: datetime | None
    """When the swarm was counted last."""
    sources: tuple[str, ...]
    """Everywhere it was found, the first one first."""
    categories: tuple[int, ...] = ()
    """Torznab ids as they were searched by: parents and subcategories, those of its kind first."""
    ids: tuple[ExternalId, ...] = ()
    """The work's numbers elsewhere, only where they are certain enough to be acted on."""
    trackers: tuple[str, ...] = ()
    has_info: bool = False
    """Its info dict is kept, so a .torrent file can be made."""
