"""Manners over hours and under abuse: what a crawler must not be talked into."""

import random

import pytest

from protocol.dht import krpc
from protocol.dht.profile import PROFILES

ROUTER = ("127.99.0.1", 6881)


def sent_by(node, now, method=None):
    """The queries a node sends now (transaction id, address), of one method or all."""
    queries = []
    for data, address in node.datagrams_to_send(now):
        message = krpc.parse(data)
        if isinstance(message, krpc.Query) and method in (None, message.method):
            queries.append((message.transaction_id, address))
    return queries


def answer(node, transaction_id, address, node_id, now):
    node.receive_datagram(krpc.response(transaction_id, {b"id": node_id}, b"\x7f\0\0\1\0\1"), address, now)


def acquainted(make_node, node_id=b"r" * 20, **options):
    """A node with one contact, which has answered at 1000.0."""
    node = make_node(1, is_sweeping=False, **options)
    node.bootstrap([ROUTER], 1000.0)
    [(transaction_id, _)] = sent_by(node, 1000.0)
    answer(node, transaction_id, ROUTER, node_id, 1000.0)
    assert not node.is_lonely
    return node


def test_a_contact_that_came_back_under_another_id_loses_its_place(make_node):
    node = acquainted(make_node)
    now = 1000.0
    while now < 1000.0 + 3600.0:
        now += 0.5
        node.handle_timer(now)
        for transaction_id, address in sent_by(node, now):
            answer(node, transaction_id, address, b"n" * 20, now)
    assert node.statistics().table_size == 0


def test_a_node_whose_contacts_are_all_silent_is_lonely_before_it_has_forgotten_them(make_node):
    node = acquainted(make_node)
    now = 1000.0
    while not node.is_lonely and now < 1000.0 + 3600.0:
        now += 0.5
        node.handle_timer(now)
        node.datagrams_to_send(now)
    assert node.is_lonely
    assert node.statistics().table_size == 1, "and once the line is back, the first ping makes it good again"


@pytest.mark.parametrize("profile", ["gentle", "home"])
def test_a_flood_of_strangers_makes_us_ping_within_the_budget_and_starves_nobody(make_node, profile):
    node = make_node(1, profile=profile, is_sweeping=False)
    dice = random.Random(3)
    pings, now, seconds = 0, 1000.0, 30
    for _ in range(seconds * 20):
        now += 0.05
        for _ in range(50):
            address = f"127.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}", 6881
            node.receive_datagram(krpc.ping(b"xy", dice.randbytes(20)), address, now)
        node.handle_timer(now)
        pings += len(sent_by(node, now, b"ping"))
    assert 0 < pings <= PROFILES[profile].new_addresses_per_s / 2 * seconds
    node.bootstrap([ROUTER], now)
    [(transaction_id, address)] = sent_by(node, now)
    answer(node, transaction_id, address, b"r" * 20, now)
    node.look_up(b"h" * 20, now)
    node.handle_timer(now + 2.0)
    assert sent_by(node, now + 2.0, b"get_peers"), "there is room for a look-up soon"


def test_nothing_comes_of_a_query_from_port_0(make_node):
    node = make_node(1)
    node.receive_datagram(krpc.ping(b"xy", b"i" * 20), ("127.5.5.5", 0), 1000.0)
    assert node.datagrams_to_send(1000.0) == []
    assert node.statistics().dropped == {"unusable_address": 1}


@pytest.mark.parametrize("nodes", [1, 4, 32])
def test_the_sweep_goes_on_beside_look_ups_however_many_share_the_budget(make_node, nodes):
    node = acquainted(make_node, profile=PROFILES["gentle"].divided(nodes))
    node.is_sweeping = True
    dice = random.Random(5)
    samples, now = 0, 1000.0
    for step in range(60 * 20):
        now += 0.05
        named = b"".join(dice.randbytes(20) + bytes((127, *dice.randbytes(2), 1)) + b"\x1a\xe1" for _ in range(8))
        node.receive_datagram(krpc.ping(b"xy", named[:20]), (f"127.7.{step >> 8}.{step & 255}", 6881), now)
        if step % 20 == 0:
            node.look_up(dice.randbytes(20), now)  # more than the only contact may be asked
        node.handle_timer(now)
        for data, address in node.datagrams_to_send(now):
            query = krpc.parse(data)
            if address == ROUTER:
                answer(node, query.transaction_id, ROUTER, b"r" * 20, now)
            elif isinstance(query, krpc.Query) and query.method == b"sample_infohashes":
                samples += node.statistics().lookups > 0
    assert samples > 0


def test_a_pool_asks_one_address_no_more_than_once_a_second(make_node):
    pool = [acquainted(make_node, profile=PROFILES["home"].divided(4, kin=4)) for _ in range(4)]
    asked, now = 0, 1000.0
    for step in range(60 * 20):
        now += 0.05
        for node in pool:
            if step % 10 == 0:
                node.look_up(step.to_bytes(20, "big"), now)
            node.handle_timer(now)
            for transaction_id, address in sent_by(node, now):
                answer(node, transaction_id, address, b"r" * 20, now)
                asked += 1
    assert 20 < asked <= 60 + len(pool)
