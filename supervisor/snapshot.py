"""Snapshots: what every child of a tree is doing, as frozen values for the status page, the metrics and the watchdog."""

import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

SUMMARY_LENGTH = 300  # characters; messages may quote what a peer sent
TRACEBACK_LENGTH = 8_000  # characters


class State(StrEnum):
    """What a child is doing."""

    WAITING = "waiting"  # its turn to start has not come
    STARTING = "starting"  # runs, and has not yet said that it is ready
    RUNNING = "running"
    PAUSING = "pausing"  # has ended and is started again after a pause
    DOWN = "down"  # has exhausted its restarts and is tried again slowly
    STOPPING = "stopping"  # was asked to end
    STOPPED = "stopped"
    FINISHED = "finished"  # ended by itself and is not started again


@dataclass(frozen=True, slots=True)
class CrashReport:
    """How a child came to its end when nobody had asked for it."""

    at: float
    """Unix time."""
    summary: str
    """One line."""
    traceback: str
    """Shortened in the middle; empty when the child ended without an exception."""


@dataclass(frozen=True, slots=True)
class ChildSnapshot:
    """One child at one moment; `dataclasses.asdict` makes JSON of it as far as the child's own statistics allow."""

    path: str
    """Such as "swarmdex/pipeline/writer"."""
    kind: Literal["actor", "supervisor"]
    state: State
    starts: int
    """Since the process began, restarts it shared with a sibling included."""
    restarts: int
    """Since the process began, because of its own end."""
    restarts_in_period: int
    heartbeat_age: float | None
    """Seconds; None when it does not run, and for a supervisor, which sleeps until something happens."""
    uptime: float | None
    """Seconds; None when it does not run."""
    starts_in: float | None
    """Seconds until it is started, when that is settled."""
    last_crash: CrashReport | None
    statistics: object
    """What its `statistics()` returned; None when it does not run or reports none."""


def report_crash(crash: Exception) -> CrashReport:
    """Put a crash into words of bounded length, whatever its message holds."""
    return CrashReport(time.time(), summary_of(crash), _shorten("".join(traceback.format_exception(crash)), TRACEBACK_LENGTH))


def summary_of(crash: BaseException) -> str:
    """One line for one exception; for a group, that of the first exception in it and how many more there are."""
    first, *others = _leaves(crash)
    line = " ".join("".join(traceback.format_exception_only(first)).split())
    return _shorten(line, SUMMARY_LENGTH) + (f" (and {len(others)} more)" if others else "")


def _leaves(crash: BaseException) -> Iterator[BaseException]:
    if isinstance(crash, BaseExceptionGroup):
        for inner in crash.exceptions:
            yield from _leaves(inner)
    else:
        yield crash


def _shorten(text: str, length: int) -> str:
    """The beginning and the end; of a traceback they are where the call came from and what went wrong."""
    if len(text) <= length:
        return text
    kept = length // 2
    return f"{text[:kept]} [... {len(text) - 2 * kept} characters ...] {text[-kept:]}"
