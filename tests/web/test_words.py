from datetime import UTC, date, datetime, timedelta

import pytest

from catalog.model import Kind, ParsedTitle
from web.words import KIND_LABELS, KIND_NAMES, age_words, ago_words, breakable, numbering_words, size_words

NOW = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (129_302_391, "123 MiB"),
        (1024**3 - 1, "1.0 GiB"),
        (5 * 1024**6, "5120 PiB"),
    ],
)
def test_sizes_are_short_and_never_show_1024_of_a_unit(size, words):
    assert size_words(size) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=23), "23 h"),
        (timedelta(days=59), "59 d"),
        (timedelta(days=400), "13 mo"),
        (timedelta(days=800), "2 y"),
        (timedelta(seconds=-90), "just now"),
    ],
)
def test_ages_take_the_largest_unit_that_fits(ago, words):
    assert age_words(NOW - ago, NOW) == words


@pytest.mark.parametrize(
    ("parsed", "words"),
    [
        ({}, ""),
        ({"seasons": (1,), "episodes": (2,)}, "S01E02"),
        ({"seasons": (1,), "episodes": (1, 2, 3)}, "S01E01-E03"),
        ({"seasons": (1, 2, 3)}, "S01-S03"),
        ({"absolute_episodes": (5,)}, "#05"),
        ({"date": date(2017, 11, 10)}, "2017-11-10"),
    ],
)
def test_numbering_is_written_as_names_write_it(parsed, words):
    assert numbering_words(ParsedTitle("Show", **parsed)) == words


def test_every_kind_has_a_name_and_a_label():
    assert set(KIND_NAMES) == set(KIND_LABELS) == set(Kind)


def test_an_age_in_a_sentence_says_ago():
    assert ago_words(NOW - timedelta(minutes=5), NOW) == "5 min ago"
    assert ago_words(NOW, NOW) == "just now"


def test_names_may_break_after_dots_and_stay_escaped():
    assert breakable("Big.Buck-Bunny...<b>") == "Big.<wbr>Buck-<wbr>Bunny...<wbr>&lt;b&gt;"
