"""Names and file lists of releases, from a seed: of the works in works.py unless told otherwise, dressed up as the networks dress them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bench.swarm import works
from bench.swarm.works import FREE_WORKS, Catalogue

MIB = 1 << 20

_GROUPS = ("FreeReel", "OpenFilm", "PDArchive", "CCbySA", "Commons", "xPD", "LumenCC", "FOSSiL", "NITRATE", "SilentEra")
_RESOLUTIONS = (("480p", 500, 900), ("720p", 1100, 2600), ("1080p", 2500, 9000), ("2160p", 9000, 26000))
_SOURCES = ("BluRay", "WEB-DL", "WEBRip", "DVDRip", "HDTV", "BDRip")
_VIDEO = ("x264", "x265", "H.264", "HEVC", "AV1", "XviD")
_AUDIO = ("", "AAC2.0", "DTS", "FLAC", "AC3", "Opus", "DD5.1")
_EXTRAS = ("", "", "", "REMASTERED", "PROPER", "REPACK", "10bit", "EXTENDED", "MULTi", "RESTORED", "HDR")
_READERS = ("LibriVox", "LibriVox V2", "LibriVox Dramatic Reading", "LibriVox Solo")
_BITRATES = ("64kbps", "128kbps", "MP3", "M4B")
_EBOOKS = ("epub", "mobi", "pdf", "azw3", "txt")
_FIRST_DAY, _DAYS = date(2014, 1, 1), 4000
_LANGUAGES = ("", "", "", "German", "French", "Spanish", "Italian", "Polish")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release: its path below the torrent's folder, and its size in bytes."""

    path: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """A torrent's name and files. A single file carries the torrent's own name and stands in no folder."""

    name: str
    files: tuple[File, ...]

    @property
    def is_single_file(self) -> bool:
        """True when the torrent is one file without a folder."""
        return len(self.files) == 1 and self.files[0].path == (self.name,)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def releases(seed: int, catalogue: Catalogue = FREE_WORKS) -> Iterator[Release]:
    """Endless releases with unique names (compared without case)."""
    rng = random.Random(f"titles {seed}")
    kinds: tuple[Callable[[random.Random, Catalogue], Release], ...] = (
        _film,
        _episode,
        _season,
        _numbered,
        _audiobook,
        _ebook,
        _album,
        _image,
        _game,
        _comic,
        _daily,
    )
    weights = (26, 24, 6, 4, 10, 8, 7, 6, 4, 5, 4 if catalogue.dailies else 0)
    taken: set[str] = set()
    while True:
        kind = rng.choices(kinds, weights)[0]
        for attempt in range(4):
            release = kind(rng, catalogue)
            if attempt == 3:
                release = _renamed(release, f"{rng.randrange(1 << 32):08x}")
            if release.name.casefold() not in taken:
                taken.add(release.name.casefold())
                yield release
                break


def _renamed(release: Release, mark: str) -> Release:
    name, dot, ending = release.name.rpartition(".")
    marked = f"{name}.{mark}.{ending}" if release.is_single_file and dot else f"{release.name} [{mark}]"
    return _single(marked, release.size) if release.is_single_file else Release(marked, release.files)


def _single(name: str, size: int) -> Release:
    return Release(name, (File((name,), size),))


def _mib(rng: random.Random, low: int, high: int) -> int:
    return rng.randint(low * MIB, high * MIB)


def _dotted(title: str) -> str:
    return title.replace("'", "").replace(". ", ".").replace(" ", ".").strip(".!")


def _join(*parts: str, by: str = ".") -> str:
    return by.join(part for part in parts if part)


def _decoration(rng: random.Random) -> tuple[str, int]:
    resolution, low, high = rng.choices(_RESOLUTIONS, (2, 4, 5, 1))[0]
    tags = _join(rng.choice(_EXTRAS), rng.choice(_LANGUAGES), resolution, rng.choice(_SOURCES), rng.choice(_AUDIO), rng.choice(_VIDEO))
    return f"{tags}-{rng.choice(_GROUPS)}", _mib(rng, low, high)


def _film(rng: random.Random, catalogue: Catalogue) -> Release:
    title, year = rng.choice(catalogue.films)
    tags, size = _decoration(rng)
    style = rng.randrange(3)
    if style == 0:
        name = _join(_dotted(title), str(year), tags)
    elif style == 1:
        traits, _, group = tags.replace(".", " ").rpartition("-")
        name = f"{title} ({year}) [{traits}] [{group}]"
    else:
        name = f"{title} {year} {tags.replace('.', ' ')}"
    if rng.random() < 0.4:
        return _single(f"{name}.{rng.choice(('mkv', 'mp4', 'avi'))}", size)
    files = [File((f"{name}.mkv",), size), File((f"{name}.nfo",), rng.randint(800, 9000))]
    if rng.random() < 0.5:
        files.append(File(("Sample", f"sample-{name[:40].lower()}.mkv"), _mib(rng, 8, 60)))
    files += [
        File(("Subs", f"{number}_{language}.srt"), rng.randint(30_000, 120_000))
        for number, language in enumerate(rng.sample(("English", "French", "German", "Spanish"), rng.randrange(4)), 2)
    ]
    return Release(name, tuple(files))


