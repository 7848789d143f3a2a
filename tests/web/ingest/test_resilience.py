"""Answers that are right, late or refused, but never wrong: with the database away, crashes in the middle, and clients of bad manners."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
import trio

from config.settings import IngestSettings
from storage.database import Database
from storage.errors import DatabaseUnavailable
from storage.torrents import StoreResult, Torrents
from tests.fakes.pipeline import IngestSite, ingesting
from tests.fakes.processes import wait_until

ITEMS = [{"info_hash": f"{number:040x}", "name": f"Sintel.2010.1080p.BluRay.x264-{number}"} for number in range(50)]
HASTY = IngestSettings(deadline_s=1.0)


class Troubled(Torrents):
    """Stores after each of `troubles` was raised, before or after the commit it belongs to."""

    def __init__(self, database: Database, troubles: Iterable[tuple[str, Exception]]) -> None:
        super().__init__(database)
        self.troubles = iter(troubles)

    async def store(self, batch: Any) -> StoreResult:
        when, trouble = next(self.troubles, ("never", None))
        if trouble is not None and when == "before":
            raise trouble
        result = await super().store(batch)
        if trouble is not None:
            raise trouble
        return result


class Away(Torrents):
    """A database that is away until it comes back."""

    is_away = True

    async def store(self, batch: Any) -> StoreResult:
        if self.is_away:
            raise DatabaseUnavailable("away")
        return await super().store(batch)


async def test_with_the_database_away_nothing_is_confirmed_and_a_repetition_stores_once(database: Database) -> None:
    away = Away(database)
    async with ingesting(database, HASTY, stored_by=away) as ingest:
        for _ in range(2):
            response = await ingest.post("/api/ingest/bulk", ITEMS)
            assert (response.status_code, int(response.headers["retry-after"]) > 0) == (503, True)
            assert response.headers["content-type"] == "application/problem+json"
            assert "send it again" in response.json()["detail"]
        assert await ingest.count() == 0
        away.is_away = False
        await wait_until(lambda: ingest.classified.statistics().held == 0)
        answer = await ingest.bulk(ITEMS)
        assert answer["summary"]["updated"] == len(ITEMS)
        assert await ingest.count() == len(ITEMS)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("trouble", [RuntimeError("a bug"), DatabaseUnavailable("the connection broke")], ids=["crash", "broken"])
async def test_answers_are_right_over_a_crash_around_the_commit(database: Database, when: str, trouble: Exception) -> None:
    troubled = Troubled(database, [(when, trouble), (when, trouble)])
    async with ingesting(database, stored_by=troubled) as ingest:
        answer = await ingest.bulk([*ITEMS, ITEMS[0]])
        assert [result["status"] for result in answer["results"]] == ["new"] * len(ITEMS) + ["updated"]
        assert len(ingest.crashes) == (2 if isinstance(trouble, RuntimeError) else 0)
        assert await ingest.count() == len(ITEMS)


async def test_an_answer_comes_only_after_the_commit(database: Database) -> None:
    async with ingesting(database) as ingest:
        for item in ITEMS[:10]:
            assert (await ingest.one(item))["status"] == "new"
            assert await ingest.torrents.by_info_hash(bytes.fromhex(item["info_hash"])) is not None


async def test_a_full_mailbox_is_waited_for_within_the_deadline(database: Database) -> None:
    away = Away(database)
    async with ingesting(database, HASTY, stored_by=away) as ingest:
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                answers: list[int] = []

                async def send(number: int) -> None:
                    body = [{**item, "info_hash": f"{number:08x}{item['info_hash'][8:]}"} for item in ITEMS[:2]]
                    answers.append((await ingest.post("/api/ingest/bulk", body)).status_code)

                for number in range(90):
                    nursery.start_soon(send, number)
            assert set(answers) == {503}
            away.is_away = False
            await wait_until(lambda: ingest.classified.statistics().held == 0)
            await wait_until(lambda: ingest.found.statistics().held == ingest.found.statistics().depth == 0)
        assert await ingest.count() > 0, "what was not confirmed may be stored all the same"


async def test_a_stopping_pipeline_confirms_nothing(ingest: IngestSite) -> None:
    ingest.found.close()
    response = await ingest.post("/api/ingest/bulk", ITEMS)
    assert response.status_code == 503


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
        await trio.lowlevel.checkpoint()


async def test_the_connection_after_an_early_refusal_is_usable(ingest: IngestSite) -> None:
    """A 4xx that comes before the body was read: what still arrives must not be taken for the next request."""
    body = b"[" + b" " * 3_000_000 + b"]"
    client, key = ingest.site.client, {"X-Api-Key": ingest.site.key}
    with trio.fail_after(30):
        for headers in ({}, {**key, "Content-Type": "text/plain"}, {**key, "Content-Encoding": "br"}):
            for content in (body, chunks(body[:100_000], body[100_000:])):
                try:
                    response = await client.post("/api/ingest/bulk", content=content, headers=headers)
                except httpx.TransportError:
                    continue  # the server hung up while we were still sending, which HTTP/1.1 allows
                assert response.status_code in {401, 415}
        assert (await ingest.bulk(ITEMS))["summary"]["new"] == len(ITEMS)


async def test_requests_side_by_side_each_hear_of_their_own(ingest: IngestSite) -> None:
    async def send(number: int) -> None:
        body = [{**item, "info_hash": f"{number:08x}{item['info_hash'][8:]}"} for item in ITEMS]
        answer = await ingest.bulk(body)
        assert [result["info_hash"] for result in answer["results"]] == [item["info_hash"] for item in body]
        assert answer["summary"]["new"] == len(ITEMS)

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for number in range(8):
                nursery.start_soon(send, number)
    assert await ingest.count() == 8 * len(ITEMS)


async def test_names_that_need_thought_are_answered_too(ingest: IngestSite) -> None:
    body = [{**item, "name": f"Sintel 2010 with unknown words 1080p {number}"} for number, item in enumerate(ITEMS[:10])]
    assert (await ingest.bulk([*body, *ITEMS[10:]]))["summary"]["new"] == len(ITEMS)
