"""What a worker process does: read a batch of names, each under its own limit of CPU time.

The limit inside the process (a profiling timer) makes one hostile name cost one second and nothing else; that the process itself may be
killed at any time is actors/name_worker.py's business. Imports nothing but catalog and guessit, so that a worker starts fast.
"""

import functools
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from catalog.model import ParsedTitle
from catalog.titles.cascade import Cascade, unparsed
from catalog.titles.parsers import GuessitParser

T = TypeVar("T")

_NICENESS: Final = 5
"""The event loop goes first when processors are short."""

_REMINDER_S: Final = 0.05
"""The timer goes off again: an exception that the first one raises inside a destructor is lost, Python only prints it."""

WARM_UP: Final = "Sintel.2010.1080p.BluRay.x264-GRP"
"""Read once at the start, because guessit builds half of its rules at its first name."""


@dataclass(frozen=True, slots=True)
class BatchReading:
    """What a worker made of a batch."""

    pid: int
    titles: tuple[ParsedTitle, ...]
    """Of the first names of the batch; fewer than asked for when the time was over."""
    too_slow: int
    """How many of them ran into the limit and are unparsed."""


class _TooSlow(BaseException):
    """Raised by the timer; no `Exception`, so that nothing between catches it."""


def read_batch(names: Sequence[str], name_limit_s: float, budget_s: float) -> BatchReading:
    """Read `names` in order with the main parser.

    Args:
        names: sanitised or not; each is cut.
        name_limit_s: seconds of CPU time for one name; beyond it the name stays unparsed.
        budget_s: seconds of real time after which no further name is begun; at least one is always read.
    """
    cascade = process_cascade()
    titles: list[ParsedTitle] = []
    too_slow = 0
    started = time.monotonic()
    for name in names:
        if titles and time.monotonic() - started > budget_s:
            break
        title = within_cpu_time(name_limit_s, lambda name=name: cascade.thorough(name))  # type: ignore[misc]  # mypy cannot type the default
        too_slow += title is None
        titles.append(title or unparsed(name))
    return BatchReading(os.getpid(), tuple(titles), too_slow)


def prepare_process() -> None:
    """Make a worker process ready: it ends when the daemon closes its pipe, so a SIGTERM to the whole group must not end it sooner."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(_NICENESS)
    read_batch((WARM_UP,), 60.0, 60.0)


@functools.cache
def process_cascade() -> Cascade:
    """The cascade of this process, made at its first use."""
    return Cascade(GuessitParser())


def within_cpu_time(limit_s: float, work: Callable[[], T]) -> T | None:
    """Return `work()`, or None when it took more than `limit_s` of this process's CPU time.

    Only the main thread of a process can be interrupted; elsewhere the work has no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    is_working = True

    def stop_work(_signal: int, _frame: object) -> None:
        if is_working:
            raise _TooSlow

    previous = signal.signal(signal.SIGPROF, stop_work)
    try:
        signal.setitimer(signal.ITIMER_PROF, limit_s, _REMINDER_S)
        return work()
    except _TooSlow:
        return None
    finally:
        is_working = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
