"""The watchdog: measures the event loop's lag, names actors that fell silent, and keeps systemd informed.

First up and last down, so that it speaks during start and stop as well.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import trio

from actors.service_manager import ServiceManager
from supervisor.heartbeat import Heart
from supervisor.snapshot import ChildSnapshot

logger = logging.getLogger(__name__)

_PROBE_S = 0.1
_LAGS_KEPT = 600  # a minute of probes
_STATUS_EVERY_S = 10.0
_SILENT_AFTER_S = 60.0  # every actor beats at least each 10 s, whether it has work or not


@dataclass(frozen=True, slots=True)
class WatchdogStatistics:
    """Event-loop lag of the last minute in seconds, and the actors that fell silent."""

    lag_p50_s: float
    lag_p99_s: float
    lag_max_s: float
    silent: tuple[str, ...]


class Watchdog:
    """Watches the loop and the heartbeats; its one job."""

    def __init__(
        self,
        heart: Heart,
        snapshot: Callable[[], Sequence[ChildSnapshot]],
        status: Callable[[], str],
        service_manager: ServiceManager,
        *,
        keep_alive_s: float | None = None,
    ) -> None:
        """Take what to watch and whom to tell.

        Args:
            heart: this actor's own heart.
            snapshot: the whole tree's.
            status: one line for `systemctl status`.
            service_manager: systemd, or silence.
            keep_alive_s: seconds between WATCHDOG=1, half of systemd's WatchdogSec; None: not wanted.
        """
        self._heart = heart
        self._snapshot = snapshot
        self._status = status
        self._service_manager = service_manager
        self._keep_alive_s = keep_alive_s
        self._lags: deque[float] = deque(maxlen=_LAGS_KEPT)
        self._silent: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Until cancelled."""
        self._heart.report(self.statistics)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._probe)
            nursery.start_soon(self._look)
            if self._keep_alive_s is not None:
                nursery.start_soon(self._keep_alive, self._keep_alive_s)

    def statistics(self) -> WatchdogStatistics:
        """The last minute's lag."""
        lags = sorted(self._lags) or [0.0]
        return WatchdogStatistics(lags[len(lags) // 2], lags[len(lags) * 99 // 100], lags[-1], tuple(sorted(self._silent)))

    async def _probe(self) -> None:
        while True:
            due = trio.current_time() + _PROBE_S
            await trio.sleep_until(due)
            self._lags.append(max(0.0, trio.current_time() - due))
            self._heart.beat()

    async def _look(self) -> None:
        while True:
            await trio.sleep(_STATUS_EVERY_S)
            silent = frozenset(
                child.path for child in self._snapshot() if child.heartbeat_age is not None and child.heartbeat_age > _SILENT_AFTER_S
            )
            for path in sorted(silent - self._silent):
                logger.warning("%s has been silent for more than %d s", path, _SILENT_AFTER_S)
            for path in sorted(self._silent - silent):
                logger.info("%s is heard again", path)
            self._silent = silent
            self._service_manager.notify(STATUS=self._status())

    async def _keep_alive(self, every_s: float) -> None:
        # Only the loop's own life is vouched for: a site or a database that is away must not get us killed.
        while True:
            self._service_manager.notify(WATCHDOG="1")
            await trio.sleep(every_s)
