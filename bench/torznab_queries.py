"""What clients ask over Torznab (their requests, parameter by parameter), about torrents of the made-up library."""

from collections.abc import Callable, Iterable
from itertools import islice
from urllib.parse import urlencode

from bench.library import imdb_id, torrents
from catalog.model import ClassifiedTorrent, Kind
from catalog.titles.cascade import PARSED

_SAMPLED = 4000
_PER_CLASS = 120
_TV = "5030,5040"
_MOVIES = "2000,2010,2020,2030,2040,2045,2050,2060"
_MUSIC = "3000,3010,3030,3040"
_BOOKS = "3030,7020,8010"
_PAGE = {"extended": 1, "offset": 0, "limit": 100}

_TV_FEED = {"t": "tvsearch", "cat": _TV, **_PAGE}
_MOVIE_FEED = {"t": "movie", "cat": _MOVIES, **_PAGE}
FEEDS = tuple(
    urlencode(feed)
    for feed in (
        _TV_FEED,
        _MOVIE_FEED,
        {"t": "music", "cat": _MUSIC, **_PAGE},
        {"t": "book", "cat": _BOOKS, **_PAGE},
        {"t": "search", "extended": 1},
        {"t": "search", "q": "", "limit": 100, "offset": 0},
    )
)
"""What clients poll: the newest 100 of their categories."""
PAGES = tuple(urlencode({**feed, "offset": offset}) for offset in range(100, 1000, 100) for feed in (_TV_FEED, _MOVIE_FEED))
"""The pages behind, which a client reads when it was away."""


def queries(seed: int) -> dict[str, tuple[str, ...]]:
    """Query strings by class; those about torrents ask for works of the library, popular ones more often, as people do."""
    sample = [torrent for torrent in torrents(_SAMPLED, seed) if torrent.parsed.confidence >= PARSED]
    classes: dict[str, Iterable[dict[str, object]]] = {
        "sonarr feed": [_TV_FEED],
        "sonarr feed, pages": [{**_TV_FEED, "offset": offset} for offset in range(100, 1000, 100)],
        "sonarr episode": _about(sample, Kind.TV, lambda found: _numbered(found, with_episode=True)),
        "sonarr season": _about(sample, Kind.TV, lambda found: _numbered(found, with_episode=False)),
        "sonarr daily": _about(sample, Kind.TV, _daily),
        "sonarr year of a daily": _about(sample, Kind.TV, _year_of_daily),
        "sonarr anime": _about(sample, Kind.ANIME, _absolute),
        "radarr feed": [_MOVIE_FEED],
        "radarr film": _about(sample, Kind.MOVIE, _film),
        "radarr film by id": _about(sample, Kind.MOVIE, _film_by_id),
        "prowlarr test": [{"t": "search", "extended": 1}],
        "lidarr album": _about(sample, Kind.MUSIC, _album),
        "readarr book": _about(sample, Kind.EBOOK, _book),
        "rare word": [{"t": "search", "q": max(found.parsed.title.split(), key=len)} for found in sample[::17]],
        "common word": [{"t": "search", "q": word} for word in ("1080p", "x264", "german", "epub", "mp3", "flac", "dts", "the")],
        "common words": [{"t": "search", "q": words} for words in ("1080p x264", "german bluray", "the 720p", "web-dl dts 2160p")],
        "no match": [{"t": "search", "q": f"{found.parsed.title.split()[0]} zyxwvu{number}"} for number, found in enumerate(sample[::23])],
    }
    return {name: tuple(map(urlencode, islice(found, _PER_CLASS))) for name, found in classes.items()}


def _about(
    sample: Iterable[ClassifiedTorrent], kind: Kind, ask: Callable[[ClassifiedTorrent], dict[str, object] | None]
) -> Iterable[dict[str, object]]:
    asked = (ask(found) for found in sample if found.kind is kind)
    return [parameters for parameters in asked if parameters is not None]


def _numbered(found: ClassifiedTorrent, *, with_episode: bool) -> dict[str, object] | None:
    parsed = found.parsed
    if not parsed.seasons or bool(parsed.episodes) != with_episode:
        return None
    numbers = {"season": parsed.seasons[0]} | ({"ep": parsed.episodes[0]} if with_episode else {})
    return {"t": "tvsearch", "cat": _TV, "q": parsed.title, **numbers, **_PAGE}


def _daily(found: ClassifiedTorrent) -> dict[str, object] | None:
    day = found.parsed.date
    return (
        None if day is None else {"t": "tvsearch", "cat": _TV, "q": found.parsed.title, "season": day.year, "ep": f"{day:%m/%d}", **_PAGE}
    )


def _year_of_daily(found: ClassifiedTorrent) -> dict[str, object] | None:
    day = found.parsed.date
    return None if day is None else {"t": "tvsearch", "cat": _TV, "q": found.parsed.title, "season": day.year, **_PAGE}


def _absolute(found: ClassifiedTorrent) -> dict[str, object] | None:
    numbers = found.parsed.absolute_episodes or found.parsed.episodes
    return {"t": "search", "cat": 5070, "q": f"{found.parsed.title} {numbers[0]:02}", **_PAGE} if numbers else None


def _film(found: ClassifiedTorrent) -> dict[str, object]:
    return {"t": "search", "cat": _MOVIES, "q": f"{found.parsed.title} {found.parsed.year or ''}".strip(), **_PAGE}


def _film_by_id(found: ClassifiedTorrent) -> dict[str, object] | None:
    imdb = imdb_id(found.parsed)
    return None if imdb is None else {"t": "movie", "cat": _MOVIES, "imdbid": f"{imdb.number:07}", **_PAGE}


def _album(found: ClassifiedTorrent) -> dict[str, object]:
    artist, _, album = found.parsed.title.partition(" - ")
    return {"t": "music", "cat": _MUSIC, "q": "", "artist": artist, "album": album, **_PAGE}


def _book(found: ClassifiedTorrent) -> dict[str, object]:
    title, _, author = found.parsed.title.partition(" by ")
    return {"t": "book", "cat": _BOOKS, "author": author, "title": title, **_PAGE}
