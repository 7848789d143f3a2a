"""A small library of free works, understood as the classifier would, for tests that need an index with something in it."""

import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

from catalog.model import ClassifiedTorrent, File, Kind, ParsedTitle, Torrent
from protocol.identifiers import ExternalId, InfoHash

GIB = 1024**3


def hash_of(name: str) -> InfoHash:
    return InfoHash(hashlib.sha1(name.encode(), usedforsecurity=False).digest())


def classified(name: str, kind: Kind, files: tuple[File, ...] = (), size: int = 0, **parsed: object) -> ClassifiedTorrent:
    """A torrent of that name. Without files it has one, named like the torrent. `ids` are the work's numbers elsewhere."""
    size = size or sum(file.size for file in files) or GIB
    files = files or (File(f"{name}.mkv" if kind in {Kind.MOVIE, Kind.TV, Kind.ANIME} else name, size),)
    ids: Any = parsed.pop("ids", ())
    title = ParsedTitle(**{"title": name, "confidence": 0.9, "stage": "rules", **parsed})  # type: ignore[arg-type]
    torrent = Torrent(hash_of(name), name, size, files, len(files), "dht", ids=ids)
    return ClassifiedTorrent(torrent, title, kind, 0.9, 1)


def names(*found: ClassifiedTorrent) -> set[str]:
    return {torrent.torrent.name for torrent in found}


def with_swarm(found: ClassifiedTorrent, seeders: int, leechers: int) -> ClassifiedTorrent:
    return replace(found, torrent=replace(found.torrent, seeders=seeders, leechers=leechers))


HILLBILLIES = "The Beverly Hillbillies"
BEAVIS = "Mike.Judge's.Open.Shorts.and.Butt-Joints.S01E01.480p"

