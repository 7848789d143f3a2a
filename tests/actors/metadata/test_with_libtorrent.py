"""Real peers nobody here wrote: libtorrent serves v1, v2 and hybrid metadata to our fetcher, on the real clock."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libtorrent
import pytest
import trio

from catalog.model import Torrent
from protocol.identifiers import Address, InfoHash
from tests.fakes.torrents import SINTEL, Made, make_torrent

if TYPE_CHECKING:
    from tests.actors.metadata.conftest import Bench

MANY = tuple((f"Frankenstein/chapter {number:04d} of the book by Mary Shelley.txt", 20) for number in range(700))
SETTINGS: Any = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "dht_bootstrap_nodes": "",
    "alert_mask": 0,
}


@pytest.fixture
def seeder() -> Iterator[Any]:
    session = libtorrent.session({**SETTINGS, "listen_interfaces": "127.45.0.1:0"})
    yield session
    session.pause()


async def seed(session: Any, made: Made, folder: Path) -> Address:
    parameters = libtorrent.add_torrent_params()
    parameters.ti = made.torrent_info
    parameters.save_path = str(folder)
    parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
    parameters.flags |= libtorrent.torrent_flags.seed_mode
    handle = session.add_torrent(parameters)
    with trio.fail_after(10):
        while handle.status().state != libtorrent.torrent_status.seeding:  # noqa: ASYNC110  (libtorrent has no event Trio could wait for)
            await trio.sleep(0.02)
    return "127.45.0.1", session.listen_port()


@pytest.mark.parametrize("files", [SINTEL, MANY], ids=["one piece", "many pieces"])
@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
async def test_libtorrent_serves_every_version(
    bench: "Bench", seeder: Any, tmp_path: Path, version: str, files: tuple[tuple[str, int], ...]
) -> None:
    made = make_torrent(tmp_path, version, files)
    assert (len(made.raw_info) > 16_384) == (files is MANY)
    address = await seed(seeder, made, tmp_path)
    hashes = made.torrent_info.info_hashes()
    keys = [hashes.v1.to_bytes()] if hashes.has_v1() else []
    if hashes.has_v2():
        keys.append(hashes.v2.to_bytes()[:20])
    for key in map(InfoHash, keys):  # a hybrid is found under both, and is the same torrent both times
        torrent = await fetch(bench, key, address)
        assert torrent.info_hash == keys[0]
        assert torrent.info_hash_v2 == (hashes.v2.to_bytes() if hashes.has_v2() else None)
        prefix = torrent.name + "/"
        assert sorted((prefix + file.path, file.size) for file in torrent.files) == sorted(files)
        assert (torrent.size, torrent.file_count) == (sum(size for _, size in files), len(files))


async def fetch(bench: "Bench", key: InfoHash, address: Address) -> Torrent:
    fetcher = bench.start()
    await bench.want(key, peers=[(key, address)])
    with trio.fail_after(10):
        await bench.until(lambda: fetcher.statistics().attempts > 0 and fetcher.statistics().connections == 0)
        assert (fetcher.statistics().failed, fetcher.statistics().malformed) == ({}, {})
        [torrent] = await bench.torrents(1)
    bench.scope.cancel()
    await trio.lowlevel.checkpoint()
    return torrent
