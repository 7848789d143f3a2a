"""What the API's answers look like; /openapi.json describes them from these types."""

from datetime import date as Date  # noqa: N812  # a field below is called `date`
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from quart import Response

from catalog.model import Kind, TorrentRow
from protocol.identifiers import ExternalId
from protocol.magnet import magnet_for
from web.errors import JSON_TYPE
from web.links import details_url

HexHash = Annotated[str, Meta(pattern="^[0-9a-f]{40}$", description="20 bytes; of a torrent of version 2 alone, its hash cut to that")]
HexHashV2 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Meta(ge=0)]


class TorrentAnswer(Struct, frozen=True):
    """A stored torrent; null: unknown."""

    info_hash: HexHash
    info_hash_v2: HexHashV2 | None
    name: str
    size: Annotated[int, Meta(description="Bytes")]
    file_count: Count
    kind: Kind
    categories: Annotated[tuple[int, ...], Meta(description="Torznab's numbers, parents and subcategories")]
    title: str
    year: int | None
    seasons: tuple[int, ...]
    episodes: tuple[int, ...]
    absolute_episodes: tuple[int, ...]
    date: Date | None
    resolution: str | None
    video_codec: str | None
    source: Annotated[str | None, Meta(description='What it was made from: "bluray", "web", "dvd" ...')]
    group: str | None
    languages: tuple[str, ...]
    confidence: Annotated[float, Meta(ge=0, le=1, description="How sure the reading of the name is")]
    stage: str
    seeders: Annotated[Count | None, Meta(description="null is not 0: nobody has counted")]
    leechers: Count | None
    swarm_at: Annotated[datetime | None, Meta(description="When they were counted")]
    first_seen: datetime
    last_seen: datetime
    published_at: datetime | None
    found_by: Annotated[tuple[str, ...], Meta(description="Everywhere it was found, the first source first")]
    ids: Annotated[dict[str, str | int], Meta(description='The work\'s numbers elsewhere: {"imdb": "tt1727587", "tmdb": 45745}')]
    trackers: tuple[str, ...]
    magnet: str
    details_url: str


class SearchAnswer(Struct, frozen=True):
    """One page of results."""

    total: Annotated[Count, Meta(description="A lower bound unless `total_is_exact`")]
    total_is_exact: bool
    offset: Count
    next: Annotated[str | None, Meta(description="Send it as `after` for the next page; null: this is the last")]
    torrents: tuple[TorrentAnswer, ...]


class FileAnswer(Struct, frozen=True):
    """One file of a torrent."""

    path: str
    size: int


class SightingAnswer(Struct, frozen=True):
    """A source that has a torrent, and when it was seen there first and last, where that is known."""

    source: str
    first_seen: datetime | None
    last_seen: datetime | None


class SwarmDayAnswer(Struct, frozen=True):
    """The last count of one day."""

    day: Date
    seeders: Count
    leechers: Count | None


class TorrentDetail(TorrentAnswer, frozen=True):
    """A stored torrent with all that is known about it."""

    has_info: Annotated[bool, Meta(description="Its info dict is kept: there is a .torrent file")]
    files: tuple[FileAnswer, ...]
    sources: tuple[SightingAnswer, ...]
    history: Annotated[tuple[SwarmDayAnswer, ...], Meta(description="Of the last 90 days those on which it was counted")]


class FaultAnswer(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong with a request."""

    detail: str
    pointer: Annotated[str, Meta(description="Where in the body (RFC 6901)")] = ""
    line: int | None = None
    parameter: str = ""


class Problem(Struct, frozen=True, omit_defaults=True):
    """What every error is (RFC 9457)."""

    type: str
    status: Annotated[int, Meta(ge=400, le=599)]
    title: str
    detail: str
    instance: Annotated[str, Meta(description="Names the request; the log has the same number")]
    errors: tuple[FaultAnswer, ...] = ()


def torrent_answer(row: TorrentRow, base: str) -> TorrentAnswer:
    """A row as scripts see it; `base`: where this instance is reached."""
    return TorrentAnswer(**torrent_fields(row, base))


def torrent_fields(row: TorrentRow, base: str) -> dict[str, Any]:
    """The fields of a TorrentAnswer."""
    parsed = row.parsed
    return {
        "info_hash": row.info_hash.hex(),
        "info_hash_v2": row.info_hash_v2.hex() if row.info_hash_v2 is not None else None,
        "name": row.name,
        "size": row.size,
        "file_count": row.file_count,
        "kind": row.kind,
        "categories": row.categories,
        "title": parsed.title,
        "year": parsed.year,
        "seasons": parsed.seasons,
        "episodes": parsed.episodes,
        "absolute_episodes": parsed.absolute_episodes,
        "date": parsed.date,
        "resolution": parsed.resolution,
        "video_codec": parsed.video_codec,
        "source": parsed.source,
        "group": parsed.group,
        "languages": parsed.languages,
        "confidence": parsed.confidence,
        "stage": parsed.stage,
        "seeders": row.seeders,
        "leechers": row.leechers,
        "swarm_at": row.swarm_at,
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
        "published_at": row.published_at,
        "found_by": row.sources,
        "ids": {each.authority: _number_words(each) for each in row.ids},
        "trackers": row.trackers,
        "magnet": str(magnet_for(row.info_hash, row.info_hash_v2, row.name, row.size, row.trackers)),
        "details_url": details_url(base, row.info_hash),
    }


def _number_words(number: ExternalId) -> str | int:
    return f"tt{number.number:07d}" if number.authority == "imdb" else number.number


def json_answer(value: object, status: int = 200, **headers: str) -> Response:
    """Any of the above as an answer; `Location="…"` and the like as headers."""
    response = Response(msgspec.json.encode(value, enc_hook=str), status=status, content_type=JSON_TYPE)
    response.headers.update(headers)
    return response


def no_content(status: int = 204) -> Response:
    """Done, or on its way, and there is nothing to say."""
    response = Response(b"", status=status)
    del response.headers["Content-Type"]
    return response
