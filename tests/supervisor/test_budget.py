"""The restart budget against its three-line model, and the back-off."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from supervisor.budget import BackOff, RestartBudget


class BudgetMachine(RuleBasedStateMachine):
    """Whole seconds, so that the edges of the period are met."""

    @initialize(intensity=st.integers(0, 4), period=st.integers(0, 10))
    def open(self, intensity: int, period: int) -> None:
        self.budget = RestartBudget(intensity, period)
        self.now = 1000
        self.restarts: list[int] = []  # the model: every restart there ever was

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        self.restarts.append(self.now)
        within = [time for time in self.restarts if time >= self.now - self.budget.period]
        assert self.budget.spend(self.now) == (len(within) <= self.budget.intensity)

    @rule()
    def look(self) -> None:
        assert self.budget.spent(self.now) == sum(time >= self.now - self.budget.period for time in self.restarts)


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(deadline=None)


def test_back_off_doubles_up_to_its_limit():
    back_off = BackOff(first=0.1, most=1.0, jitter=lambda: 1.0)
    assert [back_off(restarts) for restarts in range(1, 7)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


@settings(deadline=None)
@given(restarts=st.integers(1, 10**9), jitter=st.floats(0, 1))
def test_jitter_takes_at_most_half_of_the_pause(restarts, jitter):
    full = BackOff(jitter=lambda: 1.0)(restarts)
    assert full / 2 <= BackOff(jitter=lambda: jitter)(restarts) <= full <= 5.0
