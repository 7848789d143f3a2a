"""Works: what a torrent holds, as other databases number it, and how the numbers that sources give become works.

A source that knows an IMDb, TMDb or TVDB number tells us three things: that this torrent holds that work, that the numbers it gives
together are of one work, and what the work is called, if the torrent's name says that for sure. `Shelf` puts such claims together;
storage/works.py keeps the result.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum

from catalog.model import ClassifiedTorrent, Kind, ParsedTitle
from catalog.tokens import essential, words
from protocol.identifiers import ExternalId

SURE = 0.75
"""Confidence from which a parsed title is taken for the work's: something behind the title (a year, an episode) marks its end."""
MAX_TITLES = 40
"""Names of one work."""


class Medium(IntEnum):
    """What a number counts: TMDb and TVDB number movies and series apart. The values are stored and must not change."""

    MOVIE = 0
    SERIES = 1

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of the torrents that may hold such a work."""
        return _KINDS[self]


_KINDS = {Medium.MOVIE: frozenset({Kind.MOVIE}), Medium.SERIES: frozenset({Kind.TV, Kind.ANIME})}


@dataclass(frozen=True, slots=True)
class Work:
    """A movie or a series."""

    id: int
    medium: Medium
    title: str = ""
    year: int | None = None
    titles: frozenset[str] = frozenset()
    """Everything it is called, each as the folded words of `folded`."""
    numbers: dict[str, int] = field(default_factory=dict, hash=False)
    """By authority: "imdb", "tmdb", "tvdb"."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a source says about the work of one torrent."""

    medium: Medium
    ids: tuple[ExternalId, ...]
    title: str = ""
    """Empty: the name does not tell for sure."""
    year: int | None = None


def folded(title: str) -> str:
    """The words that make two spellings of a title equal."""
    return " ".join(essential(words(title)))


def claim_of(classified: ClassifiedTorrent) -> Claim | None:
    """What the ids that came with a torrent say; None where there are none, or nothing tells what they number."""
    ids = classified.torrent.ids
    if not ids:
        return None
    parsed = classified.parsed
    medium = _medium(classified.kind, parsed, ids)
    if medium is None:
        return None
    title = parsed.title if parsed.confidence >= SURE and folded(parsed.title) else ""
    if medium is Medium.MOVIE:
        # Without its year a movie's title says too little: there are remakes.
        return Claim(medium, ids, title if parsed.year else "", parsed.year)
    # The year in a series' name may be that of the season.
    return Claim(medium, ids, title)


def _medium(kind: Kind, parsed: ParsedTitle, ids: tuple[ExternalId, ...]) -> Medium | None:
    if kind is Kind.MOVIE:
        return Medium.MOVIE
    has_tvdb = any(given.authority == "tvdb" for given in ids)
    is_numbered = bool(parsed.seasons or parsed.episodes or parsed.absolute_episodes or parsed.date)
    # Anime without a number may be a film, and other kinds anything.
    return Medium.SERIES if kind is Kind.TV or (kind is Kind.ANIME and is_numbered) or (kind is not Kind.ADULT and has_tvdb) else None


class Shelf:
    """Works, and what claims make of them: finds or adds the work of each claim, joins what turns out to be one, refuses what contradicts.

    A work has at most one number of an authority, and a number one work of its medium. What a claim may do follows from that:

    - all its numbers are new: a new work;
    - those that are known are all of one work, and none differs from that work's: it is that work, and the new numbers are its too;
    - they are of several works: these are one if their numbers, and the claim's, do not differ and they share a name (movies: and the
      year, give or take one); else somebody is wrong, nobody knows who, and the claim counts for nothing: the torrent has no work,
      rather than the wrong one.
    """

    def __init__(self, known: Iterable[Work]) -> None:
        self.works = {work.id: work for work in known}
        self.joined: dict[int, int] = {}
        """Works that are gone, and the one each has become part of."""
        self._by_number = {
            (authority, number, work.medium): work.id for work in self.works.values() for authority, number in work.numbers.items()
        }
        self._new_ids: Iterator[int] = itertools.count(-1, -1)

    def place(self, claim: Claim) -> int | None:
        """The id of the claim's work, negative if it is new; None if the claim contradicts what is known or itself."""
        numbers = {given.authority: given.number for given in claim.ids}
        if any(numbers[given.authority] != given.number for given in claim.ids):
            return None
        keys = [(authority, number, claim.medium) for authority, number in numbers.items()]
        found = [self.works[number] for number in sorted({self._by_number[key] for key in keys if key in self._by_number}, reverse=True)]
        work = self._joined(found, claim) if found else Work(next(self._new_ids), claim.medium)
        if work is None or any(work.numbers.get(authority, number) != number for authority, number in numbers.items()):
            return None
        for gone in found:
            if gone.id != work.id:
                del self.works[gone.id]
                self.joined[gone.id] = work.id
        work = _with_name(replace(work, numbers=work.numbers | numbers), claim)
        self.works[work.id] = work
        self._by_number |= {(authority, number, work.medium): work.id for authority, number in work.numbers.items()}
        return work.id

    def current(self, number: int) -> int:
        """The work that `number` has become part of, or is."""
        while number in self.joined:
            number = self.joined[number]
        return number

    def _joined(self, found: list[Work], claim: Claim) -> Work | None:
        """The one work that all of these are, under the id of the oldest."""
        # Stored works (positive ids, the largest first) before new ones: what is stored keeps its id.
        whole = min((work for work in found if work.id > 0), key=lambda work: work.id, default=found[0])
        for work in found:
            if work.id == whole.id:
                continue
            if not _are_one(whole, work, claim):
                return None
            whole = replace(
                whole,
                title=whole.title or work.title,
                year=whole.year if whole.year is not None else work.year,
                titles=whole.titles | work.titles,
                numbers=whole.numbers | work.numbers,
            )
        return whole


def _are_one(one: Work, other: Work, claim: Claim) -> bool:
    if one.numbers.keys() & other.numbers.keys():
        return False
    names = {folded(claim.title)} if claim.title else set()
    share_a_name = bool(one.titles & other.titles) or (names <= one.titles and names <= other.titles and bool(names))
    return share_a_name and are_near(one.year, other.year)


def are_near(one: int | None, other: int | None) -> bool:
    """Whether two years may be of one movie: festivals, countries and databases differ by one."""
    return one is None or other is None or abs(one - other) <= 1


def _with_name(work: Work, claim: Claim) -> Work:
    if not claim.title or not are_near(work.year, claim.year) or len(work.titles) >= MAX_TITLES:
        return work
    return replace(
        work,
        title=work.title or claim.title,
        year=work.year if work.year is not None else claim.year,
        titles=work.titles | {folded(claim.title)},
    )
