"""Passwords: argon2id, in a thread, one after the other."""

import secrets
import unicodedata
from base64 import b64encode

import trio
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

MIN_LENGTH, MAX_LENGTH = 10, 1024


class Passwords:
    """Makes and checks password hashes.

    A hash takes 64 MiB and a good part of a second of two cores, on purpose. So only one is worked on at a time, and callers should
    turn people away while `waiting` is high.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._limiter = trio.CapacityLimiter(1)
        self._nobodys = _nobodys_hash(self._hasher)

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return self._limiter.statistics().tasks_waiting

    async def hash(self, password: str) -> str:
        """The text to store. Raises ValueError for a password that is too short or too long."""
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise ValueError(f"a password needs {MIN_LENGTH} to {MAX_LENGTH:,} characters")
        return await trio.to_thread.run_sync(self._hasher.hash, _bytes(password), limiter=self._limiter)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether the password is the one of `stored`; None, for a name that does not exist, takes as long."""
        tried = password if len(password) <= MAX_LENGTH else ""
        return await trio.to_thread.run_sync(self._verify, _bytes(tried), stored or self._nobodys, limiter=self._limiter)

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, password: bytes, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    # NFC: keyboards and systems write the same letter with one code point or two.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _nobodys_hash(hasher: PasswordHasher) -> str:
    """A hash with the parameters of all others and random content: no password fits, and finding that out is the same work."""
    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${parameters}${_base64(hasher.salt_len)}${_base64(hasher.hash_len)}"


def _base64(length: int) -> str:
    return b64encode(secrets.token_bytes(length)).decode().rstrip("=")
