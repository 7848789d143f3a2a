"""What others get when they ask a node, as whole datagrams through the node core."""

import pytest

from protocol import bencode
from protocol.dht import krpc
from protocol.dht.events import InfoHashesHeard, PeersHeard

ASKER = ("127.5.5.5", 5555)
COMPACT = bytes((127, 5, 5, 5)) + (5555).to_bytes(2, "big")
ID = b"a" * 20
HASH = b"h" * 20


@pytest.fixture
def node(make_node):
    made = make_node(1, is_sweeping=False)
    for number in range(1, 9):
        made._table.heard_response(bytes((number,)) * 20, bytes((127, 0, 0, number, 26, 225)), 1000.0)
    return made


def ask(node, query: bytes, now: float = 1000.0):
    node.receive_datagram(query, ASKER, now)
    [(data, address)] = node.datagrams_to_send(now)
    assert address == ASKER
    return bencode.decode(data, max_length=1500)


def test_a_ping_is_answered_with_our_id_and_the_asker_s_address(node):
    answer = ask(node, krpc.ping(b"xy", ID, is_read_only=True))
    assert answer == {b"ip": COMPACT, b"r": {b"id": node.node_id}, b"t": b"xy", b"v": krpc.VERSION, b"y": b"r"}


def test_find_node_names_the_closest(node):
    values = ask(node, krpc.find_node(b"xy", ID, b"\4" * 20, is_read_only=True))[b"r"]
    assert len(values[b"nodes"]) == 8 * 26


def test_only_the_wanted_family_is_named(node):
    assert b"nodes" in ask(node, krpc.find_node(b"xy", ID, HASH, want=(b"n4", b"n6"), is_read_only=True))[b"r"]
    assert set(ask(node, krpc.find_node(b"xy", ID, HASH, want=(b"n6",), is_read_only=True))[b"r"]) == {b"id"}


def test_a_peer_that_announces_with_its_token_is_found_and_reported(node):
    values = ask(node, krpc.get_peers(b"xy", ID, HASH, is_read_only=True))[b"r"]
    assert b"values" not in values
    assert ask(node, krpc.announce_peer(b"xy", ID, HASH, 6881, values[b"token"]))[b"y"] == b"r"
    assert ask(node, krpc.announce_peer(b"xy", ID, HASH, 1, values[b"token"], implied_port=True))[b"y"] == b"r"
    assert node.take_findings() == [InfoHashesHeard((HASH,)), PeersHeard(((HASH, ("127.5.5.5", 6881)), (HASH, ASKER)))]
    again = ask(node, krpc.get_peers(b"xy", ID, HASH, is_read_only=True))[b"r"]
    assert again[b"values"] == [COMPACT[:4] + (6881).to_bytes(2, "big"), COMPACT]
    sampled = ask(node, krpc.sample_infohashes(b"xy", ID, HASH, is_read_only=True))[b"r"]
    assert (sampled[b"num"], sampled[b"samples"], sampled[b"interval"]) == (1, HASH, 600)
    assert len(sampled[b"nodes"]) == 8 * 26


