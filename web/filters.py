"""The filters of the search page beyond words and kind: what people type, and what that means to the engine."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from werkzeug.exceptions import BadRequest

from protocol.display import clean_text

MAX_VALUE = 64
_SIZE: Final = re.compile(r"([0-9]{1,15}(?:[.,][0-9]{1,3})?) ?(?:([kmgt])?i?b?)?", re.ASCII | re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_LARGEST_SIZE: Final = 1 << 53
_WORDS: Final = re.compile(r"[0-9A-Za-z.+-]{1,20}(, ?[0-9A-Za-z.+-]{1,20}){0,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form."""

    name: str
    """As in the address, and in /api/v1/search where that knows the same form."""
    label: str
    read: Callable[[str], Any]
    """The value the engine is asked with. Raises ValueError with what it must be."""
    asks: str
    """The field of SearchQuery."""
    hint: str = ""
    kind: str = "text"
    """Of the input element."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What is filled in, by the fields' names; empty fields are not there."""

    values: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values)

    def get(self, name: str) -> str:
        """What stands in a field."""
        return dict(self.values).get(name, "")

    def asked(self) -> dict[str, Any]:
        """The fields of SearchQuery they set. Raises BadRequest that names the field."""
        return {FIELDS[name].asks: _read(FIELDS[name], value) for name, value in self.values}


NO_FILTERS: Final = Filters()


def read_filters(arguments: Mapping[str, str]) -> Filters:
    """The filters from a page's parameters. Raises BadRequest that names the field."""
    given = {name: clean_text(arguments.get(name, "")[:MAX_VALUE]) for name in FIELDS}
    filters = Filters(tuple((name, value) for name, value in given.items() if value))
    filters.asked()
    return filters


def read_size(text: str) -> int:
    """Bytes from what people write: "700 MB", "1.5GiB", "1000". Units are powers of 1024, as sizes are shown."""
    found = _SIZE.fullmatch(text)
    size = round(float(found[1].replace(",", ".")) * _UNITS[(found[2] or "").lower()]) if found else -1
    if not 0 <= size <= _LARGEST_SIZE:
        raise ValueError('a size such as "700 MB" or "1.5 GB"')
    return size


def _read(field: Field, value: str) -> Any:
    try:
        return field.read(value)
    except ValueError as error:
        raise BadRequest(f"{field.name} must be {error}") from None


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 11 and least <= int(text) <= most):
            raise ValueError(f"a number from {least} to {most:,}")
        return int(text)

    return read


def _category(text: str) -> tuple[int]:
    return (_number(1000, 999_999)(text),)


def _words(text: str) -> tuple[str, ...]:
    if not _WORDS.fullmatch(text):
        raise ValueError("one or several words, with commas between them")
    return tuple(word.strip() for word in text.lower().split(","))


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        raise ValueError("a day such as 2026-01-31") from None


def _day_after(text: str) -> datetime:
    day = _day(text)
    return day + timedelta(days=1) if day.year < 9999 else day


_COUNT = _number(0, (1 << 31) - 1)
_YEAR, _PART = _number(0, 9999), _number(0, 32_767)
FIELDS: Final = {
    field.name: field
    for field in (
        Field("category", "Category", _category, "categories"),
        Field("year_from", "Year from", _YEAR, "year_from", kind="number"),
        Field("year_to", "Year to", _YEAR, "year_to", kind="number"),
        Field("season", "Season", _PART, "season", kind="number"),
        Field("episode", "Episode", _PART, "episode", kind="number"),
        Field("min_size", "At least", read_size, "min_size", "700 MB"),
        Field("max_size", "At most", read_size, "max_size", "4 GB"),
        Field("min_seeders", "Seeders from", _COUNT, "min_seeders", kind="number"),
        Field("min_files", "Files from", _COUNT, "min_files", kind="number"),
        Field("resolution", "Resolution", _words, "resolutions", "1080p, 2160p"),
        Field("video_codec", "Video codec", _words, "video_codecs", "h265, av1"),
        Field("source", "Made from", _words, "release_sources", "bluray, web"),
        Field("language", "Language", _words, "languages", "en, de"),
        Field("found_by", "Found by", str, "found_by", "dht"),
        Field("seen_after", "First seen from", _day, "seen_after", kind="date"),
        Field("seen_before", "First seen until", _day_after, "seen_before", kind="date"),
    )
}
"""In the order of the form."""
