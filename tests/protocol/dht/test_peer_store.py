import random

from protocol.dht.peer_store import MAX_SAMPLES, PeerStore, Tokens


def store(**options) -> PeerStore:
    return PeerStore(random.Random(1).getrandbits, **options)


def hash_of(number: int) -> bytes:
    return number.to_bytes(20, "big")


def peer(number: int) -> bytes:
    return bytes((10, 0, number >> 8, number & 255, 1, 1))


def test_a_token_belongs_to_its_address_and_lives_for_two_secrets():
    tokens = Tokens(b"one")
    token = tokens.issue(b"\1\2\3\4")
    assert tokens.is_valid(token, b"\1\2\3\4")
    assert not tokens.is_valid(token, b"\1\2\3\5")
    assert not tokens.is_valid(b"", b"\1\2\3\4")
    tokens.turn(b"two")
    assert tokens.is_valid(token, b"\1\2\3\4")
    assert tokens.issue(b"\1\2\3\4") != token
    tokens.turn(b"three")
    assert not tokens.is_valid(token, b"\1\2\3\4")


def test_announced_peers_are_given_until_their_time_is_over():
    peers = store(lifetime_s=100)
    peers.announce(hash_of(1), peer(1), 0.0)
    peers.announce(hash_of(1), peer(2), 50.0)
    assert peers.peers(hash_of(1), 99.0, 10) == [peer(1), peer(2)]
    assert peers.peers(hash_of(1), 100.0, 10) == [peer(2)]
    assert peers.peers(hash_of(2), 0.0, 10) == []
    peers.expire(149.0)
    assert len(peers) == 1
    peers.expire(150.0)
    assert len(peers) == 0


def test_announcing_again_prolongs():
    peers = store(lifetime_s=100)
    for now in (0.0, 90.0):
        peers.announce(hash_of(1), peer(1), now)
    assert peers.peers(hash_of(1), 180.0, 10) == [peer(1)]


def test_the_caps_let_the_oldest_go():
    peers = store(max_hashes=3, max_peers=2)
    for number in range(5):
        peers.announce(hash_of(number), peer(1), float(number))
    assert len(peers) == 3
    assert peers.peers(hash_of(1), 5.0, 10) == []
    for number in range(5):
        peers.announce(hash_of(4), peer(number), 6.0)
    assert peers.peers(hash_of(4), 6.0, 10) == [peer(3), peer(4)]


def test_of_many_peers_some_are_given():
    peers = store()
    for number in range(100):
        peers.announce(hash_of(1), peer(number), 0.0)
    given = peers.peers(hash_of(1), 1.0, 50)
    assert len(set(given)) == 50


def test_a_sample_of_few_is_all_of_them():
    peers = store()
    assert peers.sample(0.0)[0] == b""
    for number in range(3):
        peers.announce(hash_of(number), peer(1), 0.0)
    assert peers.sample(0.0)[0] == b"".join(hash_of(number) for number in range(3))


def test_a_sample_of_many_stays_the_same_for_its_interval_and_then_changes():
    peers = store(sample_interval_s=60.0)
    for number in range(500):
        peers.announce(hash_of(number), peer(1), 0.0)
    sample, interval = peers.sample(10.0)
    assert (len(sample), interval) == (20 * MAX_SAMPLES, 60)
    assert len({sample[start : start + 20] for start in range(0, 400, 20)}) == MAX_SAMPLES
    assert peers.sample(40.0) == (sample, 30)
    assert peers.sample(70.0)[0] != sample
