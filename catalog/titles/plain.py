"""The fast rules for names that are no film and no episode: music, books, comics, software.

guessit reads every name as a video's: it finds a date in "debian-13.1.0" and an episode in "Vol. 2". These names say at most a title, a
year and a group, so a few patterns are enough. Nothing here answers when a word of video stands in the name.
"""

import re
from typing import Final

from catalog.model import ParsedTitle
from catalog.titles import lexicon
from catalog.titles.words import SEPARATORS, VERSION, Unwrapped, as_title

LIKELY: Final = 0.9

_BRACKETED: Final = re.compile(r"[\[({]([^\[\](){}]{1,60})[\])}]")
_YEAR_INSIDE: Final = re.compile(r"(?<![A-Za-z0-9])((?:1[4-9]|20)\d\d)(?![A-Za-z0-9])")
_EPISODE: Final = re.compile(r"(?<![a-z0-9])(?:s\d{1,2}(?:e\d{1,3})?|\d{1,2}x\d{2})(?![a-z0-9])", re.IGNORECASE)
_SCENE_MUSIC: Final = re.compile(r"([^()\[\]]{3,150})-(?:19|20)\d\d-(\w{2,20})")
_SCENE_GROUP: Final = re.compile(r"([^ \-]{3,200})-([A-Za-z0-9]{2,20})")
_LEADING_BRACKET: Final = re.compile(r" ?[\[({][^\[\](){}]{1,60}[\])}]")
_SPLIT: Final = re.compile(r"[ ._,+\-/()\[\]{}]+")
_VIDEO_PICTURE: Final = frozenset({"bluray", "bdrip", "hdtv", "dvdrip"})
_INNER_HYPHEN: Final = re.compile(r"(?<=[^\s._-])-(?=[^\s._-])")
_TRAILING: Final = (
    lexicon.BOOK_FORMATS
    | lexicon.COMIC_FORMATS
    | lexicon.AUDIOBOOK_WORDS
    | lexicon.AUDIO_FORMATS
    | lexicon.PLATFORM_WORDS
    | {"24bit", "16bit", "kbps"}
)
"""Words that end a title when they stand behind it."""
_MACHINES: Final = frozenset({"x64", "x86", "amd64", "arm64", "x86_64", "win32", "win64"})
_DOT: Final = "\x00"
"""Stands for a version's dot while the others become spaces; sanitised names hold no NUL."""
_KINDS_OF_FILE: Final = ("audio", "audiobook", "ebook", "comic", "game", "software", "archive")


def by_plain_rules(name: Unwrapped) -> ParsedTitle | None:
    """Return title, year and group of a name that cannot be a video's, or None."""
    words = [word.lower() for word in _SPLIT.split(name.text) if word]
    if not words or _has_video_word(words) or _EPISODE.search(name.text):
        return None
    scene = _scene_music(name.text)
    if scene is not None:
        return scene
    if not _has_sign(name, words):
        return None
    text, group = _without_group(name)
    title = _as_plain_title(_before_brackets(text), has_year_in_brackets=any(_years_in_brackets(text)))
    if not title:
        return None
    return ParsedTitle(title=title, year=_year(text), group=group, confidence=LIKELY, stage="rules")


def _has_video_word(words: list[str]) -> bool:
    return any(
        word in lexicon.VIDEO_CODECS or word in lexicon.SOURCES or lexicon.resolution_of(word) is not None or word in _VIDEO_PICTURE
        for word in words
    )


def _has_sign(name: Unwrapped, words: list[str]) -> bool:
    """Whether the extension or a word says what kind of thing this is."""
    if any(name.extension in lexicon.EXTENSIONS[kind] for kind in _KINDS_OF_FILE):
        return True
    if name.extension:
        return name.extension == "txt"
    present = frozenset(words)
    if present & (lexicon.BOOK_FORMATS | lexicon.COMIC_FORMATS | lexicon.AUDIOBOOK_WORDS):
        return True
    if present & (lexicon.AUDIO_FORMATS - {"320", "vinyl", "aac"}) or {"320", "kbps"} <= present:
        return True
    if present & (lexicon.PLATFORM_WORDS | _MACHINES):
        return True
    versions = [match[0] for match in VERSION.finditer(name.text)]
    return any(map(_is_surely_a_version, versions)) or (bool(versions) and not present.isdisjoint(lexicon.SYSTEM_WORDS))


