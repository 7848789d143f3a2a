"""What sites and ingest clients call a category, as our kinds: Torznab ids ("5040") and the words sites use ("TV shows", "Anime")."""

import re
from typing import Final

from catalog.model import Kind
from protocol.torznab.categories import Category, parent_id

_BY_ID: Final = {
    Category.CONSOLE: Kind.GAME,
    Category.MOVIES: Kind.MOVIE,
    Category.AUDIO: Kind.MUSIC,
    Category.PC: Kind.SOFTWARE,
    Category.TV: Kind.TV,
    Category.XXX: Kind.ADULT,
    Category.BOOKS: Kind.EBOOK,
    Category.AUDIO_AUDIOBOOK: Kind.AUDIOBOOK,
    Category.PC_GAMES: Kind.GAME,
    Category.TV_ANIME: Kind.ANIME,
    Category.BOOKS_COMICS: Kind.COMIC,
}

_BY_WORD: Final = (
    (frozenset({"xxx", "adult", "porn", "hentai"}), Kind.ADULT),
    (frozenset({"anime"}), Kind.ANIME),
    (frozenset({"audiobook", "audiobooks"}), Kind.AUDIOBOOK),
    (frozenset({"comic", "comics", "manga"}), Kind.COMIC),
    (frozenset({"game", "games", "console", "roms"}), Kind.GAME),
    (frozenset({"movie", "movies", "film", "films"}), Kind.MOVIE),
    (frozenset({"tv", "television", "series", "episodes"}), Kind.TV),
    (frozenset({"music", "flac", "mp3", "lossless"}), Kind.MUSIC),
    (frozenset({"book", "books", "ebook", "ebooks", "magazines"}), Kind.EBOOK),
    (frozenset({"software", "applications", "application", "apps", "app", "windows", "mac", "linux", "android"}), Kind.SOFTWARE),
    (frozenset({"audio"}), Kind.MUSIC),
)
_WORD: Final = re.compile(r"[a-z]+")
_MOST_CHARACTERS: Final = 100


def kind_of_site_category(category: str) -> Kind | None:
    """Return the kind a site's category names, None for one that says nothing ("Other", an unknown word)."""
    text = category.strip()[:_MOST_CHARACTERS]
    if text.isdecimal() and text.isascii():
        number = int(text)
        return _BY_ID.get(number) or _BY_ID.get(parent_id(number))  # type: ignore[call-overload, no-any-return]  # an IntEnum key equals its number
    words = frozenset(_WORD.findall(text.lower()))
    return next((kind for names, kind in _BY_WORD if words & names), None)
