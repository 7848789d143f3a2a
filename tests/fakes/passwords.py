"""Passwords whose hashes cost next to nothing."""

from argon2 import PasswordHasher

from storage.accounts.passwords import Passwords


def cheap_passwords() -> Passwords:
    """The real thing with the smallest parameters there are."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
