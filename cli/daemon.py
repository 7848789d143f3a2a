"""The daemon: builds the supervision tree and the channels; the only file that knows everybody.

`_build_tree` is to be read from top to bottom beside docs/architecture.md.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import trio

from actors.classifier import Classifier
from actors.dht.node import DhtNode
from actors.dht.plan import NodePlan, plan_nodes
from actors.dht.triage import Triage
from actors.metadata.fetcher import MetadataFetcher
from actors.metadata.lookup import PeerLookup
from actors.service_manager import ServiceManager
from actors.watchdog import Watchdog
from actors.writer import Writer, WriterStatistics
from catalog.messages import LookUpPeers
from cli import runfile
from cli.channels import Channels
from cli.first_key import ensure_first_key
from config.errors import SettingsError
from config.settings import DhtSettings, Settings
from config.systemd import systemd_environment
from protocol.errors import SwarmdexError
from storage.accounts import Accounts
from storage.cluster.places import Places
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.errors import StorageError
from storage.external import ExternalServer
from storage.migrations.runner import migrate, pending
from storage.search.postgres import PostgresSearch
from storage.torrents import Torrents
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from supervisor.snapshot import ChildSnapshot, State
from supervisor.spec import ChildSpec, Strategy
from supervisor.supervisor import Supervisor
from web.parts import Check, Readiness, WebParts
from web.server import WebServer

logger = logging.getLogger(__name__)

RETRY_SERVICE_S = 60.0
"""A service that exhausts its restarts is tried again after this long, and takes no other with it."""

DRAIN_S = 7.0
"""All actors together get so long to end after `stop`, then they are cancelled; what is left of ten seconds is the database server's."""


