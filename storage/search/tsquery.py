"""From a SearchQuery to PostgreSQL's tsquery, over the lexemes of storage/search/document.py."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catalog.model import Kind
from catalog.tokens import essential, words
from protocol.torznab.categories import parent_id
from storage.search.document import KIND_NUMBERS, operand
from storage.search.engine import SearchQuery
from storage.search.works import superset

MAX_QUERY_WORDS = 16
EARLIEST_YEAR, LATEST_YEAR = 1880, 2100
"""Of anything that a name says: the first films are of 1888."""
_NO_YEAR = "'#y'"
"""No torrent has it."""
MIN_PREFIX_LENGTH = 3
"""Shorter prefixes stand for too many words: 77 ms instead of 7 for one with two characters (docs/schema.md)."""

# A phrase in quotes or a run of anything; `-` in front excludes it, when it stands at a word's beginning.
_PIECE = re.compile(r'(?P<minus>(?<!\S)-(?=[\w"]))?(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')


@dataclass(frozen=True, slots=True)
class TextSearch:
    """What is asked of the index."""

    everything: str | None
    """All words and facts, as tsquery text; None: no condition."""
    narrow: str | None = None
    """The same without `wide`, where both are asked for: words, numbers and years."""
    wide: str | None = None
    """Categories and kinds: each is of many torrents."""
    words: tuple[str, ...] = ()
    """Each word that must occur, or only ranks, as tsquery operand without weight: "'sintel'" or "'sint':*"."""
    finds_nothing: bool = False
    """Something was written, and it has no words."""


def text_search(query: SearchQuery) -> TextSearch:
    """Translate the query's text and facts."""
    plain: list[str] = []
    conditions: list[str] = []
    required: list[str] = []
    for piece in _PIECE.finditer(query.text):
        text = piece["plain"] if piece["phrase"] is None else piece["phrase"]
        found = words(text, MAX_QUERY_WORDS)
        if not found:
            continue
        if piece["minus"]:
            conditions.append("!" + _phrase(found))
        elif piece["phrase"] is not None:
            conditions.append(_phrase(found))
            required += map(operand, found)
        else:
            plain.append(text)
    # Words are cut from the whole text, as they are from a name: "S.H.I.E.L.D", "Mike Judge ' s".
    loose = essential(words(" ".join(plain), MAX_QUERY_WORDS))
    operands = [operand(word) for word in loose]
    if loose and query.is_prefix and len(loose[-1]) >= MIN_PREFIX_LENGTH and not query.text[-1:].isspace():
        operands[-1] = f"'{loose[-1]}':*"
    required += operands
    conditions = [*dict.fromkeys(operands), *conditions]
    if query.text.strip() and not conditions:
        return TextSearch(None, finds_nothing=True)
    conditions += _numbers(query)
    if query.works:
        conditions.append(superset(query.works))
    wide = [*_classes(query)]
    if not required:
        required = [operand(word) for word in essential(words(query.rank_text, MAX_QUERY_WORDS))]
    everything = " & ".join([*conditions, *wide]) or None
    if not conditions or not wide:
        return TextSearch(everything, words=tuple(dict.fromkeys(required)))
    return TextSearch(everything, " & ".join(conditions), " & ".join(wide), tuple(dict.fromkeys(required)))


def _phrase(found: list[str]) -> str:
    return "(" + " <-> ".join(map(operand, found)) + ")"


def _classes(query: SearchQuery) -> Iterator[str]:
    if query.categories:
        # Whoever is in a subcategory is in its parent: clients ask for a parent and all below it, and each costs the index a look.
        yield _any(f"#{category:d}" for category in query.categories if category % 1000 == 0 or parent_id(category) not in query.categories)
    if query.kinds:
        yield _kinds(query.kinds)


def _numbers(query: SearchQuery) -> Iterator[str]:
    yield from _numbering(query)
    if query.year is not None:
        yield f"'#y{query.year:d}'"
    if query.year_from is not None or query.year_to is not None:
        yield _years(query.year_from, query.year_to)


def _numbering(query: SearchQuery) -> Iterator[str]:
    if query.season is not None and query.episode is not None:
        yield f"'#s{query.season:d}e{query.episode:d}'"
    elif query.season is not None:
        yield f"'#s{query.season:d}'"
    elif query.episode is not None:
        yield f"'#e{query.episode:d}'"
    if query.absolute_episode is not None:
        yield _any((f"#a{query.absolute_episode:d}", f"#e{query.absolute_episode:d}"))
    if query.air_date is not None:
        yield f"'#d{query.air_date:%Y%m%d}'"
    if query.air_year is not None:
        yield f"('#s{query.air_year:d}' | '#d{query.air_year:d}':*)"


def _kinds(kinds: frozenset[Kind]) -> str:
    """Most kinds as "none of the others": one lexeme to check for each match instead of ten."""
    others = frozenset(Kind) - kinds
    if others and len(others) < len(kinds):
        return "!" + _any(f"#k{KIND_NUMBERS[kind]}" for kind in others)
    return _any(f"#k{KIND_NUMBERS[kind]}" for kind in kinds)


def _years(first: int | None, last: int | None) -> str:
    """Each year by itself: most spans are short, and the whole of it is a few hundred."""
    first = max(EARLIEST_YEAR, first if first is not None else EARLIEST_YEAR)
    last = min(LATEST_YEAR, last if last is not None else LATEST_YEAR)
    return _any(f"#y{year}" for year in range(first, last + 1)) if first <= last else _NO_YEAR


def _any(lexemes: Iterable[str]) -> str:
    return "(" + " | ".join(f"'{lexeme}'" for lexeme in sorted(lexemes)) + ")"
