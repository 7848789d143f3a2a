"""The index that bench/torznab.py searches: filled once, through the writer's own path, by a process a core."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import trio

from bench.database import running_server
from bench.library import torrents
from bench.process import WorkerProcess
from catalog.model import ClassifiedTorrent
from config.settings import DatabaseSettings, WriterSettings
from storage.database import Database
from storage.migrations.runner import migrate
from storage.torrents import Torrents

_FILL_TIMEOUT_S = 3600.0
_NOTE = "filled.json"


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is filled, with its server running."""

    conninfo: str
    torrents: int
    fill_s: float
    """How long it took to fill, when it was."""


@contextmanager
def filled_index(count: int, seed: int, kept: Path | None) -> Iterator[Index]:
    """An index of `count` torrents. In the folder `kept`, if given, and taken from there if it is the same one; else a temporary one.

    The server syncs nothing: what is read from it costs the same, and a benchmark's data may be lost.
    """
    folder = kept or Path(tempfile.mkdtemp(prefix="sx-", dir="/tmp"))  # a short path, for the socket's sake
    try:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)  # the server's account passes through when root runs this
        with running_server(folder, durable=False) as conninfo:
            migrate(conninfo)
            yield _filled(conninfo, folder / _NOTE, count, seed)
    finally:
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _filled(conninfo: str, note: Path, count: int, seed: int) -> Index:
    wanted = {"count": count, "seed": seed}
    if note.exists():
        found = json.loads(note.read_text())
        if {name: found.get(name) for name in wanted} != wanted:
            raise RuntimeError(f"{note.parent} holds another index ({found}): choose another folder, or delete this one")
        return Index(conninfo, count, found["fill_s"])
    started = time.perf_counter()
    parts = os.cpu_count() or 1
    with ExitStack() as stack:
        share = count // parts
        loaders = [
            stack.enter_context(
                WorkerProcess(partial(_load, conninfo, share + count % parts * (part == 0), seed, part), None, _FILL_TIMEOUT_S)
            )
            for part in range(parts)
        ]
        stored = sum(loader.receive("stored")[1] for loader in loaders)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")  # as autovacuum has done in an index of this age
        connection.execute("CHECKPOINT")
    fill_s = time.perf_counter() - started
    note.write_text(json.dumps({**wanted, "fill_s": round(fill_s, 1)}))
    return Index(conninfo, stored, fill_s)


def _load(conninfo: str, count: int, seed: int, part: int, pipe: "Connection[object, object]") -> None:
    pipe.send(("stored", trio.run(_store, conninfo, torrents(count, seed, part))))


async def _store(conninfo: str, found: Iterator[ClassifiedTorrent]) -> int:
    size = WriterSettings().batch_size
    stored = 0
    async with Database(conninfo, DatabaseSettings()) as database:
        store = Torrents(database).store
        async with trio.open_nursery() as nursery:
            send, receive = trio.open_memory_channel[Sequence[ClassifiedTorrent]](1)
            nursery.start_soon(_batches, found, size, send)
            async for batch in receive:
                stored += (await store(batch)).new
    return stored


async def _batches(found: Iterator[ClassifiedTorrent], size: int, send: trio.MemorySendChannel[Sequence[ClassifiedTorrent]]) -> None:
    """Made while the batch before is stored."""
    async with send:
        while batch := await trio.to_thread.run_sync(lambda: list(islice(found, size))):
            await send.send(batch)
