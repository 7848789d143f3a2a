"""When the fast rules are sure, and when they must not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.kinds import decide_kind
from catalog.model import File, ParsedTitle
from catalog.titles.batch import within_cpu_time
from catalog.titles.cascade import quick
from tests.fakes.title_data import mistakes, named_cases

HOSTILE_NAMES = [
    "S01E02" * 170,
    "S01E02E03-E04" * 80,
    "[" * 1000,
    "[(" * 250 + ")]" * 250,
    "[a](b)" * 170,
    "[Group] " + "- 05 " * 200,
    "1x02-" * 200,
    "2010." * 200,
    "Sintel " + "- " * 500,
    "a." * 120 + "1080p",
    "Sintel.2010." + "x264-" * 200,
    "www." + "a-" * 200 + ".com - Sintel",
    "[" + "a" * 29 + "]" + " b" * 100 + "(" * 50 + "BD",
    "Season 1 " * 100,
    "v1.2.3.4" * 100,
    "A-" * 200 + "WEB-2014-GRP",
    "(1080p " * 60,
    ".-_ " * 250,
    "\u3042" * 1000,
]

REFUSED = [
    "2001.Maniacs.2005.1080p.BluRay.x264-GRP",  # a number in the title, and two years
    "1917.2019.1080p.BluRay.x264-GRP",
    "Metropolis.1927.2010.Restoration.1080p",  # two years
    "The.French.Connection.of.Steel.2012.1080p.WEB.x264",  # a language word in the title
    "The.Unrated.Story.2012.1080p.WEB.x264",  # an edition word in the title
    "Open.Lab.5of9.1080p.WEB",
    "Open Lab 5 of 9 1080p WEB",
    "Open.Lab.S6.E1E3.1080p",
    "Open.Lab.17.03.2015.720p.HDTV.x264",  # day, month, year: or month, day?
    "Sintel.2010.Some.Unknown.Words.1080p",
    "Sintel {2010} <1080p>",
    "[Some Words] [Others] Sintel 1080p",
    "Sintel",
    "Sintel Part 2 2010 1080p",
    "Open.Lab.1234.1080p.WEB",
]


@pytest.mark.parametrize("name", REFUSED)
def test_rules_refuse_what_they_are_not_sure_of(name):
    assert quick(name) is None


def test_rules_are_right_when_they_are_sure():
    answered = [(case, parsed) for case in named_cases() if (parsed := quick(case.name)) is not None]
    wrong = {case.name: found for case, parsed in answered if (found := mistakes(parsed, case.expected))}
    assert len(answered) >= 120
    assert len(wrong) <= 0.04 * len(answered), wrong


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_names_take_bounded_work(name):
    def work() -> bool:
        quick(name)
        decide_kind(name, ParsedTitle(title=name), [File(f"{name}.mkv", 1)] * 10)
        return True

    assert within_cpu_time(0.5, work), "more than half a second of CPU time"


@given(st.text(st.characters(), max_size=600))
def test_any_text_is_read_or_refused(text):
    parsed = quick(text)
    assert parsed is None or len(parsed.title) <= 300


@given(
    st.lists(
        st.sampled_from(
            [
                *"[](){}-_. ",
                " - ",
                "S01E02",
                "1x02",
                "2010",
                "1080p",
                "x264",
                "-GRP",
                "Sintel",
                "[Group]",
                "05",
                "v1.2",
                "第",
                ".mkv",
                "\u3042",
            ]
        ),
        max_size=80,
    ).map("".join)
)
def test_any_arrangement_of_the_usual_words_is_read_or_refused(name):
    parsed = quick(name)
    if parsed is not None and parsed.stage == "rules":
        assert parsed.title
        assert all(0 <= season <= 99 for season in parsed.seasons)
        assert len(parsed.episodes) <= 100
        assert len(parsed.absolute_episodes) <= 401
