"""What is kept, and in which form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.model import File, Torrent
from catalog.policy import LARGEST_SIZE_BYTES, Policy, Refusal
from tests.fakes.title_data import made_torrent


@pytest.mark.parametrize(
    ("torrent", "reason"),
    [
        (made_torrent("\x00\u202e \u200b"), Refusal.EMPTY_NAME),
        (made_torrent(""), Refusal.EMPTY_NAME),
        (made_torrent("S" * 100_000), Refusal.NAME_TOO_LONG),
        (made_torrent("Sintel", (File("a", 0),), size=0), Refusal.NO_SIZE),
        (made_torrent("Sintel", size=-5), Refusal.NEGATIVE_SIZE),
        (made_torrent("Sintel", (File("a", 10), File("b", -5))), Refusal.NEGATIVE_SIZE),
        (made_torrent("Sintel", size=LARGEST_SIZE_BYTES + 1), Refusal.SIZE_TOO_LARGE),
    ],
)
def test_what_cannot_be_kept_is_refused_and_counted(torrent, reason):
    policy = Policy()
    assert policy.admit(torrent) is reason
    assert policy.statistics().refused == {reason.value: 1}
    assert policy.statistics().admitted == 0


def test_a_size_nobody_has_told_is_no_reason():
    assert isinstance(Policy().admit(made_torrent("Sintel", size=0)), Torrent)


def test_an_ordinary_torrent_is_kept_as_it_is():
    policy = Policy()
    torrent = made_torrent("Sintel.2010", (File("Sintel/Sintel.mkv", 10), File("Sintel/\u00fcber.srt", 1)))
    assert policy.admit(torrent) is torrent
    assert (policy.statistics().admitted, policy.statistics().cleaned) == (1, 0)


def test_names_and_paths_are_kept_clean():
    policy = Policy()
    kept = policy.admit(made_torrent("Sintel\x00\u202e.2010\ud800", (File("Sin\x00tel//\u202eSintel.mkv", 10), File("\x00", 1))))
    assert isinstance(kept, Torrent)
    assert kept.name == "Sintel.2010"
    assert kept.files == (File("Sintel/Sintel.mkv", 10), File("unnamed", 1))
    assert policy.statistics().cleaned == 1


@given(st.text(st.characters(), max_size=300), st.lists(st.text(st.characters(), max_size=80), max_size=5))
def test_whatever_is_kept_can_be_stored_as_text(name, paths):
    kept = Policy().admit(made_torrent(name, tuple(File(path, 1) for path in paths)))
    if isinstance(kept, Torrent):
        for text in (kept.name, *(file.path for file in kept.files)):
            assert text
            assert "\x00" not in text
            text.encode()