def _is_surely_a_version(text: str) -> bool:
    """Whether "v1.2" or "1.16.9"; "1.16" may be anything, and "26.11.10" a date."""
    if text[0] in "vV":
        return True
    parts = text.split(".")
    if len(parts) < 3:
        return False
    first, second, third = map(int, parts[:3])
    has_year = any(len(part) == 4 for part in (parts[0], parts[2]))
    return not has_year and not (len(parts[2]) == 2 and min(first, second) <= 12 and max(first, second, third) <= 99)


def _scene_music(text: str) -> ParsedTitle | None:
    """Read "Artist-Album-WEB-2014-GRP" and "Artist_-_Album-(CAT001)-CD-FLAC-2014-GRP"."""
    if " " in text:
        return None
    match = _SCENE_MUSIC.fullmatch(_BRACKETED.sub("", text).replace("--", "-"))
    if match is None:
        return None
    parts = match[1].replace("_-_", "-").split("-")
    media = 0
    while parts and parts[-1].lower() in lexicon.SCENE_MEDIA:
        parts.pop()
        media += 1
    if not media or len(parts) < 2:
        return None
    title = f"{as_title(parts[0])} - {as_title('-'.join(parts[1:]))}"
    return ParsedTitle(title=title, year=int(match[0].rsplit("-", 2)[1]), group=match[2], confidence=LIKELY, stage="rules")


def _without_group(name: Unwrapped) -> tuple[str, str | None]:
    """Split "Open.Game.NSW-GRP" into the name and the group; a name with spaces, or of a file, has none."""
    match = _SCENE_GROUP.fullmatch(name.text) if not name.extension else None
    if match is None or match[2].lower() in lexicon.SYSTEM_WORDS:
        return name.text, None
    return match[1], match[2]


def _before_brackets(text: str) -> str:
    """Return the text up to the first bracket that is not at its start."""
    start = 0
    while (leading := _LEADING_BRACKET.match(text, start)) is not None:
        start = leading.end()
    following = _BRACKETED.search(text, start)
    before = text[start : following.start()] if following is not None else ""
    return before if before.strip(" -_.") else text[start:]


def _as_plain_title(text: str, *, has_year_in_brackets: bool) -> str:
    """Return the words with single spaces; the dots of a version stay, hyphens part words where nothing else does."""
    protected = VERSION.sub(lambda version: version[0].replace(".", _DOT), text)
    if " " not in text and "_" not in text.replace("x86_64", ""):
        protected = _INNER_HYPHEN.sub(" ", protected)
    words = [word for word in SEPARATORS.split(protected) if word]
    while len(words) > 1 and _ends_title(words, has_year_in_brackets=has_year_in_brackets):
        words.pop()
    return as_title(" ".join(words)).replace(_DOT, ".")


def _ends_title(words: list[str], *, has_year_in_brackets: bool) -> bool:
    """Whether the last word is none of the title's."""
    last = words[-1]
    if _YEAR_INSIDE.fullmatch(last):
        is_work = words[-2] == "-" and words.count("-") == 1  # "George Orwell - 1984"
        return not (has_year_in_brackets or is_work)
    if last.lower() == "retail":  # behind a year; else a word like others
        return _YEAR_INSIDE.fullmatch(words[-2]) is not None
    return last == "-" or last.lower() in _TRAILING


def _year(text: str) -> int | None:
    """Return the only year in brackets, else the only year at all."""
    found = frozenset(_years_in_brackets(text) or _YEAR_INSIDE.findall(VERSION.sub("", text)))
    return int(next(iter(found))) if len(found) == 1 else None


def _years_in_brackets(text: str) -> list[str]:
    return [year for bracket in _BRACKETED.finditer(text) for year in _YEAR_INSIDE.findall(bracket[1])]
