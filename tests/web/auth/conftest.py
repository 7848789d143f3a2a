"""A site with an administrator and somebody who may search, and browsers for them."""

from collections.abc import AsyncIterator

import pytest

from storage.accounts import Accounts
from storage.database import Database
from tests.fakes.browser import Browser, browsing
from tests.fakes.passwords import cheap_passwords
from tests.fakes.website import Website, parts_over, serving

PHRASE = "correct horse battery"


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database, passwords=cheap_passwords())


@pytest.fixture
async def peopled(database: Database, accounts: Accounts) -> AsyncIterator[Website]:
    """`boss` administers it, `jane` may search; both have the same password."""
    await accounts.create_first_admin("boss", PHRASE)
    await accounts.create_user("jane", PHRASE)
    async with serving(parts_over(database, accounts=accounts)) as website:
        yield website


@pytest.fixture
async def browser(peopled: Website) -> AsyncIterator[Browser]:
    """Nobody is signed in there."""
    async with browsing(peopled.url) as opened:
        yield opened


@pytest.fixture
async def boss(peopled: Website) -> AsyncIterator[Browser]:
    async with browsing(peopled.url) as opened:
        assert (await opened.sign_in("boss", PHRASE)).status_code == 303
        yield opened


@pytest.fixture
async def jane(peopled: Website) -> AsyncIterator[Browser]:
    async with browsing(peopled.url) as opened:
        assert (await opened.sign_in("jane", PHRASE)).status_code == 303
        yield opened
