"""Figures in words for pages: sizes, ages, numbers, kinds."""

import re
from datetime import datetime

from markupsafe import Markup, escape

from catalog.model import Kind, ParsedTitle

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_AGES = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (86_400 * 60, 86_400, "d"), (86_400 * 730, 86_400 * 30.44, "mo"))

_SEPARATOR = re.compile(r"([._\-])(?=[^\s._\-])")

KIND_NAMES = {
    Kind.MOVIE: "Movies",
    Kind.TV: "TV",
    Kind.ANIME: "Anime",
    Kind.MUSIC: "Music",
    Kind.AUDIOBOOK: "Audiobooks",
    Kind.EBOOK: "Books",
    Kind.COMIC: "Comics",
    Kind.GAME: "Games",
    Kind.SOFTWARE: "Software",
    Kind.ADULT: "Adult",
    Kind.OTHER: "Other",
}
"""For choosing, in the order pages show them."""

KIND_LABELS = {
    Kind.MOVIE: "Movie",
    Kind.TV: "TV",
    Kind.ANIME: "Anime",
    Kind.MUSIC: "Music",
    Kind.AUDIOBOOK: "Audiobook",
    Kind.EBOOK: "Book",
    Kind.COMIC: "Comic",
    Kind.GAME: "Game",
    Kind.SOFTWARE: "Software",
    Kind.ADULT: "Adult",
    Kind.OTHER: "Other",
}
"""For one torrent."""


def size_words(size: int) -> str:
    """1,536 -> "1.5 KiB"."""
    amount, unit = float(size), 0
    while amount >= 1023.95 and unit < len(_UNITS) - 1:
        amount /= 1024
        unit += 1
    return f"{size} B" if unit == 0 else f"{amount:.{0 if amount >= 99.95 else 1}f} {_UNITS[unit]}"


def age_words(moment: datetime, now: datetime) -> str:
    """How long ago: "just now", "5 min", "3 d", "2 y"."""
    seconds = (now - moment).total_seconds()
    if seconds < 10:
        return "just now"
    for limit, unit_s, unit in _AGES:
        if seconds < limit:
            return f"{int(seconds / unit_s)} {unit}"
    return f"{int(seconds / (86_400 * 365.25))} y"


def ago_words(moment: datetime, now: datetime) -> str:
    """As part of a sentence: "just now", "5 min ago"."""
    age = age_words(moment, now)
    return age if age == "just now" else f"{age} ago"


def breakable(text: str) -> Markup:
    """`text` escaped, with leave to break a line after the dots and dashes that stand for spaces in names."""
    return Markup(_SEPARATOR.sub(r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped just here


def number_words(number: int) -> str:
    """1234567 -> "1,234,567"."""
    return f"{number:,}"


def numbering_words(parsed: ParsedTitle) -> str:
    """What part of a series it is: "S01E02", "S01E01-E03", "S01-S03", "2017-11-10", "#05"; empty for none."""
    if parsed.date is not None and not parsed.seasons:
        return parsed.date.isoformat()
    if not parsed.seasons:
        return "#" + _span([f"{number:02}" for number in parsed.absolute_episodes]) if parsed.absolute_episodes else ""
    seasons = _span([f"S{number:02}" for number in parsed.seasons])
    return seasons + _span([f"E{number:02}" for number in parsed.episodes])


def _span(numbers: list[str]) -> str:
    """First and last of several stand for all."""
    return "-".join(dict.fromkeys((numbers[0], numbers[-1]))) if numbers else ""
