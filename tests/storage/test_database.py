import os
import random
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest
import trio

from config.settings import DatabaseSettings
from storage.database import Connection, Database
from storage.embedded import EmbeddedServer
from storage.errors import DatabaseConflict, DatabaseRefused, DatabaseUnavailable, StatementTimeout


def execute(statement: str) -> Callable[[Connection], list[tuple[object, ...]]]:
    def work(connection: Connection) -> list[tuple[object, ...]]:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    return work


@pytest.fixture
async def plain(empty_conninfo: str) -> AsyncIterator[Database]:
    """A database without migrations, four connections."""
    async with Database(empty_conninfo, DatabaseSettings(connections=4)) as database:
        yield database


async def backends(database: Database, state: str) -> object:
    """How many other server processes of this database are in `state`."""
    statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = %s"
    return await database.run(lambda connection: connection.execute(statement, (state,)).fetchone())


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for something that happens in a thread."""
    with trio.fail_after(20):
        while not is_true():  # noqa: ASYNC110  (threads set no Trio event)
            await trio.sleep(0.01)


async def test_a_transaction_commits_what_it_wrote(plain: Database) -> None:
    await plain.run(execute("CREATE TABLE t AS SELECT 1 AS n"))
    assert await plain.run(execute("SELECT n FROM t")) == [(1,)]
    assert plain.statistics().transactions == 2


async def test_a_transaction_that_raises_leaves_nothing_behind(plain: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute("CREATE TABLE t (n int)")
        raise KeyError("a bug of the caller's")

    with pytest.raises(KeyError):
        await plain.run(work)
    assert await plain.run(execute("SELECT to_regclass('t')")) == [(None,)]


async def test_sessions_are_set_up(plain: Database) -> None:
    rows = await plain.run(
        execute("SELECT name, setting FROM pg_settings WHERE name IN ('jit', 'random_page_cost', 'application_name', 'statement_timeout')")
    )
    assert dict(rows) == {"jit": "off", "random_page_cost": "1.1", "application_name": "swarmdex", "statement_timeout": "60000"}  # type: ignore[arg-type]


async def test_a_cancelled_query_ends_at_once_and_the_pool_stays_usable(plain: Database) -> None:
    started = trio.current_time()
    with trio.move_on_after(0.3) as scope:
        await plain.run(execute("SELECT pg_sleep(30)"))
    assert scope.cancelled_caught
    assert trio.current_time() - started < 1.5
    assert await plain.run(execute("SELECT 1")) == [(1,)]
    assert await backends(plain, "active") == (0,)
    assert plain.statistics().cancelled == 1


async def test_what_was_cancelled_is_not_committed(plain: Database) -> None:
    may_go_on = threading.Event()

    def work(connection: Connection) -> None:
        connection.execute("CREATE TABLE t (n int)")
        may_go_on.wait(10)  # busy in Python, where no cancel request reaches it

    with trio.move_on_after(0.2):
        await plain.run(work)
    may_go_on.set()
    await until(lambda: not plain.statistics().connections_in_use)
    assert await plain.run(execute("SELECT to_regclass('t')")) == [(None,)]


async def test_a_hundred_calls_cancelled_anywhere_leak_nothing(plain: Database) -> None:
    chance = random.Random(7)

    async def call() -> None:
        with trio.move_on_after(chance.uniform(0, 0.05)):
            await plain.run(execute("SELECT pg_sleep(0.005)"))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(call)
    await until(lambda: not plain.statistics().connections_in_use)
    assert [await plain.run(execute("SELECT 1")) for _ in range(20)] == [[(1,)]] * 20
    assert await backends(plain, "idle in transaction") == (0,)
    assert plain.statistics().connections <= 4
    assert plain.statistics().refused == plain.statistics().timeouts == 0, "a cancel request hit a stranger's query"


async def test_a_server_process_that_hangs_does_not_hold_up_a_cancelled_call(plain: Database) -> None:
    pids: list[int] = []

    def work(connection: Connection) -> None:
        pids.append(connection.info.backend_pid)
        connection.execute("SELECT pg_sleep(0.2)")
        connection.execute("SELECT 1")

    async def freeze() -> None:
        await until(lambda: bool(pids))
        os.kill(pids[0], signal.SIGSTOP)

    started = trio.current_time()
    try:
        with trio.move_on_after(0.5) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(freeze)
                await plain.run(work)
        assert scope.cancelled_caught
        assert trio.current_time() - started < 6
        assert await plain.run(execute("SELECT 1")) == [(1,)]
    finally:
        os.kill(pids[0], signal.SIGCONT)


async def test_no_more_transactions_at_a_time_than_connections(plain: Database) -> None:
    running = most = 0
    lock = threading.Lock()

    def work(connection: Connection) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        connection.execute("SELECT pg_sleep(0.02)")
        with lock:
            running -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(16):
            nursery.start_soon(plain.run, work)
    assert most == 4


async def test_a_slow_statement_meets_the_timeout(empty_conninfo: str) -> None:
    async with Database(empty_conninfo, DatabaseSettings(statement_timeout_s=0.1)) as database:
        with pytest.raises(StatementTimeout):
            await database.run(execute("SELECT pg_sleep(10)"))
        assert await database.run(execute("SELECT 1")) == [(1,)]
        assert database.statistics().timeouts == 1


async def test_a_refused_statement_says_its_sqlstate(plain: Database) -> None:
    with pytest.raises(DatabaseRefused) as caught:
        await plain.run(execute("CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1), (1)"))
    assert caught.value.sqlstate == "23505"
    assert isinstance(caught.value.__cause__, psycopg.errors.UniqueViolation)
    assert await plain.run(execute("SELECT to_regclass('t')")) == [(None,)]


async def test_a_deadlock_is_a_conflict_to_be_tried_again(plain: Database) -> None:
    await plain.run(execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 2) n"))
    both = threading.Barrier(2)
    outcomes: list[str] = []

    async def update(first: int, second: int) -> None:
        def work(connection: Connection) -> None:
            connection.execute("SET LOCAL deadlock_timeout = '50ms'")
            connection.execute("UPDATE t SET n = n WHERE n = %s", (first,))
            both.wait(10)
            connection.execute("UPDATE t SET n = n WHERE n = %s", (second,))

        try:
            await plain.run(work)
        except DatabaseConflict:
            outcomes.append("conflict")
        else:
            outcomes.append("done")

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(update, 1, 2)
            nursery.start_soon(update, 2, 1)
    assert sorted(outcomes) == ["conflict", "done"]


async def test_a_connection_lost_in_the_transaction_is_unavailable_and_then_replaced(plain: Database) -> None:
    def work(connection: Connection) -> None:
        with psycopg.connect(plain.conninfo, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        connection.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailable):
        await plain.run(work)
    assert await plain.run(execute("SELECT 1")) == [(1,)]


async def test_connections_lost_while_idle_are_not_noticed_by_callers(plain: Database) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(plain.run, execute("SELECT pg_sleep(0.05)"))
    with psycopg.connect(plain.conninfo, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for _ in range(8):
        assert await plain.run(execute("SELECT 1")) == [(1,)]
    assert plain.statistics().unavailable == 0


async def test_open_tells_why_it_cannot(postgres: str) -> None:
    database = Database(psycopg.conninfo.make_conninfo(postgres, dbname="nowhere"), DatabaseSettings())
    with pytest.raises(DatabaseUnavailable, match='"nowhere" does not exist'):
        await database.open()
    with pytest.raises(DatabaseUnavailable):
        await database.run(execute("SELECT 1"))


async def test_a_database_can_be_closed_under_a_transaction_and_opened_again(plain: Database) -> None:
    may_go_on = threading.Event()
    has_begun = threading.Event()

    def work(connection: Connection) -> None:
        connection.execute("SELECT 1")
        has_begun.set()
        may_go_on.wait(10)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(plain.run, work)
            await until(has_begun.is_set)
            await plain.close()
            with pytest.raises(DatabaseUnavailable, match="not open"):
                await plain.run(execute("SELECT 1"))
            await plain.open()
            may_go_on.set()
    assert await plain.run(execute("SELECT 1")) == [(1,)]


async def test_a_server_that_dies_is_unavailable_soon_and_comes_back_by_itself(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, DatabaseSettings(), durable=False)
    try:
        await server.start()
        async with Database(server.conninfo, DatabaseSettings(), connection_wait_s=1.0) as database:
            await database.run(execute("CREATE TABLE t AS SELECT 7 AS n"))
            pid = int((data_dir / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
            started = time.monotonic()
            for _ in range(30):  # the first waits, the others are told at once
                with pytest.raises(DatabaseUnavailable):
                    await database.run(execute("SELECT pg_sleep(1)"))
            assert time.monotonic() - started < 8
            assert database.statistics().connections_in_use == 0
            await server.aclose()
            server = EmbeddedServer(data_dir, DatabaseSettings(), durable=False)
            await server.start()
            with trio.fail_after(10):
                while True:
                    try:
                        assert await database.run(execute("SELECT n FROM t")) == [(7,)]
                        break
                    except DatabaseUnavailable:
                        await trio.sleep(0.05)
    finally:
        await server.aclose()
