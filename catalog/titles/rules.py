"""The fast rules: names of films and episodes in the ordinary order, read without guessit (about 100 times faster).

They answer only when they are sure and return None for everything else, which the main parser then reads: brackets that hold more than
technical words, addresses, numbers or edition and language words inside the title, several years, words behind the year that nobody
knows. Wrong answers cost more than slow ones. Neighbours: plain.py (music, books, software), anime.py ("[group] title - 05").
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from catalog.model import ParsedTitle
from catalog.titles import lexicon
from catalog.titles.words import SEPARATORS, Unwrapped, as_title, joined

SURE: Final = 0.95

_EPISODE: Final = re.compile(r"s(\d{1,2})e(\d{1,3})((?:-?e\d{1,3}){0,9})(?:-(\d{1,3}))?(?:v\d)?", re.IGNORECASE)
_CROSS_EPISODE: Final = re.compile(r"(\d{1,2})x(\d{2,3})(?:-(?:\d{1,2}x)?(\d{2,3}))?", re.IGNORECASE)
_SEASON: Final = re.compile(r"s(\d{1,2})(?:-s?(\d{1,2}))?", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:18[89]|19\d|20[0-4])\d")
_EPISODE_ALONE: Final = re.compile(r"e\d{1,3}", re.IGNORECASE)
_MONTHS: Final = lexicon.word_set("january february march april may june july august september october november december")
_TITLES_BEGIN_SO: Final = frozenset({"web", "cam"})
_MONTH_OR_DAY: Final = re.compile(r"[0-3]\d")
_TITLE_WORD: Final = re.compile(r"[\w'’&!,:+-]{1,40}")
_LONG_NUMBER: Final = re.compile(r"\d{3,}")
_GROUP: Final = re.compile(r"[A-Za-z0-9]{2,20}")
_BRACKETED: Final = re.compile(r"[\[(]([^\[\]()]{1,60})[\])]")
_UNSURE_IN_TITLE: Final = lexicon.word_set(
    "season seasons series episode episodes ep part pt vol volume disc disk cd cd1 cd2 www com org net complete collection trilogy "
    "pack web cam tv ova oad special specials movie film day bonus extras sample s e x"
)
_MOST_EPISODES: Final = 60


@dataclass(slots=True)
class _Reading:
    """What the words behind the title said; each field is set once, a contradiction makes the reading unsure."""

    facts: dict[str, str] = field(default_factory=dict)
    languages: list[str] = field(default_factory=list)

    def take(self, word: str) -> bool:
        """Note one lower-case word; False when the rules do not know it or it contradicts an earlier one."""
        for name, value in lexicon.facts_of(word):
            return self.facts.setdefault(name, value) == value
        language = lexicon.LANGUAGES.get(word)
        if language is not None and language not in self.languages:
            self.languages.append(language)
        return lexicon.technical(word)


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Where the title ends and what stands there."""

    start: int
    end: int
    seasons: tuple[int, ...] = ()
    episodes: tuple[int, ...] = ()
    year: int | None = None
    air_date: date | None = None

    @property
    def is_episode(self) -> bool:
        """True where an episode's title may follow."""
        return bool(self.episodes) or self.air_date is not None


def by_rules(name: Unwrapped) -> ParsedTitle | None:
    """Return what an ordinary film's or episode's name says, or None when it is not sure."""
    flat = _flattened(joined(name.text))
    if flat is None:
        return None
    words = [word for word in SEPARATORS.split(flat.text) if word]
    if words and not name.extension and words[0].lower() == "www":
        return None
    words, group = _without_group(words)
    anchor = _find_anchor(words)
    if anchor is None or not _is_plain_title(words[: anchor.start]):
        return None
    if sum(1 for word in words if _YEAR.fullmatch(word)) > (anchor.year is not None or anchor.air_date is not None):
        return None
    reading = _read_behind(words[anchor.end :], anchor)
    if reading is None or not (anchor.seasons or anchor.air_date or reading.facts or flat.has_year_in_brackets):
        return None
    return ParsedTitle(
        title=as_title(" ".join(words[: anchor.start])),
        year=anchor.year,
        seasons=anchor.seasons,
        episodes=anchor.episodes,
        date=anchor.air_date,
        group=group,
        languages=tuple(reading.languages),
        confidence=SURE,
        stage="rules",
        **reading.facts,  # type: ignore[arg-type]  # the keys are resolution, video_codec and source
    )


@dataclass(frozen=True, slots=True)
class _Flat:
    text: str
    has_year_in_brackets: bool


def _flattened(text: str) -> _Flat | None:
    """Resolve brackets that hold a year or only technical words; None when others are left."""
    has_year = False

    def without_brackets(match: re.Match[str]) -> str:
        nonlocal has_year
        inner = match[1].strip(" ._-")
        if _YEAR.fullmatch(inner):
            has_year = True
            return f" {inner} "
        parts = [part.lower() for part in re.split(r"[ ._,+-]+", inner) if part]
        return f" {' '.join(parts)} " if parts and all(map(lexicon.technical, parts)) else match[0]

    text = _BRACKETED.sub(without_brackets, text)
    if any(bracket in text for bracket in "[](){}"):
        return None
    return _Flat(text.strip(), has_year)


def _without_group(words: list[str]) -> tuple[list[str], str | None]:
    """Split "x264-GRP" at the end into the technical word and the group."""
    if not words or "-" not in words[-1]:
        return words, None
    left, _, group = words[-1].rpartition("-")
    if not left or not lexicon.technical(left.lower()) or not _GROUP.fullmatch(group):
        return words, None
    return [*words[:-1], left], group


