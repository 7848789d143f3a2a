"""Commands on the data, whether the daemon runs or not: they use its database, or start the embedded server for themselves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from config.settings import Settings
from storage.accounts import Accounts
from storage.database import Database
from storage.embedded import embedded_server
from storage.external import check_external
from storage.migrations.runner import migrate as apply_migrations


def migrate(settings: Settings) -> list[str]:
    """Apply what is pending; returns the migrations' names."""

    async def run() -> list[str]:
        async with _conninfo(settings) as conninfo:
            return [str(each) for each in await trio.to_thread.run_sync(apply_migrations, conninfo)]

    return trio.run(run)


def create_key(settings: Settings, name: str, scopes: frozenset[str]) -> str:
    """Make an API key; returns its text, which cannot be shown again."""

    async def run() -> str:
        async with _database(settings) as database:
            return (await Accounts(database).create_key(name, scopes)).text

    return trio.run(run)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    async with _conninfo(settings) as conninfo:
        await trio.to_thread.run_sync(apply_migrations, conninfo)
        async with Database(conninfo, settings.database) as database:
            yield database


@asynccontextmanager
async def _conninfo(settings: Settings) -> AsyncIterator[str]:
    if settings.database.url:
        await trio.to_thread.run_sync(check_external, settings.database.url)
        yield settings.database.url
    else:
        async with embedded_server(Path(settings.data_dir), settings.database) as conninfo:
            yield conninfo
