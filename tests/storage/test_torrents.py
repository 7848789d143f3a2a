from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
import trio

from catalog.model import ClassifiedTorrent, File, Kind
from protocol.identifiers import InfoHash, InfoHashV2
from storage.database import Database
from storage.errors import DatabaseRefused, TorrentRefused
from storage.search.engine import SearchQuery
from storage.search.postgres import PostgresSearch
from storage.torrents import StoreResult, Torrents
from tests.fakes.classified import info_hash, torrent

V1 = info_hash("v1")
V2 = InfoHashV2(bytes(range(32)))
SHORT = InfoHash(V2[:20])


@pytest.fixture
def torrents(database: Database) -> Torrents:
    return Torrents(database)


async def dump(database: Database) -> list[tuple[Any, ...]]:
    """Everything stored, but for the time of the last observation."""
    tables = {
        "torrent": "SELECT (to_jsonb(t) - 'last_seen')::text FROM torrent AS t ORDER BY id",
        "search": "SELECT search::text FROM search ORDER BY id",
        "swarm": "SELECT (to_jsonb(s) - 'at')::text FROM swarm AS s ORDER BY id",
        "torrent_source": "SELECT (to_jsonb(s) - 'seen')::text FROM torrent_source AS s ORDER BY torrent_id, source",
    }
    return await database.run(lambda connection: [(name, *row) for name, sql in tables.items() for row in connection.execute(sql)])


async def only_row(torrents: Torrents, batch: Sequence[ClassifiedTorrent]) -> Any:
    counts = await torrents.counts()
    assert counts.torrents == 1
    return await torrents.by_info_hash(batch[-1].torrent.info_hash)


async def test_a_torrent_comes_back_as_it_was(torrents: Torrents) -> None:
    files = (File("The.Beverly.Hillbillies.S01E02.mkv", 300), File("nfo/été.nfo", 2))
    stored = torrent(
        "The.Beverly.Hillbillies.S01E02.1962-09-26.720p.WEB.h264-GROUP",
        title="The Beverly Hillbillies",
        kind=Kind.TV,
        files=files,
        file_count=7,
        info_hash=V1,
        info_hash_v2=V2,
        seeders=5,
        leechers=2,
        year=1962,
        seasons=(1,),
        episodes=(2, 3),
        absolute_episodes=(40,),
        date=date(1962, 9, 26),
        resolution="720p",
        video_codec="h264",
        medium="web",
        group="GROUP",
        languages=("en", "fr"),
        confidence=0.875,
        published_at=datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        source="a site",
    )
    assert await torrents.store([stored]) == StoreResult(new=1)
    row = await torrents.by_info_hash(V1)
    assert row is not None
    assert row.parsed == stored.parsed
    assert (row.info_hash, row.info_hash_v2, row.name, row.size, row.file_count) == (V1, V2, stored.torrent.name, 302, 7)
    assert (row.kind, row.seeders, row.leechers, row.sources) == (Kind.TV, 5, 2, ("a site",))
    assert row.published_at == stored.torrent.published_at
    assert row.first_seen == row.last_seen == row.swarm_at
    assert row.categories[0] == 5000
    assert 5040 in row.categories
    assert await torrents.files(row.id) == files


async def test_what_is_not_said_stays_unsaid(torrents: Torrents) -> None:
    bare = torrent("Sintel", files=(), size=1)
    await torrents.store([bare])
    row = await torrents.by_info_hash(bare.torrent.info_hash)
    assert row is not None
    assert row.parsed == bare.parsed
    assert (row.seeders, row.leechers, row.swarm_at, row.published_at, row.info_hash_v2) == (None,) * 5
    assert await torrents.files(row.id) == ()


async def test_the_same_batch_again_changes_nothing(torrents: Torrents, database: Database) -> None:
    batch = [torrent(f"Sintel.{n}", seeders=n, source=f"site {n % 3}", episodes=(n,)) for n in range(50)]
    assert await torrents.store(batch) == StoreResult(new=50)
    before = await dump(database)
    assert await torrents.store(batch) == StoreResult(updated=50)
    assert await dump(database) == before
    assert (await torrents.counts()).torrents == 50


async def test_the_newest_observation_wins_and_keeps_what_it_does_not_say(torrents: Torrents) -> None:
    published = datetime(2021, 5, 5, tzinfo=UTC)
    first = torrent("Sintel.2010", seeders=5, leechers=1, published_at=published, is_private=True)
    later = torrent("Sintel (2010) 4K", info_hash=first.torrent.info_hash, files=(), size=0, source="site", kind=Kind.OTHER)
    await torrents.store([first])
    before = await torrents.by_info_hash(first.torrent.info_hash)
    await torrents.store([later])
    row = await only_row(torrents, [later])
    assert before is not None
    assert (row.name, row.kind, row.size, row.file_count) == ("Sintel (2010) 4K", Kind.MOVIE, first.torrent.size, 1)
    assert (row.seeders, row.leechers, row.published_at, row.sources) == (5, 1, published, ("dht", "site"))
    assert (row.first_seen, row.id) == (before.first_seen, before.id)
    assert row.last_seen > before.last_seen
    assert await torrents.files(row.id) == first.torrent.files
    counts = await torrents.counts()
    assert counts.by_kind == {Kind.MOVIE: 1}


