import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.model import File
from storage import filelist
from storage.errors import CorruptFileList

paths = st.text(st.characters(), max_size=40) | st.text("abc/. 01", max_size=40)
files = st.lists(st.builds(File, paths, st.integers(0, 2**63 - 1)), max_size=30)


@given(files)
def test_what_was_packed_comes_back_in_its_order(listed: list[File]) -> None:
    assert filelist.decode(filelist.CODEC, filelist.encode(listed)) == tuple(listed)


def test_a_large_list_comes_back() -> None:
    listed = tuple(File(f"Season 01/The.Beverly.Hillbillies.S01E{n:04d}.mkv", n * 1_000_003) for n in range(5000))
    packed = filelist.encode(listed)
    assert filelist.decode(filelist.CODEC, packed) == listed
    assert len(packed) < 10 * len(listed)


def test_five_files_take_about_a_hundred_bytes() -> None:
    name = "Sintel.2010.1080p.BluRay.x264-GROUP"
    listed = [File(f"{name}.mkv", 734_003_200), File(f"{name}.nfo", 4021), File("Subs/English.srt", 31_337)]
    listed += [File(f"Sample/{name.lower()}-sample.mkv", 20_001_234), File("README.txt", 30)]
    assert len(filelist.encode(listed)) < 120


@given(st.binary(max_size=200))
def test_any_bytes_give_a_list_or_one_error(data: bytes) -> None:
    for packed in (data, zlib.compress(data, wbits=-15)):
        with contextlib.suppress(CorruptFileList):
            filelist.decode(filelist.CODEC, packed)


@given(st.binary(min_size=1, max_size=3), st.integers(0, 60))
def test_damaged_bytes_give_a_list_or_one_error(damage: bytes, at: int) -> None:
    packed = bytearray(filelist.encode([File("Big Buck Bunny/bunny.mkv", 5), File("Big Buck Bunny/bunny.srt", 7)]))
    packed[at : at + len(damage)] = damage
    with contextlib.suppress(CorruptFileList):
        filelist.decode(filelist.CODEC, bytes(packed))


def test_bombs_are_refused_within_bounds() -> None:
    bomb = zlib.compress(bytes(filelist.MAX_DECODED + 1), wbits=-15)
    with pytest.raises(CorruptFileList, match="too large"):
        filelist.decode(filelist.CODEC, bomb)
    # A million files that each share a long path with the one before: front coding multiplies.
    longest = 50_000
    count = 2000
    heads = b"\x00\xd0\x86\x03\x01" + b"\xd0\x86\x03\x00\x01" * (count - 1)
    plain = b"\xd0\x0f" + heads + b"x" * longest
    with pytest.raises(CorruptFileList, match="too large"):
        filelist.decode(filelist.CODEC, zlib.compress(plain, wbits=-15))
    # Three bytes a file, of which DEFLATE leaves nothing: 30 kB would become ten million objects.
    empty_files = b"\x80\xad\xe2\x04" + bytes(30_000_000)
    with pytest.raises(CorruptFileList, match="than any torrent has"):
        filelist.decode(filelist.CODEC, zlib.compress(empty_files, wbits=-15))


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(CorruptFileList, match="codec 99"):
        filelist.decode(99, b"")
