import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.model import ClassifiedTorrent, File, Kind, ParsedTitle, Torrent
from protocol.bencode import encode
from protocol.identifiers import InfoHash, InfoHashV2
from protocol.metainfo import parse_torrent_file
from protocol.torrent_file import torrent_file
from storage.database import Database
from storage.info_dicts import InfoDicts
from storage.torrents import Torrents
from tests.fakes.torrents import make_torrent, single_file_info


def found(raw: bytes, *, v2: bool = False, hybrid: bool = False, layers: bytes = b"") -> ClassifiedTorrent:
    """A torrent of this info dict, as the fetcher and the upload make it."""
    long, short = InfoHashV2(hashlib.sha256(raw).digest()), InfoHash(hashlib.sha1(raw, usedforsecurity=False).digest())
    torrent = Torrent(
        InfoHash(long[:20]) if v2 else short, "Sintel", 1000, (File("Sintel.mkv", 1000),), 1, "dht",
        info_hash_v2=long if v2 or hybrid else None, info=raw, piece_layers=layers,
    )  # fmt: skip
    return ClassifiedTorrent(torrent, ParsedTitle("Sintel"), Kind.MOVIE, 0.9, 1)


def without_info(torrent: ClassifiedTorrent, **changes: object) -> ClassifiedTorrent:
    return replace(torrent, torrent=replace(torrent.torrent, info=None, **changes))  # type: ignore[arg-type]


RAW = encode(single_file_info())


async def kept(database: Database, torrent: ClassifiedTorrent, trackers: tuple[str, ...] = ()) -> bytes | None:
    """The .torrent file of a stored torrent."""
    row = await Torrents(database).by_info_hash(torrent.torrent.info_hash)
    assert row is not None
    made = await InfoDicts(database).torrent_file(row.id, trackers)
    assert row.has_info or made is None
    return made


async def test_a_kept_info_dict_comes_back_byte_for_byte(database: Database) -> None:
    torrent = found(RAW)
    await Torrents(database).store([torrent, without_info(found(encode(single_file_info(b"Big Buck Bunny.mkv"))))])
    assert await kept(database, torrent) == b"d4:info" + RAW + b"e"
    assert await kept(database, torrent, ("udp://tracker.example:1",)) == torrent_file(RAW, ("udp://tracker.example:1",))


async def test_without_an_info_dict_there_is_no_file(database: Database) -> None:
    torrent = without_info(found(RAW))
    await Torrents(database).store([torrent])
    assert await kept(database, torrent) is None


async def test_bytes_of_another_hash_are_not_kept(database: Database) -> None:
    other = encode(single_file_info(b"Tears of Steel.mkv"))
    torrent = replace(found(RAW), torrent=replace(found(RAW).torrent, info=other))
    await Torrents(database).store([torrent])
    assert await kept(database, torrent) is None


async def test_what_was_stored_without_gets_it_later_and_keeps_it(database: Database) -> None:
    torrents, torrent = Torrents(database), found(RAW)
    await torrents.store([without_info(torrent)])
    assert await kept(database, torrent) is None
    await torrents.store([torrent])
    await torrents.store([without_info(torrent)])
    assert await kept(database, torrent) == torrent_file(RAW)


async def test_of_two_observations_in_one_batch_either_may_bring_it(database: Database) -> None:
    torrent = found(RAW)
    await Torrents(database).store([torrent, without_info(torrent)])
    assert await kept(database, torrent) == torrent_file(RAW)


async def test_what_is_blocked_is_not_kept_and_blocking_removes_it(database: Database) -> None:
    torrents, torrent = Torrents(database), found(RAW)
    await torrents.store([torrent])
    await torrents.block([torrent.torrent.info_hash], "test")
    await torrents.store([torrent])
    assert await database.run(lambda connection: connection.execute("SELECT count(*) FROM info_dict").fetchone()) == (0,)


@pytest.mark.parametrize("version", ["v2", "hybrid"])
async def test_v2_is_kept_only_with_the_piece_layers_it_needs(database: Database, tmp_path: Path, version: str) -> None:
    read = parse_torrent_file(make_torrent(tmp_path, version).raw)
    bare = found(read.raw_info, v2=version == "v2", hybrid=version == "hybrid")
    await Torrents(database).store([bare])
    assert await kept(database, bare) is None
    whole = found(read.raw_info, v2=version == "v2", hybrid=version == "hybrid", layers=read.piece_layers)
    await Torrents(database).store([whole])
    made = await kept(database, whole)
    assert made is not None
    assert parse_torrent_file(made).has_piece_layers


async def test_v2_without_long_files_is_kept(database: Database, tmp_path: Path) -> None:
    read = parse_torrent_file(make_torrent(tmp_path, "v2", (("Sintel/a.srt", 900), ("Sintel/b.srt", 800))).raw)
    torrent = found(read.raw_info, v2=True)
    await Torrents(database).store([torrent])
    assert await kept(database, torrent) == torrent_file(read.raw_info)


async def test_the_info_dict_of_a_hybrid_stays_when_its_two_rows_become_one(database: Database, tmp_path: Path) -> None:
    read = parse_torrent_file(make_torrent(tmp_path, "hybrid", (("Sintel/a.srt", 900), ("Sintel/b.srt", 16_384))).raw)
    torrent, torrents = found(read.raw_info, hybrid=True), Torrents(database)
    await torrents.store([torrent])
    full, long = torrent.torrent.info_hash, torrent.torrent.info_hash_v2
    assert long is not None
    await database.run(lambda connection: connection.execute("UPDATE torrent SET info_hash = %s", (long[:20],)))
    await torrents.store([without_info(torrent, info_hash_v2=None)])  # a second row, under the v1 hash
    await torrents.store([without_info(torrent)])  # names both
    row = await torrents.by_info_hash(full)
    assert row is not None
    assert (row.has_info, await InfoDicts(database).torrent_file(row.id, ())) == (True, torrent_file(read.raw_info))


async def test_a_false_claim_of_a_hash_gets_no_file_of_another_torrent(database: Database, tmp_path: Path) -> None:
    """Anybody may claim that a v1 hash and a v2 hash are one torrent."""
    read = parse_torrent_file(make_torrent(tmp_path, "v2", (("Sintel/a.srt", 900), ("Sintel/b.srt", 800))).raw)
    torrent, torrents = found(read.raw_info, v2=True), Torrents(database)
    await torrents.store([torrent])
    claimed = found(RAW)
    await torrents.store([without_info(claimed, info_hash_v2=torrent.torrent.info_hash_v2)])
    assert await kept(database, claimed) is None
