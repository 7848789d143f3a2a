"""Trouble on purpose: crashes actors and kills worker processes while the demo runs, to show that it changes nothing."""

import logging
import os
import random
import signal
from contextlib import suppress

import trio

from actors.classifier import ClassifierStatistics
from cli.daemon import Daemon
from supervisor.snapshot import State

logger = logging.getLogger(__name__)

_EVERY_S = 1.5  # a steady crash of one part would, rightly, exhaust its supervisor's restarts


class Chaos:
    """Crashes every actor once, in an order drawn from the seed, and kills the processes that read names now and then."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self._daemon = daemon
        self._random = random.Random(seed)
        self.crashed: list[str] = []
        self.kills = 0

    async def run(self) -> None:
        """Return when every actor has had its crash."""
        paths = [child.path for child in self._daemon.snapshot() if child.kind == "actor"]
        for turn, path in enumerate(self._random.sample(paths, len(paths))):
            await trio.sleep(_EVERY_S)
            if turn % 3 == 0:
                self._kill_workers()
            await self._until_running(path)
            logger.warning("chaos: crashing %s", path)
            self._daemon.crash(path)
            self.crashed.append(path)

    async def _until_running(self, path: str) -> None:
        while not any(child.path == path and child.state is State.RUNNING for child in self._daemon.snapshot()):  # noqa: ASYNC110
            await trio.sleep(0.1)

    def _kill_workers(self) -> None:
        for child in self._daemon.snapshot():
            if isinstance(child.statistics, ClassifierStatistics):
                for pid in child.statistics.worker_pids:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        self.kills += 1
