"""A search taken apart: its filters one after the other, so that somebody can see which of them leaves nothing.

Each stage is a query of its own that asks for everything up to its filter. So whatever an engine makes of a filter, the funnel shows that,
and no engine needs a second way to count.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime

from catalog.works import Work
from protocol.torznab.categories import known_categories
from storage.search.engine import SearchQuery


@dataclass(frozen=True, slots=True)
class Stage:
    """One filter, and the query that asks for it and all before it."""

    name: str
    value: str
    """What it asks for, in words."""
    query: SearchQuery


@dataclass(frozen=True, slots=True)
class _Filter:
    name: str
    fields: tuple[str, ...]
    """Of SearchQuery, which it consists of."""
    words: Callable[[SearchQuery], str]


def stages(query: SearchQuery) -> Iterator[Stage]:
    """All torrents, then one stage for each filter that `query` has, in the order of FILTERS."""
    asked: dict[str, object] = {}
    yield Stage("index", "every torrent", SearchQuery())
    for part in FILTERS:
        given = _given(part, query)
        if given:
            asked |= given
            yield Stage(part.name, part.words(query), SearchQuery(**asked))  # type: ignore[arg-type]


def only(query: SearchQuery, name: str) -> SearchQuery:
    """`query` with this filter alone."""
    return SearchQuery(**{field: value for part in FILTERS if part.name == name for field, value in _given(part, query).items()})  # type: ignore[arg-type]


def without(query: SearchQuery, name: str) -> SearchQuery:
    """`query` without this filter."""
    return SearchQuery(**{field: value for part in FILTERS if part.name != name for field, value in _given(part, query).items()})  # type: ignore[arg-type]


def _given(part: _Filter, query: SearchQuery) -> dict[str, object]:
    return {field: getattr(query, field) for field in part.fields if getattr(query, field) != _DEFAULTS[field]}


def _categories(query: SearchQuery) -> str:
    return " or ".join(f"{int(category)} {category.full_name}" for category in known_categories(query.categories)) or "none that exists"


def _kinds(query: SearchQuery) -> str:
    others = frozenset(type(next(iter(query.kinds)))) - query.kinds
    if others and len(others) < len(query.kinds):
        return "all but " + ", ".join(sorted(others))
    return " or ".join(sorted(query.kinds))


def _text(query: SearchQuery) -> str:
    return f"“{query.text}”" + (" and what begins like it" if query.is_prefix else "")


def _works(query: SearchQuery) -> str:
    return " or ".join(_work(work) for work in query.works)


def _work(work: Work) -> str:
    numbers = ", ".join(f"{authority} {number}" for authority, number in sorted(work.numbers.items()))
    title = (work.title or "a work without a name") + (f" ({work.year})" if work.year is not None else "")
    return f"{title}, {numbers}" if numbers else title


def _season(query: SearchQuery) -> str:
    return "0 (specials)" if query.season == 0 else f"{query.season}"


def _dates(query: SearchQuery) -> str:
    return query.air_date.isoformat() if query.air_date is not None else f"in {query.air_year}, or season {query.air_year}"


def _years(query: SearchQuery) -> str:
    if query.year is not None:
        return f"{query.year}"
    return _span(query.year_from, query.year_to)


def _times(query: SearchQuery) -> str:
    words = [f"{word} {_moment(moment)}" for word, moment in (("after", query.seen_after), ("before", query.seen_before)) if moment]
    return "first seen " + " and ".join(words)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _span(least: int | None, most: int | None, unit: str = "") -> str:
    words = [
        f"{word} {number:,}{unit}" if unit else f"{word} {number}" for word, number in (("from", least), ("to", most)) if number is not None
    ]
    return " ".join(words)


FILTERS = (
    _Filter("categories", ("categories",), _categories),
    _Filter("kinds", ("kinds",), _kinds),
    _Filter("words", ("text", "is_prefix"), _text),
    _Filter("ids", ("works",), _works),
    _Filter("season", ("season",), _season),
    _Filter("episode", ("episode",), lambda query: f"{query.episode}"),
    _Filter("absolute episode", ("absolute_episode",), lambda query: f"{query.absolute_episode}"),
    _Filter("date", ("air_date", "air_year"), _dates),
    _Filter("year", ("year", "year_from", "year_to"), _years),
    _Filter("size", ("min_size", "max_size"), lambda query: _span(query.min_size, query.max_size, " bytes")),
    _Filter("age", ("seen_after", "seen_before"), _times),
    _Filter("seeders", ("min_seeders",), lambda query: f"at least {query.min_seeders}"),
    _Filter("files", ("min_files",), lambda query: f"at least {query.min_files}"),
    _Filter("resolution", ("resolutions",), lambda query: " or ".join(query.resolutions)),
    _Filter("codec", ("video_codecs",), lambda query: " or ".join(query.video_codecs)),
    _Filter("release source", ("release_sources",), lambda query: " or ".join(query.release_sources)),
    _Filter("language", ("languages",), lambda query: " or ".join(query.languages)),
    _Filter("found by", ("found_by",), lambda query: f"{query.found_by}"),
)
"""Every filter there is, in the order in which people narrow a search."""

_DEFAULTS = {field.name: field.default for field in fields(SearchQuery)}
