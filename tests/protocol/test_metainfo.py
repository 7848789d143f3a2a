import contextlib
import hashlib
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.bencode import decode, encode
from protocol.errors import MalformedMetainfo
from protocol.metainfo import FileEntry, Info, Metainfo, parse_info, parse_torrent_file
from protocol.piece_layers import merkle_root
from tests.fakes.torrents import BUNNY, SINTEL, make_torrent, single_file_info

INFO = single_file_info()


def reason_of(info: dict[bytes, Any] | bytes) -> str:
    with pytest.raises(MalformedMetainfo) as caught:
        parse_info(info if isinstance(info, bytes) else encode(info))
    return caught.value.reason


def listed(*files: dict[bytes, Any], name: bytes = b"Sintel", piece_length: int = 16_384) -> dict[bytes, Any]:
    total = sum(file.get(b"length", 0) for file in files)
    return {b"files": list(files), b"name": name, b"piece length": piece_length, b"pieces": bytes(20) * -(-total // piece_length)}


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
@pytest.mark.parametrize("files", [SINTEL, BUNNY])
@pytest.mark.parametrize("piece_length", [16_384, 32_768])
def test_we_read_what_libtorrent_made(tmp_path: Path, version: str, files: tuple[tuple[str, int], ...], piece_length: int) -> None:
    made = make_torrent(tmp_path, version, files, piece_length)
    read = parse_torrent_file(made.raw)
    hashes = made.torrent_info.info_hashes()
    assert read.raw_info == made.raw_info
    assert read.info.info_hash == (hashes.v1.to_bytes() if hashes.has_v1() else None)
    assert read.info.info_hash_v2 == (hashes.v2.to_bytes() if hashes.has_v2() else None)
    assert read.info.is_hybrid == (version == "hybrid")
    assert read.info.swarm_key == hashes.get_best().to_bytes()[:20] or version == "hybrid"
    assert read.info.name == made.torrent_info.name()
    prefix = f"{read.info.name}/" if files is SINTEL else ""
    assert [(prefix + path, size) for path, size in read.info.files] == made.files
    assert read.info.size == sum(size for _, size in files)
    assert read.info.piece_length == piece_length
    assert read.has_piece_layers
    assert not read.info.is_cleaned
    assert parse_info(made.raw_info) == read.info


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_any_bytes_give_a_value_or_the_one_exception(raw: bytes) -> None:
    for parse in (parse_info, parse_torrent_file):
        with contextlib.suppress(MalformedMetainfo):
            assert isinstance(parse(raw), Info | Metainfo)


KEYS = [b"", b"name", b"name.utf-8", b"pieces", b"piece length", b"length", b"files", b"path", b"attr", b"file tree", b"meta version"]
KEYS += [b"pieces root", b"private", b"info", b"piece layers", b"announce", b"announce-list", b"creation date", b"encoding", b"comment"]
values = st.recursive(
    st.integers(-(2**70), 2**70) | st.sampled_from([0, 2, 16_384]) | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.binary(max_size=3), inner, max_size=6),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(KEYS), values), st.dictionaries(st.sampled_from(KEYS), values))
@settings(max_examples=200)
def test_any_dictionary_gives_a_value_or_the_one_exception(info: dict[bytes, Any], around: dict[bytes, Any]) -> None:
    for base in ({}, INFO):
        with contextlib.suppress(MalformedMetainfo):
            parse_info(encode({**base, **info}))
        with contextlib.suppress(MalformedMetainfo):
            parse_torrent_file(encode({**around, b"info": {**base, **info}}))


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
def test_mutations_of_real_torrents_raise_nothing_else(tmp_path: Path, version: str) -> None:

    made = make_torrent(tmp_path, version)
    noise = random.Random(version)
    for _ in range(2000):
        raw = bytearray(made.raw)
        for _ in range(noise.randint(1, 4)):
            raw[noise.randrange(len(raw))] = noise.choice(b"0123456789:deil" + bytes(range(256)))
        with contextlib.suppress(MalformedMetainfo):
            parse_torrent_file(bytes(raw))