def test_a_token_of_another_address_or_time_is_refused(node):
    token = ask(node, krpc.get_peers(b"xy", ID, HASH, is_read_only=True))[b"r"][b"token"]
    node.receive_datagram(krpc.announce_peer(b"xy", ID, HASH, 6881, token), ("127.5.5.6", 5555), 1000.0)
    [(refusal, _)] = node.datagrams_to_send(1000.0)
    assert krpc.parse(refusal) == krpc.Error(b"xy", 203, b"Bad Token")
    for now in (1301.0, 1602.0):
        node.handle_timer(now)
        node.datagrams_to_send(now)
    assert ask(node, krpc.announce_peer(b"xy", ID, HASH, 6881, token), 1602.0)[b"e"][0] == 203
    assert not [finding for finding in node.take_findings() if isinstance(finding, PeersHeard)]


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        (b"vote", {b"id": ID}, 204),
        (b"", {b"id": ID}, 204),
        (b"ping", {}, 203),
        (b"ping", {b"id": b"short"}, 203),
        (b"ping", {b"id": 5}, 203),
        (b"find_node", {b"id": ID}, 203),
        (b"find_node", {b"id": ID, b"target": b"short"}, 203),
        (b"get_peers", {b"id": ID, b"info_hash": [1]}, 203),
        (b"sample_infohashes", {b"id": ID}, 203),
        (b"announce_peer", {b"id": ID, b"info_hash": HASH, b"port": 6881}, 203),
        (b"announce_peer", {b"id": ID, b"info_hash": HASH, b"port": 6881, b"token": b"wrong"}, 203),
    ],
)
def test_a_bad_query_gets_a_proper_error(node, method, arguments, code):
    answer = ask(node, bencode.encode({b"a": arguments, b"q": method, b"t": b"xy", b"y": b"q"}))
    assert set(answer) == {b"e", b"t", b"v", b"y"}
    assert (answer[b"y"], answer[b"t"], answer[b"e"][0]) == (b"e", b"xy", code)
    assert isinstance(answer[b"e"][1], bytes)
    assert node.statistics().dropped == {f"answered_error_{code}": 1}


@pytest.mark.parametrize("port", [0, -1, 65536, b"6881", [6881]])
def test_an_impossible_port_is_refused(node, port):
    token = ask(node, krpc.get_peers(b"xy", ID, HASH, is_read_only=True))[b"r"][b"token"]
    arguments = {b"id": ID, b"info_hash": HASH, b"port": port, b"token": token}
    assert ask(node, bencode.encode({b"a": arguments, b"q": b"announce_peer", b"t": b"xy", b"y": b"q"}))[b"e"][0] == 203


def test_one_host_gets_only_so_many_answers(make_node):
    node = make_node(1, profile="home", is_sweeping=False)
    for _ in range(200):
        node.receive_datagram(krpc.ping(b"xy", ID, is_read_only=True), ASKER, 1000.0)
    assert len(node.datagrams_to_send(1000.0)) == 50
    assert node.statistics().dropped == {"host_asks_too_often": 150}
    node.receive_datagram(krpc.ping(b"xy", ID, is_read_only=True), ASKER, 1011.0)
    assert len(node.datagrams_to_send(1011.0)) == 1


def test_all_together_get_only_so_many_answers(make_node):
    node = make_node(1, profile="gentle", is_sweeping=False)
    for number in range(250):
        node.receive_datagram(krpc.ping(b"xy", ID, is_read_only=True), (f"127.7.7.{number}", 7), 1000.0)
    assert len(node.datagrams_to_send(1000.0)) == 100
    assert node.statistics().dropped == {"answer_budget": 150}


def test_an_asker_from_an_unusable_address_gets_nothing(make_node):
    node = make_node(1, allow_local=False, profile="home", is_sweeping=False)
    node.receive_datagram(krpc.ping(b"xy", ID), ASKER, 1000.0)
    assert node.datagrams_to_send(1000.0) == []
    assert node.statistics().dropped == {"unusable_address": 1}


def test_who_asks_is_pinged_and_enters_the_table_once_it_has_answered_but_not_when_read_only(make_node):
    node = make_node(1, is_sweeping=False)
    node.receive_datagram(krpc.ping(b"xy", b"r" * 20, is_read_only=True), ("127.5.5.7", 1), 1000.0)
    node.receive_datagram(krpc.ping(b"xy", ID), ASKER, 1000.0)
    node.datagrams_to_send(1000.0)
    node.handle_timer(1000.0)
    [(ping, address)] = node.datagrams_to_send(1000.0)
    assert address == ASKER
    assert node.is_lonely
    node.receive_datagram(krpc.response(krpc.parse(ping).transaction_id, {b"id": ID}, COMPACT), ASKER, 1000.1)
    assert node.statistics().table_good == 1
