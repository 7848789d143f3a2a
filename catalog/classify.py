"""From a torrent and a parsed name to a classified torrent, and from bare names to the lines of `swarmdex classify`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from catalog.evidence import disc_source, group_of
from catalog.kinds import decide_kind
from catalog.model import ClassifiedTorrent, File, ParsedTitle, Torrent
from catalog.titles.batch import process_cascade, within_cpu_time
from catalog.titles.cascade import CLASSIFIER_VERSION, quick, unparsed
from catalog.titles.sanitise import displayed

NAME_LIMIT_S: Final = 1.0
"""CPU time one name may take; beyond it the name stays unparsed."""

UNREAD: Final = 0
"""The `classifier_version` of a torrent whose name nobody has read to the end."""

_FILLED_FROM_FILES: Final = ("resolution", "video_codec", "source")


def classified(torrent: Torrent, parsed: ParsedTitle) -> ClassifiedTorrent:
    """Return the torrent with its kind, and with what its largest video says where the torrent's own name is silent."""
    parsed = _filled_from_files(parsed, torrent.files)
    decision = decide_kind(torrent.name, parsed, torrent.files, torrent.site_category)
    return ClassifiedTorrent(torrent, parsed, decision.kind, decision.confidence, CLASSIFIER_VERSION)


def provisional(torrent: Torrent) -> ClassifiedTorrent:
    """Return the torrent as it may be stored before its name is read: found by its raw words, and to be read when there is time."""
    return replace(classified(torrent, unparsed(torrent.name)), classifier_version=UNREAD)


def classified_name(name: str) -> dict[str, object]:
    """Return what a bare name says, as JSON values; reads it in this process, within a limit of CPU time."""
    parsed = quick(name) or within_cpu_time(NAME_LIMIT_S, lambda: process_cascade().thorough(name)) or unparsed(name)
    decision = decide_kind(displayed(name), parsed)
    return {
        "name": name.encode(errors="replace").decode(),  # lone surrogates cannot be written as UTF-8
        "title": parsed.title,
        "year": parsed.year,
        "seasons": parsed.seasons,
        "episodes": parsed.episodes,
        "absolute_episodes": parsed.absolute_episodes,
        "date": parsed.date.isoformat() if parsed.date is not None else None,
        "resolution": parsed.resolution,
        "video_codec": parsed.video_codec,
        "source": parsed.source,
        "group": parsed.group,
        "languages": parsed.languages,
        "kind": decision.kind.value,
        "kind_confidence": decision.confidence,
        "confidence": parsed.confidence,
        "stage": parsed.stage,
    }


def classified_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield one JSON object a line, as soon as the line is read; a blank line gives one too, so that lines keep their numbers.

    guessit is loaded at the first name the fast rules refuse.
    """
    for line in lines:
        yield json.dumps(classified_name(line.rstrip("\r\n")), ensure_ascii=False)


def _filled_from_files(parsed: ParsedTitle, files: tuple[File, ...]) -> ParsedTitle:
    """Take resolution, codec and source from the largest video's name, or its disc's folders, where the torrent's name is silent."""
    missing = [field for field in _FILLED_FROM_FILES if getattr(parsed, field) is None]
    videos = [file for file in files if group_of(file.path) == "video"] if missing else []
    if not videos:
        return parsed
    largest = max(videos, key=lambda file: file.size)
    found = quick(largest.path.rpartition("/")[2])
    said = {field: getattr(found, field) for field in _FILLED_FROM_FILES} if found is not None and found.stage == "rules" else {}
    said["source"] = disc_source(largest.path) or said.get("source")
    return replace(parsed, **{field: said[field] for field in missing if said.get(field) is not None})
