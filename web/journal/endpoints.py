"""Shows the journal: the page "Why zero results?" and its JSON twin, with replay."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime

import trio
from quart import Response, g, request
from werkzeug.exceptions import NotFound

from protocol.torznab.errors import TorznabError
from storage.errors import StorageError
from web.api.answers import json_answer
from web.auth.page import go, page
from web.journal.answers import ExplainedAnswer, RequestsAnswer, explained_answer, requests_answer
from web.journal.journal import Asked, Entry, Explanation
from web.journal.recorder import Recorder
from web.operation import Answer, Operation, describes
from web.parts import WebParts

EXPLAIN_DEADLINE_S = 8.0
REPLAY = "replay of request {}"
"""The agent of a request that was run again."""

Again = Callable[[Iterable[tuple[str, str]], Mapping[str, str]], Awaitable[Asked]]
"""Runs a Torznab request again: its parameters, and what its address says. Raises TorznabError."""


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

    @describes(Operation("The last Torznab requests", Answer(200, "Newest first", RequestsAnswer), tag="torznab"))
    async def requests(self) -> Response:
        """Answer GET /api/v1/torznab/requests."""
        return json_answer(requests_answer(self._journal, self._recorder.explainer.statistics()))

    @describes(
        Operation(
            "One Torznab request, and what each of its filters left",
            Answer(200, "", ExplainedAnswer),
            Answer(404, "No longer kept"),
            tag="torznab",
        )
    )
    async def one(self, number: int) -> Response:
        """Answer GET /api/v1/torznab/requests/<number>."""
        entry = self._entry(number)
        return json_answer(explained_answer(entry, await self._explanation(entry)))

    @describes(
        Operation(
            "Run a Torznab request again now",
            Answer(200, "As a new request", ExplainedAnswer),
            Answer(404, "No longer kept"),
            tag="torznab",
        )
    )
    async def replay(self, number: int) -> Response:
        """Answer POST /api/v1/torznab/requests/<number>/replay."""
        entry = await self._replay(self._entry(number))
        return json_answer(explained_answer(entry, await self._explanation(entry)))

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
