"""PostgreSQL for the rest of swarmdex: psycopg in threads behind one class; one call is one whole transaction in one thread hop.

psycopg knows no Trio (docs/embedded-postgres.md has the comparison), so the blocking happens here and nowhere else.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import psycopg
import trio
from psycopg_pool import ConnectionPool, PoolTimeout

from config.settings import DatabaseSettings
from storage.errors import DatabaseConflict, DatabaseRefused, DatabaseUnavailable, StatementTimeout, StorageError

R = TypeVar("R")
Connection = psycopg.Connection[Any]

CONNECT_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,  # seconds
    # A server that vanishes from the network is noticed within about a minute instead of two hours; unix sockets ignore these.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


@dataclass(frozen=True, slots=True)
class DatabaseStatistics:
    """Counters since the start, and how busy the pool is now."""

    transactions: int
    """Committed."""
    unavailable: int
    conflicts: int
    refused: int
    timeouts: int
    cancelled: int
    busy_s: float
    """Time callers spent in their transactions, connection included, limiter not."""
    connections: int
    connections_in_use: int
    waiting: int
    """Callers waiting for a connection."""


class Database:
    """Runs transactions in threads on a small pool of connections.

    Open it with `async with` or `open()`/`close()`. A server that goes away and comes back is met with DatabaseUnavailable in
    between and with new connections afterwards; nobody needs to reopen anything.
    """

    def __init__(
        self, conninfo: str, settings: DatabaseSettings, *, application_name: str = "swarmdex", connection_wait_s: float = 3.0
    ) -> None:
        self.conninfo = conninfo
        self._settings = settings
        self._application_name = application_name
        self._connection_wait_s = connection_wait_s
        self._limiter = trio.CapacityLimiter(settings.connections)
        self._pool: ConnectionPool[Connection] | None = None
        self._down_until = 0.0  # time.monotonic(): until then nobody queues up for a server that just did not answer
        self._counts = dict.fromkeys(("transactions", "unavailable", "conflicts", "refused", "timeouts", "cancelled"), 0)
        self._busy_s = 0.0

    async def open(self) -> None:
        """Make the pool. Raises DatabaseUnavailable, with the server's reason, when not even one connection can be made."""
        await trio.to_thread.run_sync(self._open_pool, limiter=self._limiter)

    async def close(self) -> None:
        """Close every connection. Transactions still running lose theirs, so end their callers first."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(pool.close, 2.0)

    async def __aenter__(self) -> Database:
        await self.open()
        return self

    async def __aexit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        await self.close()

    async def run(self, work: Callable[[Connection], R]) -> R:
        """Call `work` with a connection in a thread; commit when it returns, roll back when it raises.

        psycopg's errors come out as those of storage/errors.py, all others as they are. When cancelled, the running statement is
        cancelled on the server and the transaction rolled back, unless its commit had begun; the connection goes back to the pool or
        is thrown away. `work` must not keep the connection.
        """
        if time.monotonic() < self._down_until:
            self._counts["unavailable"] += 1
            raise DatabaseUnavailable("the database did not answer a moment ago")
        hop = _Hop()
        try:
            result = await trio.to_thread.run_sync(self._transaction, work, hop, abandon_on_cancel=True, limiter=self._limiter)
        except trio.Cancelled:
            self._counts["cancelled"] += 1
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(hop.interrupt)
            raise
        except StorageError as error:
            self._counts[_counter_of(error)] += 1
            raise
        finally:
            self._busy_s += hop.busy_s
        self._counts["transactions"] += 1
        return result

    def statistics(self) -> DatabaseStatistics:
        """Counters and the pool's state."""
        limiter = self._limiter.statistics()
        pool = self._pool.get_stats() if self._pool is not None else {}
        return DatabaseStatistics(
            **self._counts,
            busy_s=self._busy_s,
            connections=pool.get("pool_size", 0),
            connections_in_use=limiter.borrowed_tokens,
            waiting=limiter.tasks_waiting,
        )

    def _open_pool(self) -> None:
        # The pool hides why it cannot connect, so the first connection is made by hand.
        try:
            psycopg.connect(self.conninfo, **CONNECT_OPTIONS).close()
        except psycopg.Error as error:
            raise mapped(error) from error
        pool = ConnectionPool(
            self.conninfo,
            kwargs=CONNECT_OPTIONS,
            min_size=1,
            max_size=self._settings.connections,
            configure=self._configure,
            timeout=self._connection_wait_s,
            # Give up soon and start anew on demand: the pool's own back-off doubles up to minutes and would outlast the outage.
            reconnect_timeout=self._connection_wait_s,
            num_workers=1,
            name=self._application_name,
            open=False,
        )
        pool.open()
        self._pool = pool
        self._down_until = 0.0

    def _configure(self, connection: Connection) -> None:
        session = {
            "application_name": self._application_name,
            "statement_timeout": str(round(self._settings.statement_timeout_s * 1000)),
            "jit": "off",  # compiling costs more than our queries
            "random_page_cost": "1.1",  # solid-state disks, and mostly cached
            "timezone": "UTC",
        }
        for name, value in session.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.commit()

    def _transaction(self, work: Callable[[Connection], R], hop: _Hop) -> R:
        """Runs in a thread."""
        started = time.monotonic()
        try:
            pool = self._pool  # kept: it may be closed and another opened before we are done
            if pool is None:
                raise DatabaseUnavailable("the database is not open")
            connection = self._take(pool)
            try:
                return hop.carry_out(work, connection)
            finally:
                pool.putconn(connection)  # which replaces a broken one, and closes it when the pool is closed
        except psycopg.Error as error:
            raise mapped(error) from error
        finally:
            hop.busy_s = time.monotonic() - started

    def _take(self, pool: ConnectionPool[Connection]) -> Connection:
        try:
            # After a restart of the server every connection in the pool is dead. Its own check sleeps longer after each; this does not.
            while not _is_open(connection := pool.getconn()):
                connection.close()
                pool.putconn(connection)  # is replaced there
            return connection
        except PoolTimeout as error:
            self._down_until = time.monotonic() + 1.0
            raise DatabaseUnavailable(f"no connection within {self._connection_wait_s:g} s: {self._reason()}") from error

    def _reason(self) -> str:
        try:
            psycopg.connect(self.conninfo, **{**CONNECT_OPTIONS, "connect_timeout": 2}).close()
        except psycopg.Error as error:
            return str(error).strip()
        return "every connection was lost, the server is back"


