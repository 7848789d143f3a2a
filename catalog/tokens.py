"""Words: what names, file names and queries are cut into, so that the same text always meets itself.

One function for both sides: `words` gives the words of a text in order. The index adds `variants`, other forms under which some of
them may be looked for. Letters lose case and accents ("Amélie" is "amelie"), apostrophes join ("Judge's" is "judges", as Sonarr and
Radarr send it), dotted letters join ("S.H.I.E.L.D." is "shield"), `&` is "and", and scripts that write no spaces become pairs of
characters. Everything else that is neither letter nor digit separates.
"""

import re
import unicodedata
from collections.abc import Sequence

MAX_WORDS = 64
MAX_WORD_LENGTH = 32
"""Characters; longer words are cut, in the index as in the query."""
MAX_TEXT_LENGTH = 2000
"""Characters of a text that are read; names of 100 kB exist."""

_OPTIONAL_WORDS = frozenset({"and"})
_OPTIONAL_FIRST_WORD = "the"
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_WORD = re.compile(r"[^\x00-\x2f;`]+")  # after folding, only letters, marks, digits and these separators are left
_APOSTROPHE = re.compile(r"(?<=[^\W_])['`](?=[^\W_])")
_DOTTED = re.compile(r"(?<![^\W_])(?:[a-z]\.)+[a-z](?![^\W_])")
_JOINED_PARTS = re.compile(r"(?<![^\W_])[^\W_]+(?:['`][^\W_]+)+")  # from a word's beginning only, or it is quadratic
_UNSPACED = re.compile(
    "(["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]+)"
)
_APOSTROPHES = frozenset("\u2018\u2019\u02bc\uff07\u02b9\u2032")
_UNDECOMPOSED = {
    "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d",
}  # fmt: skip
"""Letters with a stroke and ligatures, which Unicode does not decompose."""
_DROPPED_MARKS = (
    (0x0300, 0x036F),  # accents of Latin, Greek and Cyrillic; marks elsewhere (dakuten, vowel signs) are letters in their own right
    (0x0591, 0x05C7),  # Hebrew points
    (0x0610, 0x061A),
    (0x064B, 0x065F),  # Arabic vowel signs
    (0x200B, 0x200F),  # zero-width and direction marks
    (0x202A, 0x202E),
    (0x2060, 0x2069),
    (0xFE00, 0xFE0F),  # variation selectors
)


def words(text: str, limit: int = MAX_WORDS, length: int = MAX_TEXT_LENGTH) -> list[str]:
    """The words of `text` in order, with repetitions; at most `limit`, of its first `length` characters."""
    folded = _fold(text[:length])
    if "'" in folded or "`" in folded:
        folded = _APOSTROPHE.sub("", folded)
    if "." in folded:
        folded = _DOTTED.sub(_without_dots, folded)
    return _cut(folded, limit)


def variants(text: str, limit: int = MAX_WORDS) -> list[str]:
    """Other forms of the words of `text`: the parts of "judge's" and "s.h.i.e.l.d", the last character of an unspaced run."""
    folded = _fold(text[:MAX_TEXT_LENGTH])
    found: list[str] = []
    if "'" in folded or "`" in folded:
        for joined in _JOINED_PARTS.findall(folded):
            found += [part for part in re.split("['`]", joined) if len(part) > 1]
    if "." in folded:
        for dotted in _DOTTED.findall(folded):
            found += dotted.split(".")
    if not folded.isascii():
        found += [run[-1] for run in _UNSPACED.findall(folded) if len(run) > 1]
    return found[:limit]


def essential(sequence: Sequence[str]) -> list[str]:
    """Without the words that titles carry or lack at will: a leading "the", and any "and" (or `&`). Never empty if it was not."""
    kept = [word for word in sequence if word not in _OPTIONAL_WORDS]
    if len(kept) > 1 and kept[0] == _OPTIONAL_FIRST_WORD:
        del kept[0]
    return kept or list(sequence)


def is_unspaced(word: str) -> bool:
    """Whether `word` is of a script that writes no spaces."""
    return _UNSPACED.match(word) is not None


def _fold(text: str) -> str:
    if text.isascii():
        folded = text.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", text)[: 4 * len(text) + 32].casefold()
        folded = unicodedata.normalize("NFC", decomposed.translate(_FOLDED))
    if "&" in folded:
        folded = folded.replace("&amp;", "&").replace("&", " and ")
    return folded


def _cut(folded: str, limit: int) -> list[str]:
    if folded.isascii():
        return [word[:MAX_WORD_LENGTH] for word in _ASCII_WORD.findall(folded)[:limit]]
    found: list[str] = []
    for word in _WORD.findall(folded):
        if word.isascii():
            found.append(word[:MAX_WORD_LENGTH])
        else:
            found += _pieces(word)
        if len(found) >= limit:
            break
    return found[:limit]


def _pieces(word: str) -> list[str]:
    """`word` with its unspaced runs as overlapping pairs of characters."""
    pieces: list[str] = []
    for number, part in enumerate(_UNSPACED.split(word)):
        if number % 2 and len(part) > 1:
            pieces += [part[start : start + 2] for start in range(min(len(part), MAX_WORDS) - 1)]
        elif part:
            pieces.append(part[:MAX_WORD_LENGTH])
    return pieces


def _without_dots(match: re.Match[str]) -> str:
    return match[0].replace(".", "")


class _FoldTable(dict[int, str]):
    """For str.translate: what becomes of each character beyond its decomposition; learns them as they come."""

    _MOST = 20_000  # characters remembered: those of a hostile name are not worth the memory

    def __missing__(self, code_point: int) -> str:
        folded = _folded_character(code_point)
        if len(self) < self._MOST:
            self[code_point] = folded
        return folded


def _folded_character(code_point: int) -> str:
    character = chr(code_point)
    if any(first <= code_point <= last for first, last in _DROPPED_MARKS):
        return ""
    if character in _APOSTROPHES:
        return "'"
    if character in _UNDECOMPOSED:
        return _UNDECOMPOSED[character]
    if character in "'`.&;" or unicodedata.category(character)[0] in "LMN":
        return character
    return " "


_FOLDED = _FoldTable()
