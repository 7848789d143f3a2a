"""One index full of hostile names for all attacks, and keys of every kind; tests only read it."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
import trio
from psycopg.conninfo import make_conninfo

from config.settings import DatabaseSettings
from storage.accounts import Accounts
from storage.database import Database
from storage.torrents import Torrents
from tests.attacks.hostile import TORRENTS, Victim
from tests.fakes.website import Website, parts_over, serving


@pytest.fixture(scope="session")
def victim(postgres: str, _admin: psycopg.Connection, _template: str) -> Iterator[Victim]:
    """Where the index is, and who has which key."""
    _admin.execute(f"CREATE DATABASE victim TEMPLATE {_template}")
    conninfo = make_conninfo(postgres, dbname="victim")

    async def fill() -> Victim:
        async with Database(conninfo, DatabaseSettings()) as database:
            await Torrents(database).store(TORRENTS)
            accounts = Accounts(database)
            keys = {
                scope: (await accounts.create_key(f"<b>{scope}</b>", [scope])).text for scope in ("search", "ingest", "metrics", "admin")
            }
        return Victim(conninfo, keys)

    yield trio.run(fill)
    _admin.execute("DROP DATABASE victim WITH (FORCE)")


@pytest.fixture
async def victim_database(victim: Victim) -> AsyncIterator[Database]:
    async with Database(victim.conninfo, DatabaseSettings()) as database:
        yield database


@pytest.fixture
async def site(victim_database: Database, victim: Victim) -> AsyncIterator[Website]:
    """The victim on a real port."""
    async with serving(parts_over(victim_database), victim.keys["search"]) as website:
        yield website