def test_hashes_are_taken_of_the_bytes_as_they_stand() -> None:
    canonical = encode(INFO)
    shuffled = b"d" + b"".join(encode(key) + encode(INFO[key]) for key in reversed(list(INFO))) + b"e"
    raw = b"d4:info" + shuffled + b"8:announce28:udp://tracker.example:6969/ae"  # both dictionaries are unsorted
    read = parse_torrent_file(raw)
    assert read.raw_info == shuffled != canonical
    assert read.info.info_hash == hashlib.sha1(shuffled, usedforsecurity=False).digest()
    assert parse_info(shuffled).info_hash == read.info.info_hash
    assert read.info.name == "Sintel.mkv"
    assert read.trackers == ("udp://tracker.example:6969/a",)


def test_padding_counts_for_the_pieces_and_for_nothing_else() -> None:
    info = listed(
        {b"length": 100, b"path": [b"a.txt"]},
        {b"attr": b"p", b"length": 16_284, b"path": [b".pad", b"16284"]},
        {b"length": 5, b"path": [b"_____padding_file_0_if you see this file, please update to BitComet 0.85"]},
        {b"attr": b"hx", b"length": 7, b"path": [b"b.txt"]},
        {b"attr": b"l", b"path": [b"link"], b"symlink path": [b"a.txt"]},
    )
    read = parse_info(encode(info))
    assert read.files == (FileEntry("a.txt", 100), FileEntry("b.txt", 7), FileEntry("link", 0))
    assert (read.size, read.file_count) == (107, 3)


def test_names_in_utf_8_come_first() -> None:
    info = listed({b"length": 1, b"path": [b"\xcf\xc8"], b"path.utf-8": ["第一集.mkv".encode()]}, name=b"\xd2\xbb") | {
        b"name.utf-8": "一部".encode()
    }
    read = parse_info(encode(info))
    assert (read.name, read.files[0].path, read.is_cleaned) == ("一部", "第一集.mkv", False)


def test_names_in_utf_8_that_are_none_are_passed_over() -> None:
    info = listed({b"length": 1, b"path": [b"a"], b"path.utf-8": b"a"}) | {b"name.utf-8": 3}
    read = parse_info(encode(info))
    assert (read.name, read.files[0].path) == ("Sintel", "a")


@pytest.mark.parametrize(
    ("raw", "encoding", "shown"),
    [
        ("Ночь живых мертвецов".encode("cp1251"), b"windows-1251", "Ночь живых мертвецов"),
        ("ナイト".encode("cp932"), b"Shift_JIS", "ナイト"),
        ("Amélie".encode("latin-1"), None, "Amélie"),
        ("Ночь".encode("cp1251"), None, "����"),
        ("Ночь".encode("cp1251"), b"rot13", "����"),
        (b"Sin\x00tel", None, "Sin tel"),
        ("Sintel \u202egpj.exe".encode(), None, "Sintel gpj.exe"),
        ("Sin\u200btel\r\n\u2028 x".encode(), None, "Sintel x"),
        ("نیم\u200cفاصله".encode(), None, "نیم\u200cفاصله"),
    ],
)
def test_names_come_out_clean(raw: bytes, encoding: bytes | None, shown: str) -> None:
    top: dict[bytes, Any] = {b"info": {**INFO, b"name": raw}}
    if encoding:
        top[b"encoding"] = encoding
    read = parse_torrent_file(encode(top)).info
    assert read.name == read.files[0].path == shown
    assert read.is_cleaned == (shown.encode() != raw)


def test_a_name_of_nothing_visible_becomes_the_hash() -> None:
    read = parse_info(encode({**INFO, b"name": b"\x00\x01"}))
    assert read.info_hash is not None
    assert read.name == read.info_hash.hex()
    assert read.files[0].path == "_"


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ([b"..", b"..", b"etc", b"passwd"], "etc/passwd"),
        ([b"/etc/passwd"], "_etc_passwd"),
        ([b"a", b"", b".", b"b"], "a/b"),
        ([b"..\\..\\x"], ".._.._x"),
        ([b".."], "_"),
        ([b"\x00", b".\x00."], ". ."),
    ],
)
def test_no_path_leads_out(parts: list[bytes], shown: str) -> None:
    read = parse_info(encode(listed({b"length": 1, b"path": parts})))
    assert read.files[0].path == shown
    assert read.is_cleaned


