"""The capabilities document: which searches there are, with which parameters, over which categories.

Clients keep it for days and ask for exactly what stands here, so an id parameter is offered only where ids can be resolved: one
that is offered in vain costs Sonarr and Radarr a useless query each time.
"""

from collections.abc import Collection
from dataclasses import dataclass

from protocol.torznab.categories import TOP_LEVEL, Category
from protocol.torznab.query import MAX_LIMIT
from protocol.torznab.xml import DECLARATION, quoted


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What differs from one instance to the next."""

    title: str
    version: str
    url: str
    series_ids: frozenset[str] = frozenset()
    """Authorities whose numbers of series can be resolved: "imdb", "tmdb", "tvdb"."""
    movie_ids: frozenset[str] = frozenset()
    """The same of movies."""
    is_adult: bool = True
    """Whether 6000 XXX is among the categories."""


_SEARCHES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    # element, parameters, authorities of ids
    ("search", ("q",), ()),
    ("tv-search", ("q", "season", "ep"), ("tvdb", "imdb", "tmdb")),
    ("movie-search", ("q", "year"), ("imdb", "tmdb")),
    ("music-search", ("q", "artist", "album", "label", "track", "year"), ()),
    ("audio-search", ("q", "artist", "album", "label", "track", "year"), ()),  # the specification's name; clients look for either
    ("book-search", ("q", "author", "title", "publisher"), ()),
)


def caps_document(capabilities: Capabilities) -> bytes:
    """The whole document. Only standard parameters are left out of supportedParams: cat, offset and limit always work."""
    resolvable = {"tv-search": capabilities.series_ids, "movie-search": capabilities.movie_ids}
    searches = "".join(
        _search(element, [*parameters, *_id_parameters(authorities, resolvable.get(element, ()))])
        for element, parameters, authorities in _SEARCHES
    )
    categories = [category for category in TOP_LEVEL if capabilities.is_adult or category is not Category.XXX]
    server = f'<server title="{quoted(capabilities.title)}" version="{quoted(capabilities.version)}" url="{quoted(capabilities.url)}"/>'
    return (
        f'{DECLARATION}<caps>\n{server}\n<limits default="{MAX_LIMIT}" max="{MAX_LIMIT}"/>\n'
        f'<registration available="no" open="no"/>\n<searching>\n{searches}</searching>\n'
        f"<categories>\n{''.join(map(_category, categories))}</categories>\n<tags/>\n</caps>\n"
    ).encode()


def _search(element: str, parameters: list[str]) -> str:
    return f'<{element} available="yes" supportedParams="{",".join(parameters)}"/>\n'


def _id_parameters(authorities: tuple[str, ...], resolvable: Collection[str]) -> list[str]:
    return [f"{authority}id" for authority in authorities if authority in resolvable]


def _category(top: Category) -> str:
    below = "".join(f'<subcat id="{int(sub)}" name="{quoted(sub.full_name)}"/>\n' for sub in top.subcategories)
    return f'<category id="{int(top)}" name="{quoted(top.full_name)}">\n{below}</category>\n'
