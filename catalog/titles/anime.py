"""The fast rules for names as fansub groups write them: "[Group] Title - 05 (1080p) [CRC32]"."""

import re
from collections.abc import Iterable
from typing import Final

from catalog.model import ParsedTitle
from catalog.titles import lexicon
from catalog.titles.words import Unwrapped, as_title, joined

SURE: Final = 0.95

_GROUP: Final = re.compile(r"\[([^\[\]]{2,30})\][ _.]{0,2}")
_LAST_BRACKET: Final = re.compile(r"[ _.]{0,2}[\[(]([^\[\]()]{1,60})[\])][ _.]{0,2}$")
_NUMBER: Final = re.compile(r"(?:E|EP|Ep\.? ?|#)?(\d{1,4})(?:v\d)?")
_RANGE: Final = re.compile(r"(\d{1,4}) ?[-~] ?(\d{1,4})")
_SEASON: Final = re.compile(r"[ _](?:S|Season[ _])(\d{1,2})$")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_BRACKETS: Final = re.compile(r"\[([^\[\]]{1,80})\]")
_ALL_BRACKETS: Final = re.compile(r"(?:\[[^\[\]]{1,80}\] ?){3,12}")
_MOST_BRACKETS: Final = 8
_MOST_EPISODES: Final = 400
_ASIDE: Final = lexicon.word_set("batch end final fin v2 v3 subbed weekly multiple subtitle subtitles eng sub raw gb big5 chs cht")


def by_anime_rules(name: Unwrapped) -> ParsedTitle | None:
    """Return what a fansub name says, or None when it is not sure that it is one."""
    group = _GROUP.match(name.text)
    if group is None or lexicon.technical(group[1].lower()):
        return None
    if _ALL_BRACKETS.fullmatch(name.text) is not None:
        return _all_in_brackets(name.text)
    rest, brackets = _without_trailing_brackets(name.text[group.end() :])
    title, _, number = rest.replace("_", " ").rpartition(" - ")
    numbers = _read_numbers(number.strip())
    facts = _read_brackets(brackets)
    if not title or numbers is None or facts is None or any(bracket in title for bracket in "[](){}"):
        return None
    title, seasons = _split_season(title)
    if not title or _YEAR.search(title, 1):  # a year at the very start is of the title: "2001 Nights"
        return None
    return ParsedTitle(
        title=as_title(title),
        seasons=seasons,
        episodes=numbers if seasons else (),
        absolute_episodes=() if seasons else numbers,
        group=group[1],
        confidence=SURE,
        stage="rules",
        **facts,  # type: ignore[arg-type]  # the keys are resolution, video_codec and source
    )


def _all_in_brackets(text: str) -> ParsedTitle | None:
    """Read "[group][title][03][1080P]", a habit of Chinese groups; brackets behind the number may hold anything."""
    group, title, number, *rest = _BRACKETS.findall(text)
    numbers = _read_numbers(number.strip("第话話集 "))
    if numbers is None or lexicon.technical(title.lower()) or _read_numbers(title) is not None:
        return None
    return ParsedTitle(
        title=as_title(title),
        absolute_episodes=numbers,
        group=group,
        confidence=SURE,
        stage="rules",
        **_facts_of(word for bracket in rest for word in _split(bracket)),  # type: ignore[arg-type]
    )


def _without_trailing_brackets(text: str) -> tuple[str, list[str]]:
    brackets: list[str] = []
    while len(brackets) < _MOST_BRACKETS:
        match = _LAST_BRACKET.search(text[-70:])
        if match is None:
            break
        brackets.append(match[1])
        text = text[: len(text) - (len(match.string) - match.start())]
    return text, brackets


def _read_numbers(text: str) -> tuple[int, ...] | None:
    """Read "05", "05v2", "1024" or "01-12" (of absolute numbers)."""
    single = _NUMBER.fullmatch(text.removesuffix(" END"))
    if single is not None:
        return None if _YEAR.fullmatch(single[1]) else (int(single[1]),)
    several = _RANGE.fullmatch(text)
    if several is None:
        return None
    first, last = int(several[1]), int(several[2])
    return tuple(range(first, last + 1)) if first < last <= first + _MOST_EPISODES else None


def _read_brackets(brackets: list[str]) -> dict[str, str] | None:
    """Read resolution, codec and source from brackets of technical words; None when one holds anything else."""
    words = [word for bracket in reversed(brackets) for word in _split(bracket) if word not in _ASIDE]
    return _facts_of(words) if all(map(lexicon.technical, words)) else None


def _split(bracket: str) -> list[str]:
    return [word for word in re.split(r"[ ._,+-]+", joined(bracket).lower()) if word]


def _facts_of(words: Iterable[str]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for word in words:
        for name, value in lexicon.facts_of(word):
            facts.setdefault(name, value)
    return facts


def _split_season(title: str) -> tuple[str, tuple[int, ...]]:
    match = _SEASON.search(title)
    return (title[: match.start()], (int(match[1]),)) if match is not None else (title, ())
