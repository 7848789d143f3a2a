"""What every daemon does, whatever its tree holds: start, publish where it is, refuse clearly, stop within its time.

cli/daemon.py and cli/crawler.py say what hangs below `index`.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import trio

from actors.service_manager import ServiceManager
from actors.watchdog import Watchdog
from cli import runfile
from config.settings import Settings
from config.systemd import systemd_environment
from protocol.errors import SwarmdexError
from storage.cluster.places import Places
from supervisor.heartbeat import Heart
from supervisor.snapshot import ChildSnapshot, State
from supervisor.spec import ChildSpec, Strategy
from supervisor.supervisor import Supervisor

logger = logging.getLogger(__name__)

RETRY_SERVICE_S = 60.0
"""A service that exhausts its restarts is tried again after this long, and takes no other with it."""

DRAIN_S = 7.0
"""All actors together get so long to end after `stop`, then they are cancelled; what is left of ten seconds is the database server's."""


class DaemonLife(ABC):
    """One daemon on one data folder: `run` until `stop`. Its constructor ends with `self._root = self._build_root()`."""

    _root: Supervisor

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._data_dir = Path(settings.data_dir)
        systemd = systemd_environment()
        self._service_manager = ServiceManager(systemd.notify_socket)
        self._keep_alive_s = systemd.keep_alive_s
        self.run_token = runfile.make_token()
        """Lets the commands of this machine in; made anew at each start."""
        self._published = ExitStack()
        self.url: str | None = None
        self.is_serving = trio.Event()
        """Set when the page can be opened."""
        self._refusal_seen = trio.Event()
        self._refusal: SwarmdexError | None = None
        self._time = trio.CancelScope()

    async def run(self) -> None:
        """Run until `stop`.

        Raises:
            SwarmdexError: it cannot start, and starting again would not help; the message says what would.
            RestartsExhausted: it cannot go on.
        """
        Places.below(self._data_dir).make_data_dir()
        with self._published:
            try:
                with self._time:
                    await self._root.run()
                if self._time.cancelled_caught:
                    logger.warning("not every part ended within %g s of the stop: the rest was cut off", DRAIN_S)
            finally:
                self._service_manager.notify(STOPPING="1")
        if self._refusal is not None:
            raise self._refusal

    def stop(self) -> None:
        """Ask the whole tree to stop: sources first, then what they feed, what keeps the data last."""
        self._service_manager.notify(STOPPING="1", STATUS="stopping")
        self._time.deadline = min(self._time.deadline, trio.current_time() + DRAIN_S)
        self._root.stop()

    def snapshot(self) -> tuple[ChildSnapshot, ...]:
        """How every part is."""
        return self._root.snapshot()

    def crash(self, path: str) -> None:
        """Make the part at `path` fail as if by a bug (the demo's chaos)."""
        self._root.crash(path)

    def _build_root(self) -> Supervisor:
        watchdog = ChildSpec("watchdog", self._run_watchdog)
        return Supervisor("swarmdex", Strategy.ONE_FOR_ONE, [watchdog, self._build_index()], intensity=3, period=60.0)

    @abstractmethod
    def _build_index(self) -> Supervisor:
        """The supervisor of all but the watchdog."""

    @abstractmethod
    def _progress_words(self) -> str:
        """What came of it so far, for `systemctl status`."""

    async def _run_watchdog(self, heart: Heart) -> None:
        await Watchdog(heart, self.snapshot, self._status_line, self._service_manager, keep_alive_s=self._keep_alive_s).run()

    async def _unless_refused(self, run: Callable[[Heart], Awaitable[None]], heart: Heart) -> None:
        """What refuses to come up at the first start (a folder or port in use, say) is told to the person who started it, at once."""
        try:
            await run(heart)
        except SwarmdexError as exc:
            if self.is_serving.is_set():
                raise  # it has run before: a case for the supervisor
            self._refusal = exc
            self.stop()
            await self._refusal_seen.wait()  # until asked to end: to end by itself would look like a crash

    def _publish(self, url: str) -> None:
        """The port is open: tell the other commands, systemd and the log."""
        self.url = url
        self._published.close()
        self._published.enter_context(runfile.published(self._data_dir, url, self.run_token))
        self._service_manager.notify(READY="1", STATUS=f"serving {url}")
        logger.info("swarmdex is ready: %s", self._ready_words(url))
        self.is_serving.set()

    def _ready_words(self, url: str) -> str:
        return url

    def _status_line(self) -> str:
        ill = [child.path for child in self.snapshot() if child.state in (State.PAUSING, State.DOWN)]
        return f"{self.url or 'starting'}, {self._progress_words()}" + (f", down: {', '.join(ill)}" if ill else "")
