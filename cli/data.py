"""Commands on the data, whether the daemon runs or not: they use its database, or start the embedded server for themselves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from config.settings import Settings
from protocol.errors import SwarmdexError
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


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of these settings, with every migration, for as long as the block lasts."""
    async with _conninfo(settings) as conninfo:
        await trio.to_thread.run_sync(apply_migrations, conninfo)
        async with Database(conninfo, settings.database) as database:
            yield database


class NoDatabase(SwarmdexError):
    """This instance keeps none: the command belongs to the central one, which the message names."""


@asynccontextmanager
async def _conninfo(settings: Settings) -> AsyncIterator[str]:
    if settings.sink == "api":
        raise NoDatabase(f'this instance has no database (sink = "api"): run the command where {settings.push.url} runs')
    if settings.database.url:
        await trio.to_thread.run_sync(check_external, settings.database.url)
        yield settings.database.url
    else:
        async with embedded_server(Path(settings.data_dir), settings.database) as conninfo:
            yield conninfo
