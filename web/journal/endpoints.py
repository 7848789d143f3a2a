"""Shows the journal: the page "Why zero results?" and its JSON twin, with replay."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import trio
from quart import Response, g, request
from werkzeug.exceptions import NotFound

from protocol.torznab.errors import TorznabError
from storage.errors import StorageError
from web.auth.page import go, page
from web.errors import JSON_TYPE
from web.journal.journal import Asked, Entry, Explanation
from web.journal.recorder import Recorder
from web.operation import Answer, Operation, Parameter, describes
from web.parts import WebParts

EXPLAIN_DEADLINE_S = 8.0
REPLAY = "replay of request {}"
"""The agent of a request that was run again."""

Again = Callable[[Iterable[tuple[str, str]], Mapping[str, str]], Awaitable[Asked]]
"""Runs a Torznab request again: its parameters, and what its address says. Raises TorznabError."""


@dataclass(frozen=True, slots=True)
class ParameterJson:
    """As it was given; secrets are replaced by "…"."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class StepJson:
    """One filter."""

    name: str
    value: str
    rows_left: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class RequestJson:
    """One Torznab request."""

    id: int
    at: datetime
    method: str
    path: str
    parameters: list[ParameterJson]
    key: str
    """The name of the API key, never the key."""
    agent: str
    status: int
    error_code: int | None
    error: str
    understood_as: str
    items: int
    total: int
    total_is_exact: bool
    duration_ms: float
    emptied_by: str | None
    """The filter that left nothing, as far as it is known."""


@dataclass(frozen=True, slots=True)
class RequestsJson:
    """The last requests, newest first."""

    requests: list[RequestJson]
    seen: int
    """Since the start of the daemon, kept or not."""
    kept_at_most: int


@dataclass(frozen=True, slots=True)
class ExplainedJson:
    """One request and where its rows went."""

    request: RequestJson
    steps: list[StepJson]
    hints: list[str]
    explained_at: datetime | None


_NUMBER = Parameter("number", int, "the request's id", place="path", is_required=True, example=1)


class JournalEndpoints:
    """The page and the JSON of the last Torznab requests."""

    def __init__(self, parts: WebParts, recorder: Recorder, again: Again) -> None:
        self._parts = parts
        self._recorder = recorder
        self._journal = recorder.journal
        self._again = again

    async def list_page(self) -> Response:
        """Answer GET /torznab/requests."""
        counts = await self._parts.torrents.counts()
        return await page("requests.html", entries=self._journal.newest(), journal=self._journal, is_empty_index=not counts.torrents)

    async def detail_page(self, number: int) -> Response:
        """Answer GET /torznab/requests/<number>."""
        entry = self._entry(number)
        explanation = await self._explanation(entry)
        return await page("request.html", entry=entry, explanation=explanation, bars=_bars(explanation))

    async def replay_page(self, number: int) -> Response:
        """Answer POST /torznab/requests/<number>/replay: run it again, and show what came of it."""
        entry = await self._replay(self._entry(number))
        return go(f"/torznab/requests/{entry.id}")

    @describes(Operation("The last Torznab requests", Answer(200, "Newest first", RequestsJson), tag="torznab"))
    async def requests(self) -> Response:
        """Answer GET /api/v1/torznab/requests."""
        return _json(RequestsJson([_request(entry) for entry in self._journal.newest()], self._journal.seen, self._journal.size))

    @describes(
        Operation(
            "One Torznab request, and what each of its filters left",
            Answer(200, "", ExplainedJson),
            Answer(404, "No longer kept"),
            tag="torznab",
            parameters=(_NUMBER,),
        )
    )
    async def one(self, number: int) -> Response:
        """Answer GET /api/v1/torznab/requests/<number>."""
        entry = self._entry(number)
        return _json(_explained(entry, await self._explanation(entry)))

    @describes(
        Operation(
            "Run a Torznab request again now",
            Answer(200, "As a new request", ExplainedJson),
            Answer(404, "No longer kept"),
            tag="torznab",
            parameters=(_NUMBER,),
        )
    )
    async def replay(self, number: int) -> Response:
        """Answer POST /api/v1/torznab/requests/<number>/replay."""
        entry = await self._replay(self._entry(number))
        return _json(_explained(entry, await self._explanation(entry)))

    def _entry(self, number: int) -> Entry:
        entry = self._journal.entry(number)
        if entry is None:
            raise NotFound(f"Of the Torznab requests only the last {self._journal.size:,} are kept; this is none of them.")
        return entry

    async def _explanation(self, entry: Entry) -> Explanation | None:
        """What is known, or can be found out now."""
        if entry.explanation is None or request.args.get("again"):
            with trio.move_on_after(EXPLAIN_DEADLINE_S):
                try:
                    return await self._recorder.explainer.explain(entry)
                except StorageError:
                    return entry.explanation
        return entry.explanation

    async def _replay(self, old: Entry) -> Entry:
        started = time.perf_counter()
        asked, status, code, words = None, 200, None, ""
        try:
            asked = await self._again(old.parameters, old.view)
        except TorznabError as error:
            status, code, words = error.http_status, int(error.code), error.description
        entry = Entry(
            id=self._journal.next_id(),
            at=datetime.now(UTC),
            method=old.method,
            path=old.path,
            view=old.view,
            parameters=old.parameters,
            key_name=g.principal.name,
            agent=REPLAY.format(old.id),
            status=status,
            duration_ms=(time.perf_counter() - started) * 1000,
            error_code=code,
            error=words,
            asked=asked,
        )
        self._recorder.keep(entry)
        return entry


def _bars(explanation: Explanation | None) -> list[int]:
    """How long each step's bar is, of 100: by the root of what is left, so that few among many are still seen."""
    if explanation is None or not explanation.steps:
        return []
    most = max(step.rows_left for step in explanation.steps) or 1
    return [round(100 * (step.rows_left / most) ** 0.5) for step in explanation.steps]


def _request(entry: Entry) -> RequestJson:
    asked = entry.asked or Asked("")
    return RequestJson(
        id=entry.id,
        at=entry.at,
        method=entry.method,
        path=entry.path,
        parameters=[ParameterJson(name, value) for name, value in entry.parameters],
        key=entry.key_name,
        agent=entry.agent,
        status=entry.status,
        error_code=entry.error_code,
        error=entry.error,
        understood_as=asked.words,
        items=asked.items,
        total=asked.total,
        total_is_exact=asked.total_is_exact,
        duration_ms=round(entry.duration_ms, 1),
        emptied_by=entry.explanation.emptied_by if entry.explanation is not None else None,
    )


def _explained(entry: Entry, explanation: Explanation | None) -> ExplainedJson:
    if explanation is None:
        return ExplainedJson(_request(entry), [], [], None)
    steps = [StepJson(step.name, step.value, step.rows_left, step.is_exact) for step in explanation.steps]
    return ExplainedJson(_request(entry), steps, list(explanation.hints), explanation.at)


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), content_type=JSON_TYPE)
