"""The interface of every search engine: a frozen query in, one exact page out. PostgreSQL's is in storage/search/postgres.py."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Protocol

from catalog.model import Kind, TorrentRow
from catalog.works import Work

COUNT_CAP = 1000
"""Totals are counted exactly up to here; beyond, a page says "more than"."""
MAX_WINDOW = 10_000
"""Rows that can be paged to: offset + limit. Further pages are empty."""


class Order(Enum):
    """How results are ordered; each order is total, so that pages are disjoint."""

    NEWEST = "newest"
    """first_seen, newest first; what one batch brought, by info hash."""
    RELEVANCE = "relevance"
    """How well the words fit, then as SEEDERS; without words as NEWEST."""
    SEEDERS = "seeders"
    """Most seeders first (unknown counts as 0), then as NEWEST."""
    SIZE = "size"
    """Largest first, then as NEWEST."""
    OLDEST = "oldest"
    SMALLEST = "smallest"
    # The rest is for few matches (SORT_CAP of the engine): more are shown as NEWEST.
    FEWEST_SEEDERS = "fewest-seeders"
    MOST_FILES = "most-files"
    FEWEST_FILES = "fewest-files"
    NAME = "name"
    NAME_BACKWARDS = "name-backwards"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is looked for; None and empty: any. All that is given must hold."""

    text: str = ""
    """Words that must all occur in the name, the parsed title or (weaker) the file names; `"a phrase"`, `-without`."""
    is_prefix: bool = False
    """The last word may be unfinished (search as you type); needs three characters to count as a prefix."""
    rank_text: str = ""
    """Words that need not occur: where `text` is empty, they decide how well a match fits."""
    works: tuple[Work, ...] = ()
    """Any of which it holds: known to, or by its title, where no other work is known (movies: and by the year, give or take one)."""
    kinds: frozenset[Kind] = frozenset()
    categories: tuple[int, ...] = ()
    """Torznab ids, any of which may match; a parent stands for its subcategories."""
    season: int | None = None
    """Packs and episodes of this season; 0: specials. With `episode`: that episode, no packs."""
    episode: int | None = None
    air_date: date | None = None
    """A daily show's date."""
    air_year: int | None = None
    """Dated episodes of that year, or a season of that number."""
    absolute_episode: int | None = None
    """An anime's absolute number, or an episode of that number in any season."""
    year: int | None = None
    year_from: int | None = None
    """With `year_to`, or alone: a span of years, both ends included."""
    year_to: int | None = None
    min_size: int | None = None
    max_size: int | None = None
    min_seeders: int | None = None
    """An unknown count is none."""
    min_files: int | None = None
    resolutions: tuple[str, ...] = ()
    """Any of these, as ParsedTitle writes them; as with the next three."""
    video_codecs: tuple[str, ...] = ()
    release_sources: tuple[str, ...] = ()
    """"bluray", "web" ..."""
    languages: tuple[str, ...] = ()
    found_by: str | None = None
    """The name of a source: "dht", a site's, an ingest client's."""
    seen_after: datetime | None = None
    seen_before: datetime | None = None
    order: Order = Order.NEWEST
    limit: int = 50
    offset: int = 0
    after: "Position | None" = None
    """The end of the page before; then `offset` must be 0. Unlike offsets, positions reach any depth, and are exact whatever is added."""


@dataclass(frozen=True, slots=True)
class Position:
    """A row as its order places it: the next page begins after it."""

    order: Order
    """By what the page was ordered in the end: RELEVANCE is SEEDERS where too many rows match."""
    id: int
    first_seen: datetime
    size: int
    seeders: int
    """0 when unknown."""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of the results."""

    rows: tuple[TorrentRow, ...]
    total: int
    """Matches in all; a lower bound when `total_is_exact` is False."""
    total_is_exact: bool
    next: Position | None = None
    """Where the next page begins; None: this is the last one."""


@dataclass(frozen=True, slots=True)
class FilterStep:
    """One filter of a search, and what it and all before it leave."""

    name: str
    """As in storage/search/funnel.py: "categories", "words", "season" ...; the first step is "index", every torrent."""
    value: str
    """What it asks for, in words."""
    rows_left: int
    """A lower bound when `is_exact` is False."""
    is_exact: bool


class SearchEngine(Protocol):
    """What every engine offers."""

    async def search(self, query: SearchQuery) -> SearchPage:
        """One page. Raises DatabaseUnavailable when it cannot be answered now."""
        ...

    async def explain(self, query: SearchQuery) -> tuple[FilterStep, ...]:
        """What each filter leaves, in the order of storage/search/funnel.py. Raises DatabaseUnavailable when it cannot be counted now."""
        ...
