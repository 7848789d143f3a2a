"""A Torznab request as a sentence: how it was understood. A key in the wrong place is left out."""

from collections.abc import Iterator

from protocol.torznab.categories import known_categories
from protocol.torznab.query import Function, Sort, TorznabQuery
from web.journal.journal import without_keys

_SEARCHES = {
    Function.CAPS: "The capabilities",
    Function.SEARCH: "Everything",
    Function.TVSEARCH: "TV",
    Function.MOVIE: "Movies",
    Function.MUSIC: "Music",
    Function.BOOK: "Books",
}
_ORDERS = {
    Sort.POSTED: "newest first",
    Sort.POSTED_ASCENDING: "oldest first",
    Sort.SIZE: "largest first",
    Sort.SIZE_ASCENDING: "smallest first",
    Sort.STATS: "most seeders first",
    Sort.STATS_ASCENDING: "fewest seeders first",
    Sort.FILES: "most files first",
    Sort.FILES_ASCENDING: "fewest files first",
    Sort.NAME: "by name, backwards",
    Sort.NAME_ASCENDING: "by name",
}


def sentence(query: TorznabQuery) -> str:
    """What `query` asks for."""
    if query.function is Function.CAPS:
        return "The capabilities"
    parts = [_SEARCHES[query.function], *_parts(query)]
    if query.sort is not None:
        parts.append(_ORDERS[query.sort])
    page = f"{query.limit} items" + (f" from number {query.offset + 1:,}" if query.offset else "")
    return f"{', '.join(parts)}; {page}"


def _parts(query: TorznabQuery) -> Iterator[str]:
    if query.text:
        yield f"words “{without_keys(query.text)}”"
    if query.ids:
        yield " or ".join(f"{found.authority} {found.number}" for found in query.ids)
    if query.has_unsupported_id:
        yield "an id of a kind this index does not hold"
    yield from _numbering(query)
    if query.year is not None:
        yield f"year {query.year}"
    if query.categories:
        yield "categories " + ", ".join(f"{int(category)} {category.full_name}" for category in known_categories(query.categories))
    yield from _limits(query)


def _numbering(query: TorznabQuery) -> Iterator[str]:
    if query.season is not None:
        yield f"season {query.season}"
    if query.episode is not None:
        yield f"episode {query.episode}"
    if query.absolute_episode is not None:
        yield f"absolute episode {query.absolute_episode}"
    if query.air_date is not None:
        yield f"of {query.air_date.isoformat()}"
    if query.air_year is not None:
        yield f"of {query.air_year}, or season {query.air_year}"


def _limits(query: TorznabQuery) -> Iterator[str]:
    if query.min_size is not None:
        yield f"at least {query.min_size:,} bytes"
    if query.max_size is not None:
        yield f"at most {query.max_size:,} bytes"
    if query.max_age_days is not None:
        yield f"seen first within {query.max_age_days:,} days"
    if query.min_age_days is not None:
        yield f"seen first {query.min_age_days:,} days ago or earlier"
