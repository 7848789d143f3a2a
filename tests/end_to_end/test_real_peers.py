"""Against peers that nobody here wrote: libtorrent sessions as DHT nodes and seeders."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest
import trio

from tests.fakes.flexget import IS_INSTALLED, WHY_NOT, accepted, discover
from tests.fakes.libtorrent_swarm import LibtorrentSwarm, SeededTorrent
from tests.fakes.running_daemon import RunningDaemon

FILES = {"film.mkv": 400_000, "subtitles/en.srt": 2_000}
TITLES = {
    "Sintel.2010.1080p.BluRay.x264-BLENDER": "v1",
    "Tears.of.Steel.2012.2160p.WEB.h265-MANGO": "v2",
    "Big.Buck.Bunny.2008.720p.BluRay.x264-PEACH": "hybrid",
}


@pytest.fixture
def swarm() -> Iterator[LibtorrentSwarm]:
    swarm = LibtorrentSwarm()
    for name, torrent_format in TITLES.items():
        swarm.seed(name, torrent_format, FILES)
    yield swarm
    swarm.close()


def found_by_name(daemon: RunningDaemon, key: str, torrent: SeededTorrent) -> dict[str, object] | None:
    answer = httpx.get(f"{daemon.url}/api/v1/search", params={"q": torrent.name}, headers={"X-Api-Key": key}, timeout=10)
    assert answer.status_code == 200, answer.text
    return next((item for item in answer.json()["torrents"] if item["name"] == torrent.name), None)


async def test_torrents_of_every_format_are_found_by_dht_alone_and_flexget_accepts_them(make_daemon, swarm, tmp_path):
    daemon = make_daemon(
        [
            "dht.profile=lab",
            "dht.allow_loopback=true",
            "dht.nodes=2",
            'dht.bind=["127.41.0.1:0", "127.41.0.2:0"]',
            "dht.bootstrap=" + json.dumps(swarm.bootstrap),
        ]
    )
    daemon.start()
    key = daemon.make_key()
    missing = list(swarm.torrents)
    deadline = time.monotonic() + 90
    while missing and time.monotonic() < deadline:
        swarm.announce_again()
        await trio.sleep(1)
        missing = [torrent for torrent in missing if found_by_name(daemon, key, torrent) is None]
    assert missing == []

    for torrent in swarm.torrents:
        row = found_by_name(daemon, key, torrent)
        assert row is not None
        assert row["info_hash"] == (torrent.info_hash or torrent.info_hash_v2[:20]).hex()
        assert row["info_hash_v2"] == (torrent.info_hash_v2.hex() if torrent.info_hash_v2 else None)
        assert (row["size"], row["file_count"]) == (torrent.size, torrent.file_count)

    if not IS_INSTALLED:
        pytest.skip(f"all were indexed, but {WHY_NOT}")
    for words, torrent in zip(("Sintel 1080p", "Tears of Steel", "Big Buck Bunny"), swarm.torrents, strict=True):
        output = await discover(daemon.url, key, tmp_path, f"{{title: '{words}', url: 'mock://x'}}", "searcher: search")
        assert accepted(output) == {torrent.name}, output