class _Hop:
    """One transaction on its way through a thread, and how to interrupt it from outside."""

    def __init__(self) -> None:
        self.busy_s = 0.0
        self._ended = threading.Event()
        self._lock = threading.Lock()  # held while a cancel request is underway: the connection must not reach another caller meanwhile
        self._connection: Connection | None = None  # while its statements may be cancelled
        self._has_started = False
        self._is_cancelled = False

    def carry_out(self, work: Callable[[Connection], R], connection: Connection) -> R:
        """Run the transaction on `connection`, in the thread."""
        with self._lock:
            self._has_started = True
            self._connection = connection
        try:
            self._stop_if_cancelled()
            result = work(connection)
            self._leave()
            self._stop_if_cancelled()
            connection.commit()
        except BaseException:
            self._leave()
            with suppress(psycopg.Error):  # a broken connection: the pool throws it away, and the first error is the one to tell
                connection.rollback()
            raise
        finally:
            self._ended.set()
        return result

    def interrupt(self, patience_s: float = 2.0) -> None:
        """Cancel the running statement and wait until the thread is done; after `patience_s` the connection is cut. Blocks.

        A thread that still waits for its connection, or is busy in `work` itself, is left behind: it rolls back when it gets that far.
        """
        self._is_cancelled = True
        deadline = time.monotonic() + patience_s
        while not self._ended.is_set() and time.monotonic() < deadline:
            with self._lock:
                if not self._has_started:
                    return
                if self._connection is not None:
                    _cancel(self._connection, patience_s)
            self._ended.wait(0.05)
        with self._lock:
            if self._connection is not None:
                _cut(self._connection)
        self._ended.wait(0.5)

    def _leave(self) -> None:
        """After this the statements are no longer cancelled: the transaction ends, one way or the other."""
        with self._lock:
            self._connection = None

    def _stop_if_cancelled(self) -> None:
        if self._is_cancelled:
            raise DatabaseUnavailable("cancelled")  # nobody listens any more; it only has to roll back


def mapped(error: psycopg.Error) -> StorageError:
    """Our error for one of psycopg's, by SQLSTATE class (PostgreSQL manual, appendix A)."""
    sqlstate = error.sqlstate
    message = str(error).strip()
    if sqlstate == "57014":  # query_canceled
        return StatementTimeout(message, sqlstate)
    if sqlstate in {"40001", "40P01"}:  # serialization_failure, deadlock_detected
        return DatabaseConflict(message)
    if sqlstate is None:
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return DatabaseUnavailable(message) if lost else DatabaseRefused(message)
    # 08 connection, 53 out of resources (disk, connections), 57P shutdown or start-up, 58 I/O error, 25006 read-only (fail-over),
    # 25P03 idle in transaction too long, 55P03 lock timeout
    if sqlstate[:2] in {"08", "53", "58"} or sqlstate[:3] == "57P" or sqlstate in {"25006", "25P03", "55P03"}:
        return DatabaseUnavailable(message)
    return DatabaseRefused(message, sqlstate)


def _counter_of(error: StorageError) -> str:
    for kind, counter in (
        (DatabaseConflict, "conflicts"),
        (DatabaseUnavailable, "unavailable"),
        (StatementTimeout, "timeouts"),
    ):
        if isinstance(error, kind):
            return counter
    return "refused"


def _is_open(connection: Connection) -> bool:
    """Whether the server has left an idle connection open, without a round trip for those that are well: it has nothing to say there."""
    poll = select.poll()  # not select(): a daemon with many sockets has descriptors above 1023
    try:
        poll.register(connection.fileno(), select.POLLIN)
        if poll.poll(0):
            ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True


def _cancel(connection: Connection, timeout_s: float) -> None:
    with suppress(psycopg.Error):  # a server that does not even take the request: the connection is cut when patience ends
        connection.cancel_safe(timeout=timeout_s)


def _cut(connection: Connection) -> None:
    """Wake a thread that waits for a server which answers no more: it finds the connection at its end."""
    # Suppressed: it is closed already, and the thread awake.
    with suppress(OSError, psycopg.Error), socket.socket(fileno=socket.dup(connection.fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)