def test_more_files_than_the_cap_are_counted_not_kept() -> None:
    info = encode(listed(*({b"length": 3, b"path": [b"%d" % n]} for n in range(5000))))
    read = parse_info(info, max_files=100)
    assert (len(read.files), read.file_count, read.size) == (100, 5000, 15_000)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({b"name": b"x" * 100_000}, "name_too_long"),
        ({b"name": 5}, "no_name"),
        ({b"length": -1}, "bad_length"),
        ({b"length": 2**63}, "bad_length"),
        ({b"length": b"5"}, "bad_length"),
        ({b"piece length": 0}, "bad_piece_length"),
        ({b"piece length": -5}, "bad_piece_length"),
        ({b"piece length": 2**60}, "bad_piece_length"),
        ({b"pieces": bytes(19)}, "bad_pieces"),
        ({b"pieces": b""}, "bad_pieces"),
        ({b"pieces": [1]}, "bad_pieces"),
        ({b"files": []}, "bad_files"),
        ({b"files": [1]}, "bad_files"),
        ({b"files": [{b"length": 1, b"path": []}]}, "bad_path"),
        ({b"files": [{b"length": 1, b"path": [1]}]}, "bad_path"),
        ({b"files": [{b"length": 1, b"path": [b"x" * 3000, b"y" * 3000]}]}, "path_too_long"),
        ({b"files": [{b"length": 1, b"path": [b""] * 65}]}, "path_too_deep"),
        ({b"files": [{b"length": 1, b"path": [b"x"], b"path.utf-8": [b""] * 65}]}, "path_too_deep"),
        ({b"meta version": 3}, "unknown_meta_version"),
        ({b"meta version": 2}, "bad_file_tree"),
        ({b"meta version": 2, b"file tree": {b"": {b"": {b"length": 0}}}}, "bad_file_tree"),
        ({b"meta version": 2, b"file tree": {b"a": {b"": {b"length": 0}, b"b": {}}}}, "bad_file_tree"),
        ({b"meta version": 2, b"file tree": {b"a": {b"": {b"length": 1}}}}, "bad_pieces_root"),
        ({b"meta version": 2, b"file tree": {b"a": {b"b": {}}}}, "bad_file_tree"),
        ({b"meta version": 2, b"file tree": {b"Sintel.mkv": {b"": {b"length": 5, b"pieces root": bytes(32)}}}}, "inconsistent_hybrid"),
        ({b"meta version": 2, b"file tree": {b"x": {b"": {b"length": 0}}}, b"piece length": 20_000}, "bad_piece_length"),
    ],
)
def test_what_no_client_could_download_is_refused(change: dict[bytes, Any], reason: str) -> None:
    assert reason_of({**INFO, **change}) == reason


def test_sizes_that_add_up_to_the_absurd_are_refused() -> None:
    files = [{b"length": 2**50, b"path": [b"%d" % n]} for n in range(3)]
    assert reason_of(listed(*files, piece_length=2**40)) == "bad_length"


def test_bombs_are_refused() -> None:
    assert reason_of(b"l" * 60_000) in {"not_bencode", "too_deep"}
    assert reason_of(b"l" * 1_000_000 + b"e" * 1_000_000) in {"not_bencode", "too_deep"}
    assert reason_of(b"d1:a" * 5_000 + b"i1e" + b"e" * 5_000) in {"not_bencode", "too_deep"}
    assert reason_of(bytes(11 * 1024 * 1024)) == "too_long"
    assert reason_of(b"d1:x" + b"le" * 2_000_000 + b"e") == "too_deep"
    tree: dict[bytes, Any] = {b"": {b"length": 0}}
    for _ in range(100):
        tree = {b"a": tree}
    assert reason_of({b"meta version": 2, b"name": b"x", b"piece length": 16_384, b"file tree": tree}) == "file_tree_too_deep"


