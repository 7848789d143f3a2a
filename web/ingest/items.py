"""One item of JSON as a torrent: what each member may be, and what is wrong where it is not.

Members nobody here knows are passed over and named in a warning: a crawler that is newer than the index it sends to must not lose its
torrents, and whoever mistypes "seeders" should hear of it.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from catalog.model import File, Torrent
from catalog.policy import LONGEST_NAME
from protocol.identifiers import ExternalId, InfoHash, InfoHashV2
from protocol.metainfo_files import MAX_PATH_BYTES, MAX_SIZE
from protocol.trackers import tracker_urls
from web.errors import Fault
from web.json_text import tried

DEFAULT_SOURCE: Final = "ingest"
SOURCE_PATTERN: Final = r"^[a-z0-9._-]{1,40}$"

_MAX_INT4: Final = (1 << 31) - 1
_FIRST_YEAR: Final = 1970
_AHEAD: Final = timedelta(days=1)
"""Clocks and time zones are off by hours, not by days."""
_HASH: Final = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}|[A-Za-z2-7]{32}")
_UNKNOWN_MEMBER: Final = re.compile(r"unknown field (`.{1,100}`)", re.DOTALL)

Bytes = Annotated[int, Meta(ge=0, le=MAX_SIZE)]
Count = Annotated[int, Meta(ge=0, le=_MAX_INT4)]
WorkId = Annotated[int, Meta(ge=1, le=_MAX_INT4)]
SourceName = Annotated[str, Meta(pattern=SOURCE_PATTERN)]
SiteCategory = Annotated[int, Meta(ge=0, le=999_999)] | Annotated[str, Meta(min_length=1, max_length=100)]


class ItemFile(msgspec.Struct):
    """A file of a torrent."""

    path: Annotated[str, Meta(min_length=1, max_length=MAX_PATH_BYTES)]
    """With `/` between its parts."""
    size: Bytes


class ItemIds(msgspec.Struct):
    """The work's numbers elsewhere."""

    imdb: WorkId | Annotated[str, Meta(pattern=r"^(tt)?[0-9]{1,9}$")] | None = None
    """ "tt1727587", or the number alone."""
    tmdb: WorkId | None = None
    tvdb: WorkId | None = None


class Item(msgspec.Struct):
    """A torrent as somebody tells us of it; null and left out are the same."""

    info_hash: Annotated[str, Meta(max_length=64, extra_json_schema={"pattern": f"^({_HASH.pattern})$"})]
    """40 hexadecimal digits or 32 characters of base32 (v1), or 64 hexadecimal digits (v2)."""
    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
    info_hash_v2: Annotated[str, Meta(max_length=64, extra_json_schema={"pattern": "^[0-9A-Fa-f]{64}$"})] | None = None
    """64 hexadecimal digits: that of a hybrid torrent whose v1 hash is `info_hash`."""
    size: Bytes | None = None
    """Of all files; may be left out beside `files`."""
    files: Annotated[list[ItemFile], Meta(max_length=200_000)] | None = None
    file_count: Count | None = None
    """The true number, where `files` is only the beginning."""
    private: bool | None = None
    seeders: Count | None = None
    leechers: Count | None = None
    source: SourceName | None = None
    published_at: Annotated[datetime, Meta(tz=True)] | None = None
    category: SiteCategory | None = None
    """A Torznab id or the site's own word."""
    trackers: Annotated[list[str], Meta(max_length=1000)] | None = None
    ids: ItemIds | None = None


class StrictItem(Item, forbid_unknown_fields=True):
    """The same, for finding out whether there is more in it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a request: a torrent, or what is wrong with it."""

    torrent: Torrent | None
    info_hash: str = ""
    """As hexadecimal digits, 64 of a v2 torrent; as it was given where it is no hash; empty where there is none."""
    faults: tuple[Fault, ...] = ()
    warning: str = ""
    line: int | None = None
    file_name: str = ""


_STRICT: Final = msgspec.json.Decoder(StrictItem)
_LENIENT: Final = msgspec.json.Decoder(Item)
_HASH_ONLY: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_item(text: bytes, max_files: int) -> Entry:
    """The entry of one JSON text, whatever it is."""
    item, fault = tried(_STRICT, text)
    warning = ""
    if fault is not None and (unknown := _UNKNOWN_MEMBER.search(fault.detail)):
        item, fault = tried(_LENIENT, text)
        warning = f"unknown member {unknown[1]} is passed over"
    if fault is not None:
        return Entry(None, _told_hash(text), (fault,), warning)
    return entry_of(item, max_files, warning)


