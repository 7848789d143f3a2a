"""Keys, users and sessions from the shell, whether the daemon runs or not."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import trio

from cli.data import open_database
from config.settings import Settings
from protocol.errors import SwarmdexError
from storage.accounts import Accounts, KeyInfo, NewKey, Session, User
from web.auth import setup_token

T = TypeVar("T")


class AccountRefused(SwarmdexError):
    """What was asked cannot be done to these accounts; the message says why."""


def create_key(settings: Settings, name: str, scopes: frozenset[str], expires: datetime | None, requests_per_minute: int | None) -> NewKey:
    """Make an API key; its text cannot be shown again."""
    return _run(settings, lambda accounts: accounts.create_key(name, scopes, expires=expires, requests_per_minute=requests_per_minute))


def list_keys(settings: Settings) -> tuple[KeyInfo, ...]:
    """All keys, oldest first."""
    return _run(settings, lambda accounts: accounts.keys())


def revoke_key(settings: Settings, key_id: str) -> None:
    """End a key."""

    async def revoke(accounts: Accounts) -> None:
        if not await accounts.revoke_key(key_id):
            raise AccountRefused(f"there is no key {key_id} that could be revoked; `swarmdex keys list` shows the ids")

    _run(settings, revoke)


def add_user(settings: Settings, name: str, password: str, *, is_admin: bool) -> User:
    """Add a user; with the first administrator the set-up token has done its work."""
    user = _run(settings, lambda accounts: accounts.create_user(name, password, is_admin=is_admin))
    if is_admin:
        setup_token.SetupToken(Path(settings.data_dir) / setup_token.FILE_NAME).spend()
    return user


def list_users(settings: Settings) -> tuple[User, ...]:
    """Everybody, by name."""
    return _run(settings, lambda accounts: accounts.users())


def set_password(settings: Settings, name: str, password: str) -> None:
    """Change a password; every session of the user ends."""

    async def change(accounts: Accounts) -> None:
        await accounts.set_password((await _named(accounts, name)).id, password)

    _run(settings, change)


def remove_user(settings: Settings, name: str) -> None:
    """Remove a user with sessions and keys."""

    async def remove(accounts: Accounts) -> None:
        await accounts.remove_user((await _named(accounts, name)).id)

    _run(settings, remove)


def list_sessions(settings: Settings, name: str | None) -> tuple[Session, ...]:
    """The sessions of a user, or of everybody."""

    async def sessions(accounts: Accounts) -> tuple[Session, ...]:
        return await accounts.sessions((await _named(accounts, name)).id if name is not None else None)

    return _run(settings, sessions)


def end_sessions(settings: Settings, name: str) -> int:
    """End all sessions of a user; returns how many."""

    async def end(accounts: Accounts) -> int:
        return await accounts.close_sessions((await _named(accounts, name)).id)

    return _run(settings, end)


async def _named(accounts: Accounts, name: str) -> User:
    user = await accounts.user_named(name)
    if user is None:
        raise AccountRefused(f"there is no user {name}; `swarmdex user list` shows all")
    return user


def _run(settings: Settings, work: Callable[[Accounts], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_database(settings) as database:
            try:
                return await work(Accounts(database))
            except ValueError as exc:
                raise AccountRefused(str(exc)) from exc

    return trio.run(run)