SINTEL = classified(
    "Sintel.2010.1080p.WEB.x264-BLENDER", Kind.MOVIE, (File("Sintel/Sintel.mkv", 1_200_000_000), File("Sintel/Sintel.srt", 1_514)),
    title="Sintel", year=2010, resolution="1080p", video_codec="h264", source="web", group="BLENDER",
    ids=(ExternalId("imdb", 1727587), ExternalId("tmdb", 45745)),
)  # fmt: skip
SINTEL_SD = classified("Sintel (2010) 480p", Kind.MOVIE, size=300_000_000, title="Sintel", year=2010, resolution="480p")
TEARS = classified(
    "Tears.of.Steel.2012.2160p.x265", Kind.MOVIE, size=6 * GIB, title="Tears of Steel", year=2012, resolution="2160p", video_codec="h265"
)
EPISODE = classified(
    "The.Beverly.Hillbillies.S01E02.480p.DVDRip.x264", Kind.TV,
    title=HILLBILLIES, seasons=(1,), episodes=(2,), resolution="480p", source="dvd",
)  # fmt: skip
EPISODE_X = classified("The Beverly Hillbillies 1x02 Getting Settled", Kind.TV, title=HILLBILLIES, seasons=(1,), episodes=(2,))
EPISODES_1_TO_3 = classified("The.Beverly.Hillbillies.S01E01-E03", Kind.TV, title=HILLBILLIES, seasons=(1,), episodes=(1, 2, 3))
EPISODE_20 = classified("The.Beverly.Hillbillies.S01E20", Kind.TV, title=HILLBILLIES, seasons=(1,), episodes=(20,))
PACK = classified("The.Beverly.Hillbillies.S01.720p", Kind.TV, size=9 * GIB, title=HILLBILLIES, seasons=(1,), resolution="720p")
PACK_1_TO_3 = classified("The Beverly Hillbillies Seasons 1-3", Kind.TV, size=20 * GIB, title=HILLBILLIES, seasons=(1, 2, 3))
SEASON_2 = classified(
    "The.Beverly.Hillbillies.S02E02", Kind.TV, title=HILLBILLIES, seasons=(2,), episodes=(2,),
    ids=(ExternalId("tvdb", 71471), ExternalId("imdb", 55662)),
)  # fmt: skip
SPECIAL = classified("The.Beverly.Hillbillies.S00E05.Christmas", Kind.TV, title=HILLBILLIES, seasons=(0,), episodes=(5,))
DAILY = classified("Democracy.Now.2017.11.10.720p", Kind.TV, title="Democracy Now", date=date(2017, 11, 10), resolution="720p")
DAILY_LATER = classified("Democracy Now 2018-01-05", Kind.TV, title="Democracy Now", date=date(2018, 1, 5))
APOSTROPHE = classified(BEAVIS, Kind.TV, title="Mike Judge's Open Shorts and Butt-Joints", seasons=(1,), episodes=(1,), resolution="480p")
ANIME = classified(
    "[Morevna] Pepper and Carrot - 05 [1080p]",
    Kind.ANIME,
    title="Pepper and Carrot",
    absolute_episodes=(5,),
    resolution="1080p",
    group="Morevna",
)
ANIME_6 = classified(
    "[Morevna] Pepper and Carrot - 06 [1080p]", Kind.ANIME, title="Pepper and Carrot", absolute_episodes=(6,), resolution="1080p",
    group="Morevna", ids=(ExternalId("tvdb", 361_000),),
)  # fmt: skip
ANIME_SEASONAL = classified(
    "Pepper.and.Carrot.S01E05.720p", Kind.TV, title="Pepper and Carrot", seasons=(1,), episodes=(5,), resolution="720p"
)
_NIGHT = (ExternalId("imdb", 63350), ExternalId("tmdb", 10331))
NIGHT = classified(
    "Night.of.the.Living.Dead.1968.1080p.BluRay", Kind.MOVIE, size=8 * GIB, title="Night of the Living Dead", year=1968, resolution="1080p",
    source="bluray", ids=_NIGHT,
)  # fmt: skip
NIGHT_BARE = classified("Night of the Living Dead (1968) DVDRip", Kind.MOVIE, title="Night of the Living Dead", year=1968, source="dvd")
NIGHT_YEAR_OFF = classified("Night of the Living Dead 1969 PAL", Kind.MOVIE, title="Night of the Living Dead", year=1969)
NIGHT_REMAKE = classified("Night of the Living Dead 1990 fan edit", Kind.MOVIE, title="Night of the Living Dead", year=1990)
NIGHT_FOREIGN = classified(
    "Die Nacht der lebenden Toten German", Kind.MOVIE, title="Die Nacht der lebenden Toten", confidence=0.6, ids=_NIGHT[:1]
)
"""Known by its number only: its name tells no year."""
ALBUM = classified(
    "Kevin MacLeod - Calming (2016) [FLAC]",
    Kind.MUSIC,
    (File("Kevin MacLeod - Calming/01.flac", 30_000_000),),
    title="Kevin MacLeod - Calming",
    year=2016,
)
MP3 = classified(
    "Kevin MacLeod - Rock Harder MP3", Kind.MUSIC, (File("Rock Harder/01.mp3", 8_000_000),), title="Kevin MacLeod - Rock Harder"
)
AUDIOBOOK = classified(
    "Frankenstein - Mary Shelley (LibriVox audiobook)", Kind.AUDIOBOOK, (File("frankenstein_01.mp3", 20_000_000),), title="Frankenstein"
)
EBOOK = classified("Mary Shelley - Frankenstein (epub)", Kind.EBOOK, (File("Frankenstein.epub", 450_000),), title="Frankenstein")
GAME = classified("SuperTuxKart-1.4-linux", Kind.GAME, size=800_000_000, title="SuperTuxKart")
SOFTWARE = classified("debian-13.1.0-amd64-netinst.iso", Kind.SOFTWARE, size=783_286_272, title="debian-13.1.0-amd64-netinst")
OTHER = classified("OpenStreetMap planet extract", Kind.OTHER, size=2 * GIB)

LIBRARY = (
    SINTEL, SINTEL_SD, TEARS, EPISODE, EPISODE_X, EPISODES_1_TO_3, EPISODE_20, PACK, PACK_1_TO_3, SEASON_2, SPECIAL, DAILY, DAILY_LATER,
    APOSTROPHE, ANIME, ALBUM, MP3, AUDIOBOOK, EBOOK, GAME, SOFTWARE, OTHER,
    ANIME_6, ANIME_SEASONAL, NIGHT, NIGHT_BARE, NIGHT_YEAR_OFF, NIGHT_REMAKE, NIGHT_FOREIGN,
)  # fmt: skip
