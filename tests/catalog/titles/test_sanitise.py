"""What is left of names as attackers choose them."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.titles.sanitise import PARSED_LENGTH, PATH_LENGTH, SHOWN_LENGTH, displayed, displayed_path, parseable

HOSTILE_TEXT = st.text(st.characters(), max_size=400)  # lone surrogates included


@pytest.mark.parametrize(
    ("given_name", "clean"),
    [
        ("Sintel.2010", "Sintel.2010"),
        ("Sintel\x00\x1b[31m.2010", "Sintel[31m.2010"),
        ("Sintel\u202e4pm.exe", "Sintel4pm.exe"),
        ("\u2066Sintel\u2069 \u200f2010", "Sintel 2010"),
        ("Sin\ud800tel", "Sintel"),
        ("Sin\ufffetel\U0001ffff", "Sintel"),
        ("  Sintel\t\n\u00a0 2010\u3000 ", "Sintel 2010"),
        ("Le\u0301o", "L\u00e9o"),
        ("Me\u0301tropolis \U0001f916", "M\u00e9tropolis \U0001f916"),
        ("\x00\u202e\u200b \ufeff", ""),
    ],
)
def test_what_cannot_be_read_is_removed(given_name, clean):
    assert displayed(given_name) == clean


@given(HOSTILE_TEXT)
@example("\u0344" * 300)  # NFC makes two characters of it
@example("\ufb2c" * 300)  # and three of this
def test_a_displayed_name_is_bounded_normal_and_writable(text):
    clean = displayed(text)
    assert len(clean) <= SHOWN_LENGTH
    assert clean == clean.strip()
    clean.encode()
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in clean)


@given(HOSTILE_TEXT)
def test_cleaning_twice_changes_nothing(text):
    assert displayed(displayed(text)) == displayed(text)
    assert displayed_path(displayed_path(text)) == displayed_path(text)


def test_a_name_is_cut_before_a_parser_sees_it():
    assert len(parseable("S01E02" * 1000)) == PARSED_LENGTH
    assert len(displayed("x" * 100_000)) == SHOWN_LENGTH


def test_paths_keep_their_parts_and_lose_empty_ones():
    assert displayed_path("Sintel/video/Sintel.mkv") == "Sintel/video/Sintel.mkv"
    assert displayed_path("Sintel//\u202e/S\x00intel.mkv") == "Sintel/Sintel.mkv"
    assert len(displayed_path("d/" * 5000)) <= PATH_LENGTH
