"""Simulated peers: a client nobody here wrote gets the metadata of every kind of torrent, and each fault gives none."""

import time

import libtorrent
import pytest
import trio

from bench.swarm.options import SwarmOptions
from bench.swarm.plan import PeerFault, make_plan
from bench.swarm.swarm import SimulatedSwarm
from bench.swarm.torrents import Hostility, Version
from protocol.compact import unpack_address
from protocol.errors import MalformedPeerMessage
from protocol.identifiers import InfoHash
from protocol.peer.metadata_asker import AskerState, MetadataAsker, Refusal

FAULTY = SwarmOptions(seed=7, torrents=400, nodes=20, mixed_peers=0.5, faulty_peers=0.2, hostile=0.05)


@pytest.fixture(scope="module")
def plan():
    return make_plan(FAULTY)


@pytest.fixture(params=[True, False], ids=["one_socket", "many_ports"])
def swarm(request, plan, nursery):
    swarm = SimulatedSwarm(plan, one_socket=request.param)
    nursery.start_soon(swarm.run)
    return swarm


def endpoints_of(swarm, fault):
    """(torrent, address) of every peer of a kind."""
    for planted, endpoints in zip(swarm.plan.swarms, swarm.peer_endpoints, strict=True):
        for peer, endpoint in zip(planted.peers, endpoints, strict=True):
            if peer.fault is fault:
                yield planted.torrent, unpack_address(endpoint)


async def fetch(info_hash, address, *, max_size=10_000_000):
    """What becomes of one fetch: the asker when the conversation is over, "closed" when the peer left."""
    asker = MetadataAsker(InfoHash(info_hash), b"-TS0001-test-visitor", max_size=max_size)
    stream = await trio.open_tcp_stream(*address)
    async with stream:
        await stream.send_all(asker.first_bytes())
        while not asker.is_over:
            received = await stream.receive_some(65536)
            if not received:
                return "closed"
            reply = asker.receive_data(bytes(received))
            if reply:
                await stream.send_all(reply)
    return asker


async def test_honest_peers_serve_exactly_the_metadata_under_each_hash(swarm):
    with trio.fail_after(30):
        for torrent, address in list(endpoints_of(swarm, PeerFault.HONEST))[:80]:
            for info_hash in torrent.swarm_hashes:
                asker = await fetch(info_hash, address)
                assert asker.state is AskerState.COMPLETE
                assert asker.metadata == torrent.metadata()
    assert swarm.counters.report()["recall"]["metadata_served"] > 20


async def test_hostile_metadata_is_served_like_any_other(swarm):
    hostile = [item for item in endpoints_of(swarm, PeerFault.HONEST) if item[0].hostility is not Hostility.NONE]
    assert hostile
    with trio.fail_after(30):
        for torrent, address in hostile:
            assert (await fetch(torrent.info_hash, address)).metadata == torrent.metadata()


async def test_an_honest_peer_knows_only_its_own_torrent(plan, nursery):
    swarm = SimulatedSwarm(plan)
    nursery.start_soon(swarm.run)
    (torrent, _), (_, address), *_ = (item for item in endpoints_of(swarm, PeerFault.HONEST))
    with trio.fail_after(5):
        if torrent.info_hash not in _hashes_at(swarm, address):
            assert await fetch(torrent.info_hash, address) == "closed"
        assert await fetch(b"\x01" * 20, address) == "closed"


def _hashes_at(swarm, address):
    return {torrent.info_hash for torrent, at in endpoints_of(swarm, PeerFault.HONEST) if at == address}


