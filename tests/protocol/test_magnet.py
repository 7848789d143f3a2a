import base64

import libtorrent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import MalformedMagnet
from protocol.identifiers import InfoHash, InfoHashV2
from protocol.magnet import Magnet, magnet_for, parse_magnet
from protocol.trackers import MAX_TRACKERS, tracker_url

V1 = InfoHash(bytes(range(20)))
V2 = InfoHashV2(bytes(range(100, 132)))

printable_names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=60)
trackers = st.lists(
    st.sampled_from(["udp://tracker.example:6969/announce", "https://t.example/a?b=c&d=é", "wss://[::1]:8000"]), unique=True
)
peers = st.lists(st.sampled_from([("192.0.2.7", 6881), ("2001:db8::7", 51413)]), unique=True)


@given(
    st.builds(
        Magnet,
        info_hash=st.binary(min_size=20, max_size=20),
        info_hash_v2=st.none() | st.binary(min_size=32, max_size=32),
        name=printable_names,
        size=st.none() | st.integers(0, 2**50),
        trackers=trackers.map(tuple),
        peers=peers.map(tuple),
    )
)
def test_what_is_built_is_what_is_parsed(magnet: Magnet) -> None:
    assert parse_magnet(str(magnet)) == magnet


@given(st.text() | st.text().map("magnet:?xt=urn:btih:{}".format) | st.text("&=xt.urn:btmhpedl%1[]+", max_size=80).map("magnet:?{}".format))
def test_any_text_gives_a_magnet_or_the_one_exception(text: str) -> None:
    try:
        magnet = parse_magnet(text)
    except MalformedMagnet:
        return
    assert len(magnet.swarm_key) == 20


def test_hex_and_base32_and_case_mean_the_same_hash() -> None:
    assert parse_magnet(f"magnet:?xt=urn:btih:{V1.hex()}").info_hash == V1
    assert parse_magnet(f"MAGNET:?XT=URN:BTIH:{V1.hex().upper()}").info_hash == V1
    assert parse_magnet(f"magnet:?xt=urn:btih:{base64.b32encode(V1).decode().lower()}").info_hash == V1


def test_v2_only_and_hybrid_links_name_their_swarm() -> None:
    v2_only = parse_magnet(f"magnet:?xt=urn:btmh:1220{V2.hex()}")
    assert (v2_only.info_hash, v2_only.info_hash_v2, v2_only.swarm_key) == (None, V2, V2[:20])
    hybrid = parse_magnet(f"magnet:?xt.1=urn:btih:{V1.hex()}&xt.2=urn:btmh:1220{V2.hex()}")
    assert (hybrid.info_hash, hybrid.info_hash_v2, hybrid.swarm_key) == (V1, V2, V1)


def test_the_link_of_a_v2_only_torrent_has_no_v1_hash() -> None:
    assert magnet_for(InfoHash(V2[:20]), V2, "Sintel") == Magnet(None, V2, "Sintel")
    assert magnet_for(V1, V2).info_hash == V1
    assert magnet_for(V1, None, size=0).size is None
    assert str(magnet_for(V1, None, "Big Buck Bunny")) == f"magnet:?xt=urn:btih:{V1.hex()}&dn=Big%20Buck%20Bunny"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://tracker.example/", "not_a_magnet_link"),
        ("magnet:?dn=Sintel", "no_info_hash"),
        ("magnet:?xt=urn:btih:" + "0" * 39, "bad_btih"),
        ("magnet:?xt=urn:btih:" + "zz" * 20, "bad_btih"),
        ("magnet:?xt=urn:btih:" + "00 " * 13 + "0", "bad_btih"),
        ("magnet:?xt=urn:btmh:1114" + "00" * 20, "bad_btmh"),
        (f"magnet:?xt=urn:btih:{'00' * 20}&xt=urn:btih:{'11' * 20}", "contradicting_hashes"),
        ("magnet:?" + "x" * 70_000, "too_long"),
    ],
)
def test_a_link_without_a_usable_hash_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedMagnet) as caught:
        parse_magnet(text)
    assert caught.value.reason == reason


def test_only_what_can_be_used_is_kept() -> None:
    magnet = parse_magnet(
        f"magnet:?xt=urn:btih:{V1.hex()}&amp;dn=Night+of%00the%E2%80%AE+Living+Dead&xl=-5&tr=udp%3A%2F%2Ft.example%3A80"
        "&tr=javascript%3Aalert(1)&tr=udp%3A%2F%2Ft.example&tr=udp%3A%2F%2Ft.example%3A80&tr=http%3A%2F%2F%5B%3A%3A1"
        "&x.pe=peer.example:1&x.pe=192.0.2.1:0&x.pe=[fe80::1%25eth0]:5&x.pe=[2001:db8::1]:6881&x.pe=192.0.2.1:99999"
    )
    assert magnet.name == "Night of the Living Dead"
    assert magnet.size is None
    assert magnet.trackers == ("udp://t.example:80",)
    assert magnet.peers == (("2001:db8::1", 6881),)


def test_a_flood_of_trackers_is_cut() -> None:
    link = f"magnet:?xt=urn:btih:{V1.hex()}" + "".join(f"&tr=udp://t{n}.example:80" for n in range(1000))
    assert len(parse_magnet(link).trackers) == MAX_TRACKERS


@pytest.mark.parametrize(
    "url", ["", "http://", "udp://t.example:0", "ftp://t.example/", "http://t.example:x/", "http://a b/", "http://a\x00/"]
)
def test_no_tracker_can_be_asked_by_it(url: str) -> None:
    assert tracker_url(url) is None


def test_libtorrent_reads_our_links() -> None:
    link = str(Magnet(V1, V2, "Tears of Steel", 7, ("udp://t.example:6969/announce",), (("192.0.2.7", 6881),)))
    params = libtorrent.parse_magnet_uri(link)
    assert params.info_hashes.v1.to_bytes() == V1
    assert params.info_hashes.v2.to_bytes() == V2
    assert params.name == "Tears of Steel"
    assert params.trackers == ["udp://t.example:6969/announce"]
    assert params.peers == [("192.0.2.7", 6881)]
