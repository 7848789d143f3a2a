"""Torznab over HTTP: how long searches take in a large index, and what feeds cost against a bare ASGI app that writes the same bytes.

The daemon under test is the real one without its crawler; PostgreSQL runs beside it on any core, the clients on a core of their own.
The index is that of bench/library.py: 1,000,000 torrents in the long form, 100,000 in the short one. It is filled without waiting for
the disk (fsync off), which changes nothing about reading it; `--data FOLDER` keeps it for the next run.

- `feeds`: the newest 100 items of six kinds, again and again, as clients poll. The pair sends recorded answers, headers included, under
  hypercorn.trio: it knows no keys, no parameters and no database, so it is a ceiling, not a rival.
- `feeds in gzip`: the same for those who take it, as most clients do.
- `pages`: the nine pages behind, of two kinds.
- `searches`: what real clients ask, every class equally often; `CLASS.p95_ms` tells how long they wait.

Rates are per CPU-second of the daemon's process; what PostgreSQL uses beside it is `database_us_per_request`.
"""

import io
import pickle
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from bench.harness import GENERATOR, Case, Contender, Offer, Options, Report, compare, served
from bench.torznab_index import Index, filled_index
from bench.torznab_load import BadAnswer, Client, Load, mix, poll
from bench.torznab_queries import FEEDS, PAGES, queries
from cli.daemon import Daemon
from config.settings import DatabaseSettings, DhtSettings, HttpSettings, Settings

POLLING, SEARCHING = 4, 2
"""Connections: as many as keep the server busy; and one a core, or the waiting for each other would be measured."""
TARGET_RATIO = 0.7
TARGET_PER_S = 200
"""Feeds of 100 items per CPU-second."""
TARGET_P95_MS = 50
_SEARCHES_TAKE = 5
"""Times as long as other cases: a percentile needs hundreds of answers of each class."""

_Answer = tuple[list[tuple[bytes, bytes]], bytes]


def run(options: Options) -> Report:
    """Fill, then ask."""
    torrents = 1_000_000 if options.long else 100_000
    with (
        filled_index(torrents, options.seed, options.data) as index,
        tempfile.TemporaryDirectory(prefix="sx-") as folder,
    ):
        return _compare(options, index, Path(folder))


def _compare(options: Options, index: Index, folder: Path) -> Report:
    subject = Contender("swarmdex", partial(serve_daemon, index.conninfo, folder))
    asked = queries(options.seed)
    _warm_up(subject.work, asked)

    def polled(name: str, feeds: Sequence[str], coding: str = "identity") -> Case:
        recorded = folder / name
        _record(subject.work, feeds, coding, recorded)
        load = Load(options.seconds, POLLING, index.conninfo, coding)
        bare = Contender("bare hypercorn.trio", partial(serve_recorded, recorded))
        return Case(name, "feeds", GENERATOR, subject, [bare], partial(poll, feeds, load), target=TARGET_RATIO)

    load = Load(_SEARCHES_TAKE * options.seconds, SEARCHING, index.conninfo)
    report = compare(
        "torznab",
        options,
        [
            polled("feeds", FEEDS),
            polled("feeds in gzip", FEEDS, "gzip"),
            polled("pages", PAGES),
            Case("searches", "searches", GENERATOR, subject, generator=partial(mix, asked, options.seed, load)),
        ],
        notes=[
            f"{index.torrents:,} torrents, filled in {index.fill_s:.0f} s without waiting for the disk",
            f"{POLLING} connections ask for feeds, {SEARCHING} search; none of them pauses",
            f"aim: {TARGET_PER_S} feeds per CPU-second or a ratio of {TARGET_RATIO}, p95 of searches under {TARGET_P95_MS} ms",
        ],
    )
    return replace(report, notes=(*report.notes, *_slow_classes(report, asked)))


def _warm_up(serve_subject: Callable[[Offer], None], classes: dict[str, tuple[str, ...]]) -> None:
    """Ask for everything once, so that what is measured is no disk: an index in use has its frequent words in memory."""
    with served(serve_subject) as offered:
        client = Client(offered)
        for query in (query for queries in classes.values() for query in queries):
            try:
                client.get(query)
            except BadAnswer:  # read from the disk, it took longer than clients are let wait
                client = Client(offered)


def _slow_classes(report: Report, classes: Iterable[str]) -> list[str]:
    measured = {name: report.metrics[f"searches.swarmdex.{name}.p95_ms"] for name in ("all", *classes)}
    slow = [f"{name} {p95:.0f} ms" for name, p95 in measured.items() if p95 > TARGET_P95_MS]
    return [f"p95 above {TARGET_P95_MS} ms: {', '.join(slow)}"] if slow else []


def serve_daemon(conninfo: str, folder: Path, offer: Offer) -> None:
    """The daemon on a free port, until terminated; offers port and key."""
    trio.run(_serve_daemon, conninfo, folder, offer)


async def _serve_daemon(conninfo: str, folder: Path, offer: Offer) -> None:
    settings = Settings(
        data_dir=str(folder),
        database=DatabaseSettings(url=conninfo),
        http=HttpSettings(bind="127.0.0.1:0"),
        dht=DhtSettings(enabled=False),
    )
    daemon = Daemon(settings)
    async with trio.open_nursery() as nursery:
        with redirect_stderr(io.StringIO()):  # what it tells who starts it for the first time
            nursery.start_soon(daemon.run)
            await daemon.is_serving.wait()
        key = await daemon.accounts.create_key("bench", frozenset({"search"}))
        assert daemon.url is not None
        offer((int(daemon.url.rpartition(":")[2]), key.text))
        await _terminated()
        daemon.stop()


async def _terminated() -> None:
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            return


def _record(serve_subject: Callable[[Offer], None], asked: Sequence[str], coding: str, file: Path) -> None:
    """Keep what the daemon answers: `asked` are query strings without the key."""
    answers: dict[bytes, _Answer] = {}
    with served(serve_subject) as offered:
        client = Client(offered, coding)
        for query in asked:
            head, body = client.get(query)
            lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
            headers = [(name.lower(), value) for name, _, value in lines if name.lower() not in {b"date", b"connection"}]
            answers[query.encode()] = (headers, bytes(body))
    file.write_bytes(pickle.dumps(answers))


def serve_recorded(file: Path, offer: Offer) -> None:
    """The pair: what was recorded, by query string, on a free port until terminated."""
    answers: dict[bytes, _Answer] = pickle.loads(file.read_bytes())  # noqa: S301 - written by ourselves a moment ago

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        if scope["type"] != "http":
            return
        headers, body = answers[scope["query_string"].rpartition(b"&apikey=")[0]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    trio.run(_serve_recorded, app, offer)


async def _serve_recorded(app: Callable[[Scope, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]], offer: Offer) -> None:
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.include_server_header = False
    config.loglevel = "WARNING"
    async with trio.open_nursery() as nursery:
        urls = await nursery.start(partial(serve, app, config, shutdown_trigger=_terminated, mode="asgi"))
        offer((int(urls[0].rpartition(":")[2]), ""))
