"""Evidence and what it decides."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.classify import classified
from catalog.evidence import file_facts
from catalog.kinds import decide_kind
from catalog.model import File, Kind, ParsedTitle
from catalog.site_categories import kind_of_site_category
from catalog.titles.batch import process_cascade
from tests.fakes.title_data import kind_cases, named_cases

FLOOR = 0.95
MB = 1_000_000


def test_labelled_file_lists_get_their_kind(record_property):
    total: Counter[str] = Counter()
    wrong = {}
    for case in kind_cases():
        decided = classified(case.torrent, process_cascade().parse(case.torrent.name))
        total[case.kind] += 1
        if decided.kind != case.kind:
            wrong[case.torrent.name] = (decided.kind.value, case.kind)
    record_property("right", f"{total.total() - len(wrong)} of {total.total()}")
    assert total.total() >= 60
    assert set(total) == {kind.value for kind in Kind}
    assert len(wrong) <= (1 - FLOOR) * total.total(), wrong


def test_names_alone_give_a_kind_too():
    cases = [case for case in named_cases() if case.kind is not None]
    wrong = {
        case.name: kind.value for case in cases if (kind := decide_kind(case.name, process_cascade().parse(case.name)).kind) != case.kind
    }
    assert len(wrong) <= (1 - FLOOR) * len(cases), wrong


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Dragnet.The.Complete.Series.DVDRip", Kind.TV),
        ("Dragnet.1951.Complete.Series.DVDRip", Kind.TV),
        ("The Beverly Hillbillies - The Complete First Season", Kind.TV),
        ("Open Works - The Complete Series [epub]", Kind.EBOOK),
        ("Open.Lab.Part.1.720p.HDTV", Kind.TV),
        ("House.on.Haunted.Hill.1959.HDTV.x264", Kind.MOVIE),
        ("The.Daily.Free.Show.2026.11.10.WEB", Kind.TV),
        ("Metropolis.1927.TS", Kind.MOVIE),
        ("Momotaro Ep 05", Kind.TV),
        ("[FreeSubs] Momotaro [01-12][1080p]", Kind.ANIME),
        ("VA-Open_Sampler_Vol_3-2CD-2007-GRP", Kind.MUSIC),
        ("Battle.for.Wesnoth.v1.16.9-GRP", Kind.SOFTWARE),
        ("wesnoth-1.18.4.tar.bz2", Kind.SOFTWARE),
        ("Dracula by Bram Stoker (1897).txt", Kind.EBOOK),
        ("Concert 2010.05.08", Kind.OTHER),
    ],
)
def test_small_words_of_a_name_decide_alone(name, kind):
    assert decide_kind(name, process_cascade().parse(name)).kind is kind


def test_extensions_decide_where_names_look_alike():
    parsed = ParsedTitle(title="Jane Roe - Open Works")
    songs = [File(f"{i}.flac", 30 * MB) for i in range(9)]
    book = [File("Jane Roe - Open Works.epub", MB)]
    assert decide_kind("Jane Roe - Open Works", parsed).kind is Kind.OTHER
    assert decide_kind("Jane Roe - Open Works", parsed, songs).kind is Kind.MUSIC
    assert decide_kind("Jane Roe - Open Works", parsed, book).kind is Kind.EBOOK


def test_the_site_knows_better_than_the_name():
    parsed = process_cascade().parse("Sintel 2010 1080p")
    assert decide_kind("Sintel 2010 1080p", parsed).kind is Kind.MOVIE
    assert decide_kind("Sintel 2010 1080p", parsed, site_category="Anime").kind is Kind.ANIME


def test_confidence_is_lower_without_files():
    parsed = process_cascade().parse("Sintel.2010.1080p.x264-GRP")
    alone = decide_kind("Sintel.2010.1080p.x264-GRP", parsed)
    with_files = decide_kind("Sintel.2010.1080p.x264-GRP", parsed, [File("Sintel.mkv", 900 * MB)])
    assert alone.confidence < with_files.confidence


def test_the_evidence_says_why_heaviest_first():
    decision = decide_kind("Open Lab S01E02", process_cascade().parse("Open Lab S01E02"), [File("Open Lab S01E02.mkv", 900 * MB)])
    assert decision.kind is Kind.TV
    assert [sign.reason for sign in decision.evidence] == ["100% of the bytes are video", "the name has a season"]
    weights = [sign.weight for sign in decision.evidence]
    assert weights == sorted(weights, reverse=True)


def test_samples_texts_covers_and_padding_weigh_nothing():
    facts = file_facts(
        [
            File("Sintel.mkv", 900 * MB),
            File("Sample/sintel-sample.mkv", 50 * MB),
            File("readme.nfo", 20 * MB),
            File("cover.jpg", MB // 2),
            File(".pad/123", 5 * MB),
        ]
    )
    assert facts.significant_bytes == 900 * MB
    assert (facts.videos, facts.share("video")) == (1, 1.0)


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("5040", Kind.TV),
        ("5070", Kind.ANIME),
        ("2000", Kind.MOVIE),
        ("3030", Kind.AUDIOBOOK),
        ("3040", Kind.MUSIC),
        ("4050", Kind.GAME),
        ("4999", Kind.SOFTWARE),
        ("TV shows", Kind.TV),
        ("Movies > HD", Kind.MOVIE),
        ("Anime - Raw", Kind.ANIME),
        ("Books/Comics", Kind.COMIC),
        ("XXX", Kind.ADULT),
        ("8000", None),
        ("Other", None),
        ("", None),
        ("9" * 5000, None),
        ("\u0665\u0660\u0664\u0660", None),
    ],
)
def test_site_categories_by_number_and_by_word(category, kind):
    assert kind_of_site_category(category) is kind


@given(
    st.text(st.characters(), max_size=200),
    st.lists(st.builds(File, st.text(max_size=60), st.integers(0, 1 << 40)), max_size=20),
    st.none() | st.text(max_size=30),
)
def test_anything_gets_some_kind(name, files, site_category):
    decision = decide_kind(name, ParsedTitle(title=name), files, site_category)
    assert 0 <= decision.confidence <= 1
