"""A website that takes torrents, over a fresh database."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.fakes.pipeline import IngestSite, ingesting


@pytest.fixture
async def ingest(database: Database) -> AsyncIterator[IngestSite]:
    async with ingesting(database) as site:
        yield site
