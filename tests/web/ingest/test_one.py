"""POST /api/ingest: one item, and what each member may be."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from catalog.model import File, TorrentRow
from tests.fakes.pipeline import IngestSite

HASH = "0123456789abcdef0123456789abcdef01234567"
HASH_V2 = "abcdef0123456789" * 4
NAME = "Sintel.2010.1080p.BluRay.x264"
ITEM = {"info_hash": HASH, "name": NAME}


async def row(ingest: IngestSite, info_hash: str = HASH) -> TorrentRow:
    found = await ingest.torrents.by_info_hash(bytes.fromhex(info_hash))
    assert found is not None
    return found


async def test_hash_and_name_are_enough(ingest: IngestSite) -> None:
    assert await ingest.one(ITEM) == {"status": "new", "info_hash": HASH}
    found = await row(ingest)
    assert (found.name, found.size, found.file_count, found.seeders, found.sources) == (NAME, 0, 0, None, ("ingest",))
    assert found.parsed.title == "Sintel"


async def test_everything_an_item_says_is_kept(ingest: IngestSite) -> None:
    item = {
        **ITEM,
        "info_hash_v2": HASH_V2.upper(),
        "size": 1000,
        "files": [{"path": "Sintel/Sintel.mkv", "size": 900}, {"path": "Sintel/Sintel.srt", "size": 100}],
        "seeders": 7,
        "leechers": 0,
        "source": "free-films",
        "published_at": "2020-05-06T07:08:09+02:00",
        "category": 2040,
        "trackers": ["udp://tracker.example:6969/announce", "no tracker"],
        "ids": {"imdb": "tt1727587", "tmdb": 45745},
    }
    assert await ingest.one(item) == {"status": "new", "info_hash": HASH}
    found = await row(ingest)
    assert found.info_hash_v2 == bytes.fromhex(HASH_V2)
    assert (found.size, found.file_count, found.seeders, found.leechers, found.sources) == (1000, 2, 7, 0, ("free-films",))
    assert found.published_at == datetime(2020, 5, 6, 5, 8, 9, tzinfo=UTC)
    assert found.trackers == ("udp://tracker.example:6969/announce",)
    assert await ingest.torrents.files(found.id) == (File("Sintel/Sintel.mkv", 900), File("Sintel/Sintel.srt", 100))


async def test_a_hash_may_be_written_in_three_ways(ingest: IngestSite) -> None:
    base32 = base64.b32encode(bytes.fromhex(HASH)).decode()
    for given, name, stored in (
        (base32, HASH, HASH),
        (HASH.upper(), HASH, HASH),
        (base32.lower(), HASH, HASH),
        (HASH_V2, HASH_V2, HASH_V2[:40]),
    ):
        assert (await ingest.one({**ITEM, "info_hash": given}))["info_hash"] == name
        assert (await row(ingest, name)).info_hash.hex() == stored
    assert await ingest.count() == 2


async def test_what_a_later_item_does_not_say_stays(ingest: IngestSite) -> None:
    first = {**ITEM, "size": 1000, "files": [{"path": "a.mkv", "size": 1000}], "seeders": 5, "leechers": 4, "source": "one"}
    await ingest.one({**first, "published_at": "2020-01-01T00:00:00Z", "trackers": ["http://a.example/announce"]})
    assert (await ingest.one({**ITEM, "seeders": 9, "source": "two", "trackers": ["http://b.example/announce"]}))["status"] == "updated"
    found = await row(ingest)
    assert (found.size, found.file_count, found.seeders, found.sources) == (1000, 1, 9, ("one", "two"))
    assert found.published_at == datetime(2020, 1, 1, tzinfo=UTC)
    assert found.trackers == ("http://a.example/announce", "http://b.example/announce")
    await ingest.one(ITEM)
    found = await row(ingest)
    assert found.seeders == 9


async def test_a_truncated_list_of_files_keeps_the_true_number(ingest: IngestSite) -> None:
    await ingest.one({**ITEM, "size": 5000, "files": [{"path": "a", "size": 10}], "file_count": 300})
    found = await row(ingest)
    assert (found.size, found.file_count) == (5000, 300)
    many = [{"path": f"{n}.txt", "size": 1} for n in range(2500)]
    await ingest.one({**ITEM, "files": many})
    found = await row(ingest)
    assert (found.size, found.file_count, len(await ingest.torrents.files(found.id))) == (2500, 2500, 2000)


async def test_a_whole_list_of_files_is_exact_where_a_site_rounds(ingest: IngestSite) -> None:
    await ingest.one({**ITEM, "size": 1_400_000_000, "files": [{"path": "a", "size": 1_413_200_001}]})
    assert (await row(ingest)).size == 1_413_200_001


async def test_private_torrents_keep_no_trackers(ingest: IngestSite) -> None:
    await ingest.one({**ITEM, "private": True, "trackers": ["http://a.example/announce"]})
    assert (await row(ingest)).trackers == ()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"info_hash": "xyz"}, "/info_hash"),
    ({"info_hash": HASH[:-1]}, "/info_hash"),
    ({"info_hash": HASH + "é"}, "/info_hash"),
    ({"info_hash": 5}, "/info_hash"),
    ({"info_hash_v2": HASH}, "/info_hash_v2"),
    ({"info_hash": HASH_V2, "info_hash_v2": "0" * 64}, "/info_hash_v2"),
    ({"name": ""}, "/name"),
    ({"name": "S" * 5000}, "/name"),
    ({"size": -1}, "/size"),
    ({"size": 1 << 60}, "/size"),
    ({"size": "1 GB"}, "/size"),
    ({"files": [{"path": "a", "size": 1}, {"path": "b", "size": -1}]}, "/files/1/size"),
    ({"files": [{"path": "a"}]}, "/files/0"),
    ({"files": [{"path": "", "size": 1}]}, "/files/0/path"),
    ({"files": [{"path": "a", "size": 1 << 50}, {"path": "b", "size": 1 << 50}]}, "/files"),
    ({"files": "a.mkv"}, "/files"),
    ({"seeders": -1}, "/seeders"),
    ({"seeders": 1 << 31}, "/seeders"),
    ({"leechers": 1.5}, "/leechers"),
    ({"source": "A Site"}, "/source"),
    ({"source": "s" * 41}, "/source"),
    ({"published_at": "yesterday"}, "/published_at"),
    ({"published_at": "2020-01-01T00:00:00"}, "/published_at"),
    ({"published_at": "0001-01-01T00:00:00Z"}, "/published_at"),
    ({"published_at": (datetime.now(UTC) + timedelta(days=2)).isoformat()}, "/published_at"),
    ({"category": ""}, "/category"),
    ({"category": -1}, "/category"),
    ({"trackers": "udp://a:1"}, "/trackers"),
    ({"trackers": [1]}, "/trackers/0"),
    ({"ids": {"imdb": "tt"}}, "/ids/imdb"),
    ({"ids": {"tmdb": 0}}, "/ids/tmdb"),
    ({"ids": {"tvdb": "71471"}}, "/ids/tvdb"),
]


async def test_a_wrong_member_is_told_with_its_place(ingest: IngestSite) -> None:
    for change, pointer in WRONG:
        response = await ingest.post("/api/ingest", {**ITEM, **change})
        assert response.status_code == 400, change
        assert response.headers["content-type"] == "application/problem+json"
        (error,) = response.json()["errors"]
        assert error["pointer"] == pointer, change
        assert error["detail"]
    assert await ingest.count() == 0


async def test_a_missing_member_is_named(ingest: IngestSite) -> None:
    for missing in ("info_hash", "name"):
        response = await ingest.post("/api/ingest", {name: value for name, value in ITEM.items() if name != missing})
        assert response.status_code == 400
        assert missing in response.json()["errors"][0]["detail"]


async def test_unknown_members_are_passed_over_and_named(ingest: IngestSite) -> None:
    result = await ingest.one({**ITEM, "seders": 5})
    assert result["status"] == "new"
    assert "seders" in result["warning"]


async def test_null_says_nothing(ingest: IngestSite) -> None:
    members = ("size", "files", "seeders", "leechers", "source", "published_at", "category", "trackers", "ids", "private", "info_hash_v2")
    assert (await ingest.one({**ITEM, **dict.fromkeys(members)}))["status"] == "new"


async def test_the_policy_and_the_block_list_decide(ingest: IngestSite) -> None:
    assert await ingest.one({**ITEM, "name": "\u200b\u202e"}) == {"status": "refused", "info_hash": HASH, "reason": "empty-name"}
    await ingest.torrents.block([bytes.fromhex(HASH)], "unwanted")
    assert await ingest.one(ITEM) == {"status": "blocked", "info_hash": HASH}
    assert await ingest.count() == 0


async def test_only_json_is_read(ingest: IngestSite) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = await ingest.post("/api/ingest", ITEM, content_type=content_type)
        assert response.status_code in {400, 415}
    assert (await ingest.post("/api/ingest", b"")).status_code == 400
    assert (await ingest.post("/api/ingest", [ITEM])).status_code == 400
    assert await ingest.count() == 0


async def test_it_asks_for_a_key_that_may_ingest(ingest: IngestSite) -> None:
    for path in ("/api/ingest", "/api/ingest/bulk", "/api/ingest/file", "/api/ingest/unknown"):
        assert (await ingest.post(path, ITEM, key="")).status_code == 401
        response = await ingest.post(path, ITEM, key="0" * 40)
        assert (response.status_code, response.headers["content-type"]) == (401, "application/problem+json")
    assert await ingest.count() == 0


async def test_trackers_stand_in_every_magnet_link(ingest: IngestSite) -> None:
    await ingest.one({**ITEM, "size": 1_200_001_514, "trackers": ["udp://tracker.example:6969/announce"]})
    client, key = ingest.site.client, "the-token-of-this-run"
    pages = ("/api?t=search&q=sintel", f"/api/v1/torrents/{HASH}", "/?q=sintel", f"/t/{HASH}")
    for page in pages:
        response = await client.get(page, headers={"X-Api-Key": key})
        assert "tr=udp%3A%2F%2Ftracker.example%3A6969%2Fannounce" in response.text, page
