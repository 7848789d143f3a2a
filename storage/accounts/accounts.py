"""All accounts in one place; each kind has a file of its own."""

from storage.accounts.download_tokens import DownloadTokens
from storage.accounts.keys import MEMORY_S, ApiKeys
from storage.accounts.passwords import Passwords
from storage.accounts.sessions import Sessions
from storage.accounts.users import Users
from storage.database import Database


class Accounts(ApiKeys, DownloadTokens, Users, Sessions):
    """The tables of storage/migrations/0002_accounts.sql."""

    def __init__(self, database: Database, *, passwords: Passwords | None = None, key_memory_s: float = MEMORY_S) -> None:
        ApiKeys.__init__(self, database, memory_s=key_memory_s)
        DownloadTokens.__init__(self, database)
        Users.__init__(self, database, passwords or Passwords())
        Sessions.__init__(self, database)

    async def remove_user(self, user_id: int) -> bool:
        """As Users.remove_user; the keys go with their owner, at once."""
        try:
            return await super().remove_user(user_id)
        finally:
            self.forget_checked_keys()
