"""An index of the library of tests/fakes, made once and only read, and websites over it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import psycopg
import pytest
import trio
from psycopg.conninfo import make_conninfo

from config.settings import DatabaseSettings
from storage.accounts import Accounts
from storage.database import Database
from storage.torrents import Torrents
from storage.works import Works
from tests.fakes.library import LIBRARY, SINTEL, with_swarm
from tests.fakes.website import Website, parts_over, serving


@dataclass(frozen=True)
class Library:
    """Where it is, and the keys to it."""

    conninfo: str
    search_key: str
    admin_key: str
    useless_key: str


@pytest.fixture(scope="session")
def library(postgres: str, _admin: psycopg.Connection, _template: str) -> Iterator[Library]:
    """A database that holds the library; tests must not change it."""
    _admin.execute(f"CREATE DATABASE library TEMPLATE {_template}")
    conninfo = make_conninfo(postgres, dbname="library")

    async def fill() -> Library:
        async with Database(conninfo, DatabaseSettings()) as database:
            torrents, accounts = Torrents(database), Accounts(database)
            # One after the other, so that each was seen first at a time of its own.
            for found in LIBRARY:
                await torrents.store([with_swarm(found, 12, 3) if found is SINTEL else found])
            keys = [(await accounts.create_key(scope, [scope])).text for scope in ("search", "admin", "metrics")]
        return Library(conninfo, *keys)

    yield trio.run(fill)
    _admin.execute("DROP DATABASE library WITH (FORCE)")


@pytest.fixture
async def library_database(library: Library) -> AsyncIterator[Database]:
    async with Database(library.conninfo, DatabaseSettings()) as database:
        yield database


@pytest.fixture
async def site(library_database: Database, library: Library) -> AsyncIterator[Website]:
    """The library on a real port, with a key that may search."""
    works = Works(library_database)
    await works.refresh()
    async with serving(parts_over(library_database, works=works), library.search_key) as website:
        yield website


@pytest.fixture
async def empty_site(database: Database) -> AsyncIterator[Website]:
    """An index with nothing in it."""
    key = await Accounts(database).create_key("tests", ["search"])
    async with serving(parts_over(database), key.text) as website:
        yield website
