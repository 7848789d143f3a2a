"""What the simulated network does to answers."""

import random

import pytest

from bench.swarm.weather import _WAYS
from protocol.dht import krpc
from protocol.errors import MalformedDatagram

TRANSACTION = b"\xabc"
ANSWERS = {
    "response": b"d2:ip6:abcdef1:rd2:id20:" + b"i" * 20 + b"5:nodes208:" + b"n" * 208 + b"e1:t2:" + TRANSACTION + b"1:y1:re",
    "ping": b"d2:ip6:abcdef1:rd2:id20:" + b"i" * 20 + b"e1:t2:" + TRANSACTION + b"1:y1:re",
    "error": b"d1:eli204e14:Method Unknowne2:ip6:abcdef1:t2:" + TRANSACTION + b"1:y1:ee",
}


@pytest.mark.parametrize("way", _WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_broken_answer_answers_nothing(way, answer):
    assert krpc.parse(ANSWERS[answer]).transaction_id == TRANSACTION
    broken = way(ANSWERS[answer], random.Random(1))
    try:
        message = krpc.parse(broken)
    except MalformedDatagram:
        return
    assert message.transaction_id != TRANSACTION
