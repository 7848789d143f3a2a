"""Ingest over HTTP: POST /api/ingest/bulk with a thousand new torrents a request, each answered after its commit.

The daemon is the real one without its crawler: web server, classifier, writer, and PostgreSQL that syncs every commit, all on the two
cores that the client shares with them. `per s` is what a client sees; CPU-seconds are those of the daemon's own process, what PostgreSQL
uses beside it is `server_us_per_torrent`. Names are those of the simulated swarm: `hard_share` of them are left open by the fast rules.
`unread_share` of the torrents were confirmed with their names still to be read, because more came than can be read (actors/classifier.py).

The pair is what one would write in an afternoon: the same requests, decoded with the same library, one row a torrent and one a file,
words made by to_tsvector, a commit a request. It judges no item, reads no name, knows no kinds, keys or policies.
"""

import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha1
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import psycopg
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from bench.database import measure, running_server
from bench.harness import GENERATOR, Case, Contender, Offer, Options, Outcome, Report, Watch, compare
from bench.ingest import EXTRA_FILES, FILES
from bench.swarm.titles import Release, releases
from catalog.titles.cascade import quick
from cli.daemon import Daemon
from config.settings import DatabaseSettings, DhtSettings, HttpSettings, Settings

ITEMS = 1000
CONNECTIONS = 2
TARGET_PER_S = 3000

Offered = tuple[int, str, str]
"""Port, API key, conninfo."""


def run(options: Options) -> Report:
    """New torrents into an empty index."""
    folder = Path(tempfile.mkdtemp(prefix="sx-", dir="/tmp"))
    folder.chmod(0o711)  # the server's account passes through when root runs this
    requests = 30 if options.long else 10
    try:
        return compare(
            "ingest-api",
            options,
            [
                Case(
                    "bulk",
                    "items",
                    drives=GENERATOR,
                    generator=partial(send, requests, options.seed),
                    subject=Contender("swarmdex", partial(serve_daemon, folder)),
                    pairs=[Contender("plain", partial(serve_plain, folder))],
                )
            ],
            notes=[
                f"{requests} requests of {ITEMS} items, {FILES} files each, over {CONNECTIONS} connections; commits synced to disk",
                f"aim: {TARGET_PER_S:,} items per second of wall clock on two cores, client and PostgreSQL included",
            ],
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _fresh_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL of its own; from here on this process and all it starts may use every core, as in real life."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the server is stopped
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    data_dir = Path(tempfile.mkdtemp(dir=folder))
    data_dir.chmod(0o711)
    with running_server(data_dir) as conninfo:
        yield conninfo


def serve_daemon(folder: Path, offer: Offer) -> None:
    """The daemon on a free port, until terminated."""
    with _fresh_server(folder) as conninfo:
        trio.run(_serve_daemon, conninfo, folder, offer)


async def _serve_daemon(conninfo: str, folder: Path, offer: Offer) -> None:
    settings = Settings(
        data_dir=tempfile.mkdtemp(dir=folder),
        database=DatabaseSettings(url=conninfo),
        http=HttpSettings(bind="127.0.0.1:0"),
        dht=DhtSettings(enabled=False),
    )
    daemon = Daemon(settings)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(daemon.run)
        await daemon.is_serving.wait()
        key = await daemon.accounts.create_key("bench", frozenset({"ingest"}))
        assert daemon.url is not None
        offer((int(daemon.url.rpartition(":")[2]), key.text, conninfo))
        await _terminated()
        daemon.stop()


async def _terminated() -> None:
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            return


def serve_plain(folder: Path, offer: Offer) -> None:
    """The pair, on a free port until terminated."""
    with _fresh_server(folder) as conninfo, psycopg.connect(conninfo) as connection:
        connection.execute(_PLAIN_SCHEMA)
        connection.commit()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            config = Config()
            config.bind = [f"fd://{listener.fileno()}"]
            config.errorlog = None
            offer((listener.getsockname()[1], "", conninfo))
            trio.run(partial(serve, partial(_plain, connection), config, mode="asgi", shutdown_trigger=_terminated))


async def _plain(connection: "psycopg.Connection[Any]", scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        body, more = body + message["body"], message["more_body"]
    items = msgspec.json.decode(body)
    new = await trio.to_thread.run_sync(_store_plain, connection, items, limiter=_ONE)
    answer = msgspec.json.encode({"summary": {"new": new}})
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer, "more_body": False})


