"""What a worker process does, in this process."""

import os
import signal
import sys
import threading

import pytest

from catalog.titles.batch import _TooSlow, read_batch, within_cpu_time
from catalog.titles.parsers import GuessitParser

HOSTILE = "[S01E02]" * 125


@pytest.fixture(autouse=True)
def quiet_destructors(monkeypatch):
    """The timer may go off inside a destructor; pytest's way to report that takes so long that the timer goes off in there again."""
    usual = sys.unraisablehook
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None if unraisable.exc_type is _TooSlow else usual(unraisable))


def spin() -> None:
    while True:
        pass


def test_a_batch_is_read_in_order():
    reading = read_batch(["The Beverly Hillbillies 105", "Sintel 2010 something"], 10.0, 60.0)
    assert [title.title for title in reading.titles] == ["The Beverly Hillbillies", "Sintel"]
    assert (reading.pid, reading.too_slow) == (os.getpid(), 0)


def test_work_is_stopped_at_its_limit_of_cpu_time():
    before = signal.getsignal(signal.SIGPROF)
    assert within_cpu_time(0.05, spin) is None
    assert within_cpu_time(0.05, lambda: "done") == "done"
    assert signal.getsignal(signal.SIGPROF) is before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_a_name_over_the_limit_stays_unparsed_and_the_next_is_read():
    GuessitParser().parse("Sintel")  # the first name of a process also builds rules
    reading = read_batch([HOSTILE, "Sintel 2010 something"], 0.03, 60.0)
    assert reading.too_slow == 1
    assert (reading.titles[0].stage, reading.titles[0].confidence) == ("none", 0.0)
    assert reading.titles[1].title == "Sintel"


def test_no_name_is_begun_after_the_budget_but_one_is_always_read():
    reading = read_batch(["Sintel 2010 something"] * 5, 10.0, 0.0)
    assert len(reading.titles) == 1


def test_a_stop_that_a_destructor_swallows_comes_again():
    class Swallower:
        def __del__(self) -> None:
            spin()

    def work() -> None:
        Swallower()
        spin()

    assert within_cpu_time(0.05, work) is None


def test_work_in_another_thread_has_no_limit_and_no_harm():
    results = []
    thread = threading.Thread(target=lambda: results.append(within_cpu_time(0.001, lambda: sum(range(200_000)))))
    thread.start()
    thread.join()
    assert results == [sum(range(200_000))]
