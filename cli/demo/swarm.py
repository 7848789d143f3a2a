"""The simulated swarm as the demo sees it: a process of its own, ended with the demo."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

import bench.swarm
from protocol.errors import SwarmdexError
from protocol.identifiers import InfoHash

_START_S = 60.0


class SwarmFailed(SwarmdexError):
    """The simulated swarm did not start; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A torrent that can be found: an honest peer serves it, and a live node knows that peer."""

    info_hash: InfoHash
    name: str


@dataclass(frozen=True, slots=True)
class DemoSwarm:
    """What is out there."""

    bootstrap: tuple[str, ...]
    planted: int
    reachable: tuple[Planted, ...]


@asynccontextmanager
async def running_swarm(*, torrents: int, nodes: int, seed: int, folder: Path) -> AsyncIterator[DemoSwarm]:
    """Start the swarm, wait until it answers, and end it afterwards. Raises SwarmFailed."""
    listing = folder / "planted.ndjson"
    code = Path(bench.swarm.__file__).parents[2]
    command = [sys.executable, "-m", "bench.swarm", "--list", listing, "--torrents", torrents, "--nodes", nodes, "--seed", seed]
    process = await trio.lowlevel.open_process(
        [str(word) for word in command],
        cwd=code,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    async with _ended_with_the_demo(process):
        announcement = json.loads(await _first_line(process))
        yield DemoSwarm(tuple(announcement["bootstrap"]), announcement["planted"], tuple(_read_reachable(listing)))


@asynccontextmanager
async def _ended_with_the_demo(process: trio.Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        with trio.CancelScope(shield=True):
            if process.returncode is None:
                process.terminate()
                with trio.move_on_after(5):
                    await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    await stream.aclose()


async def _first_line(process: trio.Process) -> bytes:
    assert process.stdout is not None  # noqa: S101  (asked for above)
    received = b""
    with trio.move_on_after(_START_S):
        while b"\n" not in received and (some := await process.stdout.receive_some()):
            received += some
    if b"\n" not in received:
        raise SwarmFailed(f"the simulated swarm did not start: {await _complaint(process)}")
    return received.partition(b"\n")[0]


async def _complaint(process: trio.Process) -> str:
    assert process.stderr is not None  # noqa: S101
    with trio.move_on_after(1):
        said = await process.stderr.receive_some(4096)
        return said.decode(errors="replace").strip().rpartition("\n")[2]
    return f"nothing for {_START_S:g} s"


def _read_reachable(listing: Path) -> list[Planted]:
    with listing.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [Planted(InfoHash(bytes.fromhex(entry["info_hash"])), entry["name"]) for entry in entries if entry["reachable"]]
