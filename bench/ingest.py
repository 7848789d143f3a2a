"""Storing torrents: the writer with the whole schema, against one row per file and one statement per torrent, as other indexers have it.

Both store the same new torrents, five files each, into a fresh embedded PostgreSQL that syncs every commit. The CPU-seconds of the table
are those of our process alone; the server works on the other core. What a layout costs, it costs there: `server_us_per_torrent`, and the
ratio that counts both. The pair makes its words with to_tsvector and keeps no facts, no popularity and no sources: it does less.
"""

import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from functools import partial
from hashlib import sha1
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import trio

from actors.writer import Writer
from bench.database import measure, running_server
from bench.harness import SUBJECT, Case, Contender, Offer, Options, Outcome, Report, Watch, compare
from bench.swarm.titles import Release, releases
from catalog.classify import classified
from catalog.messages import TorrentsClassified
from catalog.model import ClassifiedTorrent, File, Torrent
from catalog.titles.cascade import quick, unparsed
from config.settings import DatabaseSettings, WriterSettings
from protocol.identifiers import InfoHash
from storage.database import Database
from storage.migrations.runner import migrate
from storage.torrents import Torrents
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox

FILES = 5
MESSAGE = 20  # torrents in one message, as they come from the classifier
TARGET_PER_S = 3000
EXTRA_FILES = ("release.nfo", "Subs/English.srt", "Subs/Deutsch.srt", "README.txt", "cover.jpg")


def run(options: Options) -> Report:
    """New torrents into an empty index."""
    folder = Path(tempfile.mkdtemp(prefix="sx-", dir="/tmp"))
    folder.chmod(0o711)  # the server's account passes through when root runs this
    try:
        return _compare(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compare(options: Options, folder: Path) -> Report:
    torrents = 40_000 if options.long else 10_000
    report = compare(
        "ingest",
        options,
        [
            Case(
                "new torrents",
                "torrents",
                drives=SUBJECT,
                generator=partial(serve, folder),
                subject=Contender("writer", partial(write, torrents, options.seed)),
                pairs=[Contender("row per file", partial(write_rows_per_file, torrents, options.seed))],
            )
        ],
        notes=[f"{FILES} files each, commits synced to disk; aim: {TARGET_PER_S:,} torrents per second of wall clock"],
    )
    ours, theirs = (_total_us(report, contender) for contender in ("writer", "row per file"))
    note = f"CPU time of a torrent with the server's share: {ours:.0f} µs, with a row per file {theirs:.0f} µs ({theirs / ours:.2f}x)"
    return replace(report, ratios={**report.ratios, "new torrents/row per file, with server": theirs / ours}, notes=(*report.notes, note))


def _total_us(report: Report, contender: str) -> float:
    """CPU time of one torrent, ours and the server's."""
    prefix = f"new torrents.{contender}"
    return 1e6 / report.metrics[f"{prefix}.per_cpu_s"] + report.metrics[f"{prefix}.server_us_per_torrent"]


def serve(folder: Path, offer: Offer) -> None:
    """A fresh server with our schema and, in a second database, nothing; until we are terminated."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the server is stopped
    data_dir = Path(tempfile.mkdtemp(dir=folder))
    data_dir.chmod(0o711)
    with running_server(data_dir) as conninfo:
        migrate(conninfo)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("CREATE DATABASE plain")
        offer(conninfo)
        while True:
            signal.pause()


def write(count: int, seed: int, conninfo: str, watch: Watch) -> Outcome:
    """Through mailbox and writer, as the daemon does."""
    batch = torrents(count, seed)
    return trio.run(_write, batch, conninfo, watch)


async def _write(batch: list[ClassifiedTorrent], conninfo: str, watch: Watch) -> Outcome:
    messages = [TorrentsClassified(tuple(batch[start : start + MESSAGE])) for start in range(0, len(batch), MESSAGE)]
    mailbox = Mailbox[TorrentsClassified]("classified", 100)
    async with Database(conninfo, DatabaseSettings()) as database:
        writer = Writer(Heart(), mailbox.open_inbox(), Torrents(database), WriterSettings())
        before = measure(conninfo)
        watch.start()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            for message in messages:
                await mailbox.send(message)
            mailbox.close()
        watch.stop()
        assert writer.statistics().stored_new == len(batch), writer.statistics()
        return Outcome(len(batch), measure(conninfo).per_torrent(before, len(batch)))


def write_rows_per_file(count: int, seed: int, conninfo: str, watch: Watch) -> Outcome:
    """The plain way: pipelined INSERTs, a thousand torrents a transaction."""
    batch = torrents(count, seed)
    plain = psycopg.conninfo.make_conninfo(conninfo, dbname="plain")
    with psycopg.connect(plain) as connection, connection.cursor() as cursor:
        cursor.execute(_PLAIN_SCHEMA)
        connection.commit()
        before = measure(plain)
        watch.start()
        for start in range(0, count, 1000):
            part = batch[start : start + 1000]
            cursor.executemany(_PLAIN_TORRENT, [_plain_row(item) for item in part])
            files = [
                (item.torrent.info_hash, number, file.path, file.size) for item in part for number, file in enumerate(item.torrent.files)
            ]
            cursor.executemany(_PLAIN_FILE, files)
            connection.commit()
        watch.stop()
        return Outcome(count, measure(plain).per_torrent(before, count))


_PLAIN_SCHEMA = """
CREATE TABLE torrent (
    info_hash bytea PRIMARY KEY, name text, size bigint, kind text, title text, year int, seasons int[], episodes int[], resolution text,
    created timestamptz DEFAULT now(), updated timestamptz DEFAULT now(), tsv tsvector
);
CREATE TABLE torrent_file (info_hash bytea REFERENCES torrent, number int, path text, size bigint, PRIMARY KEY (info_hash, number));
CREATE INDEX ON torrent USING gin (tsv);
CREATE INDEX ON torrent (created);
"""
_PLAIN_TORRENT = """
INSERT INTO torrent (info_hash, name, size, kind, title, year, seasons, episodes, resolution, tsv)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, to_tsvector('simple', %s)) ON CONFLICT (info_hash) DO UPDATE SET updated = now()
"""
_PLAIN_FILE = "INSERT INTO torrent_file VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"


def _plain_row(item: ClassifiedTorrent) -> tuple[Any, ...]:
    found, parsed = item.torrent, item.parsed
    words = " ".join([found.name.replace(".", " "), *(file.path.replace("/", " ").replace(".", " ") for file in found.files)])
    seasons, episodes = list(parsed.seasons), list(parsed.episodes)
    return found.info_hash, found.name, found.size, item.kind, parsed.title, parsed.year, seasons, episodes, parsed.resolution, words


def torrents(count: int, seed: int) -> list[ClassifiedTorrent]:
    """`count` torrents with names as the networks have them, read by the fast rules."""
    return [_classified(release) for release in islice(releases(seed), count)]


def _classified(release: Release) -> ClassifiedTorrent:
    files = [File("/".join(file.path), file.size) for file in release.files[:FILES]]
    files += [File(path, 1000 + len(release.name)) for path in EXTRA_FILES[: FILES - len(files)]]
    found = Torrent(
        info_hash=InfoHash(sha1(release.name.encode(), usedforsecurity=False).digest()),
        name=release.name,
        size=sum(file.size for file in files),
        files=tuple(files),
        file_count=len(files),
        source="dht",
    )
    return classified(found, quick(release.name) or unparsed(release.name))
