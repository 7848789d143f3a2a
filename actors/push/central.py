"""The central instance, as a crawler without a database sees it: takes batches, and says which hashes it does not know.

Every call waits at the circuit, so while the instance is away nothing is asked for, and the sources come to rest. What an answer means
stands in docs/pushing.md.
"""

import gzip
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Generic, Literal, Self, TypeVar

import httpcore
import httpx
import msgspec
import trio

from actors.circuit import Call, Circuit
from actors.http.body import ACCEPTED, read_body
from actors.http.errors import MalformedAnswer, TooLarge, words_of
from actors.http.network import Transport
from actors.http.retry_after import retry_after_s
from catalog.titles.sanitise import displayed
from config.settings import PushSettings
from protocol.errors import SwarmdexError
from protocol.identifiers import InfoHash

A = TypeVar("A")

_ANSWER_BYTES: Final = 8 * 1024 * 1024
_ASKED: Final = 500
"""Hashes a question; twice as many are allowed."""
_PACKED_RATIO: Final = 50
"""What packs tighter is sent as it is: the other side takes it for a bomb."""
_BUSY_S: Final = 2.0
_NOT_OURS: Final = "does not answer as swarmdex does: is push.url right?"
_CONNECTIONS: Final = 4
_LONGEST_WORDS: Final = 300


class BatchTooLarge(SwarmdexError):
    """The central instance takes no request of this size (413)."""


class BatchRefused(SwarmdexError):
    """The central instance refuses the batch as a whole, for good; the message says why."""


class ItemResult(msgspec.Struct):
    """What became of one torrent over there."""

    status: Literal["new", "updated", "blocked", "refused", "invalid"]
    reason: str = ""


class _BatchAnswer(msgspec.Struct):
    results: list[ItemResult]


class _UnknownAnswer(msgspec.Struct):
    unknown: list[str]


class _Problem(msgspec.Struct):
    """RFC 9457, as far as we read it."""

    detail: str = ""
    title: str = ""


