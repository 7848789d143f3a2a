"""Which tracker addresses are worth keeping, and which are somebody's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.trackers import public_tracker_url, tracker_url


@pytest.mark.parametrize(
    "url",
    [
        "udp://tracker.opentrackr.org:1337/announce",
        "http://tracker.example:80/announce.php",
        "http://bt.example/ann?magnet",
        "https://tracker.internetwarriors.example:443/announce",
        "wss://tracker.webtorrent.example",
        "udp://[2001:db8::1]:6969/announce",
        "http://93.184.216.34:6969/announce",
        "http://t.example/some-long-word/announce",
    ],
)
def test_public_trackers_are_kept(url: str) -> None:
    assert public_tracker_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://t.example/0123456789abcdef0123456789abcdef/announce",
        "https://t.example/announce/ABCDEFabcdef0123456789/",
        "https://t.example/announce?passkey=0123456789abcdef",
        "https://t.example/announce.php?pid=1",
        "https://t.example/announce?0123456789abcdef",
        "http://user:password@t.example/announce",
        "http://user@t.example/announce",
        "https://0123456789abcdef0123456789abcdef.t.example/announce",
        "https://t.example/a1b2c3d4e5f6/announce",
        "https://t.example/announce#0123456789abcdef",
        "https://t.example/abcdefghijklmnopqrstuvwxyzabcdef/announce",
    ],
)
def test_what_may_carry_a_passkey_is_not_kept(url: str) -> None:
    assert tracker_url(url) is not None
    assert public_tracker_url(url) is None


def test_one_tracker_has_one_spelling() -> None:
    assert public_tracker_url(" HTTP://Tracker.Example/Announce ") == "http://tracker.example/Announce"


@given(st.text(max_size=80) | st.text(max_size=40).map(lambda text: f"http://{text}"))
def test_any_text_is_a_url_or_none(text: str) -> None:
    url = public_tracker_url(text)
    assert url is None or public_tracker_url(url) == url
