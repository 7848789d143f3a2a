"""A hundred thousand hostile datagrams into one node: counters move, nothing else gives."""

import random

from protocol import bencode
from protocol.compact import is_public, is_usable, pack_address, unpack_address
from protocol.dht import krpc
from protocol.dht.node import Node
from protocol.dht.routing_table import K

SEED = 20260
DATAGRAMS = 100_000
BATCH = 500


class Attacker:
    """Mutates real packets, answers real queries wrongly, and sends noise."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self._asked: list[tuple[bytes, tuple[str, int]]] = []
        own, other = self.dice.randbytes(20), self.dice.randbytes(20)
        self._real = [
            krpc.ping(b"aa", own),
            krpc.find_node(b"ab", own, other, want=(b"n4",)),
            krpc.get_peers(b"ac", own, other),
            krpc.announce_peer(b"ad", own, other, 6881, b"tokentok"),
            krpc.sample_infohashes(b"ae", own, other),
            krpc.error(b"af", krpc.ErrorCode.GENERIC, "no"),
            krpc.response(b"ag", {b"id": own, b"nodes": other * 4}, b"\1\2\3\4\5\6"),
        ]

    def overhear(self, sent: list[tuple[bytes, tuple[str, int]]]) -> None:
        self._asked = (self._asked + sent)[-500:]

    def datagram(self) -> tuple[bytes, tuple[str, int]]:
        dice = self.dice
        address = (f"127.{dice.randrange(4)}.0.{dice.randrange(256)}", dice.randrange(65536))
        choice = dice.random()
        if choice < 0.45 and self._asked:
            query, asked = dice.choice(self._asked)
            return self._mutated(self._wrong_answer(query)), asked if dice.random() < 0.9 else address
        if choice < 0.55:
            return dice.randbytes(dice.randrange(120)), address
        if choice < 0.57:
            return dice.choice([b"l", b"d1:a", b"d", b"i", b"9" * 30]) * dice.randrange(1, 1500), address
        return self._mutated(dice.choice(self._real)), address

    def _wrong_answer(self, query: bytes) -> bytes:
        dice = self.dice
        message = krpc.parse(query)
        if not isinstance(message, krpc.Query):
            return query
        node_id = dice.choice([dice.randbytes(20), dice.randbytes(dice.randrange(40)), message.arguments.get(b"target", b"")])
        values = {b"id": node_id}
        for key in (b"nodes", b"samples", b"values", b"interval", b"num", b"token", b"nodes6"):
            if dice.random() < 0.5:
                values[key] = self._value()
        return bencode.encode({b"ip": self._value(), b"r": values, b"t": message.transaction_id, b"y": b"r"})

    def _value(self):
        dice = self.dice
        return dice.choice(
            [
                dice.randbytes(26 * dice.randrange(20)),
                dice.randbytes(20 * dice.randrange(40)),
                dice.randbytes(dice.randrange(60)),
                dice.randbytes(20) + bytes((127, dice.randrange(4), 0, dice.randrange(256))) + dice.randbytes(2),
                dice.randbytes(6),
                dice.randrange(-(2**70), 2**70),
                dice.randrange(0, 30000),
                [dice.randbytes(6), dice.randbytes(18), 5, [], {}],
                {b"a": 1},
            ]
        )

    def _mutated(self, data: bytes) -> bytes:
        dice = self.dice
        if dice.random() < 0.3:
            return data
        changed = bytearray(data)
        for _ in range(dice.randrange(1, 4)):
            if not changed:
                break
            place = dice.randrange(len(changed))
            match dice.randrange(4):
                case 0:
                    changed[place] = dice.randrange(256)
                case 1:
                    del changed[place : place + dice.randrange(1, 8)]
                case 2:
                    changed[place:place] = dice.randbytes(dice.randrange(1, 4))
                case 3:
                    changed[place] = dice.choice(b"0123456789deil:-")
        return bytes(changed)


def is_possible(compact: bytes) -> bool:
    """In the lab: local, and no port 0."""
    return is_usable(compact, allow_local=True) and not is_public(compact)


def check(node: Node, now: float) -> None:
    """What must hold whatever arrives."""
    counted = node.statistics()
    table = node._table
    assert 0 <= node._samples_in_flight <= 4096
    assert counted.pending_queries <= counted.sent
    assert all(len(bucket.contacts) <= K for bucket in table._buckets.values())
    assert sorted(contact.node_id for bucket in table._buckets.values() for contact in bucket.contacts) == sorted(table._by_id)
    assert all(is_possible(contact.address) for contact in table)
    assert len(node.node_id) == 20
    assert counted.stored_hashes <= 20_000
    assert counted.lookups <= 20
    assert len(table.closest_compact(node.node_id, now)) % 26 == 0


def test_a_hundred_thousand_fuzzed_datagrams_change_nothing_but_counters(make_node):
    node = make_node(1)
    attacker = Attacker(SEED)
    now = 1000.0
    node.bootstrap([("127.0.0.9", 9), ("127.0.0.8", 8)], now)
    kinds = {krpc.Query: 0, krpc.Response: 0, krpc.Error: 0}
    for batch in range(DATAGRAMS // BATCH):
        if batch % 10 == 0:
            node.look_up(attacker.dice.randbytes(20), now)
        for _ in range(BATCH):
            data, address = attacker.datagram()
            node.receive_datagram(data, address, now)
        now += 0.3
        node.handle_timer(now)
        sent = node.datagrams_to_send(now)
        for data, address in sent:
            message = krpc.parse(data)  # everything we send is a proper message to a possible address
            kinds[type(message)] += 1
            assert is_possible(pack_address(address))
            assert not isinstance(message, krpc.Error) or message.code in {203, 204}
        attacker.overhear([pair for pair in sent if b"1:y1:q" in pair[0]])
        node.take_events()
        for finding in node.take_findings():
            assert all(len(info_hash) == 20 for info_hash in getattr(finding, "info_hashes", ()))
        check(node, now)
    counted = node.statistics()
    assert counted.received == DATAGRAMS
    assert min(kinds.values()) > 1000, kinds
    assert counted.samples_received > 100
    assert {"not_bencode", "too_deep", "not_asked_for", "other_id_than_named", "no_sample", "lenient_accepted"} <= set(counted.dropped)

    # It still works: a proper query gets a proper answer, a proper node enters a proper place.
    node.receive_datagram(krpc.ping(b"zz", b"p" * 20, is_read_only=True), ("127.99.9.9", 9), now)
    [answer] = [data for data, address in node.datagrams_to_send(now) if address == ("127.99.9.9", 9)]
    assert krpc.parse(answer).node_id == node.node_id
    assert unpack_address(krpc.parse(answer).seen_address) == ("127.99.9.9", 9)
