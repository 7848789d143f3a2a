"""The names and file lists of tests/data, all of freely licensed or public-domain works and written for this project."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from catalog.model import File, ParsedTitle, Torrent
from protocol.identifiers import InfoHash

_DATA = Path(__file__).resolve().parents[1] / "data"


class NamedCase(NamedTuple):
    """A name and what it must be read as; fields that are not expected are not judged."""

    family: str
    name: str
    expected: dict[str, Any]
    kind: str | None


class KindCase(NamedTuple):
    """A torrent and its kind."""

    torrent: Torrent
    kind: str


def named_cases() -> Iterator[NamedCase]:
    """All labelled names, family by family."""
    for path in sorted((_DATA / "titles").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            case = json.loads(line)
            expected = case["expect"]
            kind = expected.pop("kind", None)
            yield NamedCase(path.stem, case["name"], expected, kind)


def kind_cases() -> Iterator[KindCase]:
    """All labelled file lists."""
    for number, line in enumerate((_DATA / "kinds" / "cases.jsonl").read_text().splitlines()):
        case = json.loads(line)
        files = tuple(File(path, size) for path, size in case["files"])
        yield KindCase(made_torrent(case["name"], files, number=number, site_category=case["site_category"]), case["kind"])


def made_torrent(
    name: str, files: tuple[File, ...] = (), *, number: int = 0, size: int = 1_000_000, site_category: str | None = None
) -> Torrent:
    """A torrent as a crawler would hand it on."""
    total = sum(file.size for file in files) or size
    return Torrent(InfoHash(number.to_bytes(20)), name, total, files, len(files), "test", site_category=site_category)


def as_json(parsed: ParsedTitle, field: str) -> object:
    """A field as the data files write it."""
    value = getattr(parsed, field)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if field == "date" and value is not None else value


def mistakes(parsed: ParsedTitle, expected: dict[str, Any]) -> dict[str, tuple[object, object]]:
    """The fields that differ: {field: (read, expected)}."""
    read = {field: as_json(parsed, field) for field in expected}
    return {field: (read[field], value) for field, value in expected.items() if read[field] != value}
