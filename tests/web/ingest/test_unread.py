"""More names than anybody can read at once: they are stored and confirmed unread, and read when there is time."""

import trio

from actors.reprocessor import Reprocessor
from catalog.messages import JobOrdered
from storage.database import Database
from storage.jobs import Jobs
from supervisor.heartbeat import Heart
from supervisor.mailbox import Mailbox
from tests.fakes.pipeline import ingesting

NAMES = [f"Sintel 2010 with unknown words 1080p {number}" for number in range(150)]


async def test_unread_names_are_read_later(database: Database) -> None:
    jobs = Jobs(database)

    async def unread() -> int:
        return (await jobs.unread(0, 1000)).passed

    async with ingesting(database) as ingest:
        body = [{"info_hash": f"{number:040x}", "name": name} for number, name in enumerate(NAMES)]
        assert (await ingest.bulk(body))["summary"]["new"] == len(NAMES)
        assert 0 < await unread() <= len(NAMES)
        seen = {number: await ingest.torrents.by_info_hash(number.to_bytes(20)) for number in range(len(NAMES))}
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                orders = Mailbox[JobOrdered]("jobs", 4)
                reprocessor = Reprocessor(Heart(), orders.open_inbox(), jobs, ingest.found, ingest.classified)
                nursery.start_soon(reprocessor.run)
                while await unread():  # noqa: ASYNC110 - the database tells, no event does
                    await trio.sleep(0.05)
                orders.close()
        for number, before in seen.items():
            row = await ingest.torrents.by_info_hash(number.to_bytes(20))
            assert row is not None
            assert before is not None
            assert (row.parsed.stage, row.parsed.year) == ("guessit", 2010)
            assert (row.last_seen, row.sources) == (before.last_seen, before.sources), "to read it is no observation"