async def test_a_torrent_twice_in_a_batch_is_one_row_with_the_later_observation(torrents: Torrents) -> None:
    first, second = torrent("Sintel.one", info_hash=V1), torrent("Sintel.two", info_hash=V1, files=(), seeders=3)
    third = torrent("Sintel.three", info_hash=V1, source="site")
    assert (await torrents.store([first, second, third])).new == 1
    row = await only_row(torrents, [third])
    assert (row.name, row.seeders, row.sources) == ("Sintel.three", 3, ("dht", "site"))


V1_ONLY = torrent("Sintel", info_hash=V1)
SHORT_ONLY = torrent("Sintel", info_hash=SHORT)
V2_ONLY = torrent("Sintel", info_hash=SHORT, info_hash_v2=V2)
HYBRID = torrent("Sintel", info_hash=V1, info_hash_v2=V2)


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "one by one"])
@pytest.mark.parametrize(
    "observations",
    [
        (V2_ONLY, HYBRID),
        (SHORT_ONLY, HYBRID),
        (V1_ONLY, HYBRID),
        (HYBRID, V2_ONLY),
        (HYBRID, SHORT_ONLY),
        (HYBRID, V1_ONLY),
        (SHORT_ONLY, V2_ONLY, HYBRID),
        (V1_ONLY, V2_ONLY, HYBRID),
        (V1_ONLY, SHORT_ONLY, HYBRID),
        (HYBRID, V1_ONLY, SHORT_ONLY, V2_ONLY),
    ],
    ids=lambda observations: "-".join(f"{len(o.torrent.info_hash_v2 or b'')}:{o.torrent.info_hash == V1:d}" for o in observations),
)
async def test_all_hashes_of_one_torrent_are_one_row(
    torrents: Torrents, database: Database, observations: tuple[ClassifiedTorrent, ...], together: bool
) -> None:
    batches = [list(observations)] if together else [[observation] for observation in observations]
    for number, batch in enumerate(batches):
        marked = [replace(item, torrent=replace(item.torrent, source=f"site {number}", seeders=number)) for item in batch]
        await torrents.store(marked)
    assert (await torrents.counts()).torrents == 1
    for known_as in (V1, SHORT, V2):
        row = await torrents.by_info_hash(known_as)
        assert row is not None
        assert (row.info_hash, row.info_hash_v2) == (V1, V2)
    assert row.seeders == len(batches) - 1
    assert sorted(row.sources) == [f"site {number}" for number in range(len(batches))]
    assert await torrents.unknown([V1, SHORT, info_hash("other")]) == [info_hash("other")]
    assert await database.run(lambda connection: connection.execute("SELECT count(*) FROM search").fetchone()) == (1,)


async def test_two_names_of_a_stored_hybrid_in_one_batch_are_one_row(torrents: Torrents) -> None:
    await torrents.store([HYBRID])
    assert await torrents.store([V1_ONLY, SHORT_ONLY]) == StoreResult(updated=1)
    assert (await torrents.counts()).torrents == 1


FILES = (File("Sintel/charcoal.mkv", 700), File("Sintel/b.mkv", 5))
BARE: dict[str, Any] = {"files": (), "size": 0, "file_count": 0}


@pytest.mark.parametrize(
    "observations",
    [
        [torrent("Sintel", info_hash=V1, info_hash_v2=V2, files=FILES), torrent("Sintel", info_hash=SHORT, **BARE)],
        [torrent("Sintel", info_hash=SHORT, info_hash_v2=V2, files=FILES), torrent("Sintel", info_hash=V1, info_hash_v2=V2, **BARE)],
        [
            torrent("Sintel", info_hash=SHORT, info_hash_v2=V2, files=FILES),
            torrent("Sintel", info_hash=V1, **BARE),
            torrent("Sintel", info_hash=V1, info_hash_v2=V2, **BARE),
        ],
    ],
    ids=["adopted", "renamed", "merged"],
)
async def test_a_torrent_is_found_by_its_files_whatever_hash_it_is_named_by_later(
    torrents: Torrents, database: Database, observations: list[ClassifiedTorrent]
) -> None:
    for observation in observations:
        await torrents.store([observation])
    page = await PostgresSearch(database).search(SearchQuery("charcoal"))
    assert [(row.info_hash, row.size, row.file_count) for row in page.rows] == [(V1, 705, 2)]
    assert await torrents.files(page.rows[0].id) == FILES


