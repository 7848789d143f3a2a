"""The search form: what the search page and the JSON search are asked, and what that means to the engine."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode

from werkzeug.exceptions import BadRequest

from catalog.model import Kind
from protocol.display import clean_text
from storage.search.engine import MAX_WINDOW, Order, SearchQuery
from web.filters import NO_FILTERS, Filters, read_filters

PAGE_SIZE = 50
MAX_PAGE = MAX_WINDOW // PAGE_SIZE
MAX_API_LIMIT = 100
MAX_TEXT = 500

SortName = Literal["relevance", "newest", "seeders", "size"]
SORTS = {
    "relevance": (Order.RELEVANCE, "Relevance"),
    "newest": (Order.NEWEST, "Newest"),
    "seeders": (Order.SEEDERS, "Seeders"),
    "size": (Order.SIZE, "Size"),
}


@dataclass(frozen=True, slots=True)
class SearchForm:
    """One state of the search page; its URL says all of it."""

    text: str = ""
    kind: Kind | None = None
    sort: str = ""
    """Empty: by relevance where there is text, else the newest first."""
    page: int = 1
    filters: Filters = NO_FILTERS

    @property
    def effective_sort(self) -> str:
        """The order that is shown."""
        return sort_of(self.sort, self.text)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything restricts the results."""
        return bool(self.text or self.kind or self.filters)

    def query(self) -> SearchQuery:
        """What the engine is asked."""
        return SearchQuery(
            text=self.text,
            # A category says what is wanted as well as a kind does.
            kinds=frozenset() if self.filters.get("category") and self.kind is None else kinds_shown(self.kind),
            order=SORTS[self.effective_sort][0],
            limit=PAGE_SIZE,
            offset=(self.page - 1) * PAGE_SIZE,
            **self.filters.asked(),
        )

    def without_filters(self) -> "SearchForm":
        """Words, kind and order alone."""
        return replace(self, page=1, filters=NO_FILTERS)

    @property
    def fields(self) -> dict[str, str]:
        """All that narrows or orders, as the address says it; not the page."""
        fields = {"q": self.text, "kind": str(self.kind or ""), "sort": self.sort, **dict(self.filters.values)}
        return {name: value for name, value in fields.items() if value}

    def url(self, **changes: str | int | None) -> str:
        """The page with some fields changed; back on page 1 unless `page` is among them."""
        fields: dict[str, str | int | None] = {**self.fields, "page": 1, **changes}
        said = {name: value for name, value in fields.items() if value and (name, value) != ("page", 1)}
        return "/?" + urlencode(said) if said else "/"


def kinds_shown(kind: Kind | None) -> frozenset[Kind]:
    """Adult content is there for those who ask for it; everybody else is spared."""
    return kinds_of((kind,) if kind is not None else ())


def kinds_of(asked: Collection[Kind]) -> frozenset[Kind]:
    """As kinds_shown, for those who ask for several."""
    return frozenset(asked) or frozenset(Kind) - {Kind.ADULT}


def sort_of(asked: str | None, text: str) -> str:
    """The order that is shown: relevance means nothing without text."""
    if asked and (text or asked != "relevance"):
        return asked
    return "relevance" if text else "newest"


def read_form(arguments: Mapping[str, str]) -> SearchForm:
    """The form from a page's parameters. Raises BadRequest that names the field."""
    return SearchForm(
        text=clean_text(arguments.get("q", "")[:MAX_TEXT]),
        kind=read_kind(arguments.get("kind", "")),
        sort=read_sort(arguments.get("sort", "")),
        page=read_number(arguments, "page", default=1, least=1, most=MAX_PAGE),
        filters=read_filters(arguments),
    )


def read_kind(text: str) -> Kind | None:
    """A kind by its name; None for none."""
    if not text:
        return None
    try:
        return Kind(text.lower())
    except ValueError:
        raise BadRequest(f"kind must be one of {', '.join(Kind)}") from None


def read_sort(text: str) -> str:
    """The name of an order; empty for none."""
    if text and text not in SORTS:
        raise BadRequest(f"sort must be one of {', '.join(SORTS)}")
    return text


def read_number(arguments: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    """A whole number within its limits; `default` when nothing is given."""
    text = arguments.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise BadRequest(f"{name} must be a number from {least} to {most:,}")
    return int(text)