async def _outcome(fault, swarm):
    torrent, address = next((torrent, at) for torrent, at in endpoints_of(swarm, fault) if torrent.metadata_size > 200)
    with trio.move_on_after(0.5):
        try:
            result = await fetch(torrent.info_hash, address)
        except MalformedPeerMessage as malformed:
            return malformed.reason
        except OSError:
            return "refused"
        except trio.BrokenResourceError:
            return "closed"
        return result if result == "closed" else result.refusal
    return "hangs"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (PeerFault.REJECT, {Refusal.REJECTED}),
        (PeerFault.WRONG_SIZE, {"wrong_metadata"}),
        (PeerFault.LYING_PIECE, {"piece_out_of_range", "bad_metadata_message", "wrong_piece_length"}),
        (PeerFault.WRONG_HASH, {"wrong_metadata"}),
        (PeerFault.WRONG_SWARM, {"wrong_info_hash"}),
        (PeerFault.NO_METADATA, {Refusal.NO_UT_METADATA}),
        (PeerFault.METADATA_BOMB, {Refusal.TOO_LARGE}),
        (PeerFault.BLACK_HOLE, {"hangs"}),
        (PeerFault.SILENT, {"hangs"}),
        (PeerFault.SLOW_LORIS, {"hangs"}),
        (PeerFault.REFUSED, {"refused"}),
        (PeerFault.EARLY_CLOSE, {"closed"}),
        (PeerFault.GARBAGE, {"message_too_long", "bad_extended_handshake", "hangs"}),
    ],
    ids=lambda value: value.value if isinstance(value, PeerFault) else "",
)
async def test_each_fault_gives_no_metadata_in_its_own_way(swarm, fault, expected):
    with trio.fail_after(10):
        assert await _outcome(fault, swarm) in expected


async def test_a_bomb_sends_its_hundred_megabytes_to_whoever_takes_them(swarm):
    torrent, address = next(iter(endpoints_of(swarm, PeerFault.METADATA_BOMB)))
    with trio.fail_after(30), pytest.raises(MalformedPeerMessage, match="wrong_metadata"):
        await fetch(torrent.info_hash, address, max_size=1 << 30)


async def test_libtorrent_fetches_the_metadata_of_v1_v2_and_hybrid(nursery):
    swarm = SimulatedSwarm(make_plan(SwarmOptions(seed=11, torrents=120, nodes=20).without_trouble()))
    nursery.start_soon(swarm.run)
    wanted = [planted for version in Version for planted in list(_planted(swarm, version))[:3]]
    with trio.fail_after(60):
        fetched = await trio.to_thread.run_sync(_fetch_by_libtorrent, wanted)
    for (torrent, _), info in zip(wanted, fetched, strict=True):
        assert info is not None, f"no metadata of {torrent.release.name} in time"
        assert info.name() == torrent.release.name
        hashes = info.info_hashes()
        assert (hashes.v1.to_bytes() if hashes.has_v1() else None) == (None if torrent.version is Version.V2 else torrent.info_hash)
        assert (hashes.v2.to_bytes() if hashes.has_v2() else None) == torrent.info_hash_v2
        assert info.total_size() >= torrent.release.size  # pad files of a hybrid count


def _planted(swarm, version):
    return (item for item in endpoints_of(swarm, PeerFault.HONEST) if item[0].version is version)


def _fetch_by_libtorrent(wanted):
    session = libtorrent.session(
        {
            "listen_interfaces": "127.0.0.1:0",
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "enable_outgoing_utp": False,  # else it tries that first, for five seconds
            "alert_mask": 0,
        }
    )
    handles = [_add(session, torrent, address) for torrent, address in wanted]
    for _ in range(200):
        if all(handle.status().has_metadata for handle in handles):
            break
        time.sleep(0.1)
    return [handle.torrent_file() for handle in handles]


def _add(session, torrent, address):
    parameters = libtorrent.add_torrent_params()
    if torrent.version is Version.V2:
        parameters.info_hashes = libtorrent.info_hash_t(libtorrent.sha256_hash(torrent.info_hash_v2))
    else:
        parameters.info_hashes = libtorrent.info_hash_t(libtorrent.sha1_hash(torrent.info_hash))
    parameters.save_path = "/nonexistent"
    parameters.flags = libtorrent.torrent_flags.upload_mode
    handle = session.add_torrent(parameters)
    handle.connect_peer(address)
    return handle
