import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.compact import is_public, pack_address
from protocol.dht.node_id import crc32c, distance, is_secure, random_id_near, secure_id

ids = st.binary(min_size=20, max_size=20)

# BEP 42's own table: address, rand, a node id that belongs to them.
VECTORS = [
    ("124.31.75.21", 1, "5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401"),
    ("21.75.31.124", 86, "5a3ce9c14e7a08645677bbd1cfe7d8f956d53256"),
    ("65.23.51.170", 22, "a5d43220bc8f112a3d426c84764f8c2a1150e616"),
    ("84.124.73.14", 65, "1b0321dd1bb1fe518101ceef99462b947a01ff41"),
    ("43.213.53.83", 90, "e56f6cbf5b7c4be0237986d5243b87aa6d51305a"),
]


@pytest.mark.parametrize(("host", "seed", "node_id"), VECTORS)
def test_the_vectors_of_bep_42(host, seed, node_id):
    compact = pack_address((host, 6881))
    assert is_secure(bytes.fromhex(node_id), compact)
    made = secure_id(compact[:4], seed, random.Random(1).getrandbits)
    assert made[:2].hex() == node_id[:4]
    assert made[2] & 0xF8 == bytes.fromhex(node_id)[2] & 0xF8
    assert made[19] == seed


def test_the_check_value_of_crc32c():
    assert crc32c(b"123456789") == 0xE3069283


@given(st.ip_addresses().map(str), st.integers(0, 255), st.randoms(use_true_random=False))
def test_a_made_id_belongs_to_its_address_and_no_other_does(host, seed, dice):
    compact = pack_address((host, 6881))
    made = secure_id(compact[:-2], seed, dice.getrandbits)
    assert len(made) == 20
    assert is_secure(made, compact)
    flipped = bytes((made[0], made[1], made[2] ^ 0x80)) + made[3:]
    assert is_secure(flipped, compact) == (not is_public(compact))


def test_local_addresses_may_carry_any_id():
    assert is_secure(b"\0" * 20, pack_address(("192.168.1.1", 1)))
    assert not is_secure(b"\0" * 20, pack_address(("8.8.8.8", 1)))


@given(ids, st.integers(0, 159), st.randoms(use_true_random=False))
def test_a_near_id_shares_exactly_so_many_bits(node_id, shared, dice):
    near = random_id_near(node_id, shared, dice.getrandbits)
    assert len(near) == 20
    assert 160 - distance(node_id, near).bit_length() == shared


@given(ids, ids)
def test_distance_is_a_metric_of_ids(one, other):
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)
