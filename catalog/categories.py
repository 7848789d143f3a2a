"""From kind, resolution, source and files to Torznab categories: parent first, then every subcategory that fits.

A television row of unknown resolution also gets TV/SD: Sonarr asks for 5030,5040 by default and would never see it otherwise. 2160p is both
UHD and HD, because that same default would miss it. An anime film carries the movie categories too, so that Radarr finds it.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from catalog.evidence import extension_of, file_facts
from catalog.model import ClassifiedTorrent, Kind, ParsedTitle
from catalog.titles import lexicon
from catalog.titles.words import split_extension
from protocol.torznab.categories import Category

_WORD: Final = re.compile(r"[^\W_]+")
_GIGABYTES: Final = "gb"
"""In a name a size; as an extension a game."""

_HD: Final = frozenset({"720p", "1080p", "1080i", "1440p", "2160p", "4320p"})
_UHD: Final = frozenset({"2160p", "4320p"})

_CONSOLES: Final = (
    (frozenset({"psvita", "psv", "vpk"}), Category.CONSOLE_PS_VITA),
    (frozenset({"psp", "cso"}), Category.CONSOLE_PSP),
    (frozenset({"ps3"}), Category.CONSOLE_PS3),
    (frozenset({"ps4"}), Category.CONSOLE_PS4),
    (frozenset({"xbox360", "x360"}), Category.CONSOLE_XBOX_360),
    (frozenset({"xboxone", "xb1"}), Category.CONSOLE_XBOX_ONE),
    (frozenset({"xbox"}), Category.CONSOLE_XBOX),
    (frozenset({"wiiu"}), Category.CONSOLE_WIIU),
    (frozenset({"wii", "wbfs"}), Category.CONSOLE_WII),
    (frozenset({"3ds", "cia"}), Category.CONSOLE_3DS),
    (frozenset({"nds"}), Category.CONSOLE_NDS),
    (
        lexicon.word_set(
            "nsw nsp nsz xci switch ps1 psx ps2 ps5 gba gbc gb nes snes sfc smc n64 z64 gamecube gcm rvz dreamcast chd romset roms"
        ),
        Category.CONSOLE_OTHER,
    ),
)
_SYSTEMS: Final = (
    (frozenset({"apk", "android"}), Category.PC_MOBILE_ANDROID),
    (frozenset({"ipa", "ios"}), Category.PC_MOBILE_IOS),
    (frozenset({"dmg", "macos", "mac", "osx"}), Category.PC_MAC),
    (frozenset({"iso", "img", "qcow2", "netinst", "livecd"}), Category.PC_ISO),
)
_LOSSLESS: Final = lexicon.word_set("flac alac ape wav wv aiff aif dsf dff tta lossless")
_MP3: Final = frozenset({"mp3", "320kbps", "v0", "cbr", "vbr"})
_BIT_RATE: Final = "kbps"
"""Says MP3 where no other format is named."""
_OTHER_LOSSY: Final = lexicon.word_set("m4a aac ogg opus wma mpc")
_MAGAZINE: Final = lexicon.word_set(
    "magazine magazines mag january february march april june july august september october november december"
)


def categories_of(classified: ClassifiedTorrent) -> tuple[int, ...]:
    """Return the Torznab ids of a torrent: its kind's parent first, then subcategories, none twice."""
    found = _OF_KIND[classified.kind](classified, _signs(classified))
    return tuple(dict.fromkeys(int(category) for category in found))


def _signs(classified: ClassifiedTorrent) -> frozenset[str]:
    """Lower-case words of the name and extensions of its files."""
    name, extension = split_extension(classified.torrent.name)
    words = frozenset(_WORD.findall(name.lower())) - {_GIGABYTES}
    return words.union([extension], (extension_of(file.path) for file in classified.torrent.files[:200]))


def _first(table: Iterable[tuple[frozenset[str], Category]], words: frozenset[str]) -> Category | None:
    return next((category for signs, category in table if signs & words), None)


def _is_hd(parsed: ParsedTitle) -> bool:
    """Blu-ray of unknown resolution is HD; everything else unknown counts as SD, so that default searches find it."""
    return parsed.resolution in _HD or (parsed.resolution is None and parsed.source == "bluray")


def _is_film(parsed: ParsedTitle) -> bool:
    return parsed.year is not None and not (parsed.seasons or parsed.episodes or parsed.absolute_episodes or parsed.date)


