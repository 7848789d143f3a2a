"""What the simulated swarm holds, as it wrote it down: the truth that a demo's findings are counted against."""

import json
from dataclasses import dataclass
from pathlib import Path

from protocol.identifiers import InfoHash


@dataclass(frozen=True, slots=True)
class Planted:
    """A torrent that can be found: an honest peer serves it, and a live node knows that peer."""

    info_hash: InfoHash
    name: str


def read_reachable(listing: Path) -> list[Planted]:
    """The reachable ones of the swarm's list (NDJSON)."""
    with listing.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [Planted(InfoHash(bytes.fromhex(entry["info_hash"])), entry["name"]) for entry in entries if entry["reachable"]]