async def test_a_false_claim_gets_none_of_the_files(torrents: Torrents) -> None:
    await torrents.store([torrent("Sintel", info_hash=V1, info_hash_v2=V2, files=FILES)])
    await torrents.store([torrent("Not Sintel", info_hash=info_hash("liar"), info_hash_v2=V2, files=(), size=1)])
    lied = await torrents.by_info_hash(info_hash("liar"))
    assert lied is not None
    assert await torrents.files(lied.id) == ()


async def test_merged_rows_are_as_popular_as_the_newest_count_says(torrents: Torrents, database: Database) -> None:
    await torrents.store([V1_ONLY])
    await torrents.store([torrent("Sintel", info_hash=SHORT, info_hash_v2=V2, seeders=300)])
    await torrents.store([HYBRID])
    assert await database.run(lambda connection: connection.execute("SELECT pop FROM search").fetchall()) == [(9,)]


async def test_a_torrent_without_a_count_does_not_undo_a_count_stored_meanwhile(torrents: Torrents, database: Database) -> None:
    await torrents.store([HYBRID])
    row = await torrents.by_info_hash(V1)
    assert row is not None
    with psycopg.connect(database.conninfo) as other, trio.fail_after(10):
        other.execute("SELECT FROM search FOR UPDATE")  # holds up the writer in the middle of its statement
        async with trio.open_nursery() as nursery:
            nursery.start_soon(torrents.store, [torrent("Sintel renamed", info_hash=V1)])
            await wait_until_waiting(database, 1)
            other.execute("INSERT INTO swarm VALUES (%s, now(), 300, NULL)", (row.id,))
            other.execute("UPDATE search SET pop = 9")
            other.commit()
    assert await database.run(lambda connection: connection.execute("SELECT pop FROM search").fetchall()) == [(9,)]


async def wait_until_waiting(database: Database, sessions: int) -> None:
    """Return when so many sessions wait for a lock."""
    statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while await database.run(lambda connection: connection.execute(statement).fetchone()) != (sessions,):  # noqa: ASYNC110 - no event
        await trio.sleep(0.01)


async def test_the_merged_row_keeps_the_earlier_time(torrents: Torrents) -> None:
    await torrents.store([V2_ONLY])
    earlier = await torrents.by_info_hash(V2)
    await torrents.store([V1_ONLY])
    await torrents.store([HYBRID])
    row = await torrents.by_info_hash(V1)
    assert earlier is not None
    assert row is not None
    assert row.first_seen == earlier.first_seen


async def test_a_false_claim_about_a_known_hash_changes_nothing(torrents: Torrents) -> None:
    await torrents.store([HYBRID])
    liar = torrent("Not Sintel", info_hash=info_hash("liar"), info_hash_v2=V2)
    other_liar = torrent("Sintel", info_hash=V1, info_hash_v2=InfoHashV2(bytes(32)))
    await torrents.store([liar, other_liar])
    row, lied = await torrents.by_info_hash(V2), await torrents.by_info_hash(liar.torrent.info_hash)
    assert row is not None
    assert lied is not None
    assert (row.info_hash, row.info_hash_v2, row.name) == (V1, V2, "Sintel")
    assert lied.info_hash_v2 is None


async def test_unknown_keeps_the_order_and_drops_stored_and_blocked(torrents: Torrents) -> None:
    hashes = [info_hash(n) for n in range(20)]
    await torrents.store([torrent(f"Sintel {n}", info_hash=hashes[n]) for n in range(0, 20, 4)])
    await torrents.block([hashes[1]], "test")
    wanted = list(reversed(hashes))
    assert await torrents.unknown(wanted) == [h for h in wanted if hashes.index(h) % 4 and h != hashes[1]]
    assert await torrents.unknown([]) == []


async def test_what_is_blocked_goes_and_never_comes_back_under_any_hash(torrents: Torrents, database: Database) -> None:
    await torrents.store([HYBRID, torrent("Big Buck Bunny")])
    assert await torrents.block([V2], "test") == 1
    assert await torrents.block([V2], "again") == 0
    for item in (V1_ONLY, SHORT_ONLY, V2_ONLY, HYBRID):
        assert await torrents.store([item]) == StoreResult(blocked=1)
    assert await torrents.unknown([V1, SHORT]) == []
    assert (await torrents.counts()).torrents == 1
    assert await database.run(lambda connection: connection.execute("SELECT count(*) FROM search").fetchone()) == (1,)


