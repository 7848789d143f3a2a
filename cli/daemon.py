"""The daemon with an index: builds the supervision tree and the channels; the only file that knows everybody.

`_build_index` is to be read from top to bottom beside docs/architecture.md. cli/life.py has what happens round the tree, cli/sources.py
the sources, cli/crawler.py the daemon that keeps no index.
"""

from importlib.metadata import version

import trio

from actors.classifier import Classifier
from actors.janitor import Chore, Janitor
from actors.reprocessor import Reprocessor
from actors.writer import Writer, WriterStatistics
from cli.channels import Channels
from cli.first_run import ensure_first_key, offer_setup
from cli.life import RETRY_SERVICE_S, DaemonLife
from cli.sources import Sources, plan_dht
from config.secrets import internal_secrets
from config.settings import Settings
from storage.accounts import Accounts
from storage.blocked import Blocked
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.errors import StorageError
from storage.external import ExternalServer
from storage.history import History, OldDays
from storage.info_dicts import InfoDicts
from storage.ingest_answers import IngestAnswers
from storage.jobs import Jobs
from storage.migrations.runner import migrate, pending
from storage.saved_searches import SavedSearches
from storage.search.postgres import PostgresSearch
from storage.torrents import Torrents
from storage.works import Works
from supervisor.heartbeat import Heart
from supervisor.snapshot import State
from supervisor.spec import ChildSpec, Strategy
from supervisor.supervisor import Supervisor
from web.auth import setup_token
from web.parts import ApiParts, Check, IngestParts, Readiness, WebParts
from web.server import WebServer


class Daemon(DaemonLife):
    """An index with its database: finds, understands, keeps and serves torrents."""

    def __init__(self, settings: Settings, *, is_durable: bool = True) -> None:
        """`is_durable=False`: the embedded server never waits for the disk; for data that may be lost, as the demo's."""
        super().__init__(settings)
        self._is_durable = is_durable
        self._server: EmbeddedServer | ExternalServer = self._new_server()
        self.database = Database(self._server.conninfo, settings.database)
        self.torrents = Torrents(self.database)
        self.accounts = Accounts(self.database)
        self._works = Works(self.database)
        self._setup_token = setup_token.SetupToken(self._data_dir / setup_token.FILE_NAME)
        plans = plan_dht(settings.dht)
        self.channels = Channels.open(len(plans))
        self._sources = Sources(settings, plans, self.channels, self.torrents.unknown)
        self._server_heart: Heart | None = None
        self._server_scope = trio.CancelScope()
        self._web = WebServer(self._web_parts(), self._publish)
        self._root = self._build_root()

    def _build_index(self) -> Supervisor:
        channels = self.channels
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
                ChildSpec("reprocessor", self._run_reprocessor, suspend=channels.jobs.suspend),
                ChildSpec("janitor", self._run_janitor, shutdown=0.0),
            ],
        )
        services = Supervisor(
            "services",
            Strategy.ONE_FOR_ONE,
            [
                ChildSpec("web", self._run_web, stop=self._stop_web, shutdown=2.5, wait_ready=True, retry_when_exhausted=RETRY_SERVICE_S),
                *self._sources.supervisors(),
            ],
        )
        return Supervisor("index", Strategy.REST_FOR_ONE, [database, pipeline, services])

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

    def _stop_server(self) -> None:
        self._refusal_seen.set()
        self._server.stop()
        if self._server_heart is not None and not self._server_heart.is_ready:
            self._server_scope.cancel()  # to make, recover or reach a database may take minutes; cancelled, it cleans up all the same

    async def _run_pool(self, heart: Heart) -> None:
        async with self.database:
            heart.report(self.database.statistics)
            await self._works.refresh()
            await ensure_first_key(self.accounts)
            await offer_setup(self.accounts, self._setup_token, self._settings.http.public_url or f"http://{self._settings.http.bind}")
            heart.ready()
            while True:
                heart.beat()
                await trio.sleep(5)

    async def _run_writer(self, heart: Heart) -> None:
        await Writer(heart, self.channels.classified.open_inbox(), self.torrents, self._settings.writer).run()

    async def _run_classifier(self, heart: Heart) -> None:
        await Classifier(heart, self.channels.found.open_inbox(), self.channels.classified, self._settings.classifier).run()

    async def _run_reprocessor(self, heart: Heart) -> None:
        channels = self.channels
        await Reprocessor(heart, channels.jobs.open_inbox(), Jobs(self.database), channels.found, channels.classified).run()

    async def _run_janitor(self, heart: Heart) -> None:
        chores = (
            Chore("arrivals", 600.0, History(self.database).fold_arrivals),
            Chore("swarm-days", 3600.0, OldDays(self.database).prune),
            Chore("sessions", 3600.0, self.accounts.drop_ended_sessions),
            Chore("ingest-answers", 3600.0, IngestAnswers(self.database).drop_old),
        )
        await Janitor(heart, chores).run()

    async def _run_web(self, heart: Heart) -> None:
        await self._unless_refused(self._web.run, heart)

    def _stop_web(self) -> None:
        self._refusal_seen.set()
        self._web.stop()

    def _web_parts(self) -> WebParts:
        return WebParts(
            torrents=self.torrents,
            search=PostgresSearch(self.database),
            works=self._works,
            accounts=self.accounts,
            ingest=self._ingest_parts(),
            api=self._api_parts(),
            info_dicts=InfoDicts(self.database),
            saved_searches=SavedSearches(self.database),
            settings=self._settings.http,
            torznab=self._settings.torznab,
            snapshot=self.snapshot,
            mailboxes=self.channels.statistics,
            readiness=self._readiness,
            version=version("swarmdex"),
            internal_secrets=internal_secrets(self._settings.http),
            setup_token=self._setup_token,
            run_token=self.run_token,
        )

    def _ingest_parts(self) -> IngestParts:
        metadata = self._settings.metadata
        return IngestParts(
            found=self.channels.found,
            answers=IngestAnswers(self.database),
            settings=self._settings.ingest,
            max_files=metadata.max_files,
            info_limit_bytes=metadata.info_limit_bytes,
        )

    def _api_parts(self) -> ApiParts:
        return ApiParts(
            blocked=Blocked(self.database),
            history=History(self.database),
            jobs=Jobs(self.database),
            job_orders=self.channels.jobs,
            wanted=self.channels.wanted if self._settings.dht.enabled else None,
        )

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

    def _ready_words(self, url: str) -> str:
        return f"{url} (Torznab: {url}/api)"

    def _progress_words(self) -> str:
        statistics = (child.statistics for child in self.snapshot())
        stored = next((each.stored_new for each in statistics if isinstance(each, WriterStatistics)), 0)
        return f"{stored} torrents stored since the start"