_ONE = trio.CapacityLimiter(1)
_PLAIN_SCHEMA = """
CREATE TABLE torrent (
    info_hash bytea PRIMARY KEY, name text, size bigint, seeders int, leechers int, source text,
    created timestamptz DEFAULT now(), updated timestamptz DEFAULT now(), tsv tsvector
);
CREATE TABLE torrent_file (info_hash bytea REFERENCES torrent, number int, path text, size bigint, PRIMARY KEY (info_hash, number));
CREATE INDEX ON torrent USING gin (tsv);
CREATE INDEX ON torrent (created);
"""
_PLAIN_TORRENT = """
INSERT INTO torrent (info_hash, name, size, seeders, leechers, source, tsv) VALUES (%s, %s, %s, %s, %s, %s, to_tsvector('simple', %s))
ON CONFLICT (info_hash) DO UPDATE SET updated = now(), seeders = excluded.seeders, leechers = excluded.leechers
"""
_PLAIN_FILE = "INSERT INTO torrent_file VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"


def _store_plain(connection: "psycopg.Connection[Any]", items: Sequence[dict[str, Any]]) -> int:
    rows, files = [], []
    for item in items:
        info_hash = bytes.fromhex(item["info_hash"])
        words = " ".join([item["name"], *(file["path"] for file in item["files"])]).replace(".", " ").replace("/", " ")
        rows.append((info_hash, item["name"], item["size"], item["seeders"], item["leechers"], item["source"], words))
        files += [(info_hash, number, file["path"], file["size"]) for number, file in enumerate(item["files"])]
    with connection.cursor() as cursor:
        cursor.executemany(_PLAIN_TORRENT, rows)
        cursor.executemany(_PLAIN_FILE, files)
    connection.commit()
    return len(rows)


def send(requests: int, seed: int, offered: Offered, watch: Watch) -> Outcome:
    """Send `requests` bodies as fast as they are answered; every item must be new."""
    port, key, conninfo = offered
    found = list(islice(releases(seed), requests * ITEMS))
    bodies = [msgspec.json.encode([_item(release) for release in found[start : start + ITEMS]]) for start in range(0, len(found), ITEMS)]
    hard = sum(quick(release.name) is None for release in found[:ITEMS]) / ITEMS
    _post(port, key, b"[]")  # everything is imported, the pool is open
    before = measure(conninfo)
    times: list[float] = []
    failures: list[BaseException] = []
    waiting = iter(bodies)
    lock = threading.Lock()

    def work() -> None:
        try:
            while not failures:
                with lock:
                    body = next(waiting, None)
                if body is None:
                    return
                started = perf_counter()
                answer = _post(port, key, body)
                assert answer["summary"]["new"] == ITEMS, answer["summary"]
                times.append(perf_counter() - started)
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    watch.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watch.stop()
    if failures:
        raise failures[0]
    extras = measure(conninfo).per_torrent(before, len(found))
    times.sort()
    latencies = {"p50_ms": times[len(times) // 2] * 1e3, "max_ms": times[-1] * 1e3}
    return Outcome(len(found), {**extras, **latencies, "hard_share": hard, "unread_share": _unread(conninfo) / len(found)})


def _post(port: int, key: str, body: bytes) -> Any:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = f"POST /api/ingest/bulk HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(f"{head}X-Api-Key: {key}\r\nConnection: close\r\n\r\n".encode() + body)
        received = bytearray()
        while part := connection.recv(1 << 16):
            received += part
    answered, _, rest = bytes(received).partition(b"\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 200"), received[:500]
    return msgspec.json.decode(rest)


def _unread(conninfo: str) -> int:
    """Of the pair, which reads nothing, none."""
    with psycopg.connect(conninfo) as connection:
        known = connection.execute("SELECT 1 FROM information_schema.columns WHERE column_name = 'classifier_version'").fetchone()
        found = connection.execute("SELECT count(*) FROM torrent WHERE classifier_version = 0").fetchone() if known else (0,)
    return int(found[0]) if found else 0


def _item(release: Release) -> dict[str, Any]:
    """As a scraper sends it."""
    files = [{"path": "/".join(file.path), "size": file.size} for file in release.files[:FILES]]
    files += [{"path": path, "size": 1000 + len(release.name)} for path in EXTRA_FILES[: FILES - len(files)]]
    digest = sha1(release.name.encode(), usedforsecurity=False).digest()
    return {
        "info_hash": digest.hex(),
        "name": release.name,
        "size": sum(file.size for file in release.files),
        "files": files,
        "seeders": digest[0],
        "leechers": digest[1],
        "source": "bench",
        "published_at": f"2020-{1 + digest[2] % 12:02}-{1 + digest[3] % 28:02}T12:00:00Z",
        "trackers": ["udp://tracker.example:6969/announce", "https://other.example/announce"],
    }