class CentralIndex:
    """The way there; open with `async with` for as long as the daemon runs.

    Args:
        settings: where it is and how long to wait.
        secret: its X-Internal-Secret.
        version: ours, for its log.
        circuit: shared by all who call.
        transport: ours over TCP unless given.
    """

    def __init__(
        self, settings: PushSettings, secret: str, version: str, circuit: Circuit, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self.circuit = circuit
        tls = httpx.create_ssl_context(verify=True, trust_env=False)
        self._client = httpx.AsyncClient(
            base_url=settings.url,
            headers={"X-Internal-Secret": secret, "User-Agent": f"swarmdex/{version}", "Accept-Encoding": ACCEPTED},
            transport=transport or Transport(httpcore.TrioBackend(), tls, connections=_CONNECTIONS),
            timeout=httpx.Timeout(None, connect=settings.connect_timeout_s),
            follow_redirects=False,  # a secret is not carried elsewhere
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self._client.__aexit__(kind, error, traceback)

    async def send(self, lines: Sequence[bytes], key: str) -> list[ItemResult]:
        """Hand over a batch; returns what became of each line. Waits for as long as it takes.

        Raises:
            BatchTooLarge: send it in parts.
            BatchRefused: it is never taken.
        """
        body = b"\n".join(lines) + b"\n"
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": key}
        packed = await trio.to_thread.run_sync(gzip.compress, body, 5)
        if len(packed) * _PACKED_RATIO >= len(body):
            body = packed
            headers["Content-Encoding"] = "gzip"
        request = self._client.build_request("POST", "/api/ingest/bulk", content=body, headers=headers)
        answer = await self._exchange(request, _BatchAnswer, fits=lambda found: len(found.results) == len(lines))
        return answer.results

    async def unknown(self, info_hashes: Sequence[InfoHash]) -> list[InfoHash]:
        """Those that it neither holds nor has blocked. Waits for as long as it takes."""
        unknown: list[InfoHash] = []
        for start in range(0, len(info_hashes), _ASKED):
            asked = {info_hash.hex(): info_hash for info_hash in info_hashes[start : start + _ASKED]}
            request = self._client.build_request("POST", "/api/ingest/unknown", json={"info_hashes": list(asked)})
            answer = await self._exchange(request, _UnknownAnswer, is_question=True)
            unknown += [asked[text] for text in answer.unknown if text in asked]
        return unknown

    async def _exchange(
        self, request: httpx.Request, type_: type[A], *, fits: Callable[[A], bool] = lambda _: True, is_question: bool = False
    ) -> A:
        """The answer; asked for again, as the circuit allows, until there is one."""
        expected = _Expected(type_, fits, is_question)
        while True:
            async with self.circuit.call() as call:
                answer = await self._try(request, call)
                if answer is not None and (found := expected.judge(answer, call)) is not None:
                    return found
            if answer is not None and answer.status == httpx.codes.CONFLICT:
                await trio.sleep(_BUSY_S)  # this very batch is being worked on, after a connection that broke

    async def _try(self, request: httpx.Request, call: Call) -> "_Answer | None":
        """One request; None: there is no answer, and the circuit knows."""
        try:
            with trio.fail_after(self._settings.timeout_s):
                answer = await self._client.send(request, stream=True)
                try:
                    body = await read_body(answer, _ANSWER_BYTES, self._settings.url)
                finally:
                    await answer.aclose()
        except trio.TooSlowError:
            call.failed(f"no answer within {self._settings.timeout_s:g} s")
        except (TooLarge, MalformedAnswer, httpx.HTTPError):  # httpx's own: a redirect to what is no address
            call.failed(_NOT_OURS)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ssl.SSLError) as exc:
            call.failed(words_of(exc))
        else:
            return _Answer(answer.status_code, answer.headers, body)
        return None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: httpx.Headers
    body: bytes

    def in_words(self) -> str:
        """Status and reason, for people."""
        try:
            problem = msgspec.json.decode(self.body, type=_Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return f"HTTP {self.status}"
        words = displayed(problem.detail or problem.title)[:_LONGEST_WORDS]
        return f"HTTP {self.status}: {words}" if words else f"HTTP {self.status}"


@dataclass(frozen=True, slots=True)
class _Expected(Generic[A]):
    """What an answer should be."""

    type_: type[A]
    fits: Callable[[A], bool]
    is_question: bool
    """A refusal is about the instance, not about what was sent."""

    def judge(self, answer: _Answer, call: Call) -> A | None:
        """What it says, if it is final; tells the circuit how the instance fares. Raises BatchTooLarge, BatchRefused."""
        if 200 <= answer.status < 300 and (found := self._read(answer.body)) is not None:
            call.succeeded()
            return found
        if (trouble := self._trouble(answer)) is not None:
            call.failed(trouble, retry_after_s=retry_after_s(answer.headers, time.time()))
            return None
        call.succeeded()  # the instance is well, what it was sent is not
        if answer.status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise BatchTooLarge(answer.in_words())
        if answer.status != httpx.codes.CONFLICT:
            raise BatchRefused(answer.in_words())
        return None

    def _trouble(self, answer: _Answer) -> str | None:
        """What is wrong with the instance or the way there; None: it is about what was sent."""
        match answer.status:
            case 401 | 403:
                return f"our secret is refused ({answer.in_words()}): push.secret_file must hold its internal secret"
            case 404 | 405 | 421:
                return f"{answer.in_words()}: {_NOT_OURS}"
            case 408 | 425 | 429:
                return answer.in_words()
            case status if status >= 500:
                return answer.in_words()
            case status if status < 300:
                return _NOT_OURS
            case status if status < 400:
                return f"HTTP {status}, it sends us elsewhere: write where to into push.url"
            case _:
                return f"our question is not understood ({answer.in_words()}): is it an older version?" if self.is_question else None

    def _read(self, body: bytes) -> A | None:
        try:
            found = msgspec.json.decode(body, type=self.type_)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return found if self.fits(found) else None
