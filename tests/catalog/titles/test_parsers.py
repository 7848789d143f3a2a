"""guessit's words become ours."""

from datetime import date

import pytest

from catalog.titles.parsers import GuessitParser


@pytest.fixture(scope="module")
def parser():
    return GuessitParser()


@pytest.mark.parametrize(
    ("words", "source"),
    [
        ("1080p BluRay", "bluray"),
        ("2160p UHD BluRay", "bluray"),
        ("WEB-DL", "web"),
        ("VODRip", "web"),
        ("HDTV", "tv"),
        ("PDTV", "tv"),
        ("DVDRip", "dvd"),
        ("HD-DVD", "hddvd"),
        ("VHSRip", "vhs"),
        ("CAM", "cam"),
        ("TELESYNC", "cam"),
        ("HDCAM", "cam"),
        ("Workprint", "cam"),
    ],
)
def test_sources_in_our_words(parser, words, source):
    assert parser.parse(f"Sintel 2010 {words} x264").source == source


@pytest.mark.parametrize(
    ("word", "codec"),
    [
        ("x264", "h264"),
        ("AVC", "h264"),
        ("HEVC", "h265"),
        ("XviD", "xvid"),
        ("DivX", "divx"),
        ("MPEG-2", "mpeg2"),
        ("VC-1", "vc1"),
        ("VP9", "vp9"),
    ],
)
def test_codecs_in_our_words(parser, word, codec):
    assert parser.parse(f"Sintel 2010 1080p {word}").video_codec == codec


def test_every_field_guessit_finds(parser):
    parsed = parser.parse("The Beverly Hillbillies S01E02E03 2010 FRENCH 720p HDTV x264-GRP")
    assert (parsed.title, parsed.year, parsed.seasons, parsed.episodes) == ("The Beverly Hillbillies", 2010, (1,), (2, 3))
    assert (parsed.resolution, parsed.video_codec, parsed.source, parsed.group) == ("720p", "h264", "tv", "GRP")
    assert (parsed.languages, parsed.stage) == (("fr",), "guessit")
    assert parser.parse("You Bet Your Life 1955-03-17").date == date(1955, 3, 17)


@pytest.mark.parametrize("name", ["", " ", "[", "-" * 200, "MULTi", "\U0001f916"])
def test_odd_names_raise_nothing(parser, name):
    assert isinstance(parser.parse(name).title, str)
