"""Classified torrents for tests: whatever a test does not name is filled in."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from catalog.model import ClassifiedTorrent, File, Kind, ParsedTitle, Torrent
from protocol.identifiers import InfoHash

_OF_TORRENT = (
    "size", "files", "file_count", "info_hash_v2", "is_private", "seeders", "leechers", "published_at", "site_category", "trackers", "ids",
    "receipt",
)  # fmt: skip
_OF_TITLE = ("year", "seasons", "episodes", "absolute_episodes", "date", "resolution", "video_codec", "group", "languages")


def info_hash(seed: object) -> InfoHash:
    """Twenty bytes made of `seed`."""
    return InfoHash(sha1(str(seed).encode("utf-8", "surrogatepass"), usedforsecurity=False).digest())


def torrent(
    name: str = "Sintel.2010.1080p.BluRay.x264", *, title: str | None = None, kind: Kind = Kind.MOVIE, **given: Any
) -> ClassifiedTorrent:
    """A torrent called `name`; its hash is made of its name unless given. `medium` is the parsed title's source."""
    files: Sequence[File] = given.pop("files", (File(f"{name}.mkv", 700_000_000),))
    found = Torrent(
        info_hash=given.pop("info_hash", info_hash(name)),
        name=name,
        size=given.pop("size", sum(file.size for file in files)),
        files=tuple(files),
        file_count=given.pop("file_count", len(files)),
        source=given.pop("source", "dht"),
        **{key: given.pop(key) for key in _OF_TORRENT if key in given},
    )
    parsed = ParsedTitle(
        title=name.split(".2", maxsplit=1)[0].replace(".", " ") if title is None else title,
        source=given.pop("medium", None),
        confidence=given.pop("confidence", 0.9),
        stage=given.pop("stage", "rules"),
        **{key: given.pop(key) for key in _OF_TITLE if key in given},
    )
    classified = ClassifiedTorrent(found, parsed, kind, 0.9, given.pop("classifier_version", 1))
    assert not given, f"no such field: {given}"
    return classified
