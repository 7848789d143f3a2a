"""What Quart makes of a request, with a smaller appetite."""

from typing import Any, Final

from quart import Request
from quart_trio.wrappers.request import TrioBody, TrioRequest
from werkzeug.exceptions import RequestEntityTooLarge

LARGE_BODIES: Final = "/api/ingest"
"""Where bodies may be as large as MAX_CONTENT_LENGTH allows; the routes there have limits of their own."""
SMALL_BODY_BYTES: Final = 128 * 1024
"""For all others: forms and small JSON."""


class FrugalBody(TrioBody):
    """Takes no more than the limit: from 0.23 on Quart counts what is read, and keeps all that arrives until then."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(expected_content_length, max_content_length)
        self._arrived_bytes = 0

    async def put(self, data: bytes) -> None:
        """Called by Quart 0.23 for each piece; 0.22 has another way, with a limit of its own."""
        if self._must_raise is not None:
            return
        self._arrived_bytes += len(data)
        if self._max_content_length is not None and self._arrived_bytes > self._max_content_length:
            self._must_raise = RequestEntityTooLarge()
            data = b""  # wakes whoever waits for more, to be told
        parent: Any = super()
        await parent.put(data)


class FrugalRequest(TrioRequest):
    """Keeps no more of a body than its address can use.

    Quart gathers what arrives while the handler is still at work on other things, whether it will read it or not: strangers with slow
    requests could fill the memory, up to the largest limit of all.
    """

    body_class = FrugalBody

    def __init__(self, method: str, scheme: str, path: str, *arguments: Any, max_content_length: int | None = None, **named: Any) -> None:
        limit = max_content_length if path.startswith(LARGE_BODIES) else SMALL_BODY_BYTES
        super().__init__(method, scheme, path, *arguments, max_content_length=limit, **named)


def path_for_logs(request: Request) -> str:
    """The path as it came, in printable ASCII: unescaped it could hold line ends and forge lines. Without the query: keys are there."""
    raw: bytes = request.scope.get("raw_path", b"")
    return raw.partition(b"?")[0].decode("ascii", "backslashreplace")
