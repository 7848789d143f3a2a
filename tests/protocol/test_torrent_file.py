from pathlib import Path

import libtorrent
import pytest

from protocol.bencode import decode
from protocol.metainfo import parse_info, parse_torrent_file
from protocol.torrent_file import torrent_file
from tests.fakes.torrents import BUNNY, SINTEL, make_torrent

TRACKERS = ("udp://tracker.example:6969/announce", "http://tracker.example/announce")


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
@pytest.mark.parametrize("files", [SINTEL, BUNNY])
def test_libtorrent_loads_what_we_wrap_and_finds_the_same_hashes(tmp_path: Path, version: str, files: tuple[tuple[str, int], ...]) -> None:
    made = make_torrent(tmp_path, version, files)
    read = parse_torrent_file(made.raw)
    loaded = libtorrent.load_torrent_buffer(torrent_file(made.raw_info, TRACKERS, read.piece_layers))
    assert loaded.info_hashes == made.torrent_info.info_hashes()
    assert bytes(loaded.ti.info_section()) == made.raw_info
    assert tuple(loaded.trackers) == TRACKERS


def test_the_file_is_canonical_and_says_nothing_it_does_not_know(tmp_path: Path) -> None:
    raw_info = make_torrent(tmp_path, "v1").raw_info
    assert torrent_file(raw_info) == b"d4:info" + raw_info + b"e"
    top = decode(torrent_file(raw_info, TRACKERS), max_length=100_000)
    assert isinstance(top, dict)
    assert list(top) == [b"announce", b"announce-list", b"info"]


@pytest.mark.parametrize("version", ["v2", "hybrid"])
def test_the_layers_that_are_needed_are_taken_over_and_no_others(tmp_path: Path, version: str) -> None:
    made = make_torrent(tmp_path, version)
    read = parse_torrent_file(made.raw)
    assert parse_info(made.raw_info).needs_piece_layers
    again = parse_torrent_file(torrent_file(made.raw_info, (), read.piece_layers))
    assert (again.has_piece_layers, again.piece_layers) == (True, read.piece_layers)
    layers = decode(read.piece_layers, max_length=100_000)
    assert isinstance(layers, dict)
    assert len(layers) == 1  # of three files one is longer than a piece


@pytest.mark.parametrize("version", ["v2", "hybrid"])
def test_files_within_one_piece_need_no_layers(tmp_path: Path, version: str) -> None:
    made = make_torrent(tmp_path, version, (("Sintel/a.srt", 900), ("Sintel/b.srt", 16_384)))
    assert not parse_info(made.raw_info).needs_piece_layers
    assert parse_torrent_file(made.raw).piece_layers == b""
    assert parse_torrent_file(torrent_file(made.raw_info)).has_piece_layers


def test_without_its_layers_a_file_counts_as_incomplete(tmp_path: Path) -> None:
    read = parse_torrent_file(torrent_file(make_torrent(tmp_path, "hybrid").raw_info))
    assert (read.has_piece_layers, read.piece_layers) == (False, b"")
