"""Torrents and lines, classified."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.categories import categories_of
from catalog.classify import classified, classified_lines
from catalog.model import File, Kind, ParsedTitle
from catalog.titles.cascade import CLASSIFIER_VERSION, quick
from tests.fakes.title_data import made_torrent

ROOT = Path(__file__).resolve().parents[2]


def test_the_largest_video_fills_what_the_name_leaves_open():
    files = (File("Sintel/Sintel.2010.720p.WEB-DL.x264-GRP.mkv", 900), File("Sintel/extras.2010.480p.DVDRip.mkv", 100))
    parsed = quick("Sintel (2010)")
    assert parsed is not None
    result = classified(made_torrent("Sintel (2010)", files), parsed)
    assert (result.parsed.resolution, result.parsed.source, result.parsed.video_codec) == ("720p", "web", "h264")
    assert (result.kind, result.classifier_version) == (Kind.MOVIE, CLASSIFIER_VERSION)


def test_the_torrents_own_name_stands():
    files = (File("Sintel.2010.720p.WEB-DL.x264-GRP.mkv", 900),)
    parsed = quick("Sintel 2010 1080p BluRay")
    assert parsed is not None
    result = classified(made_torrent("Sintel 2010 1080p BluRay", files), parsed)
    assert (result.parsed.resolution, result.parsed.source, result.parsed.video_codec) == ("1080p", "bluray", "h264")


def test_one_line_in_one_object_out():
    lines = [
        json.loads(line) for line in classified_lines(["Sintel.2010.1080p.WEB.h264-GRP\r\n", "\n", "You.Bet.Your.Life.1955.03.17.HDTV"])
    ]
    assert [line["title"] for line in lines] == ["Sintel", "", "You Bet Your Life"]
    assert lines[0] == {
        "name": "Sintel.2010.1080p.WEB.h264-GRP",
        "title": "Sintel",
        "year": 2010,
        "seasons": [],
        "episodes": [],
        "absolute_episodes": [],
        "date": None,
        "resolution": "1080p",
        "video_codec": "h264",
        "source": "web",
        "group": "GRP",
        "languages": [],
        "kind": "movie",
        "kind_confidence": lines[0]["kind_confidence"],
        "confidence": 0.95,
        "stage": "rules",
    }
    assert lines[2]["date"] == "1955-03-17"


def test_lines_are_answered_as_they_come():
    asked = []

    def names() -> Iterator[str]:
        for name in ("Sintel.2010.1080p", "Sintel.2010.720p"):
            asked.append(name)
            yield name

    answers = classified_lines(names())
    next(answers)
    assert asked == ["Sintel.2010.1080p"]


def test_every_line_can_be_written_as_utf_8():
    (line,) = classified_lines(["Sin\udce9tel 2010 \u202e1080p"])
    line.encode()


def test_fast_names_do_not_load_the_slow_parser():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from catalog.classify import classified_lines\n"
        "list(classified_lines(['Sintel.2010.1080p.WEB.h264-GRP']))\n"
        "print(sorted({'guessit', 'trio', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(ROOT)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("path", "source", "category"),
    [("BDMV/STREAM/00001.m2ts", "bluray", 2040), ("Disc 1/VIDEO_TS/VTS_01_1.VOB", "dvd", 2030), ("Films/00001.m2ts", None, 2030)],
)
def test_the_folders_of_a_disc_tell_the_source(path, source, category):
    result = classified(made_torrent("Metropolis", (File(path, 30_000_000_000),)), quick("Metropolis") or ParsedTitle(title="Metropolis"))
    assert (result.kind, result.parsed.source) == (Kind.MOVIE, source)
    assert category in categories_of(result)