def _movie(classified: ClassifiedTorrent, words: frozenset[str]) -> list[Category]:
    parsed = classified.parsed
    found = [Category.MOVIES, Category.MOVIES_HD if _is_hd(parsed) else Category.MOVIES_SD]
    if parsed.resolution in _UHD:
        found.append(Category.MOVIES_UHD)
    by_source = {"bluray": Category.MOVIES_BLURAY, "dvd": Category.MOVIES_DVD, "web": Category.MOVIES_WEB_DL}
    if parsed.source in by_source:
        found.append(by_source[parsed.source])
    if words & {"3d", "hsbs", "hou"}:
        found.append(Category.MOVIES_3D)
    if parsed.video_codec == "h265":
        found.append(Category.MOVIES_X265)
    return found


def _tv(classified: ClassifiedTorrent, _words: frozenset[str]) -> list[Category]:
    return [Category.TV, *_tv_quality(classified.parsed)]


def _anime(classified: ClassifiedTorrent, words: frozenset[str]) -> list[Category]:
    film = _movie(classified, words) if _is_film(classified.parsed) else []
    return [Category.TV, Category.TV_ANIME, *_tv_quality(classified.parsed), *film]


def _tv_quality(parsed: ParsedTitle) -> list[Category]:
    found = [Category.TV_HD if _is_hd(parsed) else Category.TV_SD]
    if parsed.resolution in _UHD:
        found.append(Category.TV_UHD)
    if parsed.source == "web":
        found.append(Category.TV_WEB_DL)
    if parsed.video_codec == "h265":
        found.append(Category.TV_X265)
    return found


def _music(_classified: ClassifiedTorrent, words: frozenset[str]) -> list[Category]:
    if words & _LOSSLESS:
        return [Category.AUDIO, Category.AUDIO_LOSSLESS]
    is_mp3 = bool(words & _MP3) or (_BIT_RATE in words and not words & _OTHER_LOSSY)
    return [Category.AUDIO, Category.AUDIO_MP3 if is_mp3 else Category.AUDIO_OTHER]


def _audiobook(_classified: ClassifiedTorrent, _words: frozenset[str]) -> list[Category]:
    return [Category.AUDIO, Category.AUDIO_AUDIOBOOK]


def _ebook(_classified: ClassifiedTorrent, words: frozenset[str]) -> list[Category]:
    return [Category.BOOKS, Category.BOOKS_MAGS if words & _MAGAZINE else Category.BOOKS_EBOOK]


def _comic(_classified: ClassifiedTorrent, _words: frozenset[str]) -> list[Category]:
    return [Category.BOOKS, Category.BOOKS_COMICS]


def _game(_classified: ClassifiedTorrent, words: frozenset[str]) -> list[Category]:
    console = _first(_CONSOLES, words)
    return [Category.CONSOLE, console] if console is not None else [Category.PC, Category.PC_GAMES]


def _software(_classified: ClassifiedTorrent, words: frozenset[str]) -> list[Category]:
    return [Category.PC, _first(_SYSTEMS, words) or Category.PC_0DAY]


def _adult(classified: ClassifiedTorrent, words: frozenset[str]) -> list[Category]:
    parsed = classified.parsed
    if file_facts(classified.torrent.files).share("image") > 0.7:
        return [Category.XXX, Category.XXX_IMAGESET]
    if parsed.resolution in _UHD:
        return [Category.XXX, Category.XXX_X264, Category.XXX_UHD]
    if parsed.resolution in _HD:
        return [Category.XXX, Category.XXX_X264]
    if parsed.source == "dvd" or "dvd" in words:
        return [Category.XXX, Category.XXX_DVD, Category.XXX_SD]
    return [Category.XXX, Category.XXX_SD]


def _other(_classified: ClassifiedTorrent, _words: frozenset[str]) -> list[Category]:
    return [Category.OTHER, Category.OTHER_MISC]


_OF_KIND: Final[dict[Kind, Callable[[ClassifiedTorrent, frozenset[str]], list[Category]]]] = {
    Kind.OTHER: _other,
    Kind.MOVIE: _movie,
    Kind.TV: _tv,
    Kind.ANIME: _anime,
    Kind.MUSIC: _music,
    Kind.AUDIOBOOK: _audiobook,
    Kind.EBOOK: _ebook,
    Kind.COMIC: _comic,
    Kind.GAME: _game,
    Kind.SOFTWARE: _software,
    Kind.ADULT: _adult,
}
