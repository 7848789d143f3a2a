from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import trio

from actors.metadata.fetcher import MetadataFetcher
from actors.metadata.lookup import PeerLookup
from catalog.messages import LookUpPeers, MetadataWanted, PeersFound, TorrentsFound
from catalog.model import Torrent
from config.settings import MetadataSettings
from protocol.identifiers import Address, InfoHash
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from tests.fakes.peers import Peers


@dataclass
class Bench:
    """A fetcher between its mailboxes, and a DHT node that knows what the test planted."""

    nursery: trio.Nursery
    peers: Peers
    wanted: Mailbox[MetadataWanted] = field(default_factory=lambda: Mailbox("wanted", 8))
    found: Mailbox[TorrentsFound] = field(default_factory=lambda: Mailbox("found", 8))
    orders: Mailbox[LookUpPeers] = field(default_factory=lambda: Mailbox("orders", 8))
    planted: dict[InfoHash, list[list[Address]]] = field(default_factory=dict)
    """Groups of peers by hash, as a look-up finds them."""
    look_ups: list[tuple[float, InfoHash]] = field(default_factory=list)
    lookup_pause: float = 0.0
    settings: MetadataSettings = field(default_factory=lambda: replace(MetadataSettings(), lookup_timeout_s=20.0))
    fetcher: MetadataFetcher = field(init=False)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    batches: list[tuple[float, TorrentsFound]] = field(default_factory=list)

    def start(self, *, allow_loopback: bool = True, **changes: Any) -> MetadataFetcher:
        """A fresh fetcher; the one before, if any, must have ended."""
        self.fetcher = MetadataFetcher(
            Heart(),
            self.wanted.open_inbox(),
            self.found,
            replace(self.settings, **changes),
            PeerLookup([[self.orders]], timeout_s=self.settings.lookup_timeout_s),
            allow_loopback=allow_loopback,
        )
        self.scope = trio.CancelScope()
        self.nursery.start_soon(self._run)
        return self.fetcher

    async def _run(self) -> None:
        with self.scope:
            await self.fetcher.run()

    async def want(self, *hashes: InfoHash, peers: Iterable[tuple[InfoHash, Address]] = ()) -> None:
        await self.wanted.send(MetadataWanted(hashes, tuple(peers)))

    async def torrents(self, count: int) -> list[Torrent]:
        """The next ones, waited for."""
        inbox = self.found.open_inbox()
        got: list[Torrent] = []
        while len(got) < count:
            message = await inbox.receive()
            self.batches.append((trio.current_time(), message))
            got += message.torrents
            inbox.done(message)
        return got

    async def until(self, condition: Callable[[], bool]) -> None:
        with trio.fail_after(5000):  # virtual seconds
            while not condition():  # noqa: ASYNC110  (the fetcher is watched from outside, by its statistics)
                await trio.sleep(0.2)

    def is_done(self) -> bool:
        """Every order has been taken and finished."""
        statistics = self.wanted.statistics()
        return statistics.received == statistics.sent and statistics.held == 0

    async def serve_look_ups(self) -> None:
        async def answer(order: LookUpPeers) -> None:
            with order.answers:
                for group in self.planted.get(order.info_hash, []):
                    await trio.sleep(self.lookup_pause)
                    try:
                        order.answers.send_nowait(PeersFound(order.info_hash, tuple(group)))
                    except trio.BrokenResourceError:
                        return

        inbox = self.orders.open_inbox()
        async with trio.open_nursery() as nursery:
            async for order in inbox:
                self.look_ups.append((trio.current_time(), order.info_hash))
                inbox.done(order)
                nursery.start_soon(answer, order)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with trio.open_nursery() as nursery:
        made = Bench(nursery, Peers(nursery))
        nursery.start_soon(made.serve_look_ups)
        yield made
        nursery.cancel_scope.cancel()


@pytest.fixture
def virtual_clock(autojump_clock: Any) -> Any:
    """Virtual time that gives real sockets on loopback a moment to deliver before it jumps."""
    autojump_clock.autojump_threshold = 0.002
    return autojump_clock
