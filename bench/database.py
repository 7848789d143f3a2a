"""An embedded PostgreSQL server for a benchmark, and what it has used."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.process import cpu_seconds
from config.settings import DatabaseSettings
from storage.embedded import EmbeddedServer


@contextmanager
def running_server(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """The server of a data directory, made if it is missing; yields the conninfo. Not `durable`: it never waits for the disk."""
    server = EmbeddedServer(data_dir, DatabaseSettings(), durable=durable)
    try:
        server.set_up()
        for pause in server.bring_up():
            time.sleep(pause)
        server.make_database()
        yield server.conninfo
    finally:
        for pause in server.shut_down():
            time.sleep(pause)


@dataclass(frozen=True, slots=True)
class Measure:
    """How much a database holds, how much the server has logged, how long it has worked."""

    size: int
    wal: int
    server_s: float

    def per_torrent(self, before: "Measure", count: int) -> dict[str, float]:
        """What it grew by, as figures of a report."""
        return {
            "bytes_per_torrent": (self.size - before.size) / count,
            "wal_bytes_per_torrent": (self.wal - before.wal) / count,
            "server_us_per_torrent": (self.server_s - before.server_s) / count * 1e6,
        }


def measure(conninfo: str) -> Measure:
    """What it is now."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        found = connection.execute(
            """
            SELECT pg_database_size(current_database()), pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
                ARRAY(SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid())
            """
        ).fetchone()
    assert found is not None
    size, wal, pids = found
    return Measure(size, wal, sum(map(_cpu_seconds_if_alive, pids)))


def _cpu_seconds_if_alive(pid: int) -> float:
    """An autovacuum worker may have ended since it was listed; its part is lost, for either contender."""
    try:
        return cpu_seconds(pid)
    except OSError:
        return 0.0
