"""Writes each Torznab request into the journal as its answer leaves; refusals too, which no handler ever sees."""

import time
from datetime import UTC, datetime

from quart import Response, g, request

from storage.search.engine import SearchEngine
from web.journal.explainer import Explainer
from web.journal.journal import MAX_AGENT, Asked, Entry, Journal, redacted, without_keys


def note_asked(asked: Asked) -> None:
    """What this request was understood as; called by whoever answers it."""
    g.torznab_asked = asked


def note_error(code: int, words: str) -> None:
    """What this request is told is wrong with it."""
    g.torznab_error = (int(code), words)


class Recorder:
    """Keeps requests, and has those that found nothing explained."""

    def __init__(self, size: int, engine: SearchEngine) -> None:
        self.journal = Journal(size)
        self.explainer = Explainer(self.journal, engine)

    def record(self, response: Response) -> None:
        """Keep the request that `response` answers."""
        code, words = g.get("torznab_error", (None, ""))
        self.keep(
            Entry(
                id=self.journal.next_id(),
                at=datetime.now(UTC),
                method=request.method,
                path=without_keys(request.path)[:MAX_AGENT],
                view={name: str(value) for name, value in (request.view_args or {}).items()},
                parameters=redacted(request.args.items(multi=True)),
                key_name=g.principal.name,
                agent=without_keys(request.headers.get("User-Agent", ""))[:MAX_AGENT],
                status=response.status_code,
                duration_ms=(time.perf_counter() - g.started) * 1000,
                error_code=code,
                error=words[:MAX_AGENT],
                asked=g.get("torznab_asked"),
            )
        )

    def keep(self, entry: Entry) -> None:
        """Into the journal, and off to be explained if it found nothing."""
        self.journal.keep(entry)
        if entry.is_empty and self.journal.size:
            self.explainer.explain_soon(entry)
