"""What the main parser reads into bare numbers, and how much of it is believed.

guessit finds an episode in every number: S20E48 in "sintel-2048-surround", season 1924 in "Greed 1924 [3 of 4]", a date in
"planet-240101". A number counts as what it says it is ("S2024", "E05"), or where words of video stand beside it.
"""

import re
from dataclasses import replace
from datetime import date
from typing import Final

from catalog.model import ParsedTitle
from catalog.titles import lexicon

EARLIEST_YEAR: Final = 1880
LATEST_YEAR: Final = 2049
_MOST_SEASONS: Final = 100
_MOST_EPISODES: Final = 500
_LONG_NUMBER: Final = 1000
"""102 may be S01E02; 1102 rarely is."""

_PICTURE_SIZES: Final = frozenset(
    {480, 540, 576, 640, 720, 768, 800, 854, 960, 1024, 1080, 1152, 1200, 1280, 1366, 1440, 1600, 1920, 2048, 2160, 2560, 3840, 4096}
)
"""Widths and heights in pixels, as they stand in file names."""

_SIX_DIGITS: Final = re.compile(r"(?<!\d)\d{6}(?!\d)")


def believed(found: ParsedTitle, text: str, *, has_video: bool) -> ParsedTitle:
    """Return `found` without the seasons, episodes, date and picture size that `text` does not really say.

    Args:
        found: the main parser's reading.
        text: the name it read.
        has_video: whether words of video stand in the name.
    """
    seasons, episodes = _numbers(found, text, has_video=has_video)
    return replace(
        found,
        year=found.year if found.year is not None and is_year(found.year) and found.year not in seasons else None,
        seasons=seasons,
        episodes=episodes,
        date=found.date if found.date is not None and _is_date(found.date, text, has_video=has_video) else None,
        resolution=_resolution(found.resolution),
    )


def is_year(number: int) -> bool:
    """Whether films and series can be of that year."""
    return EARLIEST_YEAR <= number <= LATEST_YEAR


def _numbers(found: ParsedTitle, text: str, *, has_video: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the seasons and episodes that are believed."""
    seasons = tuple(sorted(season for season in found.seasons if _is_season(season, text)))[:_MOST_SEASONS]
    episodes = tuple(sorted(episode for episode in found.episodes if 0 <= episode < 10_000))[:_MOST_EPISODES]
    if len(seasons) == 1 and any(_is_no_episode(seasons[0], episode, text, has_video=has_video) for episode in episodes):
        return (), ()
    if not seasons and any(re.search(rf"\d\.0{{0,3}}{episode}(?!\d)", text) for episode in episodes[:1]):
        return (), ()  # the second part of a version, "1.18"
    return seasons, episodes


def _is_season(season: int, text: str) -> bool:
    """Seasons are small numbers; a year only where it is written as one: "S2024E05", "2024x05", "Season 2024"."""
    if 0 <= season < _MOST_SEASONS:
        return True
    written = rf"(?<![a-z0-9])(?:s{season}(?!\d)|season[ ._]{season}(?!\d)|{season}x\d)"
    return is_year(season) and re.search(written, text, re.IGNORECASE) is not None


def _is_no_episode(season: int, episode: int, text: str, *, has_video: bool) -> bool:
    """Whether season and episode are two halves of one bare number that is a picture size, a course ("6.001") or any other."""
    number = f"{season}{episode:02}"
    if re.search(rf"(?<![0-9A-Za-z]){number}(?![0-9A-Za-z])", text) is None:
        return False
    return season == 0 or int(number) in _PICTURE_SIZES or (int(number) >= _LONG_NUMBER and not has_video)


def _is_date(found: date, text: str, *, has_video: bool) -> bool:
    """Six digits in a row are a date only in the name of a video."""
    bare = {found.strftime(form) for form in ("%y%m%d", "%d%m%y", "%m%d%y")}
    return is_year(found.year) and (has_video or bare.isdisjoint(_SIX_DIGITS.findall(text)))


def _resolution(found: str | None) -> str | None:
    """Return "1080p" and the like as they are, and a size like "320x180" as the lines it counts as."""
    return lexicon.resolution_of(found.lower()) if found is not None and "x" in found else found
