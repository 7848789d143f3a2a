"""The whole way from a name to facts."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.model import ParsedTitle
from catalog.titles.batch import process_cascade
from catalog.titles.cascade import PARSED, Cascade
from tests.fakes.title_data import mistakes, named_cases

EXACT_FLOOR = 0.95
FAMILY_FLOOR = 0.85


class FixedParser:
    """A main parser with one answer, however absurd."""

    stage = "fixed"

    def __init__(self, answer: ParsedTitle) -> None:
        self._answer = answer

    def parse(self, name: str) -> ParsedTitle:
        return self._answer


def test_labelled_names_are_read_exactly(record_property):
    total: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    wrong = {}
    for case in named_cases():
        found = mistakes(process_cascade().parse(case.name), case.expected)
        total[case.family] += 1
        exact[case.family] += not found
        if found:
            wrong[case.name] = found
    for family in total:
        record_property(f"exact {family}", f"{exact[family]} of {total[family]}")
    assert total.total() >= 150
    assert exact.total() >= EXACT_FLOOR * total.total(), wrong
    assert all(exact[family] >= FAMILY_FLOOR * total[family] for family in total), wrong


def test_a_title_alone_is_a_guess_and_more_is_not():
    cascade = process_cascade()
    assert cascade.parse("Sintel").confidence == PARSED
    assert cascade.parse("Sintel 2010 1080p something").confidence > 0.8
    assert cascade.parse("!!!").confidence < PARSED
    assert cascade.parse("\x00\u202e") == ParsedTitle(title="")


def test_impossible_answers_of_a_parser_are_dropped():
    absurd = ParsedTitle(
        title=" -.Open.Lab._ ",
        year=17,
        seasons=(1, 500),
        episodes=tuple(range(9_900, 12_000)),
        date=date(1, 2, 3),
        group="[1080p].mkv",
        stage="fixed",
    )
    parsed = Cascade(FixedParser(absurd)).thorough("[Words] Open Lab <1080p> AV1")
    assert parsed.title == "Open Lab"
    assert (parsed.year, parsed.seasons, parsed.date) == (None, (1,), None)
    assert parsed.episodes == tuple(range(9_900, 10_000))
    assert (parsed.resolution, parsed.video_codec, parsed.group) == ("1080p", "av1", "Words")


def test_an_episode_without_a_season_is_absolute_unless_the_name_says_episode():
    read = ParsedTitle(title="Momotaro", episodes=(5,), stage="fixed")
    assert Cascade(FixedParser(read)).thorough("Momotaro 05").absolute_episodes == (5,)
    assert Cascade(FixedParser(read)).thorough("Momotaro Ep 05").episodes == (5,)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sintel-2048-surround.mp4", {"title": "sintel", "seasons": [], "episodes": []}),
        ("Elephants Dream 1080", {"title": "Elephants Dream", "seasons": [], "episodes": []}),
        ("MIT Lectures 6.001", {"seasons": [], "episodes": []}),
        ("jane-roe-live-4982.sbd", {"seasons": [], "episodes": []}),
        ("The.Beverly.Hillbillies.102.hdtv", {"seasons": [1], "episodes": [2]}),
        ("Open Lab 1102 1080p", {"seasons": [11], "episodes": [2]}),
        ("planet-240101.osm.pbf", {"title": "planet", "date": None}),
        ("Open.Lab.20261110.720p", {"date": "2026-11-10"}),
        ("Les.Vampires.1915.E01.1080p", {"title": "Les Vampires", "year": 1915, "seasons": [], "episodes": [1]}),
        ("Greed 1924 [3 of 4]", {"title": "Greed", "year": 1924, "seasons": [], "absolute_episodes": [3]}),
        ("Planet Comics 01-03 (1940-1953)", {"title": "Planet Comics", "seasons": [], "absolute_episodes": [1, 2, 3]}),
        ("Jane Roe - Open Album (2007) [Vinyl] [24-96]", {"year": 2007, "seasons": [], "episodes": []}),
        ("Open Lab S2026E02 1080p", {"seasons": [2026], "episodes": [2]}),
        ("Open Lab 2026x05 720p", {"seasons": [2026], "episodes": [5]}),
        ("Open Lab - Season 2019 Episode 05 720p", {"title": "Open Lab", "seasons": [2019], "episodes": [5]}),
        ("BigBuckBunny_320x180.mp4", {"title": "BigBuckBunny", "resolution": None}),
        ("ToS-4k-1920.mov", {"resolution": "2160p", "group": None}),
        ("Dragnet Complete Season 1", {"title": "Dragnet", "seasons": [1]}),
        ("Dragnet.The.Complete.Series.DVDRip", {"title": "Dragnet", "seasons": [], "source": "dvd"}),
        ("The Complete Metropolis (1927)", {"title": "The Complete Metropolis", "year": 1927}),
        ("Dragnet S01E01 - S01E03", {"title": "Dragnet", "seasons": [1], "episodes": [1, 2, 3]}),
        ("Dragnet S01 - S03 720p", {"title": "Dragnet", "seasons": [1, 2, 3]}),
        ("Dragnet S01, S02 720p", {"title": "Dragnet", "seasons": [1, 2]}),
        ("Dragnet.S01.E01.E02.1080p", {"title": "Dragnet", "seasons": [1], "episodes": [1, 2]}),
        ("[FreeSubs] Momotaro S01E03v2 [1080p]", {"title": "Momotaro", "seasons": [1], "episodes": [3]}),
        ("[FreeSubs] 2001 Nights - 03 [1080p]", {"title": "2001 Nights", "absolute_episodes": [3], "year": None}),
        ("Web.of.Freedom.2014.1080p", {"title": "Web of Freedom", "year": 2014, "source": None}),
        ("Open Lab 6th May 2020 720p", {"title": "Open Lab", "date": "2020-05-06"}),
        ("Открытая лаборатория. 2 сезон (2020) WEB-DL 1080p", {"title": "Открытая лаборатория", "seasons": [2], "year": 2020}),
        (
            "Открытая лаборатория (1 сезон: 1-3 серии из 8) [2019, WEB-DL 1080p]",
            {"title": "Открытая лаборатория", "seasons": [1], "episodes": [1, 2, 3], "year": 2019},
        ),
        ("Dragnet.S01E02.WEB", {"title": "Dragnet", "episodes": [2], "source": "web"}),
        ("Dragnet.S01E02.Charlottes.Web", {"title": "Dragnet", "episodes": [2], "source": None}),
        ("Battle for Wesnoth 1.16.9", {"title": "Battle for Wesnoth 1.16.9", "episodes": []}),
        ("Battle.for.Wesnoth.v1.16.9-GRP", {"title": "Battle for Wesnoth v1.16.9", "group": "GRP"}),
        ("gcc-14.2.0.tar.xz", {"title": "gcc 14.2.0"}),
        ("George Orwell - 1984 (1949).epub", {"title": "George Orwell - 1984", "year": 1949}),
        ("Jane Roe - 1999 [FLAC]", {"title": "Jane Roe - 1999"}),
        ("Emma - Jane Austen - 1815.pdf", {"title": "Emma - Jane Austen", "year": 1815}),
        ("Open.Works.2nd.Edition.2019.RETAIL.ePub-GRP", {"title": "Open Works 2nd Edition", "year": 2019, "group": "GRP"}),
        ("The Future of Retail.epub", {"title": "The Future of Retail"}),
    ],
)
def test_numbers_and_words_count_as_what_they_say_they_are(name, expected):
    assert mistakes(process_cascade().parse(name), expected) == {}


def test_the_second_part_of_a_version_is_no_episode():
    read = ParsedTitle(title="Battle for Wesnoth", episodes=(18,), stage="fixed")
    parsed = Cascade(FixedParser(read)).thorough("Battle for Wesnoth 1.18")
    assert parsed.episodes == parsed.absolute_episodes == ()


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_any_text_gives_a_bounded_reading(text):
    parsed = process_cascade().parse(text)
    assert len(parsed.title) <= 255
    assert 0 <= parsed.confidence <= 1
    parsed.title.encode()


@pytest.mark.parametrize(
    "name", ["Sintel.2010.1080p.BluRay.x264-GRP", "[FreeSubs] Momotaro - 05 [1080p].mkv", "debian-13.1.0-amd64-netinst.iso"]
)
def test_ordinary_names_need_no_main_parser(name):
    assert process_cascade().parse(name).stage == "rules"