def _episode(rng: random.Random, catalogue: Catalogue) -> Release:
    title, season, episodes = rng.choice(catalogue.series)
    episode = rng.randint(1, episodes)
    tags, size = _decoration(rng)
    number = rng.choice((f"S{season:02}E{episode:02}", f"S{season:02}E{episode:02}", f"{season}x{episode:02}"))
    name = _join(_dotted(title), number, tags) if rng.random() < 0.8 else f"{title} - {number} - {tags.replace('.', ' ')}"
    if rng.random() < 0.6:
        return _single(f"{name}.mkv", size // 4)
    return Release(name, (File((f"{name}.mkv",), size // 4), File((f"{name}.nfo",), rng.randint(500, 4000))))


def _season(rng: random.Random, catalogue: Catalogue) -> Release:
    title, season, episodes = rng.choice(catalogue.series)
    tags, size = _decoration(rng)
    name = _join(_dotted(title), rng.choice((f"S{season:02}", f"Season.{season}", f"S{season:02}.COMPLETE")), tags)
    files = [
        File((f"{_dotted(title)}.S{season:02}E{episode:02}.{tags}.mkv",), size // 10 + rng.randrange(20 * MIB))
        for episode in range(1, episodes + 1)
    ]
    return Release(name, tuple(files))


def _daily(rng: random.Random, catalogue: Catalogue) -> Release:
    day = _FIRST_DAY + timedelta(days=rng.randrange(_DAYS))
    tags, size = _decoration(rng)
    return _single(f"{_dotted(rng.choice(catalogue.dailies))}.{day:%Y.%m.%d}.{tags}.mkv", size // 6)


def _numbered(rng: random.Random, catalogue: Catalogue) -> Release:
    group, title, episodes = rng.choice(catalogue.numbered)
    resolution = rng.choice(_RESOLUTIONS)[0]
    crc = f"{rng.randrange(1 << 32):08X}"
    return _single(f"[{group}] {title} - {rng.randint(1, episodes):02} [{resolution}][{rng.choice(_VIDEO)}][{crc}].mkv", _mib(rng, 80, 900))


def _audiobook(rng: random.Random, catalogue: Catalogue) -> Release:
    author, title, year = rng.choice(catalogue.books)
    bitrate = rng.choice(_BITRATES)
    name = f"{author} - {title} ({year}) [{rng.choice(_READERS)} {bitrate} {rng.randint(2006, 2025)}]"
    if bitrate == "M4B":
        return _single(f"{name}.m4b", _mib(rng, 150, 900))
    short = title.split()[-1].lower()
    files = [
        File((f"{short}_{chapter:02}_{author.split()[-1].lower()}.mp3",), _mib(rng, 4, 22)) for chapter in range(1, rng.randint(8, 60))
    ]
    return Release(name, (*files, File(("cover.jpg",), rng.randint(50_000, 400_000))))


def _ebook(rng: random.Random, catalogue: Catalogue) -> Release:
    author, title, year = rng.choice(catalogue.books)
    ending = rng.choice(_EBOOKS)
    if rng.random() < 0.2:
        name = f"{author} - {title} ({year}) Gutenberg #{rng.randint(11, 70000)} (Retail) [{' '.join(_EBOOKS[:3])}]"
        return Release(name, tuple(File((f"{title}.{kind}",), rng.randint(200_000, 6_000_000)) for kind in _EBOOKS[:3]))
    return _single(f"{title} by {author} ({year}) Gutenberg {rng.randint(11, 70000)}.{ending}", rng.randint(200_000, 8_000_000))


def _album(rng: random.Random, catalogue: Catalogue) -> Release:
    artist, title, year, tracks = rng.choice(catalogue.albums)
    codec, low, high = rng.choice((("FLAC", 12, 40), ("FLAC 24bit-96kHz", 40, 120), ("MP3 320", 4, 14), ("MP3 V0", 3, 10), ("OGG", 2, 8)))
    ending = {"F": "flac", "M": "mp3", "O": "ogg"}[codec[0]]
    name = f"{artist} - {title} ({year}) [{codec}]{rng.choice(('', ' [CC0]', ' {Open}', f' - {rng.choice(_GROUPS)}'))}"
    files = [File((f"{number:02} - {track}.{ending}",), _mib(rng, low, high)) for number, track in enumerate(tracks, 1)]
    return Release(name, (*files, File(("Artwork", "cover.jpg"), rng.randint(90_000, 900_000))))


def _image(rng: random.Random, _catalogue: Catalogue) -> Release:
    versions, pattern, low, high = rng.choice(works.IMAGES)
    name = pattern.format(version=rng.choice(versions))
    size = _mib(rng, low, high)
    if rng.random() < 0.5:
        return _single(name, size)
    folder = name.rsplit(".", 1)[0]
    return Release(folder, (File((name,), size), File(("SHA256SUMS",), rng.randint(90, 400)), File(("SHA256SUMS.sign",), 833)))


def _game(rng: random.Random, _catalogue: Catalogue) -> Release:
    name, versions, endings = rng.choice(works.GAMES)
    return _single(f"{name}-{rng.choice(versions)}{rng.choice(endings)}", _mib(rng, 150, 1300))


def _comic(rng: random.Random, _catalogue: Catalogue) -> Release:
    episode, language = rng.randint(1, works.COMIC_EPISODES), rng.choice(works.COMIC_LANGUAGES)
    name = f"{works.COMIC} {episode:02} ({language}) ({rng.randint(2014, 2025)}) (Digital) ({rng.choice(_GROUPS)})"
    if rng.random() < 0.7:
        return _single(f"{name}.{rng.choice(('cbz', 'cbr', 'pdf'))}", _mib(rng, 8, 90))
    return Release(
        name,
        tuple(
            File((f"{language}_{works.COMIC.replace(' ', '-')}_E{episode:02}P{page:02}.jpg",), _mib(rng, 1, 4))
            for page in range(rng.randint(5, 14))
        ),
    )
