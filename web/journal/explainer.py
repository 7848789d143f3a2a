"""Finds out why searches found nothing: one after the other, beside the requests, never in their way."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import trio

from catalog.tokens import essential, words
from storage.errors import StorageError
from storage.search.engine import FilterStep, SearchEngine, SearchQuery
from storage.search.funnel import only, without
from web.journal.journal import Asked, Entry, Explanation, Journal, without_keys

logger = logging.getLogger("swarmdex.web")

WAITING = 32
"""Empty answers that wait to be explained; beyond them they are explained when somebody looks."""
REST_S = 0.1
"""Between two explanations: a client that asks in vain all day long must not keep a connection to itself."""
MAX_WORDS_TRIED = 8

_PHRASES = {
    "categories": "in {}",
    "kinds": "of the kind {}",
    "words": "with {}",
    "ids": "known as {}",
    "season": "of season {}",
    "episode": "with episode {}",
    "absolute episode": "with the absolute number {}",
    "date": "dated {}",
    "year": "of the year {}",
    "size": "of a size {}",
    "age": "{}",
    "seeders": "with {} seeders",
}
_PHRASE = "with {} {}"
_ALL_BUT = "all but "


@dataclass(frozen=True, slots=True)
class ExplainerStatistics:
    """Since the start."""

    explained: int
    dropped: int
    """Empty answers that found no room to wait; they are explained when somebody looks."""
    failed: int
    """The database did not answer, or not in time."""


class Explainer:
    """Explains empty answers; its one job."""

    def __init__(self, journal: Journal, engine: SearchEngine) -> None:
        self._journal = journal
        self._engine = engine
        self._outbox, self._inbox = trio.open_memory_channel[int](WAITING)
        self._explained = self._dropped = self._failed = 0
        self._scope = trio.CancelScope()  # of the present run

    def explain_soon(self, entry: Entry) -> None:
        """Have it explained when there is time. Never waits."""
        try:
            self._outbox.send_nowait(entry.id)
        except trio.WouldBlock:
            self._dropped += 1

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until `stop`; may be run again."""
        with trio.CancelScope() as self._scope:
            task_status.started()
            while True:
                await self._explain_next()
                await trio.sleep(REST_S)

    def stop(self) -> None:
        """Ask it to end, at once: what is lost can be found out again."""
        self._scope.cancel()

    async def _explain_next(self) -> None:
        entry = self._journal.entry(await self._inbox.receive())
        if entry is None or entry.explanation is not None:
            return
        try:
            await self.explain(entry)
        except StorageError as error:
            self._failed += 1
            logger.debug("request %d stays unexplained for now: %s", entry.id, error)

    async def explain(self, entry: Entry) -> Explanation | None:
        """The explanation of `entry`, made now and kept with it; None where nothing was searched. Raises StorageError."""
        if entry.asked is None or (entry.asked.query is None and not entry.asked.reason):
            return None
        entry.explanation = await explained(self._engine, entry.asked)
        self._explained += 1
        return entry.explanation

    def statistics(self) -> ExplainerStatistics:
        """The counters."""
        return ExplainerStatistics(self._explained, self._dropped, self._failed)


async def explained(engine: SearchEngine, asked: Asked) -> Explanation:
    """Take the search apart. Raises StorageError."""
    now = datetime.now(UTC)
    if asked.query is None:
        return Explanation((), None, (asked.reason,), now)
    steps = tuple([replace(step, value=without_keys(step.value)) for step in await engine.explain(asked.query)])
    empty = next((number for number, step in enumerate(steps) if step.rows_left == 0), None)
    if empty is None:
        return Explanation(steps, None, tuple(_hints_of_plenty(asked, steps[-1])), now)
    hints = [_first_hint(steps, empty), *await _further_hints(engine, asked.query, steps, empty)]
    return Explanation(steps, steps[empty].name, tuple(map(without_keys, hints)), now)


def _first_hint(steps: Sequence[FilterStep], empty: int) -> str:
    """What is missing, in one sentence."""
    name = steps[empty].name
    if name == "index":
        return (
            "The index is empty. Every search finds nothing, and a client's Test button fails, until the first torrents are stored: "
            "see on the search page whether the crawler is at work."
        )
    if name in {"categories", "kinds"}:
        return (
            f"The index holds no torrent {_phrase(steps[empty])} yet, {_amount(steps[0])} in all. A client's Test button searches just "
            "these categories, and fails until there is one."
        )
    if empty == 1:
        return f"No torrent {_phrase(steps[empty])} is in the index."
    before = " ".join(_phrase(step) for step in steps[1:empty])
    found = _amount(steps[empty - 1])
    return f"{found[0].upper()}{found[1:]} {before}, but none of them {_phrase(steps[empty])}."


async def _further_hints(engine: SearchEngine, query: SearchQuery, steps: Sequence[FilterStep], empty: int) -> list[str]:
    """What would be found with this filter alone, and without it."""
    step = steps[empty]
    if step.name == "index":
        return []
    hints = await _word_hints(engine, query) if step.name == "words" else []
    if empty > 1 and not hints:
        alone = (await engine.explain(only(query, step.name)))[-1]
        hints.append(f"In the whole index there {_are(alone)} {_phrase(step)}.")
    if len(steps) > 2:
        others = (await engine.explain(without(query, step.name)))[-1]
        if others.rows_left:
            hints.append(f"Without this filter the search finds {_amount(others)}.")
    return hints


async def _word_hints(engine: SearchEngine, query: SearchQuery) -> list[str]:
    """Which words occur nowhere."""
    tried = list(dict.fromkeys(essential(words(query.text))))[:MAX_WORDS_TRIED]
    missing = [word for word in tried if not (await engine.explain(SearchQuery(text=word)))[-1].rows_left]
    if missing:
        shown = ", ".join(f"“{word}”" for word in missing)
        return [f"No name in the index has the {'word' if len(missing) == 1 else 'words'} {shown}."]
    return ["Each of the words occurs somewhere, but never all of them together."] if len(tried) > 1 else []


def _hints_of_plenty(asked: Asked, last: FilterStep) -> list[str]:
    if asked.total == 0:
        return [f"By now the search finds {_amount(last)}: they were stored after it was asked."]
    if asked.items == 0:
        return [f"The search matches {_amount(last)}; the answer was empty because of offset or limit."]
    return []


def _phrase(step: FilterStep) -> str:
    if step.name == "kinds" and step.value.startswith(_ALL_BUT):
        return f"of any kind but {step.value.removeprefix(_ALL_BUT)}"
    template = _PHRASES.get(step.name)
    return template.format(step.value) if template else _PHRASE.format(step.name, step.value)


def _amount(step: FilterStep) -> str:
    if step.rows_left == 1 and step.is_exact:
        return "one torrent"
    return f"{'' if step.is_exact else 'more than '}{step.rows_left:,} torrents"


def _are(step: FilterStep) -> str:
    if step.rows_left == 0:
        return "is no torrent"
    return f"{'is' if step.rows_left == 1 else 'are'} {_amount(step)}"
