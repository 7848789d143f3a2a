import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from actors.breaker import MOVES, Breaker, Event, Ladder, Permit, State

LADDER = Ladder(first_s=1.0, longest_s=60.0, jitter=0.0)


def breaker(ladder: Ladder = LADDER, **options) -> Breaker:
    return Breaker(ladder, random.Random(1), **options)


def fail(found: Breaker, now: float, **options) -> None:
    permit = found.admit(now)
    assert permit is not None
    found.failed(permit, now, "it is away", **options)


def test_the_table_holds_every_move_there_is():
    assert len(MOVES) == 8
    assert {state for state, _ in MOVES} == set(State)
    assert {event for _, event in MOVES} == set(Event)


def test_it_opens_after_so_many_failures_in_a_row_and_a_success_between_counts_anew():
    found = breaker(failures=3)
    fail(found, 0)
    fail(found, 0)
    permit = found.admit(0)
    assert permit is not None
    found.succeeded(permit, 0)
    fail(found, 0)
    fail(found, 0)
    assert found.state is State.CLOSED
    fail(found, 0)
    assert found.state is State.OPEN
    assert found.admit(0.99) is None


def test_one_call_alone_finds_out_whether_it_is_back():
    found = breaker()
    fail(found, 0)
    probe = found.admit(1)
    assert probe is not None
    assert found.state is State.HALF_OPEN
    assert found.admit(1) is None
    assert found.next_admission(1) is None
    found.succeeded(probe, 2)
    assert found.state is State.CLOSED
    assert found.admit(2) is not None


def test_each_failed_probe_doubles_the_pause_up_to_the_longest():
    found = breaker(Ladder(first_s=1.0, longest_s=5.0, jitter=0.0))
    now, pauses = 0.0, []
    for _ in range(5):
        fail(found, now)
        due = found.next_admission(now)
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert found.statistics().opened == 1


def test_chance_shortens_a_pause_by_its_share_at_most():
    ladder = Ladder(first_s=8.0, longest_s=100.0, jitter=0.5)
    pauses = [ladder.pause_s(0, random.Random(seed)) for seed in range(200)]
    assert 4.0 <= min(pauses) < 4.5
    assert 7.5 < max(pauses) <= 8.0
    assert ladder.pause_s(10**9, random.Random(1)) <= 100.0


def test_a_service_that_asks_for_patience_gets_it_up_to_an_hour():
    found = breaker(failures=5)
    fail(found, 0, retry_after_s=30)
    assert found.next_admission(0) == 30
    fail(found, 30, retry_after_s=10**9)
    assert found.next_admission(30) == 30 + 3600
    fail(found, 3630, retry_after_s=0.5)
    assert found.next_admission(3630) == 3634  # the ladder's own pause is longer


def test_one_failure_that_settles_it_is_enough():
    found = breaker(failures=5)
    fail(found, 0, is_final=True)
    assert found.state is State.OPEN


def test_an_answer_from_before_the_last_move_says_nothing():
    found = breaker()
    early, late = found.admit(0), found.admit(0)
    assert early is not None
    assert late is not None
    found.failed(early, 0, "away")
    found.succeeded(late, 0.5)
    assert found.state is State.OPEN
    probe = found.admit(1)
    found.failed(late, 1, "away")
    assert found.state is State.HALF_OPEN
    assert probe is not None
    found.succeeded(probe, 1)
    found.failed(early, 1, "away")
    assert found.state is State.CLOSED


def test_an_abandoned_probe_leaves_the_next_one_to_whoever_asks():
    found = breaker()
    fail(found, 0)
    probe = found.admit(1)
    assert probe is not None
    found.abandoned(probe, 1.5)
    assert found.state is State.OPEN
    assert found.admit(1.5) is not None


def test_a_short_recovery_is_none_and_the_pauses_go_on_growing():
    found = breaker(Ladder(first_s=10.0, longest_s=1000.0, jitter=0.0))
    fail(found, 0)
    probe = found.admit(10)
    assert probe is not None
    found.succeeded(probe, 10)
    fail(found, 15)
    assert found.next_admission(15) == 35
    probe = found.admit(35)
    assert probe is not None
    found.succeeded(probe, 35)
    fail(found, 60)
    assert found.next_admission(60) == 70
    assert found.statistics().opened == 3


def test_its_statistics_say_why_and_since_when():
    found = breaker()
    assert found.statistics().since is None
    fail(found, 5)
    seen = found.statistics()
    assert (seen.state, seen.since, seen.reason, seen.failures, seen.next_probe) == (State.OPEN, 5, "it is away", 1, 6)


class Model(RuleBasedStateMachine):
    """Against a model of three lines: closed until too many failures in a row, open for a pause, then one call decides."""

    permits = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker(Ladder(2.0, 2.0, jitter=0.0), random.Random(1), failures=3)
        self.in_a_row, self.shut_until, self.probe = 0, None, None

    @rule(target=permits, forward=st.floats(0, 5))
    def call(self, forward):
        self.now += forward
        permit = self.breaker.admit(self.now)
        may = self.shut_until is None or (self.probe is None and self.now >= self.shut_until)
        assert (permit is not None) == may
        if permit is not None and self.shut_until is not None:
            self.probe = permit
        return permit

    @rule(permit=consumes(permits), ends=st.sampled_from(["well", "badly", "never"]))
    def answer(self, permit, ends):
        if permit is None:
            return
        counts = permit is self.probe if self.shut_until is not None else permit.term == self.breaker._term
        {"well": self._well, "badly": self._badly, "never": self._never}[ends](permit)
        if counts:
            was_probe, self.probe = self.probe is not None, None
            self.in_a_row = {"well": 0, "badly": self.in_a_row + 1, "never": self.in_a_row}[ends]
            self.shut_until = self._shut(ends, was_probe=was_probe)

    def _shut(self, ends, *, was_probe):
        if ends == "badly":
            return self.now + 2.0 if was_probe or self.in_a_row >= 3 else None
        return None if ends == "well" else self.shut_until

    def _well(self, permit: Permit) -> None:
        self.breaker.succeeded(permit, self.now)

    def _badly(self, permit: Permit) -> None:
        self.breaker.failed(permit, self.now, "away")

    def _never(self, permit: Permit) -> None:
        self.breaker.abandoned(permit, self.now)

    @invariant()
    def the_state_is_the_models(self):
        wanted = State.CLOSED if self.shut_until is None else State.HALF_OPEN if self.probe is not None else State.OPEN
        assert self.breaker.state is wanted


TestAgainstTheModel = Model.TestCase
TestAgainstTheModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_move_that_is_not_in_the_table_is_an_error():
    found = breaker()
    with pytest.raises(KeyError):
        found._move(Event.PROBED, 0)
