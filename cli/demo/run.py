"""`swarmdex demo`: the real daemon against a simulated swarm on loopback, with data in a temporary folder.

What is planted is known, so what is found can be counted: by hash in the database, by name on the page and over Torznab.
"""

import math
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from bench.swarm.launch import LaunchedSwarm, launch
from bench.swarm.options import SwarmOptions
from cli.daemon import Daemon
from cli.demo.chaos import Chaos
from cli.demo.finds import Finds, check_finds
from cli.demo.planted import Planted, read_reachable
from cli.options import print_data, say
from cli.run import stop_on_signal
from config.loader import LoadedSettings
from config.rules import split_address
from config.settings import Settings
from protocol.identifiers import InfoHash
from storage.errors import DatabaseUnavailable

_SECONDS_UNWATCHED = 30.0  # nobody is there to press Ctrl-C
_START_S = 120.0
_CHATTER_PER_S = 5.0  # queries of others, so that the demo listens as well as asks
_RETRY_AFTER_S = 5.0  # a swarm of seconds has no minutes to wait
_LOOK_EVERY_S = 0.25
_ENOUGH = 0.95
"""The share of the reachable torrents whose time is reported."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo is made of."""

    seconds: float | None
    """After which it ends; None: at SIGINT or SIGTERM, and by itself when there is no terminal."""
    torrents: int
    nodes: int
    seed: int
    has_chaos: bool


@dataclass(slots=True)
class _Progress:
    """How far it got; times are seconds since the page could be opened."""

    seconds: float = 0.0
    indexed: int = 0
    enough_after: float | None = None


def run_demo(loaded: LoadedSettings, demo: Demo, *, as_json: bool) -> int:
    """Run it; returns the exit code: 0 when enough of what is reachable was found and can be searched."""
    if demo.seconds is None and not sys.stdin.isatty():
        demo = replace(demo, seconds=_SECONDS_UNWATCHED)
    with _data_folder() as folder:
        result = trio.run(_run, _demo_settings(loaded, folder), demo, folder)
    print_data(result, as_json=as_json, text=_in_words(result))
    wanted = _ENOUGH * int(str(result["reachable"]))
    return 0 if all(int(str(result[name])) >= wanted for name in ("indexed", "found_by_torznab", "found_on_page")) else 1


async def _run(settings: Settings, demo: Demo, folder: Path) -> dict[str, object]:
    listing = folder / "planted.ndjson"
    options = SwarmOptions(seed=demo.seed, torrents=demo.torrents, nodes=demo.nodes, chatter_per_s=_CHATTER_PER_S)
    async with launch(options, list_file=listing) as swarm:
        planted = read_reachable(listing)
        daemon = Daemon(replace(settings, dht=replace(settings.dht, bootstrap=swarm.bootstrap)), is_durable=False)
        progress = _Progress()
        chaos = Chaos(daemon, demo.seed) if demo.has_chaos else None
        finds = Finds()
        async with trio.open_nursery() as nursery:
            patience = trio.CancelScope(deadline=trio.current_time() + (demo.seconds or math.inf) + _START_S)
            await nursery.start(stop_on_signal, _Interrupt(patience), nursery.cancel_scope)
            async with trio.open_nursery() as running:
                running.start_soon(daemon.run)
                with patience:
                    await daemon.is_serving.wait()
                    say(f"open {daemon.url} and watch {len(planted)} reachable torrents come in; Ctrl-C ends the demo")
                    with trio.move_on_after(demo.seconds or math.inf):
                        await _watch(daemon, planted, progress, chaos)
                if daemon.url is not None:
                    say("asking for each of them by name, on the page and over Torznab")
                    finds = await check_finds(daemon.url, daemon.run_token, planted)
                daemon.stop()
            nursery.cancel_scope.cancel()
    return _result(swarm, progress, finds, chaos)


class _Interrupt:
    """Lets a signal end the watching; what was found is still checked and printed."""

    def __init__(self, scope: trio.CancelScope) -> None:
        self._scope = scope

    def stop(self) -> None:
        """Called at the first signal."""
        self._scope.cancel()


async def _watch(daemon: Daemon, planted: Sequence[Planted], progress: _Progress, chaos: Chaos | None) -> None:
    started = trio.current_time()
    hashes = {each.info_hash for each in planted}
    said_at = 0.0
    async with trio.open_nursery() as nursery:
        if chaos is not None:
            nursery.start_soon(chaos.run)
        while True:
            await trio.sleep(_LOOK_EVERY_S)
            progress.seconds = trio.current_time() - started
            progress.indexed = await _count_found(daemon, hashes, progress.indexed)
            if progress.enough_after is None and progress.indexed >= _ENOUGH * len(hashes):
                progress.enough_after = progress.seconds
            if progress.seconds - said_at >= (1.0 if sys.stderr.isatty() else 10.0):
                said_at = progress.seconds
                say(f"{progress.seconds:4.0f} s   {progress.indexed} of {len(hashes)} found")


async def _count_found(daemon: Daemon, hashes: set[InfoHash], before: int) -> int:
    try:
        return len(hashes) - len(await daemon.torrents.unknown(hashes))
    except DatabaseUnavailable:
        return before  # the chaos got it; it comes back


def _result(swarm: LaunchedSwarm, progress: _Progress, finds: Finds, chaos: Chaos | None) -> dict[str, object]:
    result: dict[str, object] = {
        "planted": swarm.planted,
        "reachable": swarm.reachable,
        "indexed": progress.indexed,
        "seconds": round(progress.seconds, 2),
        "seconds_to_95_percent": round(progress.enough_after, 2) if progress.enough_after is not None else None,
        "found_on_page": finds.on_page,
        "found_by_torznab": finds.by_torznab,
        "torznab_items": finds.torznab_items,
    }
    if chaos is not None:
        result |= {"crashed": chaos.crashed, "killed_workers": chaos.kills}
    return result


def _in_words(result: dict[str, object]) -> str:
    return "\n".join(f"{name.replace('_', ' '):<22} {value}" for name, value in result.items())


def _demo_settings(loaded: LoadedSettings, folder: Path) -> Settings:
    """What the user set stays; the rest is made for a swarm on loopback."""
    settings = loaded.settings
    dht = replace(settings.dht, enabled=True, bind=("127.0.0.1:0",), allow_loopback=True, profile="lab")
    metadata = settings.metadata
    if "metadata.retry_after_s" not in loaded.origins:
        metadata = replace(metadata, retry_after_s=_RETRY_AFTER_S)
    http = settings.http
    if "http.bind" not in loaded.origins and not _is_free(http.bind):
        http = replace(http, bind="127.0.0.1:0")
    settings = replace(settings, sink="database")
    return replace(settings, data_dir=str(folder), database=replace(settings.database, url=""), dht=dht, metadata=metadata, http=http)


def _is_free(bind: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(split_address(bind))
        except OSError:
            return False
    return True


@contextmanager
def _data_folder() -> Iterator[Path]:
    """A folder that the account of root's database server can pass through, and nobody can list."""
    folder = Path(tempfile.mkdtemp(prefix="swarmdex-demo-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
