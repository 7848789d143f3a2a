import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.tokens import MAX_TEXT_LENGTH, MAX_WORD_LENGTH, MAX_WORDS, is_unspaced, variants, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sintel.2010.1080p.BluRay.x264-GROUP", "sintel 2010 1080p bluray x264 group"),
        ("Big_Buck (Bunny) [2008]", "big buck bunny 2008"),
        ("Amélie Poulain", "amelie poulain"),
        ("Łódź Ærø Straße", "lodz aero strasse"),
        ("İstanbul ISTANBUL", "istanbul istanbul"),
        ("Ｓｉｎｔｅｌ　１２", "sintel 12"),
        ("The Beverly Hillbillies 1x02", "the beverly hillbillies 1x02"),
        ("Dead & Alive", "dead and alive"),
        ("Dead &amp; Alive", "dead and alive"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("Ёлка", "елка"),
        ("مُحَمَّد", "محمد"),
        ("हिन्दी फ़िल्म", "हिन्दी फ़िल्म"),
        ("방탄소년단 콘서트", "방탄소년단 콘서트"),
        ("\ud800abc\x00def\u202eghi", "abc defghi"),
        ("", ""),
        (" ._-'\"!?", ""),
    ],
)
def test_names_become_words(text: str, expected: str) -> None:
    assert words(text) == expected.split()


@pytest.mark.parametrize("apostrophe", "'`\u2019\u02bc\uff07")
def test_apostrophes_join_and_the_parts_are_variants(apostrophe: str) -> None:
    assert words(f"Mike.Judge{apostrophe}s.Beavis") == ["mike", "judges", "beavis"] == words("Mike Judges Beavis")
    assert variants(f"Mike.Judge{apostrophe}s.Beavis") == ["judge"]


def test_dotted_letters_join_and_the_letters_are_variants() -> None:
    assert words("Agents.of.S.H.I.E.L.D.S01E02") == ["agents", "of", "shield", "s01e02"]
    assert variants("Agents.of.S.H.I.E.L.D.S01E02") == list("shield")
    assert words("E.T.the.Extra-Terrestrial")[0] == "et"
    assert words("Vitamin.C.Story") == ["vitamin", "c", "story"]


def test_scripts_without_spaces_become_pairs() -> None:
    assert words("进击的巨人 S01") == ["进击", "击的", "的巨", "巨人", "s01"]
    assert set(words("巨人")) <= set(words("进击的巨人"))
    assert variants("进击的巨人") == ["人"]
    assert words("人") == ["人"]
    assert is_unspaced("人")
    assert not is_unspaced("a")
    assert words("第2期") == ["第", "2", "期"]


def test_japanese_voicing_marks_are_kept() -> None:
    assert words("がき") != words("かき")


def test_composed_and_decomposed_text_are_the_same() -> None:
    name = "Über Ångström が 한국"
    assert words(unicodedata.normalize("NFD", name)) == words(unicodedata.normalize("NFC", name))


def test_length_and_number_are_bounded() -> None:
    assert len(words("a b " * 50_000)) == MAX_WORDS
    assert words("x" * 100_000) == ["x" * MAX_WORD_LENGTH]
    assert len(words("人" * 100_000)) <= MAX_WORDS
    assert len(words("\ufdfa" * 100_000)) <= MAX_WORDS  # decomposes to eighteen characters
    assert words("one two three", 2) == ["one", "two"]


@given(st.text(st.characters(), max_size=60))
def test_a_word_holds_nothing_that_a_query_would_have_to_escape(text: str) -> None:
    for word in (*words(text), *variants(text)):
        assert word
        assert not re.search(r"[\s\x00-\x2f\\:|!<>\ud800-\udfff#;]", word), ascii(word)


@given(st.text(st.characters(), max_size=40))
def test_a_word_alone_gives_itself(text: str) -> None:
    for word in words(text):
        assert words(word)[0] == word[:MAX_WORD_LENGTH] or len(words(word)) > 1


@given(st.text("abcXYZ019 ._-'&é人", max_size=40))
def test_case_and_the_kind_of_separator_do_not_matter(text: str) -> None:
    assert words(text.upper()) == words(text)
    assert words(text.replace("_", "-")) == words(text)


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_hostile_name_takes_no_longer_than_others(letter: str) -> None:
    started = time.process_time()
    variants(letter * (MAX_TEXT_LENGTH - 1) + "'")
    assert time.process_time() - started < 0.02
