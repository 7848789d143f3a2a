import threading
from pathlib import Path

import psycopg
import pytest

from storage.errors import DatabaseUnavailable, MigrationError
from storage.migrations.runner import applied, migrate, migrations, pending


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good migrations."""
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE a (n int);\nCREATE TABLE b (n int);\n")
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE c (n int); -- 100 %\n")
    return tmp_path


def query(conninfo: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def tables(conninfo: str) -> list[str]:
    return [str(row[0]) for row in query(conninfo, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]


def test_our_own_migrations_are_numbered_and_apply(empty_conninfo: str) -> None:
    done = migrate(empty_conninfo)
    assert done == migrations()


def test_each_is_applied_once_and_recorded(empty_conninfo: str, folder: Path) -> None:
    heard: list[str] = []
    assert [str(each) for each in migrate(empty_conninfo, folder, report=lambda each: heard.append(str(each)))] == heard
    assert heard == ["0001_first", "0002_second"]
    assert tables(empty_conninfo) == ["a", "b", "c", "migration"]
    assert migrate(empty_conninfo, folder) == ()
    with psycopg.connect(empty_conninfo) as connection:
        assert [(each.number, each.name) for each in applied(connection)] == [(1, "first"), (2, "second")]
        assert pending(connection, folder) == ()


def test_what_is_pending_can_be_seen_without_touching_the_database(empty_conninfo: str, folder: Path) -> None:
    with psycopg.connect(empty_conninfo) as connection:
        assert [each.number for each in pending(connection, folder)] == [1, 2]
        assert applied(connection) == ()
    assert tables(empty_conninfo) == []


def test_a_failing_migration_leaves_nothing_of_itself_and_keeps_those_before(empty_conninfo: str, folder: Path) -> None:
    (folder / "0002_second.sql").write_text("CREATE TABLE c (n int); SELECT 1 / 0;")
    with pytest.raises(MigrationError, match="0002_second failed: division by zero"):
        migrate(empty_conninfo, folder)
    assert tables(empty_conninfo) == ["a", "b", "migration"]
    (folder / "0002_second.sql").write_text("CREATE TABLE c (n int);")
    assert [each.number for each in migrate(empty_conninfo, folder)] == [2]


def test_an_index_can_be_built_concurrently(empty_conninfo: str, folder: Path) -> None:
    (folder / "0003_index.sql").write_text(
        "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a_n ON a (n);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS b_n ON b (n);\n"
    )
    migrate(empty_conninfo, folder)
    assert query(empty_conninfo, "SELECT count(*) FROM pg_indexes WHERE indexname IN ('a_n', 'b_n')") == [(2,)]


def test_an_edited_migration_is_refused(empty_conninfo: str, folder: Path) -> None:
    migrate(empty_conninfo, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE other (n int);")
    with pytest.raises(MigrationError, match=r"0001_first was changed after it was applied.*new migration"):
        migrate(empty_conninfo, folder)


def test_a_database_newer_than_the_code_is_refused(empty_conninfo: str, folder: Path) -> None:
    migrate(empty_conninfo, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(MigrationError, match=r"newer than this swarmdex: it has migration 0002_second.*restore"):
        migrate(empty_conninfo, folder)


@pytest.mark.parametrize("name", ["0004_gap.sql", "2_short.sql", "0002_again.sql"])
def test_badly_numbered_files_are_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"0001"):
        migrations(folder)


def test_two_processes_at_once_apply_each_migration_once(empty_conninfo: str, folder: Path) -> None:
    # An index built concurrently waits for every older snapshot: the second process must not hold one while it waits for the first.
    (folder / "0003_index.sql").write_text("-- no-transaction\nCREATE INDEX CONCURRENTLY a_n ON a (n);\n")
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(len(migrate(empty_conninfo, folder)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(done) == [0, 0, 3]


def test_a_database_that_is_not_there_is_unavailable(folder: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        migrate("host=/nonexistent dbname=index", folder)