class Daemon:
    """One daemon on one data folder: `run` until `stop`."""

    def __init__(self, settings: Settings, *, is_durable: bool = True) -> None:
        """`is_durable=False`: the embedded server never waits for the disk; for data that may be lost, as the demo's."""
        self._settings = settings
        self._is_durable = is_durable
        self._data_dir = Path(settings.data_dir)
        systemd = systemd_environment()
        self._service_manager = ServiceManager(systemd.notify_socket)
        self._keep_alive_s = systemd.keep_alive_s
        self._server: EmbeddedServer | ExternalServer = self._new_server()
        self.database = Database(self._server.conninfo, settings.database)
        self.torrents = Torrents(self.database)
        self.accounts = Accounts(self.database)
        self._plans = _plan_nodes(settings.dht)
        self.channels = Channels.open(len(self._plans))
        self.run_token = runfile.make_token()
        """Lets the commands of this machine in; made anew at each start."""
        self._server_heart: Heart | None = None
        self._server_scope = trio.CancelScope()
        self._published = ExitStack()
        self._web = WebServer(self._web_parts(), self._publish)
        self.url: str | None = None
        self.is_serving = trio.Event()
        """Set when the page can be opened."""
        self._refusal_seen = trio.Event()
        self._refusal: SwarmdexError | None = None
        self._time = trio.CancelScope()
        self._root = self._build_tree()

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
        """Ask the whole tree to stop: sources first, then what they feed, the database last."""
        self._service_manager.notify(STOPPING="1", STATUS="stopping")
        self._time.deadline = min(self._time.deadline, trio.current_time() + DRAIN_S)
        self._root.stop()

    def snapshot(self) -> tuple[ChildSnapshot, ...]:
        """How every part is."""
        return self._root.snapshot()

    def crash(self, path: str) -> None:
        """Make the part at `path` fail as if by a bug (the demo's chaos)."""
        self._root.crash(path)

    def _build_tree(self) -> Supervisor:
        channels, settings = self.channels, self._settings
        watchdog = ChildSpec("watchdog", self._run_watchdog)
        database = Supervisor(
            "database",
            Strategy.REST_FOR_ONE,
            [
                ChildSpec("server", self._run_server, stop=self._stop_server, shutdown=20.0, wait_ready=True),
                ChildSpec("pool", self._run_pool, wait_ready=True),
            ],
        )
        pipeline = Supervisor(
            "pipeline",
            Strategy.ONE_FOR_ONE,
            [
                ChildSpec("writer", self._run_writer, stop=channels.classified.close, suspend=channels.classified.suspend),
                ChildSpec("classifier", self._run_classifier, stop=channels.found.close, suspend=channels.found.suspend, shutdown=1.5),
            ],
        )
        metadata = Supervisor(
            "metadata",
            Strategy.ONE_FOR_ONE,
            [
                ChildSpec("fetcher", self._run_fetcher, stop=channels.wanted.close, suspend=channels.wanted.suspend, shutdown=1.0),
            ],
            retry_when_exhausted=RETRY_SERVICE_S,
        )
        dht = Supervisor(
            "dht",
            Strategy.ONE_FOR_ONE,
            [
                ChildSpec("triage", self._run_triage, stop=channels.findings.close, suspend=channels.findings.suspend, shutdown=0.5),
                *(ChildSpec(plan.name, self._run_node(plan, orders)) for plan, orders in zip(self._plans, channels.lookups, strict=True)),
            ],
            retry_when_exhausted=RETRY_SERVICE_S,
        )
        services = Supervisor(
            "services",
            Strategy.ONE_FOR_ONE,
            [
                ChildSpec("web", self._run_web, stop=self._stop_web, shutdown=2.5, wait_ready=True, retry_when_exhausted=RETRY_SERVICE_S),
                *([metadata, dht] if settings.dht.enabled else []),
            ],
        )
        index = Supervisor("index", Strategy.REST_FOR_ONE, [database, pipeline, services])
        return Supervisor("swarmdex", Strategy.ONE_FOR_ONE, [watchdog, index], intensity=3, period=60.0)

    async def _run_watchdog(self, heart: Heart) -> None:
        await Watchdog(heart, self.snapshot, self._status_line, self._service_manager, keep_alive_s=self._keep_alive_s).run()

    def _new_server(self) -> EmbeddedServer | ExternalServer:
        settings = self._settings.database
        if settings.url:
            return ExternalServer(settings.url, prepare=migrate)
        return EmbeddedServer(self._data_dir, settings, prepare=migrate, durable=self._is_durable)

    async def _run_server(self, heart: Heart) -> None:
        self._server = self._new_server()
        self._server_heart = heart
        with trio.CancelScope() as self._server_scope:
            await self._unless_refused(self._server.run, heart)

    async def _run_web(self, heart: Heart) -> None:
        await self._unless_refused(self._web.run, heart)

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

    def _stop_server(self) -> None:
        self._refusal_seen.set()
        self._server.stop()
        if self._server_heart is not None and not self._server_heart.is_ready:
            self._server_scope.cancel()  # to make, recover or reach a database may take minutes; cancelled, it cleans up all the same

    def _stop_web(self) -> None:
        self._refusal_seen.set()
        self._web.stop()

    async def _run_pool(self, heart: Heart) -> None:
        async with self.database:
            heart.report(self.database.statistics)
            await ensure_first_key(self.accounts)
            heart.ready()
            while True:
                heart.beat()
                await trio.sleep(5)

    async def _run_writer(self, heart: Heart) -> None:
        await Writer(heart, self.channels.classified.open_inbox(), self.torrents, self._settings.writer).run()

    async def _run_classifier(self, heart: Heart) -> None:
        await Classifier(heart, self.channels.found.open_inbox(), self.channels.classified, self._settings.classifier).run()

    async def _run_fetcher(self, heart: Heart) -> None:
        families: dict[bool, list[Mailbox[LookUpPeers]]] = {}
        for plan, mailbox in zip(self._plans, self.channels.lookups, strict=True):
            families.setdefault(plan.is_ipv6, []).append(mailbox)
        lookup = PeerLookup(tuple(families.values()), timeout_s=self._settings.metadata.lookup_timeout_s)
        inbox = self.channels.wanted.open_inbox()
        await MetadataFetcher(
            heart, inbox, self.channels.found, self._settings.metadata, lookup, allow_loopback=self._settings.dht.allow_loopback
        ).run()

    async def _run_triage(self, heart: Heart) -> None:
        await Triage(self.channels.findings.open_inbox(), self.channels.wanted, self.torrents.unknown, heart).run()

    def _run_node(self, plan: NodePlan, orders: Mailbox[LookUpPeers]) -> Callable[[Heart], Awaitable[None]]:
        async def run(heart: Heart) -> None:
            await DhtNode(orders.open_inbox(), self.channels.findings, plan, self._settings.dht, heart).run()

        return run

    def _web_parts(self) -> WebParts:
        return WebParts(
            torrents=self.torrents,
            search=PostgresSearch(self.database),
            accounts=self.accounts,
            settings=self._settings.http,
            snapshot=self.snapshot,
            mailboxes=self.channels.statistics,
            readiness=self._readiness,
            version=version("swarmdex"),
            run_token=self.run_token,
        )

    def _publish(self, url: str) -> None:
        """The port is open: tell the other commands, systemd and the log."""
        self.url = url
        self._published.close()
        self._published.enter_context(runfile.published(self._data_dir, url, self.run_token))
        self._service_manager.notify(READY="1", STATUS=f"serving {url}")
        logger.info("swarmdex is ready: %s (Torznab: %s/api)", url, url)
        self.is_serving.set()

    async def _readiness(self) -> Readiness:
        states = {child.path: child.state for child in self.snapshot()}
        writer = states["swarmdex/index/pipeline/writer"]
        return Readiness((*await self._database_checks(), Check("writer", writer is State.RUNNING, f"the writer is {writer}")))

    async def _database_checks(self) -> tuple[Check, Check]:
        try:
            todo = await self.database.run(pending)
        except StorageError as exc:
            return Check("database", False, type(exc).__name__), Check("migrations", False, "unknown: the database does not answer")
        return Check("database", True), Check("migrations", not todo, f"{len(todo)} to be applied")

    def _status_line(self) -> str:
        snapshot = self.snapshot()
        ill = [child.path for child in snapshot if child.state in (State.PAUSING, State.DOWN)]
        stored = next((child.statistics.stored_new for child in snapshot if isinstance(child.statistics, WriterStatistics)), 0)
        return f"{self.url or 'starting'}, {stored} torrents stored since the start" + (f", down: {', '.join(ill)}" if ill else "")


def _plan_nodes(settings: DhtSettings) -> tuple[NodePlan, ...]:
    if not settings.enabled:
        return ()
    try:
        return plan_nodes(settings)
    except ValueError as exc:
        raise SettingsError("dht", str(exc), "docs/settings.md lists the settings of the DHT") from exc