def _find_anchor(words: list[str]) -> _Anchor | None:
    """Find the first word behind the title that ends it: episode, season, date, or year; a year may stand right before an episode."""
    for index, word in enumerate(words):
        if index == 0:
            continue
        numbered = _numbered(word)
        if numbered is not None:
            seasons, episodes = numbered
            return _with_year_before(words, _Anchor(index, index + 1, seasons, episodes))
        if _YEAR.fullmatch(word):
            following = words[index + 1] if index + 1 < len(words) else ""
            if _numbered(following) is not None:
                continue
            air_date = _date_at(words, index)
            if air_date is not None:
                return _Anchor(index, index + 3, air_date=air_date)
            if index > 2 and all(map(_MONTH_OR_DAY.fullmatch, words[index - 2 : index])):
                return None  # day, month, year, or month, day, year
            if index > 2 and not _MONTHS.isdisjoint(word.lower() for word in words[index - 2 : index]):
                return None  # "6th May 2020", "May 6 2020"
            return _Anchor(index, index + 1, year=int(word))
    return None


def _numbered(word: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Read S01E02, S01E01E02, S01E01-E03, S01E01-03, 1x02, S01 and S01-S03 into seasons and episodes."""
    match = _EPISODE.fullmatch(word)
    if match is not None:
        return _episodes(match)
    match = _CROSS_EPISODE.fullmatch(word)
    if match is not None:
        first, last = int(match[2]), int(match[3] or match[2])
        return ((int(match[1]),), tuple(range(first, last + 1))) if first <= last < first + _MOST_EPISODES else None
    match = _SEASON.fullmatch(word)
    if match is not None:
        first, last = int(match[1]), int(match[2] or match[1])
        return (tuple(range(first, last + 1)), ()) if first <= last else None
    return None


def _episodes(match: re.Match[str]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    numbers = [int(match[2]), *(int(number) for number in re.findall(r"\d+", match[3]))]
    if match[4] is not None:
        numbers.append(int(match[4]))
    is_range = "-" in match[3] or match[4] is not None
    if is_range and len(numbers) == 2:
        numbers = list(range(numbers[0], numbers[1] + 1))
    if not numbers or numbers != sorted(set(numbers)) or len(numbers) > _MOST_EPISODES:
        return None
    return (int(match[1]),), tuple(numbers)


def _with_year_before(words: list[str], anchor: _Anchor) -> _Anchor:
    before = anchor.start - 1
    if before >= 1 and _YEAR.fullmatch(words[before]):
        return _Anchor(before, anchor.end, anchor.seasons, anchor.episodes, year=int(words[before]))
    return anchor


def _date_at(words: list[str], index: int) -> date | None:
    """Read year, month, day; never day, month, year, which nobody can tell from month, day, year."""
    parts = words[index : index + 3]
    if len(parts) < 3 or not all(map(_MONTH_OR_DAY.fullmatch, parts[1:])):
        return None
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        return None


def _is_plain_title(words: list[str]) -> bool:
    """Whether these words are a title beyond doubt."""
    for index, word in enumerate(words):
        lower = word.lower()
        if index == 0 and lower in _TITLES_BEGIN_SO and len(words) > 1:
            continue
        if lower == "of" and index and words[index - 1].isdecimal():  # "5 of 9"
            return False
        if not _TITLE_WORD.fullmatch(word) or _LONG_NUMBER.search(word) or lower in _UNSURE_IN_TITLE or lexicon.technical(lower):
            return False
        if lower.startswith("-") or lower.endswith("-") or _numbered(word.rstrip(",&+")) is not None:
            return False
    return bool(words)


def _read_behind(words: list[str], anchor: _Anchor) -> _Reading | None:
    """Read the words behind the anchor; None when one is unknown, except in an episode's title."""
    reading = _Reading()
    index = 0
    if anchor.is_episode:
        index = _end_of_episode_title(words)
        if index < 0:
            return None
    for word in words[index:]:
        if word != "-" and not reading.take(word.lower()):
            return None
    return reading


def _end_of_episode_title(words: list[str]) -> int:
    """Return the index of the first technical word behind an episode's title, -1 when what stands there is no episode title."""
    end = next((index for index, word in enumerate(words) if _is_clearly_technical(word.lower())), len(words))
    if any(_numbered(word) is not None or "/" in word or _LONG_NUMBER.fullmatch(word) for word in words[:end]):
        return -1
    if words and _EPISODE_ALONE.fullmatch(words[0]):  # "S01.E01.E02"
        return -1
    if end == len(words) and words and all(lexicon.technical(word.lower()) for word in words):
        return 0  # "S01E02.WEB": no title at all
    if end == len(words):
        # Without a technical word behind it a hyphen may still part off a group: "Title.S01E02.The.Feud-GRP".
        return -1 if words and "-" in words[-1].strip("-") else end
    while end and lexicon.technical(words[end - 1].lower()):  # "PROPER.WEB.x264": the ambiguous words right before belong to it
        end -= 1
    # A language behind an episode's title may be part of it: "The.German.1080p".
    return -1 if end and words[end].lower() in lexicon.LANGUAGES else end


def _is_clearly_technical(word: str) -> bool:
    return lexicon.technical(word) and not (word in lexicon.SHORT_SOURCES or word in lexicon.EDITIONS or word in lexicon.LANGUAGES)
