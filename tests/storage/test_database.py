from storage.database import Connection, Database


def one(connection: Connection) -> int:
    row = connection.execute("SELECT 1").fetchone()
    assert row is not None
    return row[0]


async def test_a_transaction_commits_what_it_wrote(database: Database) -> None:
    def write(connection: Connection) -> None:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")

    await database.run(write)
    assert await database.run(lambda connection: connection.execute("SELECT n FROM t").fetchall()) == [(1,)]
    assert database.statistics().transactions == 2
