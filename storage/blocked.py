"""The list of hashes that must never come back. What puts a torrent there is `Torrents.block`: it deletes as well."""

from dataclasses import dataclass
from datetime import datetime

from storage.database import Database


@dataclass(frozen=True, slots=True)
class BlockedHash:
    """One entry."""

    info_hash: bytes
    """20 bytes; of a v2 hash the beginning. A hybrid torrent has two entries."""
    at: datetime
    reason: str
    """"deleted", or what whoever blocked it said."""


class Blocked:
    """The table of blocked hashes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, limit: int, after: bytes = b"") -> tuple[BlockedHash, ...]:
        """In the order of the hashes, from behind `after` on."""
        found = await self._database.run(lambda connection: connection.execute(_PAGE, (after, limit)).fetchall())
        return tuple(BlockedHash(*row) for row in found)

    async def get(self, info_hash: bytes) -> BlockedHash | None:
        """The entry of a hash (20 or 32 bytes)."""
        found = await self._database.run(lambda connection: connection.execute(_GET, (info_hash[:20],)).fetchone())
        return None if found is None else BlockedHash(*found)

    async def unblock(self, info_hash: bytes) -> bool:
        """Let a hash (20 or 32 bytes) be stored again when it is found again; False if it was not blocked."""
        return await self._database.run(
            lambda connection: connection.execute("DELETE FROM blocked WHERE info_hash = %s", (info_hash[:20],)).rowcount > 0
        )


_PAGE = "SELECT info_hash, at, reason FROM blocked WHERE info_hash > %s ORDER BY info_hash LIMIT %s"
_GET = "SELECT info_hash, at, reason FROM blocked WHERE info_hash = %s"
