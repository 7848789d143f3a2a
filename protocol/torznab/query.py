"""From the parameters of a Torznab request to a frozen `TorznabQuery`, or a `TorznabError` that says what is wrong.

The rule behind every choice: a value that a real client sends never becomes an error, because Sonarr and Radarr answer errors by
staying away for up to a day. What cannot match anything becomes a query that finds nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum

from protocol.identifiers import ExternalId
from protocol.torznab.categories import Category, known_categories
from protocol.torznab.errors import ErrorCode, TorznabError

MAX_LIMIT = 100
"""Items in one answer; clients ask for at most 100, and a smaller default would starve their RSS sync."""
MAX_OFFSET = 2**31 - 1
MAX_TEXT = 500
"""Characters of `q` that are read; no client sends more, and the index would only waste time on them."""


class Function(Enum):
    """What `t` asks for."""

    CAPS = "caps"
    SEARCH = "search"
    TVSEARCH = "tvsearch"
    MOVIE = "movie"
    MUSIC = "music"
    BOOK = "book"


class Sort(StrEnum):
    """The orders that `sort` can ask for; anything else leaves the default order."""

    POSTED = "posted_desc"
    POSTED_ASCENDING = "posted_asc"
    SIZE = "size_desc"
    SIZE_ASCENDING = "size_asc"
    STATS = "stats_desc"
    STATS_ASCENDING = "stats_asc"
    FILES = "files_desc"
    FILES_ASCENDING = "files_asc"
    NAME = "name_desc"
    NAME_ASCENDING = "name_asc"


@dataclass(frozen=True, slots=True)
class TorznabQuery:
    """What a client asks for; None and empty: it does not say."""

    function: Function
    text: str = ""
    categories: tuple[int, ...] = ()
    """Standard ids, any of which may match; a parent stands for its subcategories. Empty: all."""
    names_categories: bool = False
    """The client named categories itself; otherwise they are the function's own."""
    season: int | None = None
    episode: int | None = None
    air_date: date | None = None
    """A daily show's `season=2017&ep=11/10`."""
    air_year: int | None = None
    """`season=2017` alone: the year's dated episodes, or a season of that number."""
    absolute_episode: int | None = None
    year: int | None = None
    ids: tuple[ExternalId, ...] = ()
    """Any of which may match (Torznab 1.3, rev 1.1)."""
    has_unsupported_id: bool = False
    """An id of a kind we never hold was given."""
    min_size: int | None = None
    max_size: int | None = None
    max_age_days: int | None = None
    min_age_days: int | None = None
    sort: Sort | None = None
    offset: int = 0
    limit: int = MAX_LIMIT
    finds_nothing: bool = False
    """The request is well-formed and cannot match: answer an empty feed without asking the index."""


_OWN_CATEGORIES: dict[Function, tuple[int, ...]] = {
    Function.TVSEARCH: (Category.TV,),
    Function.MOVIE: (Category.MOVIES,),
    Function.MUSIC: (Category.AUDIO,),
    Function.BOOK: (Category.BOOKS, Category.AUDIO_AUDIOBOOK),
}
"""What a function searches when the client names no category."""
_FUNCTIONS = {
    "caps": Function.CAPS,
    "search": Function.SEARCH,
    "tvsearch": Function.TVSEARCH,
    "tv-search": Function.TVSEARCH,
    "movie": Function.MOVIE,
    "movie-search": Function.MOVIE,
    "music": Function.MUSIC,
    "audio": Function.MUSIC,
    "book": Function.BOOK,
}
_NOT_AVAILABLE = frozenset(
    {"details", "getnfo", "get", "cartadd", "cart-add", "cartdel", "cart-del", "comments", "commentadd", "comments-add", "register", "user"}
)
_TEXT_PARAMETERS = {
    Function.TVSEARCH: ("q", "title"),
    Function.MUSIC: ("q", "artist", "album", "label", "track"),
    Function.BOOK: ("q", "author", "title", "publisher"),
}
_SUPPORTED_IDS = {"imdbid": "imdb", "tmdbid": "tmdb", "tvdbid": "tvdb"}
_UNSUPPORTED_IDS = ("rid", "tvmazeid", "traktid", "doubanid", "anidbid")
_FLAGS = frozenset({"0", "1", "true", "false", "yes", "no"})

