"""Which Torznab categories a torrent carries."""

import pytest

from catalog.categories import categories_of
from catalog.classify import classified
from catalog.model import ClassifiedTorrent, File, Kind, ParsedTitle
from catalog.titles.batch import process_cascade
from protocol.torznab.categories import known_categories, parent_id
from tests.fakes.title_data import kind_cases, made_torrent, named_cases


def categories(kind: Kind, name: str = "Open Work", files: tuple[File, ...] = (), **parsed: object) -> tuple[int, ...]:
    return categories_of(ClassifiedTorrent(made_torrent(name, files), ParsedTitle(title=name, **parsed), kind, 1.0, 1))


@pytest.mark.parametrize(
    ("kind", "parsed", "expected"),
    [
        (Kind.MOVIE, {"resolution": "1080p", "source": "bluray", "video_codec": "h264"}, (2000, 2040, 2050)),
        (Kind.MOVIE, {"resolution": "2160p", "source": "web", "video_codec": "h265"}, (2000, 2040, 2045, 2080, 2090)),
        (Kind.MOVIE, {"source": "dvd"}, (2000, 2030, 2070)),
        (Kind.MOVIE, {"source": "bluray"}, (2000, 2040, 2050)),
        (Kind.MOVIE, {}, (2000, 2030)),
        (Kind.TV, {"resolution": "480p"}, (5000, 5030)),
        (Kind.TV, {"resolution": "720p", "source": "tv"}, (5000, 5040)),
        (Kind.TV, {"resolution": "2160p", "source": "web"}, (5000, 5040, 5045, 5010)),
        (Kind.ANIME, {"resolution": "1080p", "absolute_episodes": (5,), "year": 1945}, (5000, 5070, 5040)),
        (Kind.ANIME, {"resolution": "1080p", "year": 1945}, (5000, 5070, 5040, 2000, 2040)),
        (Kind.AUDIOBOOK, {}, (3000, 3030)),
        (Kind.EBOOK, {}, (7000, 7020)),
        (Kind.COMIC, {}, (7000, 7030)),
        (Kind.ADULT, {"resolution": "1080p"}, (6000, 6040)),
        (Kind.ADULT, {}, (6000, 6080)),
        (Kind.OTHER, {}, (8000, 8010)),
    ],
)
def test_kind_resolution_and_source_choose(kind, parsed, expected):
    assert categories(kind, **parsed) == expected


@pytest.mark.parametrize(
    ("kind", "name", "path", "expected"),
    [
        (Kind.MUSIC, "Artist - Album", "01.flac", 3040),
        (Kind.MUSIC, "Artist - Album", "01.mp3", 3010),
        (Kind.MUSIC, "Artist - Album", "01.ogg", 3050),
        (Kind.EBOOK, "Open Magazine March 2015", "03.pdf", 7010),
        (Kind.GAME, "Open Game", "setup.exe", 4050),
        (Kind.GAME, "Open.Game.NSW-GRP", "game.nsp", 1090),
        (Kind.GAME, "Open Game", "game.nds", 1010),
        (Kind.GAME, "Open Game [PS3]", "game.pkg", 1080),
        (Kind.GAME, "Open Game [PS Vita]", "game.vpk", 1120),
        (Kind.SOFTWARE, "debian-13.1.0", "debian.iso", 4020),
        (Kind.SOFTWARE, "Open Program", "program.dmg", 4030),
        (Kind.SOFTWARE, "Open Program", "program.apk", 4070),
        (Kind.SOFTWARE, "Open Program", "program.exe", 4010),
        (Kind.ADULT, "Pictures", "01.jpg", 6060),
    ],
)
def test_files_and_words_choose_the_subcategory(kind, name, path, expected):
    found = categories(kind, name, (File(path, 5_000_000),))
    assert found == (parent_id(expected), expected)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (Kind.GAME, "Open Quest [NSW][NSP]", 1090),
        (Kind.GAME, "Open Quest (PS3)(EUR)", 1080),
        (Kind.GAME, "Open Quest PC/PS4", 1180),
        (Kind.MUSIC, "Artist - Album (2007)[FLAC]", 3040),
        (Kind.MUSIC, "Artist - Album [2007] (320 kbps)", 3010),
        (Kind.MUSIC, "Artist - Album [2007] (128 kbps M4A)", 3050),
        (Kind.EBOOK, "Open Work [March/April 2015]", 7010),
        (Kind.GAME, "Open Quest (1.2 GB)", 4050),
        (Kind.SOFTWARE, "debian-13.1.0-amd64-netinst", 4020),
    ],
)
def test_words_of_the_name_choose_the_subcategory_whatever_stands_between_them(kind, name, expected):
    assert categories(kind, name) == (parent_id(expected), expected)


@pytest.mark.parametrize("parsed", [{}, {"resolution": "240p"}, {"resolution": "1440p"}, {"resolution": "4320p"}, {"source": "tv"}])
def test_sonarrs_default_search_finds_every_row_of_television(parsed):
    for kind in (Kind.TV, Kind.ANIME):
        assert {5030, 5040} & set(categories(kind, **parsed))


def test_no_row_is_both_sd_and_hd():
    for parsed in ({}, {"resolution": "480p"}, {"resolution": "1080p"}, {"source": "bluray"}):
        assert not {5030, 5040} <= set(categories(Kind.TV, **parsed))
        assert not {2030, 2040} <= set(categories(Kind.MOVIE, **parsed))


def test_every_id_is_in_the_standard_tree_with_its_parent_and_the_kinds_parent_first():
    torrents = [case.torrent for case in kind_cases()] + [made_torrent(case.name) for case in named_cases()]
    for torrent in torrents:
        found = categories_of(classified(torrent, process_cascade().parse(torrent.name)))
        assert len(known_categories(found)) == len(found) >= 2
        assert found[0] % 1000 == 0
        assert parent_id(found[1]) == found[0]
        assert {parent_id(number) for number in found} <= set(found)
