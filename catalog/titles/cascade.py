"""From a name to facts: sanitise, fast rules, main parser, merge, sanity checks.

`quick` is what runs in the event loop (about 0.1 ms a name), `thorough` what runs in a worker process, `parse` both after each other.
"""

import re
from dataclasses import replace
from typing import Final

from catalog.model import ParsedTitle
from catalog.titles import lexicon
from catalog.titles.anime import by_anime_rules
from catalog.titles.doubts import believed, is_year
from catalog.titles.parsers import MainParser
from catalog.titles.plain import by_plain_rules
from catalog.titles.rules import by_rules
from catalog.titles.sanitise import parseable
from catalog.titles.words import SEPARATORS, Unwrapped, as_title, joined, unwrapped

CLASSIFIER_VERSION: Final = 2
"""Stored with each row; raise it when names are read differently, so that old rows can be read again."""

PARSED: Final = 0.5
"""Below this confidence a name counts as not parsed."""

_PACK_WORDS: Final = re.compile(r"[ -]+(?:(?:the )?complete(?: series| season)?|season)$", re.IGNORECASE)
_COMPLETE_SERIES: Final = re.compile(r"[ -]+(?:the )?complete series$", re.IGNORECASE)
_SITE_TAG: Final = re.compile(r"[\[({][^\[\](){}]{0,40}[\])}]$")
_EXPLICIT_EPISODE: Final = re.compile(r"(?<![a-z])(?:e|ep|eps|episode|episodes|part|pt)[ ._]{0,2}\d", re.IGNORECASE)
_LEADING_GROUP: Final = re.compile(r"\[([^\[\]]{2,30})\]")
_TRAILING_GROUP: Final = re.compile(r"-([A-Za-z0-9]{2,20})(?:[\[({][^\[\](){}]{1,30}[\])}])?$")
_CLOSING_GROUP: Final = re.compile(r"\(([^()]{4,120}) ([A-Za-z0-9]{2,20})\)(?: ?\[[A-Za-z0-9]{2,20}\])?$")
"""The last word of "(1080p BluRay x265 10bit GRP) [Site]"."""
_GROUP_WORD: Final = re.compile(r"[^\s\[\](){}]{1,30}")
_WORD: Final = re.compile(r"[^ ._,+\-\[\](){}<>|/~]+")


class Cascade:
    """Reads names; holds the main parser, which is dear to make."""

    def __init__(self, main_parser: MainParser) -> None:
        self._main_parser = main_parser

    def parse(self, name: str) -> ParsedTitle:
        """Return what any text says as a torrent's name; never raises."""
        return quick(name) or self.thorough(name)

    def thorough(self, name: str) -> ParsedTitle:
        """Return what the main parser and the words say together, for a name that `quick` refused."""
        clean = parseable(name)
        if not clean:
            return unparsed(name)
        bare = unwrapped(clean)
        return _merged(self._main_parser.parse(bare.text), bare)


def quick(name: str) -> ParsedTitle | None:
    """Return what the fast rules say when they are sure, else None."""
    clean = parseable(name)
    if not clean:
        return unparsed(name)
    bare = unwrapped(clean)
    return by_anime_rules(bare) or by_rules(bare) or by_plain_rules(bare)


def unparsed(name: str) -> ParsedTitle:
    """Return the reading of a name nobody could read: itself, with no confidence."""
    return ParsedTitle(title=parseable(name))


def _merged(found: ParsedTitle, name: Unwrapped) -> ParsedTitle:
    """Fill what the main parser left open from single words, then drop what cannot be."""
    words = _words(name.text)
    resolution = found.resolution or _first(words, lexicon.RESOLUTIONS)
    video_codec = found.video_codec or _first(words, lexicon.VIDEO_CODECS)
    source = found.source or _first(words, lexicon.SOURCES)
    found = replace(found, resolution=resolution, video_codec=video_codec, source=source)
    found = believed(found, name.text, has_video=any((resolution, video_codec, source)))
    is_absolute = bool(found.episodes) and not found.seasons and _EXPLICIT_EPISODE.search(name.text) is None
    title = _title(found)
    merged = replace(
        found,
        title=title or parseable(name.text),
        episodes=() if is_absolute else found.episodes,
        absolute_episodes=found.episodes if is_absolute else (),
        group=_group(found.group, name.text),
    )
    return replace(merged, confidence=_confidence(merged, has_title=bool(title)))


def _title(found: ParsedTitle) -> str:
    """Return the title without the words of a pack: "Complete", "Season", "The Complete Series"."""
    title = as_title(found.title)
    return (_PACK_WORDS if found.seasons else _COMPLETE_SERIES).sub("", title) or title


def _confidence(parsed: ParsedTitle, *, has_title: bool) -> float:
    """Judge the reading by how much of it hangs together: a title alone is a guess."""
    if not has_title or not any(character.isalnum() for character in parsed.title):
        return 0.2
    ends_title = parsed.year is not None or parsed.seasons or parsed.episodes or parsed.absolute_episodes or parsed.date is not None
    technical = sum(value is not None for value in (parsed.resolution, parsed.video_codec, parsed.source))
    if ends_title:
        return 0.85 if technical else 0.75
    return 0.65 if technical else PARSED


def _group(found: str | None, text: str) -> str | None:
    """Return the release group, which is no year."""
    group = _group_word(found, text)
    return None if group is not None and group.isdecimal() and is_year(int(group)) else group


def _group_word(found: str | None, text: str) -> str | None:
    """Return the word where groups stand: behind the last hyphen or the first bracket, else what is left of the parser's answer."""
    trailing = _TRAILING_GROUP.search(text)
    if trailing is not None and not lexicon.technical(trailing[1].lower()) and _follows_technical(text, trailing.start()):
        return trailing[1]
    leading = _LEADING_GROUP.match(text)
    if leading is not None and not any(lexicon.technical(word.lower()) for word in SEPARATORS.split(leading[1])):
        return leading[1]
    closing = _CLOSING_GROUP.search(text)
    if closing is not None and not lexicon.technical(closing[2].lower()) and any(map(lexicon.technical, _words(closing[1]))):
        return closing[2]
    if found is None:
        return None
    found = _SITE_TAG.sub("", found) or found.strip("[](){} ")
    rest = [word for word in _GROUP_WORD.findall(joined(found).replace("_", " ")) if not lexicon.technical(word.strip("-").lower())]
    return rest[0].rpartition("-")[2] or None if len(rest) == 1 else None


def _follows_technical(text: str, end: int) -> bool:
    before = _words(text[:end])
    return bool(before) and lexicon.technical(before[-1])


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(joined(text))]


def _first(words: list[str], table: dict[str, str]) -> str | None:
    return next((table[word] for word in words if word in table), None)