_CATEGORIES = re.compile(r"[0-9]{1,9}(,[0-9]{1,9})*", re.ASCII)
_SEASON = re.compile(r"[sS]?([0-9]{1,4})", re.ASCII)
_EPISODE = re.compile(r"[eE]?([0-9]{1,5})", re.ASCII)
_MONTH_AND_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})", re.ASCII)
_FIRST_AIR_YEAR = 1900
_VARIOUS_ARTISTS = frozenset({"va", "various artists"})


def parse(arguments: Iterable[tuple[str, str]]) -> TorznabQuery:
    """Read decoded name-value pairs, in any case and any order; of a repeated name the first value that is not empty counts.

    Raises:
        TorznabError: `t` is missing or unknown, or a value breaks the specification in a way no client does.
    """
    given: dict[str, str] = {}
    for name, value in arguments:
        if stripped := value.strip():
            given.setdefault(name.lower(), stripped)
    function = _function(given)
    if function is Function.CAPS:
        return TorznabQuery(function)
    _check_flags(given)
    categories, no_known_category = _categories(function, given)
    ids, malformed_id = _ids(given)
    texts = _texts(function, given)
    season = _Season.of(given) if function is Function.TVSEARCH else _Season()
    absolute_episode = season.absolute_episode
    may_be_episode = ids and function is not Function.MOVIE and season == _Season()
    if may_be_episode and len(texts) == 1 and texts[0].isdecimal():
        # Sonarr's anime search: q=05 beside a tvdbid is an episode, not a word. Beside a film's id, or a season, it is a title: "39".
        absolute_episode, texts = int(texts[0][:6]), []
    return TorznabQuery(
        function=function,
        text=" ".join(texts)[:MAX_TEXT],
        categories=categories,
        names_categories="cat" in given,
        season=season.season,
        episode=season.episode,
        air_date=season.air_date,
        air_year=season.air_year,
        absolute_episode=absolute_episode,
        year=_year(function, given),
        ids=ids,
        has_unsupported_id=malformed_id or any(name in given for name in _UNSUPPORTED_IDS),
        min_size=_number_or_none(given.get("minsize")),
        max_size=_number_or_none(given.get("maxsize")),
        max_age_days=_number_or_none(given.get("maxage")),
        min_age_days=_number_or_none(given.get("minage")),
        sort=_sort(given.get("sort")),
        offset=min(_count(given, "offset", 0), MAX_OFFSET),
        limit=min(_count(given, "limit", MAX_LIMIT), MAX_LIMIT),
        finds_nothing=no_known_category or season.is_unreadable,
    )


def _function(given: Mapping[str, str]) -> Function:
    name = given.get("t", "").lower()
    if not name:
        raise TorznabError(ErrorCode.MISSING_PARAMETER, "Missing parameter (t)")
    if name in _NOT_AVAILABLE:
        raise TorznabError(ErrorCode.FUNCTION_NOT_AVAILABLE, f"Function not available ({name})")
    if name not in _FUNCTIONS:
        raise TorznabError(ErrorCode.NO_SUCH_FUNCTION, f"No such function ({name[:40]})")
    return _FUNCTIONS[name]


def _check_flags(given: Mapping[str, str]) -> None:
    """Every attribute is always sent, so `extended` changes nothing; but the specification wants nonsense refused."""
    if given.get("extended", "1").lower() not in _FLAGS:
        raise _incorrect("extended", "use 0 or 1")
    if given.get("o", "xml").lower() != "xml":
        raise _incorrect("o", "only xml is answered here; the JSON twin is /api/v1/search")


