"""Our DHT node and libtorrent's, on loopback: each answers the other's queries."""

import hashlib
import socket
import time

import libtorrent as lt
import pytest
import trio

from actors.dht.node import DhtNode
from actors.dht.plan import plan_nodes
from catalog.messages import InfoHashesSampled, LookUpPeers, PeersAnnounced
from config.settings import DhtSettings
from protocol import bencode
from protocol.dht import krpc
from protocol.identifiers import InfoHash
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox

SETTINGS = {
    "enable_dht": True,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "dht_bootstrap_nodes": "",
    "dht_block_ratelimit": 1_000_000,
    "dht_upload_rate_limit": 100_000_000,
    "dht_sample_infohashes_interval": 0,
    "alert_mask": 0,
}


@pytest.fixture
def sessions():
    """Three libtorrent sessions on addresses of their own, who know each other."""
    made = [lt.session({**SETTINGS, "listen_interfaces": f"127.42.{number}.1:{free_port(f'127.42.{number}.1')}"}) for number in range(1, 4)]
    try:
        for one in made:
            for other in made:
                if one is not other:
                    one.add_dht_node(address_of(other))
        yield made
    finally:
        for session in made:
            session.pause()
        del made[:]


def free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def address_of(session):
    host, _, port = session.get_settings()["listen_interfaces"].partition(":")
    return host, int(port)


def seed(session, name: str, tmp_path) -> InfoHash:
    info = {b"length": 16384, b"name": name.encode(), b"piece length": 16384, b"pieces": b"\1" * 20}
    parameters = lt.load_torrent_buffer(bencode.encode({b"info": info}))
    parameters.save_path = str(tmp_path)
    parameters.flags = lt.torrent_flags.seed_mode
    session.add_torrent(parameters).force_dht_announce()
    return InfoHash(hashlib.sha1(bencode.encode(info), usedforsecurity=False).digest())


class Running:
    """A node of ours with its mailboxes, on an address of its own."""

    def __init__(self, routers) -> None:
        self.orders = Mailbox[LookUpPeers]("orders", 10)
        self.findings = Mailbox[InfoHashesSampled | PeersAnnounced]("findings", 100)
        settings = DhtSettings(
            bind=("127.43.1.1:0",),
            nodes=1,
            bootstrap=tuple(f"{host}:{port}" for host, port in routers),
            allow_loopback=True,
            profile="lab",
        )
        [plan] = plan_nodes(settings)
        self.actor = DhtNode(self.orders.open_inbox(), self.findings, plan, settings, Heart())

    async def wait_for(self, condition) -> None:
        while not condition():  # noqa: ASYNC110  (a state on the other side of a socket has no event)
            await trio.sleep(0.02)


async def ask(sock, query: bytes, address) -> krpc.Message:
    await sock.sendto(query, address)
    while True:
        data, source = await sock.recvfrom(2048)
        message = krpc.parse(data)
        if source == address and not isinstance(message, krpc.Query):
            return message


async def test_libtorrent_is_sampled_and_its_peers_are_found(sessions, tmp_path):
    with trio.fail_after(40):
        running = Running([address_of(sessions[0])])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.actor.run)
            await running.wait_for(lambda: running.actor.statistics().core.table_good >= 3)
            planted = {seed(sessions[0], "sintel", tmp_path), seed(sessions[1], "big-buck-bunny", tmp_path)}
            inbox = running.findings.open_inbox()
            heard = set()
            announced = {}
            while not (heard >= planted and announced.keys() >= planted):
                finding = await inbox.receive()
                if isinstance(finding, InfoHashesSampled):
                    heard.update(finding.info_hashes)
                else:  # libtorrent announces to us too: we are among the closest of four nodes
                    announced.update(finding.announcements)
            [info_hash, _] = planted
            answers, found = trio.open_memory_channel(100)
            await running.orders.send(LookUpPeers(info_hash, answers))
            peers = {peer async for group in found for peer in group.peers}
            assert announced[info_hash] in peers
            assert peers <= {address_of(session) for session in sessions}
            running.orders.close()
        assert running.actor.statistics().failures == {}


async def test_libtorrent_takes_our_node_into_its_table_and_asks_it(sessions, tmp_path):
    with trio.fail_after(40):
        running = Running([])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.actor.run)
            await running.wait_for(lambda: running.actor.address[1] != 0)
            for session in sessions:
                session.add_dht_node(running.actor.address)
            await running.wait_for(lambda: running.actor.statistics().core.table_good >= 3)
            info_hash = seed(sessions[2], "night-of-the-living-dead-1968", tmp_path)
            await running.wait_for(lambda: running.actor.statistics().core.stored_hashes >= 1)
            # sessions[0] looks for peers of a torrent it has only the hash of, and hears of them through the DHT alone
            parameters = lt.parse_magnet_uri(f"magnet:?xt=urn:btih:{info_hash.hex()}")
            parameters.save_path = str(tmp_path)
            handle = sessions[0].add_torrent(parameters)
            handle.force_dht_announce()
            await running.wait_for(lambda: handle.status().list_peers >= 1)
            dropped = running.actor.statistics().core.dropped
            assert not any(reason.startswith("answered_error") for reason in dropped), dropped
            running.orders.close()


async def test_every_query_and_answer_is_understood_on_both_sides(sessions):
    theirs = address_of(sessions[0])
    ours = b"o" * 20
    with trio.fail_after(20), trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        await sock.bind(("127.44.1.1", 0))
        started = time.monotonic()
        while not isinstance(pong := await ask(sock, krpc.ping(b"pp", ours), theirs), krpc.Response):
            assert time.monotonic() < started + 10
        assert len(pong.node_id) == 20
        found = await ask(sock, krpc.find_node(b"ff", ours, b"t" * 20, want=(b"n4",)), theirs)
        assert len(found.values[b"nodes"]) % 26 == 0
        info_hash = InfoHash(b"h" * 20)
        got = await ask(sock, krpc.get_peers(b"gg", ours, info_hash), theirs)
        announced = await ask(sock, krpc.announce_peer(b"aa", ours, info_hash, 51413, got.values[b"token"]), theirs)
        assert isinstance(announced, krpc.Response)
        again = await ask(sock, krpc.get_peers(b"g2", ours, info_hash), theirs)
        assert again.values[b"values"] == [bytes((127, 44, 1, 1)) + (51413).to_bytes(2, "big")]
        sampled = await ask(sock, krpc.sample_infohashes(b"ss", ours, b"t" * 20), theirs)
        assert sampled.values[b"samples"] == info_hash
        assert sampled.values[b"num"] == 1
        refused = await ask(sock, krpc.announce_peer(b"bb", ours, info_hash, 51413, b"wrong"), theirs)
        assert isinstance(refused, krpc.Error)
        raw = bencode.decode(krpc.error(b"xx", krpc.ErrorCode.PROTOCOL, "Bad Token"), max_length=200)
        assert raw == {b"e": [203, b"Bad Token"], b"t": b"xx", b"v": krpc.VERSION, b"y": b"e"}
