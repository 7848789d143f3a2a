"""Match KRPC replies to the queries we sent (BEP 5). Time is an argument."""

from collections import deque
from enum import Enum, auto
from typing import Any, NamedTuple

from protocol.compact import CompactNode
from protocol.dht.node_id import RandomBits
from protocol.identifiers import Address, TransactionId


class Purpose(Enum):
    """Why a query was sent, which says who reads the answer."""

    BOOTSTRAP = auto()
    PING = auto()
    EXPLORE = auto()
    SAMPLE = auto()
    LOOK_UP = auto()


class PendingQuery(NamedTuple):
    """A query that waits for its answer."""

    address: Address
    node: CompactNode
    """Whom we believe to be there; just the address (no id) for a router."""
    purpose: Purpose
    context: Any


class QueryBook:
    """Queries on their way; all wait equally long, so they end in the order they were sent.

    Transaction ids are four random bytes: nobody can answer for a node whose address alone was guessed.
    """

    def __init__(self, random_bits: RandomBits, *, timeout_s: float) -> None:
        self._random_bits = random_bits
        self._timeout = timeout_s
        self._pending: dict[bytes, PendingQuery] = {}
        self._ends: deque[tuple[float, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, address: Address, node: CompactNode, purpose: Purpose, context: Any, now: float) -> TransactionId:
        """Note a query that is being sent now; returns the transaction id it must carry."""
        transaction_id = self._random_bits(32).to_bytes(4, "big")
        while transaction_id in self._pending:
            transaction_id = self._random_bits(32).to_bytes(4, "big")
        self._pending[transaction_id] = PendingQuery(address, node, purpose, context)
        self._ends.append((now + self._timeout, transaction_id))
        return TransactionId(transaction_id)

    def answered(self, transaction_id: bytes, address: Address) -> PendingQuery | None:
        """The query this answers; None for a reply nobody asked for, or one from another address."""
        query = self._pending.get(transaction_id)
        if query is None or query.address != address:
            return None
        del self._pending[transaction_id]
        return query

    def expire(self, now: float) -> list[PendingQuery]:
        """Queries whose answer did not come in time; an answer that comes later counts as not asked for."""
        expired = []
        while self._ends and self._ends[0][0] <= now:
            query = self._pending.pop(self._ends.popleft()[1], None)
            if query is not None:
                expired.append(query)
        return expired
