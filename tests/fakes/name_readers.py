"""Readers for worker processes: they do what the name says, then read it as the real one does."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from catalog.titles.batch import BatchReading, read_batch


def obedient_reader(names: Sequence[str], name_limit_s: float, budget_s: float) -> BatchReading:
    """HANG: never returns. DIE: the process is gone. RAISE: raises. WAIT <path>: waits until the path exists."""
    for name in names:
        order, _, argument = name.partition(" ")
        if order == "HANG":
            while True:
                time.sleep(1)
        if order == "DIE":
            os.kill(os.getpid(), signal.SIGKILL)
        if order == "RAISE":
            raise LookupError(name)
        if order == "WAIT":
            while not Path(argument).exists():
                time.sleep(0.01)
    return read_batch(names, name_limit_s, budget_s)