async def test_what_is_blocked_while_it_is_being_stored_does_not_stay(torrents: Torrents, database: Database) -> None:
    with psycopg.connect(database.conninfo) as other, trio.fail_after(10):
        other.execute("LOCK TABLE torrent IN SHARE MODE")  # holds up the writer after it has asked what is blocked
        async with trio.open_nursery() as nursery:
            nursery.start_soon(torrents.store, [V1_ONLY])
            await wait_until_waiting(database, 1)
            nursery.start_soon(torrents.block, [V1], "test")
            await wait_until_waiting(database, 2)
            other.commit()
    assert (await torrents.counts()).torrents == 0
    assert await torrents.store([V1_ONLY]) == StoreResult(blocked=1)


@pytest.mark.parametrize(
    "name",
    [
        "Sin\0tel\0",
        "Sintel \ud800\udfff",
        "Sintel \u202egnirts",
        "\0",
        "Sintel " * 15_000,
        "x" * 100_000,
        "'); DROP TABLE torrent; --",
        "人" * 9999,
    ],
    ids=["NUL", "surrogates", "bidi", "only NUL", "100 kB", "one word", "SQL", "Han"],
)
async def test_hostile_names_are_stored_safely(torrents: Torrents, name: str) -> None:
    hostile = torrent(name, title=name, files=(File(name[:5000], 1), File("\0\ud812", 2)), group=name[:50], info_hash=V1)
    await torrents.store([hostile])
    row = await torrents.by_info_hash(V1)
    assert row is not None
    assert len(row.name) <= 1024
    row.name.encode()
    assert "\0" not in row.name
    assert await torrents.files(row.id) == hostile.torrent.files


@pytest.mark.parametrize(
    "bad",
    [
        torrent("Sintel", info_hash=InfoHash(b"short")),
        torrent("Sintel", info_hash_v2=InfoHashV2(b"short")),
        torrent("Sintel", size=2**63),
        torrent("Sintel", seeders=2**31),
        torrent("Sintel", year=99_999),
    ],
    ids=["hash", "v2", "size", "seeders", "year"],
)
async def test_a_torrent_that_fits_no_column_refuses_the_batch_by_name(torrents: Torrents, bad: ClassifiedTorrent) -> None:
    with pytest.raises(TorrentRefused, match=bad.torrent.info_hash.hex()):
        await torrents.store([torrent("Big Buck Bunny"), bad])
    assert (await torrents.counts()).torrents == 0


async def test_what_the_server_refuses_is_reported(torrents: Torrents, database: Database) -> None:
    await database.run(lambda connection: connection.execute("ALTER TABLE torrent ADD CHECK (name <> 'bad')"))
    with pytest.raises(DatabaseRefused):
        await torrents.store([torrent("good"), torrent("bad")])
    assert await torrents.store([torrent("good")]) == StoreResult(new=1)


async def write_concurrently(torrents: Torrents, pool: list[ClassifiedTorrent]) -> None:
    async def write(start: int) -> None:
        for turn in range(6):
            at = (start * 97 + turn * 53) % len(pool)
            shuffled = pool[at:] + pool[:at]
            await torrents.store(shuffled[:: 1 if turn % 2 else -1][:200])

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(write, number)


async def test_concurrent_writers_of_the_same_torrents_do_not_deadlock(torrents: Torrents, database: Database) -> None:
    await write_concurrently(torrents, [torrent(f"Sintel {n}", seeders=n) for n in range(300)])
    assert (await torrents.counts()).torrents == 300
    assert database.statistics().conflicts == 0


async def test_concurrent_writers_agree_on_hybrids(torrents: Torrents) -> None:
    hashes = [(info_hash(f"v1 {n}"), InfoHashV2(info_hash(n) + bytes(12))) for n in range(60)]
    pool = [torrent(f"Sintel {n}", info_hash=v1, info_hash_v2=v2) for n, (v1, v2) in enumerate(hashes)]
    pool += [torrent(f"Sintel {n}", info_hash=InfoHash(v2[:20]), source="site") for n, (_, v2) in enumerate(hashes)]
    pool += [torrent(f"Sintel {n}", info_hash=v1, source="another site") for n, (v1, _) in enumerate(hashes)]
    await write_concurrently(torrents, pool)
    assert (await torrents.counts()).torrents == 60


async def test_totals_survive_folding(torrents: Torrents, database: Database) -> None:
    for n in range(260):
        await torrents.store([torrent(f"Sintel {n}", kind=Kind.MUSIC if n % 2 else Kind.MOVIE)])
    counts = await torrents.counts()
    assert counts.by_kind == {Kind.MOVIE: 130, Kind.MUSIC: 130}
    rows = await database.run(lambda connection: connection.execute("SELECT count(*) FROM tally").fetchone())
    assert rows is not None
    assert rows[0] < 210
