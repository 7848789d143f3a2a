"""Joining what belongs together: the quick look for pieces of text must find all that the patterns would."""

from hypothesis import given
from hypothesis import strategies as st

from catalog.titles.words import _JOINS, joined, unwrapped
from tests.fakes.title_data import named_cases

WORDS = """
H.264 x 265 WEB-DL web.rip Blu-Ray blu ray HDTV.Rip BD_Remux DVD-scr DTS-HD.MA DTS HD ma DTSHD-MA HDR10+ HDR10Plus Dolby Vision
Dual-Audio Multi.Subs MPEG-2 mpeg.4 VC-1 SVT-AV1 HD.DVD DVD-9 BD50 EAC-3 ac-3 10bit 8-bit 12_bits DDP+ DD+ DD+5.1 AAC2.0 aac.2.0
EAC3 5.1 DDPA5.1 TrueHD.7.1 FLAC 2.0 LPCM_2_0 PCM.2.1 Atmos 7.1 5.1 2.0ch S01.E02 S1_E2 S01 E02 S01 - S03 s1 - s2 S01E01-S01E05
S01E01 - S01E05 Season.1.Episode.2 Season 1, Episode 2 Season.2 season_3[ Season 1-3 Season 1 to 4 \u017f01.E02 \u212a 1x02 Sintel 2010
"""
PIECES = WORDS.split()


def joined_by_every_pattern(text: str) -> str:
    for _, pattern, replacement in _JOINS:
        text = pattern.sub(replacement, text)
    return text


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=8), st.sampled_from([" ", ".", "_", "-", ""]))
def test_nothing_is_overlooked(pieces: list[str], separator: str) -> None:
    text = separator.join(pieces)
    assert joined(text) == joined_by_every_pattern(text)
    assert joined(text.swapcase()) == joined_by_every_pattern(text.swapcase())


def test_nothing_is_overlooked_in_names_of_releases() -> None:
    for case in named_cases():
        assert joined(case.name) == joined_by_every_pattern(case.name)


def test_every_pattern_needs_one_of_its_pieces() -> None:
    for needles, pattern, _ in _JOINS:
        sample = next(text for text in (*PIECES, *EXAMPLES) if pattern.search(text))
        assert any(needle in sample.lower() for needle in needles)


EXAMPLES = (
    "Season 1, Episode 2", "Season 1 Episode 2", "S01 E02", "S01 - S03", "S01E01 - S01E05", "Dolby Vision", "DTS HD", "DTSHD MA", "x 265",
    "blu ray", "EAC3 5.1", "Season.2",
)  # fmt: skip


def test_adverts_go_wherever_they_stand() -> None:
    assert unwrapped("[ www.Some-Site.org ] - Sintel 2010").text == "Sintel 2010"
    assert unwrapped("Sintel 2010 [rarbg]").text == "Sintel 2010"
    assert unwrapped("Sintel 2010 (some-site.to)").text == "Sintel 2010"
    assert unwrapped("Sintel 2010 - WWW.some-site.com").text == "Sintel 2010"
