from protocol.dht.round_trip import LEAST_S, MOST_S, RoundTrip


def test_patience_follows_what_answers_usually_take():
    patience = RoundTrip()
    assert patience.slow_after_s == MOST_S
    for _ in range(100):
        patience.measured(0.1)
    assert LEAST_S <= patience.slow_after_s < 0.25
    for number in range(100):
        patience.measured(0.1 if number % 2 else 0.5)
    assert 0.5 < patience.slow_after_s <= MOST_S


def test_patience_has_bounds():
    quick, slow = RoundTrip(), RoundTrip()
    for _ in range(50):
        quick.measured(0.001)
        slow.measured(30.0)
    assert quick.slow_after_s == LEAST_S
    assert slow.slow_after_s == MOST_S