def test_honest_dicts_of_ten_megabytes_are_no_bombs() -> None:
    noise = random.Random(5)
    hashes = encode(single_file_info(length=500_000 * 65_536))
    assert parse_info(hashes[: -20 * 500_000 - 1] + noise.randbytes(20 * 500_000) + b"e").size == 500_000 * 65_536
    titles = [{b"length": 1, b"path": [b"all old fields", b"middle child %05d" % number]} for number in range(20_000)]
    assert parse_info(encode(listed(*titles))).file_count == 20_000


def test_an_info_dict_without_pieces_is_refused() -> None:
    assert reason_of({b"length": 1, b"name": b"x", b"piece length": 16_384, b"root hash": bytes(20)}) == "no_pieces"
    assert reason_of(b"4:spam") == "not_a_dictionary"
    with pytest.raises(MalformedMetainfo, match="no_info"):
        parse_torrent_file(b"d8:announce3:abce")


def test_a_hybrid_whose_halves_differ_is_refused(tmp_path: Path) -> None:
    info: dict[bytes, Any] = decode(make_torrent(tmp_path, "hybrid").raw_info, max_length=100_000)  # type: ignore[assignment]
    shorter = {**info, b"file tree": {key: value for key, value in info[b"file tree"].items() if key != b"Sintel.srt"}}
    assert reason_of(shorter) == "inconsistent_hybrid"
    unpadded = {**info, b"files": [{**file, b"attr": b"x"} if b"attr" in file else file for file in info[b"files"]]}
    assert reason_of(unpadded) == "inconsistent_hybrid"
    misaligned = [{**file, b"length": file[b"length"] - (b"attr" in file)} for file in info[b"files"]]
    assert reason_of({**info, b"files": misaligned}) == "inconsistent_hybrid"


def test_piece_layers_must_lead_to_the_roots(tmp_path: Path) -> None:
    top: dict[bytes, Any] = decode(make_torrent(tmp_path, "v2", (("Sintel/a", 200_000), ("Sintel/b", 90_000))).raw, max_length=100_000)  # type: ignore[assignment]
    layers = top[b"piece layers"]
    assert parse_torrent_file(encode(top)).has_piece_layers
    first = next(iter(layers))
    for broken, reason in (
        ({**layers, first: layers[first][32:] + layers[first][:32]}, "wrong_piece_layers"),
        ({**layers, first: layers[first][32:]}, "bad_piece_layers"),
        ({**layers, first: 5}, "bad_piece_layers"),
        ([], "bad_piece_layers"),
    ):
        with pytest.raises(MalformedMetainfo, match=reason):
            parse_torrent_file(encode({**top, b"piece layers": broken}))
    del top[b"piece layers"][first]
    assert not parse_torrent_file(encode(top)).has_piece_layers


def test_a_layer_that_many_files_share_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bytes] = []

    def counted(layer: bytes, piece_length: int) -> bytes:
        calls.append(layer)
        return merkle_root(layer, piece_length)

    monkeypatch.setattr("protocol.piece_layers.merkle_root", counted)
    layer = bytes(32 * 100)
    root = merkle_root(layer, 16_384)
    tree = {b"%03d" % number: {b"": {b"length": 100 * 16_384, b"pieces root": root}} for number in range(300)}
    info = {b"file tree": tree, b"meta version": 2, b"name": b"Sintel", b"piece length": 16_384}
    assert parse_torrent_file(encode({b"info": info, b"piece layers": {root: layer}})).has_piece_layers
    assert len(calls) == 1


def test_the_rest_of_a_torrent_file_is_read() -> None:
    raw = encode(
        {
            b"announce": b"udp://a.example:1/",
            b"announce-list": [[b"udp://a.example:1/", b"http://b.example/"], [b"junk", 7], 7],
            b"comment": b"public\x00domain",
            b"created by": b"swarmdex",
            b"creation date": 1_700_000_000,
            b"info": {**INFO, b"private": 1},
        }
    )
    read = parse_torrent_file(raw)
    assert read.trackers == ("udp://a.example:1/", "http://b.example/")
    assert (read.comment, read.created_by, read.info.is_private) == ("public domain", "swarmdex", True)
    assert read.created_at is not None
    assert read.created_at.isoformat() == "2023-11-14T22:13:20+00:00"
    assert parse_torrent_file(encode({b"creation date": 2**70, b"info": INFO})).created_at is None
