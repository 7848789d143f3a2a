"""A large made-up library: hundreds of thousands of works whose popularity and whose words are skewed as those of real ones are.

The free works of the swarm alone would make every title a common one. Here most titles are of invented words, drawn as words are in a
language (Zipf): a few are in a tenth of all titles, most in a handful. So are works drawn: a few have hundreds of releases, most one.
`python -m bench torznab` fills an index with it.
"""

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha1
from itertools import accumulate, islice
from typing import TypeVar, overload
from zlib import crc32

from bench.swarm.titles import Release, releases
from bench.swarm.works import FREE_WORKS, Catalogue
from catalog.classify import classified
from catalog.model import ClassifiedTorrent, File, ParsedTitle, Torrent
from catalog.titles.cascade import quick, unparsed
from protocol.identifiers import ExternalId, InfoHash

T = TypeVar("T")

_ONSETS = (
    "b",
    "br",
    "c",
    "ch",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "tr",
    "v",
    "w",
)
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "ea", "io", "ou")
_CODAS = ("", "", "", "n", "r", "s", "l", "nd", "rt", "m", "ck")
_VOCABULARY = 120_000
_WORD_SKEW, _WORK_SKEW = 1.0, 0.7
"""Exponents of Zipf's law: how much the first are ahead of the rest."""
_MAX_FILES = 60
_COUNTED = 0.4
"""The share of torrents whose swarm somebody has counted."""
_WITH_ID = 0.2
"""The share of films whose source knows their number in a database of films."""


class Skewed(Sequence[T]):
    """For random.choice: a long sequence that holds its first items often and its last ones seldom, by Zipf's law."""

    _LENGTH = 1 << 30

    def __init__(self, items: Sequence[T], exponent: float) -> None:
        self._items = items
        weights = list(accumulate((rank + 2) ** -exponent for rank in range(len(items))))
        self._bounds = [weight / weights[-1] * self._LENGTH for weight in weights]

    def __len__(self) -> int:
        return self._LENGTH

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        """The item at a place; slices of it are of no use."""
        if isinstance(index, slice):
            raise TypeError("a skewed sequence has no slices")
        return self._items[min(bisect(self._bounds, index), len(self._items) - 1)]


@cache
def made_up_works(seed: int) -> Catalogue:
    """The works, some 170,000; the free ones are the most popular among them."""
    rng = random.Random(f"library {seed}")
    words = Skewed(_vocabulary(rng), _WORD_SKEW)

    def title(most: int = 4) -> str:
        found = " ".join(rng.choice(words) for _ in range(rng.randint(1, most)))
        return f"The {found}" if rng.random() < 0.15 else found

    def person() -> str:
        return f"{rng.choice(words)} {rng.choice(words)}"

    people = Skewed([person() for _ in range(15_000)], _WORK_SKEW)
    films = [(title(), rng.randint(1930, 2026)) for _ in range(60_000)]
    series = [(name, season, rng.randint(6, 24)) for name in (title(3) for _ in range(6000)) for season in range(1, rng.randint(2, 8))]
    rng.shuffle(series)
    groups = ("Morevna", "Caminandes", "Pepper", "OpenSubs", "FreeAnime")
    numbered = [(rng.choice(groups), title(), rng.randint(12, 60)) for _ in range(5000)]
    books = [(rng.choice(people), title(5), rng.randint(1800, 2026)) for _ in range(50_000)]
    albums = [
        (rng.choice(people), title(3), rng.randint(1950, 2026), tuple(title(3) for _ in range(rng.randint(1, 14)))) for _ in range(30_000)
    ]
    return Catalogue(
        Skewed([*FREE_WORKS.films, *films], _WORK_SKEW),
        Skewed([*FREE_WORKS.series, *series], _WORK_SKEW),
        Skewed([*FREE_WORKS.numbered, *numbered], _WORK_SKEW),
        Skewed([*FREE_WORKS.books, *books], _WORK_SKEW),
        Skewed([*FREE_WORKS.albums, *albums], _WORK_SKEW),
        Skewed([title(3) for _ in range(300)], _WORK_SKEW),
    )


def _vocabulary(rng: random.Random) -> list[str]:
    """Different pronounceable words, the most frequent first: those are short, as they are in languages."""
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        syllables = 1 + (len(found) > 400) + (len(found) > 20_000 and rng.random() < 0.6)
        word = "".join(rng.choice(_ONSETS) + rng.choice(_NUCLEI) for _ in range(syllables)) + rng.choice(_CODAS)
        found[word.capitalize()] = None
    return list(found)


def torrents(count: int, seed: int, part: int = 0) -> Iterator[ClassifiedTorrent]:
    """`count` torrents of the library, read by the fast rules; other parts hold other torrents of the same works."""
    rng = random.Random(f"swarms {seed} {part}")
    for release in islice(releases(seed * 1000 + part, made_up_works(seed)), count):
        found = found_torrent(release, str(part), _MAX_FILES)
        parsed = quick(release.name) or unparsed(release.name)
        seeders = _seeders(rng)
        if seeders is not None:
            found = replace(found, seeders=seeders, leechers=seeders // 3)
        if rng.random() < _WITH_ID and (imdb := imdb_id(parsed)) is not None:
            found = replace(found, ids=(imdb,))
        yield classified(found, parsed)


def imdb_id(parsed: ParsedTitle) -> ExternalId | None:
    """The number that this library's database of films has for a film of this title and year; None: the name tells of no film."""
    if parsed.year is None or not parsed.resolution or parsed.seasons or parsed.date is not None:
        return None
    return ExternalId("imdb", 1 + crc32(f"{parsed.title} {parsed.year}".encode()) % 9_000_000)


def found_torrent(release: Release, salt: str, max_files: int) -> Torrent:
    """A release as the crawler finds it."""
    files = tuple(File("/".join(file.path), file.size) for file in release.files[:max_files])
    info_hash = InfoHash(sha1(f"{salt}{release.name}".encode(), usedforsecurity=False).digest())
    return Torrent(info_hash, release.name, release.size, files, len(release.files), "dht")


def _seeders(rng: random.Random) -> int | None:
    """Unknown for most; of the rest most have few and few have thousands."""
    return min(20_000, int(rng.paretovariate(0.6)) - 1) if rng.random() < _COUNTED else None
