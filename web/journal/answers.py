"""The journal as JSON; /openapi.json describes it from these types."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from storage.search.engine import FilterStep
from web.journal.explainer import ExplainerStatistics
from web.journal.journal import Asked, Entry, Explanation, Journal


class ParameterAnswer(Struct, frozen=True):
    """As it was given; secrets are replaced by "…"."""

    name: str
    value: str


class RequestAnswer(Struct, frozen=True):
    """One Torznab request."""

    id: Annotated[int, Meta(description="Counts from 1 at each start of the daemon")]
    at: datetime
    method: str
    path: str
    parameters: tuple[ParameterAnswer, ...]
    key: Annotated[str, Meta(description="The name of the API key, never the key")]
    agent: str
    status: int
    error_code: Annotated[int | None, Meta(description="Torznab's")]
    error: str
    understood_as: str
    items: int
    total: int
    total_is_exact: bool
    duration_ms: float
    emptied_by: Annotated[str | None, Meta(description="The filter that left nothing, as far as it is known yet")]


class RequestsAnswer(Struct, frozen=True):
    """The last requests, newest first."""

    requests: tuple[RequestAnswer, ...]
    seen: Annotated[int, Meta(description="Since the start of the daemon, kept or not")]
    kept_at_most: int
    explainer: ExplainerStatistics


class ExplainedAnswer(Struct, frozen=True):
    """One request, and what each of its filters left."""

    request: RequestAnswer
    steps: tuple[FilterStep, ...]
    hints: tuple[str, ...]
    explained_at: datetime | None


def requests_answer(journal: Journal, statistics: ExplainerStatistics) -> RequestsAnswer:
    """The whole journal."""
    return RequestsAnswer(tuple(map(_request, journal.newest())), journal.seen, journal.size, statistics)


def explained_answer(entry: Entry, explanation: Explanation | None) -> ExplainedAnswer:
    """One entry; without an explanation, nothing could be or was to be counted."""
    if explanation is None:
        return ExplainedAnswer(_request(entry), (), (), None)
    return ExplainedAnswer(_request(entry), explanation.steps, explanation.hints, explanation.at)


def _request(entry: Entry) -> RequestAnswer:
    asked = entry.asked or Asked("")
    return RequestAnswer(
        id=entry.id,
        at=entry.at,
        method=entry.method,
        path=entry.path,
        parameters=tuple([ParameterAnswer(name, value) for name, value in entry.parameters]),
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
