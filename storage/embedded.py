"""The embedded PostgreSQL server: swarmdex's own, run as its child, reached through a socket only it can enter.

docs/embedded-postgres.md tells where the data lies, who owns it, and what happens when something dies.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import trio
from psycopg import sql

from config.settings import DatabaseSettings
from storage.cluster.account import server_account
from storage.cluster.binaries import Binaries, packaged_binaries, readable_binaries
from storage.cluster.configuration import DATABASE, conninfo, write_configuration
from storage.cluster.initdb import check_version, make_cluster
from storage.cluster.lock import COMMAND, DAEMON, DataLock
from storage.cluster.pid_file import is_server_of, read_pid_file
from storage.cluster.places import Places
from storage.cluster.process import ServerProcess
from storage.errors import DataDirectoryInUse, EmbeddedServerError
from storage.threads import run_beating
from supervisor.heartbeat import Heart

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """How the server process is."""

    pid: int | None
    start_s: float
    """From the start to its first answer: long after a crash, when it recovers."""
    uptime_s: float
    """Since then; 0 while it starts."""


class EmbeddedServer:
    """Runs the embedded PostgreSQL server of one data directory; one object a start.

    The supervision tree calls `run`, commands use `embedded_server`, plain code drives `set_up`, `bring_up` and `shut_down` itself.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: DatabaseSettings,
        *,
        prepare: Callable[[str], object] | None = None,
        holder: str = DAEMON,
        durable: bool = True,
        binaries: Binaries | None = None,
    ) -> None:
        """`prepare` is called with the conninfo, in a thread, before `run` reports ready: the migrations.

        `durable=False` leaves out every sync to disk: for data that may be lost with the machine, as in tests and the demo.
        """
        self._places = Places.below(data_dir)
        self._settings = settings
        self._prepare = prepare
        self._holder = holder
        self._durable = durable
        self._binaries = binaries
        self._lock = DataLock(self._places.lock)
        self._process: ServerProcess | None = None
        self._started_at = time.monotonic()
        self._ready_at: float | None = None
        self._stop = trio.Event()
        self.conninfo = conninfo(self._places.socket_dir)
        """Known before the start; the server answers there from `bring_up` to `shut_down`."""

    async def run(self, heart: Heart) -> None:
        """Serve until `stop` is called. Raises EmbeddedServerError when the server cannot start or dies."""
        heart.report(self.statistics)
        try:
            await self.start(heart.beat)
            if self._prepare is not None:
                # Left behind when cancelled: the server stops below, and that ends it.
                await run_beating(heart.beat, self._prepare, self.conninfo, abandon_on_cancel=True)
            heart.ready()
            while not self._stop.is_set():
                heart.beat()
                self.check()
                with trio.move_on_after(0.5):
                    await self._stop.wait()
        finally:
            await self.aclose()

    def stop(self) -> None:
        """Ask `run` to stop the server and return."""
        self._stop.set()

    def statistics(self) -> ServerStatistics:
        """The server process as it is now."""
        now = time.monotonic()
        return ServerStatistics(
            pid=self._process.pid if self._process is not None else None,
            start_s=(self._ready_at or now) - self._started_at,
            uptime_s=now - self._ready_at if self._ready_at is not None else 0.0,
        )

    async def start(self, beat: Callable[[], None] = lambda: None) -> None:
        """Lock the data directory, make what is missing, start the server and wait until it answers. `aclose` even when this raises."""
        await run_beating(beat, self.set_up)
        for pause in self.bring_up():
            beat()
            await trio.sleep(pause)
        self._ready_at = time.monotonic()
        await trio.to_thread.run_sync(self.make_database)

    async def aclose(self) -> None:
        """Stop the server and give the data directory back. Not cancelled: it ends by itself, after 16 s at worst."""
        with trio.CancelScope(shield=True):
            for pause in self.shut_down():
                await trio.sleep(pause)

    def set_up(self) -> None:
        """Take the lock; account, programs, cluster and configuration, whichever is missing. Blocks for seconds the first time."""
        places = self._places
        places.make_data_dir()
        # A command does not wait here: it uses the daemon's server.
        self._lock.acquire(self._holder, patience_s=2.0 if self._holder == DAEMON else 0.0)
        account = server_account(self._settings.account, places.data_dir, places.cluster)
        places.open_for(account)
        binaries = readable_binaries(self._binaries or packaged_binaries(), account, places.data_dir)
        if not places.cluster.exists():
            logger.info("making a new database in %s, owned by %s", places.cluster, account.name)
            make_cluster(places, binaries, account, durable=self._durable)
        check_version(places, binaries, account)
        write_configuration(places, account, self._settings.connections, durable=self._durable)
        self._process = ServerProcess(places, binaries, account)

    def bring_up(self) -> Iterator[float]:
        """Start the server; yields the seconds to wait between looks. Only in the main thread (see storage/cluster/process.py)."""
        assert self._process is not None, "set_up comes first"  # noqa: S101
        return self._process.bring_up()

    def make_database(self) -> None:
        """Make our database if the cluster has none yet. Blocks."""
        with psycopg.connect(self.conninfo, dbname="postgres", autocommit=True, connect_timeout=10) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def shut_down(self) -> Iterator[float]:
        """Stop the server, then give the lock back; yields the seconds to wait between looks."""
        try:
            if self._process is not None:
                yield from self._process.shut_down()
        finally:
            self._lock.release()

    def check(self) -> None:
        """Raise EmbeddedServerError when the server has died."""
        if self._process is not None:
            self._process.check()


@asynccontextmanager
async def embedded_server(data_dir: Path, settings: DatabaseSettings, *, wait_s: float = 60.0) -> AsyncIterator[str]:
    """The conninfo of the embedded server, for commands: the daemon's if it runs, else one of our own for the time of the block.

    Waits up to `wait_s` while a daemon is starting or another command has the server. Raises EmbeddedServerError.
    """
    deadline = trio.current_time() + wait_s
    while True:
        server = EmbeddedServer(data_dir, settings, holder=COMMAND)
        try:
            try:
                await server.start()
            except DataDirectoryInUse as in_use:
                running = locate_running(data_dir) if in_use.holder == DAEMON else None
                if running is None and trio.current_time() > deadline:
                    raise
            else:
                running = server.conninfo
            if running is not None:
                yield running
                return
        finally:
            await server.aclose()
        await trio.sleep(0.2)


def locate_running(data_dir: Path) -> str | None:
    """The conninfo of the server that runs in `data_dir` and accepts connections; None: there is none."""
    places = Places.below(data_dir)
    try:
        found = read_pid_file(places.pid_file)
        if found is None or found.status != "ready" or not is_server_of(found.pid, places.cluster):
            return None
    except PermissionError:
        raise EmbeddedServerError(f"{places.cluster} is not yours to read: run this command as its owner or as root") from None
    return conninfo(Path(found.socket_dir))