def entry_of(item: Item, max_files: int, warning: str = "") -> Entry:
    """The entry of an item whose members are of the right types."""
    faults: list[Fault] = []
    hashes = _hashes(item, faults)
    _check_time(item.published_at, faults)
    if faults or hashes is None:
        return Entry(None, item.info_hash, tuple(faults), warning)
    info_hash, info_hash_v2 = hashes
    listed = item.files or []
    count = max(item.file_count or 0, len(listed))
    total = sum(file.size for file in listed)
    if total > MAX_SIZE:
        return Entry(None, item.info_hash, (Fault("the files together are too large", "/files"),), warning)
    torrent = Torrent(
        info_hash=info_hash,
        name=item.name,
        # A site rounds; a whole list of files is exact.
        size=total if listed and count == len(listed) else max(item.size or 0, total),
        files=tuple([File(file.path, file.size) for file in listed[:max_files]]),
        file_count=count,
        source=item.source or DEFAULT_SOURCE,
        info_hash_v2=info_hash_v2,
        is_private=bool(item.private),
        seeders=item.seeders,
        leechers=item.leechers,
        published_at=item.published_at,
        site_category=None if item.category is None else str(item.category),
        trackers=tracker_urls(item.trackers) if item.trackers else (),
        ids=tuple(_ids(item.ids)) if item.ids is not None else (),
    )
    return Entry(torrent, shown_hash(info_hash, info_hash_v2), (), warning)


def read_hash(text: str) -> InfoHash | InfoHashV2 | None:
    """20 or 32 bytes; None if the text is neither hexadecimal of that length nor base32 of 20 bytes."""
    if _HASH.fullmatch(text) is None:
        return None
    return InfoHash(base64.b32decode(text.upper()) if len(text) == 32 else bytes.fromhex(text))


def shown_hash(info_hash: InfoHash, info_hash_v2: InfoHashV2 | None) -> str:
    """The name of a torrent: its v1 hash, else its whole v2 hash."""
    is_v2_only = info_hash_v2 is not None and info_hash_v2.startswith(info_hash)
    return (info_hash_v2 if is_v2_only and info_hash_v2 is not None else info_hash).hex()


def _hashes(item: Item, faults: list[Fault]) -> tuple[InfoHash, InfoHashV2 | None] | None:
    """The hash it is stored under, and its v2 hash."""
    given = read_hash(item.info_hash)
    second = None if item.info_hash_v2 is None else read_hash(item.info_hash_v2)
    if given is None:
        faults.append(Fault("expected 40 or 64 hexadecimal digits, or 32 characters of base32", "/info_hash"))
    if item.info_hash_v2 is not None and (second is None or len(second) != 32):
        faults.append(Fault("expected 64 hexadecimal digits", "/info_hash_v2"))
    if given is None or faults:
        return None
    if len(given) == 32:
        if second is not None and second != given:
            faults.append(Fault("contradicts info_hash, which is a v2 hash too", "/info_hash_v2"))
        return InfoHash(given[:20]), InfoHashV2(given)
    return InfoHash(given), None if second is None else InfoHashV2(second)


def _check_time(published_at: datetime | None, faults: list[Fault]) -> None:
    if published_at is None:
        return
    if published_at.year < _FIRST_YEAR:
        faults.append(Fault(f"is before {_FIRST_YEAR}", "/published_at"))
    elif published_at > datetime.now(UTC) + _AHEAD:
        faults.append(Fault("lies in the future", "/published_at"))


def _ids(ids: ItemIds) -> Iterator[ExternalId]:
    if ids.imdb is not None and (number := int(str(ids.imdb).removeprefix("tt"))):
        yield ExternalId("imdb", number)
    if ids.tmdb is not None:
        yield ExternalId("tmdb", ids.tmdb)
    if ids.tvdb is not None:
        yield ExternalId("tvdb", ids.tvdb)


def _told_hash(text: bytes) -> str:
    """What a wrong item says its hash is, so that its sender finds it again."""
    members, fault = tried(_HASH_ONLY, text)
    if fault is not None or "info_hash" not in members:
        return ""
    value, fault = tried(msgspec.json.Decoder(str), bytes(members["info_hash"]))
    return "" if fault is not None else value[:64]