def _categories(function: Function, given: Mapping[str, str]) -> tuple[tuple[int, ...], bool]:
    """The ids to search, and whether the client named some of which none exists (which finds nothing, rather than everything)."""
    text = given.get("cat")
    if text is None:
        return _OWN_CATEGORIES.get(function, ()), False
    if not _CATEGORIES.fullmatch(text):
        raise _incorrect("cat", "use numbers separated by commas, e.g. 5030,5040")
    known = known_categories(int(number) for number in text.split(","))
    return tuple(int(category) for category in known), not known


def _texts(function: Function, given: Mapping[str, str]) -> list[str]:
    # Prowlarr encodes twice, so a literal %20 is a space.
    texts = [given[name].replace("%20", " ").strip() for name in _TEXT_PARAMETERS.get(function, ("q",)) if name in given]
    if function is Function.MUSIC and len(texts) > 1 and given.get("artist", "").lower() in _VARIOUS_ARTISTS:
        texts = [text for text in texts if text.lower() not in _VARIOUS_ARTISTS]  # releases say it in many ways, or not at all
    return [text for text in texts if text]


def _ids(given: Mapping[str, str]) -> tuple[tuple[ExternalId, ...], bool]:
    """The ids we may hold, and whether one was given that is no number. "tt0123456", "0123456" and "123456" are one IMDb id."""
    ids = []
    malformed = False
    for name, authority in _SUPPORTED_IDS.items():
        if name not in given:
            continue
        digits = given[name].lower().removeprefix("tt") if authority == "imdb" else given[name]
        if re.fullmatch(r"[0-9]{1,10}", digits, re.ASCII) and int(digits):
            ids.append(ExternalId(authority, int(digits)))
        else:
            malformed = True
    return tuple(ids), malformed


@dataclass(frozen=True, slots=True)
class _Season:
    """What `season` and `ep` say together."""

    season: int | None = None
    episode: int | None = None
    air_date: date | None = None
    air_year: int | None = None
    absolute_episode: int | None = None
    is_unreadable: bool = False

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "_Season":
        season_text, episode_text = given.get("season"), given.get("ep")
        season = _first_number(_SEASON, season_text)
        if season_text is not None and season is None:
            return cls(is_unreadable=True)
        if episode_text is None:
            return cls(air_year=season) if season is not None and season >= _FIRST_AIR_YEAR else cls(season=season)
        if season is not None and (day := _MONTH_AND_DAY.fullmatch(episode_text)):
            return cls._on(season, int(day[1]), int(day[2]))
        episode = _first_number(_EPISODE, episode_text)
        if episode is None:
            return cls(is_unreadable=True)
        return cls(absolute_episode=episode) if season is None else cls(season=season, episode=episode)

    @classmethod
    def _on(cls, year: int, month: int, day: int) -> "_Season":
        try:
            return cls(air_date=date(year, month, day))
        except ValueError:
            return cls(is_unreadable=True)


def _year(function: Function, given: Mapping[str, str]) -> int | None:
    text = given.get("year", "")
    if function not in {Function.MOVIE, Function.MUSIC} or not re.fullmatch(r"[0-9]{4}", text, re.ASCII):
        return None  # a TV row rarely knows its year, so there the filter would hide more than it finds
    return int(text)


def _sort(text: str | None) -> Sort | None:
    known = (text or "").lower()
    return Sort(known) if known in set(Sort) else None


def _count(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise _incorrect(name, "use a whole number from 0 up")
    return int(text)


def _number_or_none(text: str | None) -> int | None:
    """Lenient: clients put anything into these."""
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) else None


def _first_number(pattern: re.Pattern[str], text: str | None) -> int | None:
    found = pattern.fullmatch(text) if text is not None else None
    return int(found[1]) if found else None


def _incorrect(name: str, cure: str) -> TorznabError:
    return TorznabError(ErrorCode.INCORRECT_PARAMETER, f"Incorrect parameter ({name}): {cure}")
