"""One index full of hostile names for all attacks, with everything that opens it; tests only read it."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
import trio
from psycopg.conninfo import make_conninfo

from config.settings import DatabaseSettings
from storage.accounts import Accounts
from storage.database import Database
from tests.attacks.hostile import Victim, fill
from tests.fakes.passwords import cheap_passwords
from tests.fakes.website import Website, parts_over, serving
from web.parts import WebParts


@pytest.fixture(scope="session")
def victim(postgres: str, _admin: psycopg.Connection, _template: str) -> Iterator[Victim]:
    """Where the index is, and who has which key."""
    _admin.execute(f"CREATE DATABASE victim TEMPLATE {_template}")
    conninfo = make_conninfo(postgres, dbname="victim")

    async def filled() -> Victim:
        async with Database(conninfo, DatabaseSettings()) as database:
            return await fill(database, conninfo)

    yield trio.run(filled)
    _admin.execute("DROP DATABASE victim WITH (FORCE)")


@pytest.fixture
async def victim_database(victim: Victim) -> AsyncIterator[Database]:
    async with Database(victim.conninfo, DatabaseSettings()) as database:
        yield database


@pytest.fixture
def victim_parts(victim_database: Database) -> WebParts:
    return parts_over(victim_database, accounts=Accounts(victim_database, passwords=cheap_passwords()))


@pytest.fixture
async def site(victim_parts: WebParts, victim: Victim) -> AsyncIterator[Website]:
    """The victim on a real port."""
    async with serving(victim_parts, victim.keys["search"]) as website:
        yield website


@pytest.fixture
async def shop(conninfo: str) -> AsyncIterator[tuple[Website, Accounts]]:
    """A website over a database of its own, for attacks that change something, and its accounts."""
    async with Database(conninfo, DatabaseSettings()) as database:
        accounts = Accounts(database, passwords=cheap_passwords())
        async with serving(parts_over(database, accounts=accounts)) as website:
            yield website, accounts
