"""A swarm in which most nodes, peers and torrents are hostile: refused, counted, and nothing else happens."""

import re
import time
from typing import Any

import httpx

from tests.fakes.running_daemon import RunningDaemon
from tests.fakes.swarm_process import crawling, simulated_swarm

HOSTILE = ("--torrents", "150", "--nodes", "150", "--seed", "5", "--hostile", "0.4", "--faulty-peers", "0.3", "--mixed-peers", "0.3")
ROUGH = ("--malformed", "0.2", "--unsorted", "0.3", "--wrong-ids", "0.1", "--bogus", "0.2", "--duplicates", "0.1", "--chatter", "20")
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def parts_of(daemon: RunningDaemon) -> dict[str, dict[str, Any]]:
    return {child["path"].rpartition("/")[2]: child for child in daemon.command("status")["children"]}


def test_hostile_nodes_peers_and_torrents_change_nothing_but_counters(make_daemon):
    with simulated_swarm(*HOSTILE, *ROUGH) as swarm:
        daemon = make_daemon([*crawling(swarm), "metadata.retry_after_s=2", "metadata.fetch_timeout_s=5"])
        daemon.start()
        key = daemon.make_key()
        deadline = time.monotonic() + 60
        while True:
            found = httpx.get(f"{daemon.url}/api/v1/search", params={"limit": 100}, headers={"X-Api-Key": key}, timeout=10).json()
            fetcher = parts_of(daemon)["fetcher"]["statistics"]
            refused = {*fetcher["failed"], *fetcher["malformed"]}
            if found["total"] >= swarm["reachable"] * 0.95 and {"too_large", "piece_out_of_range", "too_deep", "name_too_long"} <= refused:
                break
            assert time.monotonic() < deadline, (swarm, found["total"], fetcher)
            time.sleep(0.5)

        parts = parts_of(daemon)
        assert {name: part["restarts"] for name, part in parts.items() if part["restarts"]} == {}
        assert {part["state"] for part in parts.values()} == {"running"}
        # The metadata bomb, the piece nobody asked for, the list bomb, the name of 100 kB; and names with NUL or bidi controls lose them.
        assert {"wrong_metadata", "rejected", "wrong_info_hash"} <= refused
        assert fetcher["cleaned"] > 0
        node = parts["node-0"]["statistics"]["core"]
        assert {"not_bencode", "other_id_than_named", "lenient_accepted"} <= set(node["dropped"])
        for torrent in found["torrents"]:
            assert len(torrent["name"].encode()) <= 2048
            assert not FORBIDDEN.search(torrent["name"]), torrent["name"]
