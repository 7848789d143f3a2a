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
