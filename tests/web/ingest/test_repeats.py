"""Idempotency-Key: the same request again gets the same answer again."""

import httpx
import trio

from catalog.receipts import Outcome, Settled
from storage.accounts import Accounts
from storage.database import Database
from storage.ingest_answers import IngestAnswers
from storage.torrents import StoreResult, Torrents
from tests.fakes.pipeline import IngestSite, ingesting
from tests.fakes.processes import wait_until

BODY = [{"info_hash": "01" * 20, "name": "Sintel.2010.1080p"}, {"name": "bad"}, {"info_hash": "02" * 20, "name": "\u202e"}]
OTHER = [{"info_hash": "03" * 20, "name": "Sintel.2010.720p"}]


class Slow(Torrents):
    """Stores when it is let."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.started, self.gate = trio.Event(), trio.Event()

    async def store(self, batch: object) -> StoreResult:
        self.started.set()
        await self.gate.wait()
        return await super().store(batch)  # type: ignore[arg-type]


async def send(ingest: IngestSite, body: object = BODY, key: str = "k1", **more: str) -> httpx.Response:
    return await ingest.post("/api/ingest/bulk", body, idempotency_key=key, **more)


async def test_the_same_request_gets_the_same_answer(ingest: IngestSite) -> None:
    first, second, third = await send(ingest), await send(ingest), await send(ingest, key="k2")
    assert [result["status"] for result in first.json()["results"]] == ["new", "invalid", "refused"]
    assert second.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert third.json()["results"][0]["status"] == "updated"


async def test_it_holds_for_one_item_and_for_files_too(ingest: IngestSite) -> None:
    for _ in range(2):
        response = await ingest.post("/api/ingest", OTHER[0], idempotency_key="one")
        assert response.json()["status"] == "new"


async def test_a_key_belongs_to_one_body_one_address_and_one_sender(ingest: IngestSite, database: Database) -> None:
    await send(ingest)
    assert (await send(ingest, OTHER)).status_code == 422
    assert (await ingest.post("/api/ingest", OTHER[0], idempotency_key="k1")).status_code == 422
    other = (await Accounts(database).create_key("other", ["ingest"])).text
    response = await ingest.post("/api/ingest/bulk", OTHER, key=other, idempotency_key="k1")
    assert response.json()["summary"]["new"] == 1


async def test_a_key_has_a_form(ingest: IngestSite) -> None:
    for key in ("", "k" * 256, "k\u00e9"):
        headers = [("X-Api-Key", ingest.site.key.encode()), ("Idempotency-Key", key.encode("latin-1"))]
        assert (await ingest.site.client.post("/api/ingest/bulk", json=BODY, headers=headers)).status_code == 400


async def test_a_refused_request_leaves_its_key_free(ingest: IngestSite) -> None:
    assert (await send(ingest, b"[")).status_code == 400
    assert (await send(ingest)).status_code == 200


async def test_while_it_is_underway_it_is_not_begun_again(database: Database) -> None:
    slow = Slow(database)
    async with ingesting(database, stored_by=slow) as ingest, trio.open_nursery() as nursery:
        answers: list[httpx.Response] = []

        async def first() -> None:
            answers.append(await send(ingest))

        nursery.start_soon(first)
        await slow.started.wait()
        again = await send(ingest)
        assert (again.status_code, int(again.headers["retry-after"]) > 0) == (409, True)
        assert (await send(ingest, OTHER)).status_code == 422
        slow.gate.set()
        await wait_until(lambda: answers)
        assert answers[0].json()["summary"]["new"] == 1
        assert (await send(ingest)).content == answers[0].content


async def test_a_client_that_hangs_up_is_answered_when_it_comes_again(database: Database) -> None:
    slow = Slow(database)
    async with ingesting(database, stored_by=slow) as ingest:
        with trio.move_on_after(30) as impatience:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send, ingest)
                await slow.started.wait()
                impatience.cancel()
        slow.gate.set()
        await wait_until(lambda: ingest.classified.statistics().held == 0)
        response = await send(ingest)
        for _ in range(100):
            if response.status_code != 409:
                break
            response = await send(ingest)  # the answer is being kept
        assert response.json()["summary"]["new"] == 1
        assert response.headers["idempotency-replayed"] == "true"


async def test_it_works_over_a_restart(database: Database) -> None:
    async with ingesting(database) as ingest:
        first = await send(ingest)
        key = ingest.site.key
    async with ingesting(database) as ingest:
        second = await ingest.post("/api/ingest/bulk", BODY, key=key, idempotency_key="k1")
    assert second.content == first.content


async def test_an_answer_is_forgotten_after_a_day(database: Database) -> None:
    answers = IngestAnswers(database)
    settled = (Settled(0, Outcome.NEW), Settled(1, Outcome.REFUSED, "no-size"))
    one, two = bytes(32), bytes(31) + b"1"
    await answers.keep(one, two, settled)
    await answers.keep(one, one, ())
    kept = await answers.find(one)
    assert kept is not None
    assert (kept.body, kept.outcomes) == (two, settled)
    await database.run(lambda connection: connection.execute("UPDATE ingest_answer SET at = now() - interval '25 hours'"))
    assert await answers.find(one) is None
    await answers.keep(two, one, settled)
    left = await database.run(lambda connection: connection.execute("SELECT request FROM ingest_answer").fetchall())
    assert left == [(two,)]
