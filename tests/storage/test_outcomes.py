"""What is told of each torrent of a batch to those who wait for it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from catalog.model import ClassifiedTorrent, Kind
from catalog.receipts import Outcome, Receipt
from protocol.identifiers import InfoHash, InfoHashV2
from storage.database import Connection, Database
from storage.errors import DatabaseUnavailable, TorrentRefused
from storage.torrents import StoreResult, Torrents
from tests.fakes.classified import info_hash, torrent

V1 = info_hash("v1")
V2 = InfoHashV2(bytes(range(32)))
SHORT = InfoHash(V2[:20])
NEW, UPDATED, BLOCKED = Outcome.NEW, Outcome.UPDATED, Outcome.BLOCKED


@pytest.fixture
def torrents(database: Database) -> Torrents:
    return Torrents(database)


def waited_for(name: str = "Sintel", **given: Any) -> ClassifiedTorrent:
    return torrent(name, receipt=Receipt(0, lambda _: None), **given)


async def outcomes(torrents: Torrents, batch: Sequence[ClassifiedTorrent]) -> tuple[Outcome, ...]:
    return (await torrents.store(batch)).outcomes


async def test_nobody_waits_nobody_is_told(torrents: Torrents) -> None:
    assert (await torrents.store([torrent("Sintel")])).outcomes == ()


async def test_each_torrent_has_its_own_outcome_in_the_order_of_the_batch(torrents: Torrents) -> None:
    await torrents.store([torrent("known")])
    await torrents.block([info_hash("blocked")], "unwanted")
    batch = [waited_for("new"), waited_for("blocked"), torrent("crawled"), waited_for("known")]
    result = await torrents.store(batch)
    assert result == StoreResult(new=2, updated=1, blocked=1, outcomes=(NEW, BLOCKED, NEW, UPDATED))


async def test_a_torrent_named_twice_is_new_once(torrents: Torrents) -> None:
    batch = [waited_for("one"), waited_for("one", seeders=2), waited_for("one", source="site"), waited_for("two")]
    assert await outcomes(torrents, batch) == (NEW, UPDATED, UPDATED, NEW)


async def test_an_observation_beside_a_torrent_sent_through_again_that_is_gone_is_new(torrents: Torrents) -> None:
    gone = waited_for("one")
    again = replace(gone, torrent=replace(gone.torrent, seen_at=datetime(2020, 1, 1, tzinfo=UTC)))
    assert await outcomes(torrents, [again, waited_for("one", source="site")]) == (UPDATED, NEW)
    assert (await torrents.counts()).torrents == 1


@pytest.mark.parametrize("together", [True, False])
async def test_the_hashes_of_a_hybrid_are_one_torrent(torrents: Torrents, together: bool) -> None:
    batch = [
        waited_for(info_hash=SHORT, info_hash_v2=V2),
        waited_for(info_hash=V1, info_hash_v2=V2),
        waited_for(info_hash=SHORT),
        waited_for(info_hash=V1),
    ]
    told = await outcomes(torrents, batch) if together else tuple([(await outcomes(torrents, [item]))[0] for item in batch])
    assert told == (NEW, UPDATED, UPDATED, UPDATED)


async def test_both_names_of_a_stored_hybrid_in_one_wave_are_told(torrents: Torrents) -> None:
    await torrents.store([torrent(info_hash=V1, info_hash_v2=V2)])
    assert await outcomes(torrents, [waited_for(info_hash=SHORT), waited_for(info_hash=V1), waited_for("other")]) == (UPDATED, UPDATED, NEW)
    await torrents.block([SHORT], "unwanted")
    assert await outcomes(torrents, [waited_for(info_hash=V1), waited_for(info_hash=SHORT)]) == (BLOCKED, BLOCKED)


async def test_a_torrent_whose_commit_was_not_heard_of_is_new_all_the_same(torrents: Torrents, database: Database) -> None:
    """The connection breaks after the commit: the second try finds the row of the first."""
    real_run, calls = database.run, 0

    async def run(work: Any) -> Any:
        nonlocal calls
        calls += 1
        result = await real_run(work)
        if calls == 2:  # the first numbers the source
            raise DatabaseUnavailable("the connection broke in the moment of the commit")
        return result

    database.run = run  # type: ignore[method-assign]
    await real_run(lambda connection: connection.execute("SELECT 1"))
    batch = [waited_for("Sintel"), waited_for("Sintel"), waited_for("Tears of Steel")]
    with pytest.raises(DatabaseUnavailable):
        await torrents.store(batch)
    assert await outcomes(torrents, batch) == (NEW, UPDATED, NEW)
    assert await outcomes(torrents, [waited_for("Sintel")]) == (UPDATED,)


async def test_a_try_that_was_rolled_back_claims_nothing(torrents: Torrents, conninfo: str) -> None:
    bad, good = waited_for("odd", info_hash=InfoHash(b"odd")), waited_for("Sintel")
    with pytest.raises(TorrentRefused):
        await torrents.store([good, bad])
    await torrents.store([torrent("Sintel")])  # somebody else's
    assert await outcomes(torrents, [good]) == (UPDATED,)


URLS = tuple(f"udp://tracker-{n}.example:6969/announce" for n in range(30))


async def trackers(torrents: Torrents, found: ClassifiedTorrent) -> tuple[str, ...]:
    row = await torrents.by_info_hash(found.torrent.info_hash)
    assert row is not None
    return row.trackers


async def test_trackers_are_kept_together_the_known_ones_first(torrents: Torrents, database: Database) -> None:
    found = torrent("Sintel", trackers=URLS[3:5])
    await torrents.store([found, torrent("Tears of Steel")])
    assert await trackers(torrents, found) == URLS[3:5]
    assert await trackers(torrents, torrent("Tears of Steel")) == ()
    await torrents.store([torrent("Sintel", trackers=(URLS[4], URLS[1], URLS[0]))])
    await torrents.store([torrent("Sintel")])
    assert await trackers(torrents, found) == (*URLS[3:5], URLS[1], URLS[0])
    await Torrents(database).store([torrent("Sintel", trackers=URLS)])
    assert len(await trackers(torrents, found)) == 20


async def test_trackers_of_one_batch_are_kept_together(torrents: Torrents) -> None:
    await torrents.store([torrent("Sintel", trackers=URLS[:1]), torrent("Sintel", trackers=URLS[1:2])])
    assert await trackers(torrents, torrent("Sintel")) == URLS[:2]


async def test_private_torrents_have_no_trackers(torrents: Torrents) -> None:
    found = torrent("Sintel", trackers=URLS[:1], is_private=True)
    await torrents.store([found])
    assert await trackers(torrents, found) == ()
    other = torrent("Tears of Steel", trackers=URLS[:1])
    await torrents.store([other])
    await torrents.store([torrent("Tears of Steel", is_private=True)])
    assert await trackers(torrents, other) == ()
    await torrents.store([other])
    assert await trackers(torrents, other) == ()


async def test_personal_and_broken_trackers_are_left_out(torrents: Torrents, database: Database) -> None:
    found = torrent(
        "Sintel",
        trackers=("http://t.example/0123456789abcdef0123456789abcdef/announce", "no url", "HTTP://T.Example/announce", *URLS[:1]),
    )
    await torrents.store([found])
    assert await trackers(torrents, found) == ("http://t.example/announce", URLS[0])
    stored = await database.run(lambda connection: connection.execute("SELECT count(*) FROM tracker").fetchone())
    assert stored == (2,)


async def test_no_more_trackers_are_kept_than_the_table_may_hold(torrents: Torrents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.trackers.MAX_TRACKERS", 3)
    found = torrent("Sintel", trackers=URLS)
    await torrents.store([found])
    assert len(await trackers(torrents, found)) == 3
    await torrents.store([torrent("Sintel")])


async def test_trackers_and_category_outlive_the_meeting_of_two_hashes(torrents: Torrents, conninfo: str) -> None:
    await torrents.store([torrent("Sintel", info_hash=SHORT, info_hash_v2=V2, trackers=URLS[:1], site_category="Movies")])
    await torrents.store([torrent("Sintel", info_hash=V1, trackers=URLS[1:2])])
    hybrid = torrent("Sintel", info_hash=V1, info_hash_v2=V2)
    await torrents.store([hybrid])
    assert await trackers(torrents, hybrid) == (URLS[1], URLS[0])
    with psycopg.connect(conninfo) as connection:
        assert connection.execute("SELECT site_category FROM torrent").fetchall() == [("Movies",)]


async def test_the_sites_category_stays_until_another_is_told(torrents: Torrents, database: Database) -> None:
    def category(connection: Connection) -> Any:
        return connection.execute("SELECT site_category FROM torrent").fetchone()

    said = torrent("Sintel", site_category="5040", kind=Kind.TV)
    for found, expected in ((said, "5040"), (torrent("Sintel"), "5040"), (replace_category(said, "Anime"), "Anime")):
        await torrents.store([found])
        assert await database.run(category) == (expected,)


def replace_category(found: ClassifiedTorrent, category: str) -> ClassifiedTorrent:
    return replace(found, torrent=replace(found.torrent, site_category=category))
