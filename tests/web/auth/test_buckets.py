import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.auth.buckets import MAX_NAMES, Buckets


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_may_come_at_once_and_then_it_refills_evenly() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    assert [buckets.take("sonarr", 3) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("sonarr", 3) == pytest.approx(20)
    assert buckets.take("radarr", 3) == 0
    clock.now = 15
    assert buckets.take("sonarr", 3) == pytest.approx(5)
    clock.now = 20.01
    assert buckets.take("sonarr", 3) == 0
    buckets.refill("sonarr")
    assert [buckets.take("sonarr", 3) for _ in range(3)] == [0, 0, 0]


@given(st.integers(1, 60), st.lists(st.floats(0, 30), max_size=200))
def test_no_minute_holds_more_than_two_minutes_worth(limit: int, pauses: list[float]) -> None:
    clock, taken = Clock(), []
    buckets = Buckets(clock)
    for pause in pauses:
        clock.now += pause
        if not buckets.take("x", limit):
            taken.append(clock.now)
    assert all(sum(start <= moment < start + 60 for moment in taken) <= 2 * limit for start in taken)


@given(st.integers(1, 60), st.floats(0, 1))
def test_whoever_waits_as_told_gets_through(limit: int, spent: float) -> None:
    clock = Clock()
    buckets = Buckets(clock)
    for _ in range(limit):
        buckets.take("x", limit)
    clock.now += spent * 60 / limit * 0.99
    wait_s = buckets.take("x", limit)
    clock.now += wait_s + 1e-6
    assert buckets.take("x", limit) == 0


def test_names_from_outside_do_not_fill_the_memory() -> None:
    buckets = Buckets(Clock())
    for number in range(MAX_NAMES + 100):
        buckets.take(str(number), 1)
    assert len(buckets._buckets) == MAX_NAMES
    assert buckets.take(str(MAX_NAMES + 99), 1) > 0
