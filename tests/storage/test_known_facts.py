"""What is derived from the facts of a torrent follows from all of them, whichever observation brought which."""

import pytest

from catalog.classify import UNREAD, classified, provisional
from catalog.model import ClassifiedTorrent, File, Kind, Torrent, TorrentRow
from catalog.titles.cascade import CLASSIFIER_VERSION, quick, unparsed
from storage.database import Database
from storage.torrents import Torrents
from tests.fakes.classified import info_hash

EPISODE = "Pioneer.One.S01E02.1080p.WEB.x264-VODO"


@pytest.fixture
def torrents(database: Database) -> Torrents:
    return Torrents(database)


def found(name: str, *files: File, category: str | None = None, seeders: int | None = None) -> Torrent:
    size = sum(file.size for file in files)
    return Torrent(info_hash("one"), name, size, files, len(files), "site", site_category=category, seeders=seeders)


def read(torrent: Torrent) -> ClassifiedTorrent:
    return classified(torrent, quick(torrent.name) or unparsed(torrent.name))


async def stored(torrents: Torrents, *observations: ClassifiedTorrent) -> TorrentRow:
    for observation in observations:
        await torrents.store([observation])
    row = await torrents.by_info_hash(info_hash("one"))
    assert row is not None
    return row


async def test_a_torrent_that_comes_again_without_its_files_stays_what_they_make_it(torrents: Torrents) -> None:
    tracks = [File(f"{number:02d} - Track.flac", 30_000_000) for number in range(1, 12)]
    whole = read(found("Nine Inch Nails - Ghosts I-IV", *tracks))
    assert whole.kind is Kind.MUSIC
    row = await stored(torrents, whole, read(found("Nine Inch Nails - Ghosts I-IV", seeders=7)))
    assert (row.kind, row.seeders, row.file_count) == (Kind.MUSIC, 7, 11)


async def test_a_torrent_that_comes_again_without_its_category_stays_in_it(torrents: Torrents) -> None:
    row = await stored(torrents, read(found("Blender Manual", category="7020")), read(found("Blender Manual", seeders=7)))
    assert (row.kind, row.seeders) == (Kind.EBOOK, 7)
    assert 7020 in row.categories


async def test_a_name_that_was_read_stays_read_when_it_comes_again_unread(torrents: Torrents) -> None:
    row = await stored(torrents, read(found(EPISODE)), provisional(found(EPISODE, seeders=7)))
    assert (row.kind, row.parsed.seasons, row.parsed.episodes, row.seeders) == (Kind.TV, (1,), (2,), 7)


async def test_another_name_is_read_anew(torrents: Torrents, database: Database) -> None:
    row = await stored(torrents, read(found(EPISODE)), provisional(found("Pioneer One 1x02")))
    assert (row.name, row.parsed.seasons) == ("Pioneer One 1x02", ())
    versions = await database.run(lambda connection: connection.execute("SELECT classifier_version FROM torrent").fetchall())
    assert versions == [(UNREAD,)]
    assert CLASSIFIER_VERSION > UNREAD
