"""How often somebody may try: requests of a key, passwords and set-up tokens of a caller."""

import math
from typing import NoReturn

from werkzeug.exceptions import TooManyRequests

from storage.accounts import KeyInfo
from storage.accounts.users import name_key
from web.auth.buckets import Buckets
from web.auth.caller import network_of

TRIES_PER_NAME, TRIES_PER_NETWORK = 5, 10
SETUP_TRIES = 5
"""A minute."""
MAX_WAITING = 8
"""Passwords in line to be checked, half a second each; more are turned away."""
_WAITING_S = 5


class KeyLimit:
    """Each key's requests a minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets = Buckets()

    def count(self, key: KeyInfo) -> None:
        """Count a request. Raises TooManyRequests."""
        limit = self._per_minute if key.requests_per_minute is None else key.requests_per_minute
        if limit and (wait_s := self._buckets.take(key.id, limit)):
            too_many(wait_s, f"This key may make {limit} requests a minute")


class Attempts:
    """Who tries passwords, by name and by network: neither many passwords for one name nor one password for many names."""

    def __init__(self) -> None:
        self._buckets = Buckets()

    def count(self, address: str, name: str, *, waiting: int) -> None:
        """Count an attempt before it is made; `waiting` passwords are in line. Raises TooManyRequests."""
        wait_s = self._buckets.take(f"network {network_of(address)}", TRIES_PER_NETWORK) or self._buckets.take(
            _name_bucket(name), TRIES_PER_NAME
        )
        if wait_s:
            too_many(wait_s, "Too many attempts")
        if waiting >= MAX_WAITING:
            too_many(_WAITING_S, "Too many people are signing in at the moment")

    def count_setup(self, address: str) -> None:
        """Count a try of the set-up token. Raises TooManyRequests."""
        if wait_s := self._buckets.take(f"setup {network_of(address)}", SETUP_TRIES):
            too_many(wait_s, "Too many attempts")

    def succeeded(self, name: str) -> None:
        """The right password: those tries were typing errors."""
        self._buckets.refill(_name_bucket(name))


def _name_bucket(name: str) -> str:
    """One for all ways to type a name, or each way would be tried anew."""
    return f"name {name_key(name)[:100]}"


def too_many(wait_s: float, words: str) -> NoReturn:
    """Raise TooManyRequests with the whole seconds to wait."""
    seconds = math.ceil(wait_s)
    raise TooManyRequests(f"{words}: try again in {seconds} second{'s' if seconds > 1 else ''}", retry_after=seconds)
