"""The daemon without a database (sink = "api"): crawls, and hands what it finds to a central instance; docs/pushing.md.

`_build_index` is to be read beside docs/architecture.md. cli/daemon.py has the daemon with an index.
"""

import logging
from dataclasses import replace
from importlib.metadata import version
from urllib.parse import urlsplit

import trio

from actors.breaker import Ladder, State
from actors.circuit import Circuit
from actors.push.central import CentralIndex
from actors.push.questions import Questions
from actors.pusher import Pusher, PusherStatistics
from cli.channels import Channels
from cli.life import RETRY_SERVICE_S, DaemonLife
from cli.sources import Sources, plan_dht
from config.secrets import internal_secrets, push_secret
from config.settings import Settings
from storage.cluster.lock import DAEMON, DataLock
from storage.cluster.places import Places
from storage.spool import Spool
from supervisor.heartbeat import Heart
from supervisor.mailbox import MailboxStatistics
from supervisor.snapshot import State as ChildState
from supervisor.spec import ChildSpec, Strategy
from supervisor.supervisor import Supervisor
from web.crawler import CrawlerParts, CrawlerServer
from web.hosts import is_loopback
from web.parts import Check, Readiness

_log = logging.getLogger(__name__)

_LOCK_PATIENCE_S = 2.0  # one that was killed just now takes a moment to let go
_UNUSED = frozenset({"classified", "jobs"})
_PUSHER = "swarmdex/index/pipeline/pusher"


class CrawlerDaemon(DaemonLife):
    """A crawler without an index: finds torrents and sends them on."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        push = settings.push
        secret = push_secret(settings)
        where = urlsplit(push.url)
        if where.scheme != "https" and not is_loopback(where.netloc):
            _log.warning("push.url is not https: whoever listens on the way to %s learns the secret", where.netloc)
        self._secrets = tuple({secret, *internal_secrets(settings.http)})
        self._circuit = Circuit("the central instance", Ladder(push.probe_after_s, push.probe_longest_s))
        self._central = CentralIndex(push, secret, version("swarmdex"), self._circuit)
        self._questions = Questions(self._central)
        self._spool = Spool(self._data_dir / "spool", push.spool_bytes)
        plans = plan_dht(settings.dht)
        self.channels = Channels.open(len(plans))
        no_info = replace(settings, metadata=replace(settings.metadata, keep_info=False))  # info dicts are not sent
        self._sources = Sources(no_info, plans, self.channels, self._questions.unknown)
        self._pusher: Pusher | None = None
        self._web = CrawlerServer(self._web_parts(), self._publish)
        self._root = self._build_root()

    async def run(self) -> None:
        """Run until `stop`; see DaemonLife."""
        places = Places.below(self._data_dir)
        places.make_data_dir()
        lock = DataLock(places.lock)
        await trio.to_thread.run_sync(lock.acquire, DAEMON, _LOCK_PATIENCE_S)
        try:
            async with self._central:
                await super().run()
        finally:
            lock.release()

    def _build_index(self) -> Supervisor:
        found = self.channels.found
        pipeline = Supervisor(
            "pipeline",
            Strategy.ONE_FOR_ONE,
            [ChildSpec("pusher", self._run_pusher, stop=self._stop_pusher, suspend=found.suspend, shutdown=3.0, wait_ready=True)],
        )
        services = Supervisor(
            "services",
            Strategy.ONE_FOR_ONE,
            [
                ChildSpec("web", self._run_web, stop=self._stop_web, shutdown=2.5, wait_ready=True, retry_when_exhausted=RETRY_SERVICE_S),
                *self._sources.supervisors(),
            ],
        )
        return Supervisor("index", Strategy.REST_FOR_ONE, [pipeline, services])

    async def _run_pusher(self, heart: Heart) -> None:
        inbox = self.channels.found.open_inbox()
        pusher = self._pusher = Pusher(heart, inbox, self._spool, self._central, self._settings.push, self._questions.learn)
        await self._unless_refused(lambda _: pusher.run(), heart)

    def _stop_pusher(self) -> None:
        self._refusal_seen.set()
        self.channels.found.close()
        if self._pusher is not None:
            self._pusher.wind_up()

    async def _run_web(self, heart: Heart) -> None:
        await self._unless_refused(self._web.run, heart)

    def _stop_web(self) -> None:
        self._refusal_seen.set()
        self._web.stop()

    def _web_parts(self) -> CrawlerParts:
        return CrawlerParts(
            settings=self._settings.http,
            central_url=self._settings.push.url,
            snapshot=self.snapshot,
            mailboxes=self._mailboxes,
            readiness=self._readiness,
            version=version("swarmdex"),
            run_token=self.run_token,
            secrets=self._secrets,
        )

    def _mailboxes(self) -> tuple[MailboxStatistics, ...]:
        """Those that are read here."""
        return tuple(mailbox for mailbox in self.channels.statistics() if mailbox.name not in _UNUSED)

    async def _readiness(self) -> Readiness:
        """A central instance that is away is what the spool is for, and no reason to start this one anew; a full spool is one to look."""
        states = {child.path: child.state for child in self.snapshot()}
        state = states[_PUSHER]
        return Readiness(
            (
                Check("pusher", state is ChildState.RUNNING, f"the pusher is {state}"),
                Check("spool", not self._spool.is_full, "nothing more is looked for while it is full" if self._spool.is_full else ""),
            )
        )

    def _progress_words(self) -> str:
        found = next((child.statistics for child in self.snapshot() if isinstance(child.statistics, PusherStatistics)), None)
        if found is None:
            return "nothing sent yet"
        words = f"{found.sent_new + found.sent_updated} torrents sent since the start, {found.spooled_batches} batches wait"
        return words if found.breaker is State.CLOSED else f"{words}: the central instance fails ({found.breaker_reason})"
