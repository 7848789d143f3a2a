"""What was answered to ingest clients, kept for a day: who sends a request again with the same Idempotency-Key gets the same answer.

Only the outcomes are kept, packed: what else an answer says follows from the request, which comes along.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.receipts import Outcome, Settled
from storage.database import Connection, Database

KEPT_HOURS = 24
_PRUNED = 200  # forgotten with each one that is kept: more than can have come, so the table never grows beyond a day


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The outcomes of a request that was answered."""

    body: bytes
    """SHA-256 of what was sent, and where to."""
    outcomes: tuple[Settled, ...]


class IngestAnswers:
    """The table of kept answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, request: bytes) -> KeptAnswer | None:
        """The answer to `request` (SHA-256 of sender and key), None if there is none or it is too old."""
        found = await self._database.run(lambda connection: connection.execute(_FIND, (request,)).fetchone())
        if found is None:
            return None
        body, packed = found
        unpacked = json.loads(zlib.decompress(packed))
        return KeptAnswer(body, tuple(Settled(index, Outcome(outcome), reason) for index, (outcome, reason) in enumerate(unpacked)))

    async def keep(self, request: bytes, body: bytes, outcomes: Sequence[Settled]) -> None:
        """Keep an answer; one that is too old gives way, any other stays."""
        packed = zlib.compress(json.dumps([(settled.outcome, settled.reason) for settled in outcomes]).encode())
        await self._database.run(lambda connection: _keep(connection, request, body, packed))

    async def drop_old(self, limit: int) -> int:
        """Forget up to `limit` of those that are too old, for the time when nobody comes; returns how many."""
        return await self._database.run(lambda connection: connection.execute(_PRUNE, (limit,)).rowcount)


def _keep(connection: Connection, request: bytes, body: bytes, packed: bytes) -> None:
    connection.execute(_PRUNE, (_PRUNED,))
    connection.execute(_KEEP, (request, body, packed))


_AGE = f"interval '{KEPT_HOURS} hours'"
_FIND = f"SELECT body, outcomes FROM ingest_answer WHERE request = %s AND at > now() - {_AGE}"  # noqa: S608 - constants
_KEEP = f"""
INSERT INTO ingest_answer AS kept (request, body, outcomes) VALUES (%s, %s, %s)
ON CONFLICT (request) DO UPDATE SET at = excluded.at, body = excluded.body, outcomes = excluded.outcomes WHERE kept.at <= now() - {_AGE}
"""  # noqa: S608 - constants
_PRUNE = f"""
DELETE FROM ingest_answer WHERE request IN (
    SELECT request FROM ingest_answer WHERE at <= now() - {_AGE} ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED)
"""  # noqa: S608 - constants
