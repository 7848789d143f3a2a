"""Metadata from peers, ours against libtorrent's own client: both fetch the same torrents from one libtorrent seeder on the other core.

The peer is given, so that fetching is measured and not the search for peers. libtorrent's rate counts all its threads. Ours is the whole
actor: queue, time-outs, hash check, decoding, and torrents out in batches.
"""

import hashlib
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import bencode2
import libtorrent
import trio

from actors.metadata.fetcher import MetadataFetcher
from actors.metadata.lookup import PeerLookup
from bench.harness import SUBJECT, Case, Contender, Offer, Options, Report, Watch, compare
from catalog.messages import MetadataWanted, TorrentsFound
from config.settings import MetadataSettings
from protocol.identifiers import Address, InfoHash
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox

AT_A_TIME = 200
SMALL_BYTES = 767
LARGE_BYTES = 43_500
SEEDER = "127.77.0.1"
TIMEOUT_S = 60.0

_QUIET = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "connections_limit": 5000,
    "listen_queue_size": 1000,  # the default of 5 loses connections when 200 come at once
    "min_reconnect_time": 1,
    "allow_multiple_connections_per_ip": True,
    "alert_mask": 0,
}


class Seeded(NamedTuple):
    """What the seeder has."""

    address: Address
    info_hashes: tuple[InfoHash, ...]


def run(options: Options) -> Report:
    """Small and large metadata."""
    small, large = (2000, 1000) if options.long else (1000, 300)
    return compare(
        "metadata",
        options,
        [
            _case("767B", small, SMALL_BYTES, target=1.0, seed=options.seed),
            _case("43.5KB", large, LARGE_BYTES, target=1.5, seed=options.seed),
        ],
        notes=[f"{AT_A_TIME} torrents at a time, one peer each, plain TCP"],
    )


def _case(name: str, torrents: int, size: int, *, target: float, seed: int) -> Case:
    return Case(
        name,
        "torrents",
        drives=SUBJECT,
        generator=partial(serve, torrents, size, seed),
        subject=Contender("swarmdex", fetch_ours),
        pairs=[Contender("libtorrent", fetch_libtorrent)],
        target=target,
    )


def info_dict(number: int, size: int, seed: int) -> bytes:
    """An info dict of about `size` bytes; nobody has the data it describes."""
    name = f"Sintel.2010.1080p.x264-swarmdex.{seed}.{number:06d}.mkv".encode()
    pieces = (size - len(name) - 75) // 20
    noise = hashlib.shake_128(name).digest(pieces * 20)
    return bencode2.bencode({b"length": pieces * 65_536, b"name": name, b"piece length": 65_536, b"pieces": noise})


def _session(**settings: object) -> Any:
    everything: Any = {**_QUIET, **settings}
    return libtorrent.session(everything)


def serve(torrents: int, size: int, seed: int, offer: Offer) -> None:
    """Seed them from one libtorrent session until terminated."""
    session = _session(listen_interfaces=f"{SEEDER}:0")
    hashes = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(torrents):
            raw = info_dict(number, size, seed)
            hashes.append(InfoHash(hashlib.sha1(raw, usedforsecurity=False).digest()))
            parameters = libtorrent.add_torrent_params()
            parameters.ti = libtorrent.torrent_info(b"d4:info" + raw + b"e")
            parameters.save_path = folder
            parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
            parameters.flags |= libtorrent.torrent_flags.seed_mode
            session.add_torrent(parameters)
        checking = {libtorrent.torrent_status.checking_files, libtorrent.torrent_status.checking_resume_data}
        while any(handle.status().state in checking for handle in session.get_torrents()):  # meanwhile it turns peers away
            time.sleep(0.05)
        offer(Seeded((SEEDER, session.listen_port()), tuple(hashes)))
        trio.run(trio.sleep_forever)


def fetch_ours(seeded: Seeded, watch: Watch) -> int:
    """The fetcher actor between two mailboxes."""
    return trio.run(_fetch_ours, seeded, watch)


async def _fetch_ours(seeded: Seeded, watch: Watch) -> int:
    wanted, found = Mailbox[MetadataWanted]("wanted", 64), Mailbox[TorrentsFound]("found", 64)
    settings = MetadataSettings(workers=AT_A_TIME, connections_per_ip=AT_A_TIME)
    fetcher = MetadataFetcher(
        Heart(), wanted.open_inbox(), found, settings, PeerLookup((), timeout_s=settings.lookup_timeout_s), allow_loopback=True
    )
    results = found.open_inbox()
    names: set[str] = set()
    with trio.fail_after(TIMEOUT_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fetcher.run)
            watch.start()
            for start in range(0, len(seeded.info_hashes), 500):
                batch = seeded.info_hashes[start : start + 500]
                await wanted.send(MetadataWanted(batch, tuple((info_hash, seeded.address) for info_hash in batch)))
            while len(names) < len(seeded.info_hashes):
                message = await results.receive()
                names.update(torrent.name for torrent in message.torrents)
                results.done(message)
            watch.stop()
            wanted.close()
    return len(names)


def fetch_libtorrent(seeded: Seeded, watch: Watch) -> int:
    """A libtorrent session that is told the peer; finished torrents make room for the next."""
    session = _session(
        listen_interfaces="127.77.0.2:0",
        connection_speed=10_000,
        alert_mask=int(libtorrent.alert_category.status),
        alert_queue_size=100_000,
    )
    with tempfile.TemporaryDirectory() as folder:
        watch.start()
        done = _drive_libtorrent(session, seeded.info_hashes, seeded.address, folder)
        watch.stop()
    return done


def _drive_libtorrent(session: Any, info_hashes: Sequence[InfoHash], peer: Address, folder: str) -> int:
    waiting = iter(info_hashes)

    def start(count: int) -> None:
        for info_hash in islice(waiting, count):
            parameters = libtorrent.add_torrent_params()
            parameters.info_hashes = libtorrent.info_hash_t(libtorrent.sha1_hash(info_hash))
            parameters.save_path = folder
            parameters.peers = [peer]
            parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
            parameters.flags |= libtorrent.torrent_flags.upload_mode
            session.async_add_torrent(parameters)

    start(AT_A_TIME)
    done = 0
    while done < len(info_hashes):
        if not session.wait_for_alert(int(TIMEOUT_S * 1000)):
            raise TimeoutError(f"libtorrent got {done} of {len(info_hashes)}")
        for alert in session.pop_alerts():
            if isinstance(alert, libtorrent.metadata_received_alert):
                done += 1
                with suppress(RuntimeError):
                    session.remove_torrent(alert.handle)
                start(1)
    return done
