"""The sources of torrents: the DHT, and the fetchers of metadata. The same below an index and below a crawler without one."""

from collections.abc import Awaitable, Callable

from actors.dht.node import DhtNode
from actors.dht.plan import NodePlan, plan_nodes
from actors.dht.triage import AskUnknown, Triage
from actors.metadata.fetcher import MetadataFetcher
from actors.metadata.lookup import PeerLookup
from catalog.messages import LookUpPeers
from cli.channels import Channels
from cli.life import RETRY_SERVICE_S
from config.errors import SettingsError
from config.settings import DhtSettings, Settings
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from supervisor.spec import ChildSpec, Strategy
from supervisor.supervisor import Supervisor


class Sources:
    """Builds them: two supervisors that fill the mailbox `found`.

    Args:
        settings: all of them.
        plans: the DHT nodes.
        channels: the mailboxes of the daemon.
        ask_unknown: which of some hashes are worth a fetch.
    """

    def __init__(self, settings: Settings, plans: tuple[NodePlan, ...], channels: Channels, ask_unknown: AskUnknown) -> None:
        self._settings = settings
        self._plans = plans
        self._channels = channels
        self._ask_unknown = ask_unknown

    def supervisors(self) -> list[Supervisor]:
        """Each of them by itself; none when the DHT is off."""
        return [self._metadata(), self._dht()] if self._settings.dht.enabled else []

    def _metadata(self) -> Supervisor:
        wanted = self._channels.wanted
        fetcher = ChildSpec("fetcher", self._run_fetcher, stop=wanted.close, suspend=wanted.suspend, shutdown=1.0)
        return Supervisor("metadata", Strategy.ONE_FOR_ONE, [fetcher], retry_when_exhausted=RETRY_SERVICE_S)

    def _dht(self) -> Supervisor:
        findings = self._channels.findings
        triage = ChildSpec("triage", self._run_triage, stop=findings.close, suspend=findings.suspend, shutdown=0.5)
        nodes = [
            ChildSpec(plan.name, self._run_node(plan, orders)) for plan, orders in zip(self._plans, self._channels.lookups, strict=True)
        ]
        return Supervisor("dht", Strategy.ONE_FOR_ONE, [triage, *nodes], retry_when_exhausted=RETRY_SERVICE_S)

    async def _run_fetcher(self, heart: Heart) -> None:
        families: dict[bool, list[Mailbox[LookUpPeers]]] = {}
        for plan, mailbox in zip(self._plans, self._channels.lookups, strict=True):
            families.setdefault(plan.is_ipv6, []).append(mailbox)
        lookup = PeerLookup(tuple(families.values()), timeout_s=self._settings.metadata.lookup_timeout_s)
        inbox = self._channels.wanted.open_inbox()
        await MetadataFetcher(
            heart, inbox, self._channels.found, self._settings.metadata, lookup, allow_loopback=self._settings.dht.allow_loopback
        ).run()

    async def _run_triage(self, heart: Heart) -> None:
        await Triage(self._channels.findings.open_inbox(), self._channels.wanted, self._ask_unknown, heart).run()

    def _run_node(self, plan: NodePlan, orders: Mailbox[LookUpPeers]) -> Callable[[Heart], Awaitable[None]]:
        async def run(heart: Heart) -> None:
            await DhtNode(orders.open_inbox(), self._channels.findings, plan, self._settings.dht, heart).run()

        return run


def plan_dht(settings: DhtSettings) -> tuple[NodePlan, ...]:
    """The nodes of the pool. Raises SettingsError for settings that cannot be met."""
    if not settings.enabled:
        return ()
    try:
        return plan_nodes(settings)
    except ValueError as exc:
        raise SettingsError("dht", str(exc), "docs/settings.md lists the settings of the DHT") from exc
