"""The same request again: with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) it gets the same answer again.

Finished requests are known to the database, for a day and over restarts; those underway to this process, which is the only one that
answers. A client that hung up is answered when it asks again, so its request goes on for a moment without it.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import trio
from werkzeug.exceptions import Conflict, UnprocessableEntity

from catalog.receipts import Settled
from storage.errors import StorageError
from storage.ingest_answers import IngestAnswers
from web.auth.principal import Principal
from web.errors import BadInput

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
LONGEST_KEY: Final = 255

_AFTER_HANGUP_S: Final = 3.0
"""As long as a commit takes on a bad day; the daemon's stop waits no longer either."""
_RETRY_AFTER_S: Final = 2

logger = logging.getLogger("swarmdex.web")

Outcomes = tuple[Settled, ...]


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request that may come again."""

    request: bytes
    """SHA-256 of who sent it and of its key."""
    body: bytes
    """SHA-256 of where it was sent to and of its body."""

    @classmethod
    def of(cls, key: str | None, principal: Principal, address: str, body: bytes) -> "RequestKey | None":
        """None for a request without a key. Raises BadInput for a key that is none."""
        if key is None:
            return None
        if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise BadInput(f"{HEADER} must have 1 to {LONGEST_KEY} printable ASCII characters")
        return cls(_digest(principal.kind.encode(), principal.id.encode(), key.encode()), _digest(address.encode(), body))


class Underway(Conflict):
    """The request has come before and is not answered yet."""

    def get_headers(self, *arguments: Any, **named: Any) -> list[tuple[str, str]]:
        """With Retry-After."""
        return [*super().get_headers(*arguments, **named), ("Retry-After", str(_RETRY_AFTER_S))]


class Repeats:
    """Answers a request once, and its repetitions from memory."""

    def __init__(self, answers: IngestAnswers) -> None:
        self._answers = answers
        self._underway: dict[bytes, bytes] = {}

    async def once(self, key: RequestKey | None, settle: Callable[[], Awaitable[Outcomes]]) -> tuple[Outcomes, bool]:
        """What `settle` returns, or returned when this request was here before; and whether it was.

        Raises:
            UnprocessableEntity: the key was used for another request.
            Conflict: this very request is underway.
            DatabaseUnavailable: nobody can say whether it was here.
        """
        if key is None:
            return await settle(), False
        self._check_other(key, self._underway.get(key.request))
        if key.request in self._underway:
            raise Underway("This request is being worked on: send it again in a moment")
        self._underway[key.request] = key.body
        try:
            kept = await self._answers.find(key.request)
            if kept is not None:
                self._check_other(key, kept.body)
                return kept.outcomes, True
            return await _outliving_hangup(lambda: self._settled(key, settle)), False
        finally:
            del self._underway[key.request]

    async def _settled(self, key: RequestKey, settle: Callable[[], Awaitable[Outcomes]]) -> Outcomes:
        outcomes = await settle()
        try:
            await self._answers.keep(key.request, key.body, outcomes)
        except StorageError as error:
            logger.warning("an answer could not be kept for its repetition: %s", error)  # it is right all the same
        return outcomes

    def _check_other(self, key: RequestKey, known_body: bytes | None) -> None:
        if known_body is not None and known_body != key.body:
            raise UnprocessableEntity(f"This {HEADER} was used for another request: each request needs a key of its own")


async def _outliving_hangup(work: Callable[[], Awaitable[Outcomes]]) -> Outcomes:
    """What `work` returns or raises; cancelled, it gets a little more time."""
    result: Outcomes | None = None
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        with trio.CancelScope(shield=True) as scope:
            nursery.start_soon(_end_soon_when_cancelled, scope)
            try:
                result = await work()
            except Exception as error:  # carried out of the nursery, which would wrap it in a group
                failure = error
        nursery.cancel_scope.cancel()
    await trio.lowlevel.checkpoint_if_cancelled()
    if failure is not None:
        raise failure
    assert result is not None  # noqa: S101 - else it was cancelled
    return result


async def _end_soon_when_cancelled(scope: trio.CancelScope) -> None:
    try:
        await trio.sleep_forever()
    finally:
        scope.deadline = min(scope.deadline, trio.current_time() + _AFTER_HANGUP_S)


def _digest(*parts: bytes) -> bytes:
    """SHA-256 of several texts, none of which can pass for two."""
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).digest()
