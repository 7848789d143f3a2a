"""The made-up library: the same for a seed, skewed, and asked for by every kind of client."""

import random
from collections import Counter
from urllib.parse import parse_qsl

import bench.torznab_queries
from bench.library import Skewed, torrents
from bench.torznab_queries import queries
from protocol.torznab.query import parse


def test_what_stands_first_is_drawn_most_and_what_stands_last_is_drawn_too():
    rng, skewed = random.Random(1), Skewed("abcdefgh", 1.0)
    drawn = Counter(rng.choice(skewed) for _ in range(4000))
    assert [letter for letter, _ in drawn.most_common(3)] == ["a", "b", "c"]
    assert set(drawn) == set("abcdefgh")


def test_a_seed_gives_the_same_torrents_and_another_part_gives_others():
    first = list(torrents(60, seed=1))
    assert list(torrents(60, seed=1)) == first
    hashes = {found.torrent.info_hash for found in first}
    assert len(hashes) == 60
    assert hashes.isdisjoint(found.torrent.info_hash for found in torrents(60, seed=1, part=1))


def test_every_class_of_requests_asks_for_something_that_torznab_understands(monkeypatch):
    monkeypatch.setattr(bench.torznab_queries, "_SAMPLED", 600)
    for name, asked in queries(seed=1).items():
        assert asked, name
        for query in asked[:3]:
            assert not parse(parse_qsl(query)).finds_nothing, (name, query)
