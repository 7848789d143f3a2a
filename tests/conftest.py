"""What every test may use: a clean environment, and real PostgreSQL.

`postgres` starts one embedded server for the whole run, as swarmdex itself does; `database` is a fresh, migrated and opened database in it.
"""

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from config.settings import DatabaseSettings
from storage.database import Database
from storage.embedded import EmbeddedServer
from storage.migrations.runner import migrate

for name in [name for name in os.environ if name.startswith(("SWARMDEX__", "PG"))]:
    del os.environ[name]  # the settings of whoever runs the tests


@pytest.fixture(scope="session")
def make_data_dir() -> Iterator[Callable[[], Path]]:
    """Makes data directories that the embedded server can use even when root runs the tests.

    pytest's tmp_path has parents with mode 0700, which the server's unprivileged account cannot pass.
    """
    made: list[Path] = []

    def make() -> Path:
        folder = Path(tempfile.mkdtemp(prefix="sx-", dir="/tmp"))
        folder.chmod(0o711)
        made.append(folder)
        return folder

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def data_dir(make_data_dir: Callable[[], Path]) -> Iterator[Path]:
    """An empty data directory for an embedded server."""
    folder = make_data_dir()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(make_data_dir: Callable[[], Path]) -> Iterator[str]:
    """The conninfo of an embedded server that runs until the tests end; it never syncs to disk."""
    server = EmbeddedServer(make_data_dir(), DatabaseSettings(connections=40), durable=False)
    try:
        server.set_up()
        for pause in server.bring_up():
            time.sleep(pause)
        server.make_database()
        yield server.conninfo
    finally:
        for pause in server.shut_down():
            time.sleep(pause)


@pytest.fixture(scope="session")
def _admin(postgres: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres, dbname="postgres", autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def _template(postgres: str, _admin: psycopg.Connection) -> str:
    """A database with every migration, to copy from."""
    _admin.execute("CREATE DATABASE migrated")
    migrate(make_conninfo(postgres, dbname="migrated"))
    return "migrated"


_numbers = itertools.count(1)


def _fresh(admin: psycopg.Connection, template: str) -> str:
    name = f"test_{next(_numbers)}"
    admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


@pytest.fixture
def conninfo(postgres: str, _admin: psycopg.Connection, _template: str) -> Iterator[str]:
    """The conninfo of a fresh, migrated database."""
    name = _fresh(_admin, _template)
    yield make_conninfo(postgres, dbname=name)
    _admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_conninfo(postgres: str, _admin: psycopg.Connection) -> Iterator[str]:
    """The conninfo of a fresh database with nothing in it."""
    name = _fresh(_admin, "template0")
    yield make_conninfo(postgres, dbname=name)
    _admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(conninfo: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, opened."""
    async with Database(conninfo, DatabaseSettings()) as opened:
        yield opened
