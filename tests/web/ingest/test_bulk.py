"""POST /api/ingest/bulk: many items, each with its own result."""

import gzip
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import DatabaseSettings, IngestSettings
from protocol.identifiers import InfoHash
from storage.database import Database
from tests.fakes.pipeline import IngestSite, ingesting

LINES = "application/x-ndjson"


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"info_hash": f"{number:040x}", "name": f"Sintel.2010.1080p.BluRay.x264-{number}", **more}


def lines(*items: object) -> bytes:
    return b"\n".join(value if isinstance(value, bytes) else msgspec.json.encode(value) for value in items)


async def test_an_array_gets_a_result_for_each_item_in_order(ingest: IngestSite) -> None:
    answer = await ingest.bulk([item(3), item(1), item(2)])
    assert answer["summary"] == {"new": 3, "updated": 0, "blocked": 0, "refused": 0, "invalid": 0}
    assert answer["results"] == [{"status": "new", "info_hash": f"{n:040x}", "index": index} for index, n in enumerate((3, 1, 2))]
    assert await ingest.count() == 3


async def test_lines_get_a_result_each_with_their_numbers(ingest: IngestSite) -> None:
    answer = await ingest.bulk(lines(item(1), b"", item(2), b"  ", item(3), b""), content_type=LINES)
    assert [(result["index"], result["line"], result["status"]) for result in answer["results"]] == [
        (0, 1, "new"),
        (1, 3, "new"),
        (2, 5, "new"),
    ]


async def test_lines_are_known_by_their_first_byte_too(ingest: IngestSite) -> None:
    assert await ingest.statuses(lines(item(1), item(2)), content_type="application/json") == ["new", "new"]
    assert await ingest.statuses(b"\r\n " + lines(item(1)) + b"\r\n") == ["updated"]
    assert await ingest.statuses(b" \n" + msgspec.json.encode([item(3)])) == ["new"]


async def test_gzip_is_read_in_both_forms(ingest: IngestSite) -> None:
    assert await ingest.statuses(gzip.compress(msgspec.json.encode([item(1)])), content_encoding="gzip") == ["new"]
    assert await ingest.statuses(gzip.compress(lines(item(2))), content_encoding="gzip", content_type=LINES) == ["new"]


BAD: list[tuple[bytes, str]] = [
    (b'{"info_hash": "zz", "name": "Sintel"}', "/info_hash"),
    (b'{"name": "Sintel"}', ""),
    (b"[]", ""),
    (b"17", ""),
    (b'{"info_hash": "' + b"0" * 40 + b'", "name": "Sintel", "files": [{"path": "a", "size": "b"}]}', "/files/0/size"),
]


async def test_a_bad_item_of_an_array_spoils_nothing_else(ingest: IngestSite) -> None:
    body = b"[" + b",\n ".join([msgspec.json.encode(item(1)), *(bad for bad, _ in BAD), msgspec.json.encode(item(2))]) + b"]"
    results = (await ingest.bulk(body))["results"]
    assert [result["status"] for result in results] == ["new", *["invalid"] * len(BAD), "new"]
    assert [result["errors"][0].get("pointer", "") for result in results[1:-1]] == [f"/{n}{at}" for n, (_, at) in enumerate(BAD, 1)]
    assert await ingest.count() == 2


async def test_a_bad_line_spoils_nothing_else(ingest: IngestSite) -> None:
    broken = [(b'{"info_hash": "', ""), (b"\xff\xfe", ""), (b"{}{}", ""), (b'{"a":' + b"[" * 5000, ""), (b"NaN", "")]
    answer = await ingest.bulk(lines(item(1), *(bad for bad, _ in (*BAD, *broken)), item(2)), content_type=LINES)
    results = answer["results"]
    assert [result["status"] for result in results] == ["new", *["invalid"] * (len(BAD) + len(broken)), "new"]
    assert [result["errors"][0]["line"] for result in results[1:-1]] == list(range(2, len(results)))
    assert [result["errors"][0].get("pointer", "") for result in results[1:-1]] == [at for _, at in (*BAD, *broken)]
    assert answer["summary"]["invalid"] == len(BAD) + len(broken)
    assert results[1]["info_hash"] == "zz"
    assert await ingest.count() == 2


BROKEN = [
    (b'[{"a": 1},\n {"b": 2}', 2),
    (b'[{"a": 1}\n {"b": 2}]', 2),
    (b"[1,\n2,\n]", 3),
    (b"[1]\n[2]", 2),
    (b'["\xff"]', 1),
    (b"[" + b"9" * 5000 + b"]", 1),
    (b"[" * 100, None),
    (b"[", 1),
]


async def test_a_broken_array_is_refused_with_the_place(ingest: IngestSite) -> None:
    for body, line in BROKEN:
        response = await ingest.post("/api/ingest/bulk", body)
        assert response.status_code == 400, response.text
        assert response.json()["errors"][0].get("line") == line, body[:50]


async def test_an_empty_array_has_no_results_and_an_empty_body_is_an_error(ingest: IngestSite) -> None:
    assert (await ingest.bulk(b"[ ]"))["results"] == []
    assert (await ingest.post("/api/ingest/bulk", b" \n ")).status_code == 400


async def test_unknown_members_are_named_for_the_item_that_has_them(ingest: IngestSite) -> None:
    results = (await ingest.bulk([item(1), item(2, magnet="magnet:?"), item(3)]))["results"]
    assert [("magnet" in result.get("warning", ""), result["status"]) for result in results] == [
        (False, "new"),
        (True, "new"),
        (False, "new"),
    ]


async def test_a_torrent_sent_twice_in_one_request_is_new_once(ingest: IngestSite) -> None:
    body = [item(1, seeders=1), item(2), item(1, seeders=5), item(1, source="elsewhere")]
    assert await ingest.statuses(body) == ["new", "new", "updated", "updated"]
    row = await ingest.torrents.by_info_hash(InfoHash((1).to_bytes(20)))
    assert row is not None
    assert (row.seeders, row.sources) == (5, ("ingest", "elsewhere"))


async def test_every_status_stands_beside_the_others(ingest: IngestSite) -> None:
    await ingest.one(item(1))
    await ingest.torrents.block([InfoHash((2).to_bytes(20))], "unwanted")
    answer = await ingest.bulk([item(1), item(2), {**item(3), "name": "\u202e"}, item(4), {"name": "x"}])
    assert [result["status"] for result in answer["results"]] == ["updated", "blocked", "refused", "new", "invalid"]
    assert answer["summary"] == {"new": 1, "updated": 1, "blocked": 1, "refused": 1, "invalid": 1}


async def test_the_hashes_of_a_hybrid_are_one_torrent(ingest: IngestSite) -> None:
    v2 = "ab" * 32
    body = [item(1, info_hash_v2=v2), {**item(5), "info_hash": v2[:40]}, {**item(6), "info_hash": v2}]
    assert await ingest.statuses(body) == ["new", "updated", "updated"]
    assert await ingest.count() == 1


async def test_a_thousand_items_are_taken_and_one_more_is_not(ingest: IngestSite) -> None:
    assert (await ingest.bulk([item(n) for n in range(1000)]))["summary"]["new"] == 1000
    for body in (msgspec.json.encode([item(n) for n in range(1001)]), lines(*(item(n) for n in range(1001)))):
        assert (await ingest.post("/api/ingest/bulk", body)).status_code == 413
    bad = b"[" + b",".join([b"1"] * 5000) + b"]"
    assert (await ingest.post("/api/ingest/bulk", bad)).status_code == 413
    assert (await ingest.post("/api/ingest/bulk", b"{}" + b"\n" * 5000 + b"{}")).status_code == 413


async def test_limits_of_bytes_count_what_is_unpacked(database: Database) -> None:
    async with ingesting(database, IngestSettings(max_body_bytes=200_000, gzip_ratio=20)) as ingest:
        large = msgspec.json.encode([item(n, files=[{"path": f"{n} {k}.mkv", "size": k} for k in range(30)]) for n in range(300)])
        assert len(large) > 200_000
        assert (await ingest.post("/api/ingest/bulk", large)).status_code == 413
        assert (await ingest.post("/api/ingest/bulk", gzip.compress(large), content_encoding="gzip")).status_code == 413
        bomb = gzip.compress(b"[" + b" " * 150_000 + b"]")
        assert (await ingest.post("/api/ingest/bulk", bomb, content_encoding="gzip")).status_code == 413
        assert (await ingest.post("/api/ingest/bulk", b"[]", content_encoding="br")).status_code == 415
        assert await ingest.count() == 0
        assert await ingest.statuses([item(1)]) == ["new"], "the connection goes on after every refusal"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
hashes = st.integers(0, 3).map(lambda number: f"{number:040x}") | st.text(max_size=5)
members = ("size", "files", "seeders", "leechers", "source", "published_at", "category", "trackers", "ids", "private", "info_hash_v2", "x")
items = st.fixed_dictionaries({"info_hash": hashes, "name": st.text(max_size=10)}, optional=dict.fromkeys(members, json_values))


bodies = st.tuples(st.lists(items | json_values, max_size=6), st.booleans())
OFTEN = settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@given(st.lists(bodies, min_size=20, max_size=40))
@OFTEN
async def test_any_items_get_a_result_each_and_what_is_confirmed_is_stored(conninfo: str, requests: list[tuple[list[Any], bool]]) -> None:
    async with Database(conninfo, DatabaseSettings()) as database, ingesting(database) as ingest:
        for body, as_lines in requests:
            sent, content_type = (lines(*body), LINES) if as_lines and body else (msgspec.json.encode(body), "application/json")
            results = (await ingest.bulk(sent, content_type=content_type))["results"]
            assert [result["index"] for result in results] == list(range(len(body)))
            for result in results:
                if result["status"] in {"new", "updated"}:
                    assert await ingest.torrents.by_info_hash(bytes.fromhex(result["info_hash"])) is not None


starts = st.sampled_from([b"", b"[", b"{", b'[{"info_hash":"', b'{"info_hash":"' + b"0" * 40 + b'","name":"', b"\x1f\x8b"])


@given(st.lists(st.tuples(starts, st.binary(max_size=40), st.booleans()), min_size=30, max_size=60))
@OFTEN
async def test_any_bytes_are_answered_without_a_crash(conninfo: str, requests: list[tuple[bytes, bytes, bool]]) -> None:
    async with Database(conninfo, DatabaseSettings()) as database, ingesting(database) as ingest:
        for start, body, packed in requests:
            headers = {"content_encoding": "gzip"} if packed else {}
            for path in ("/api/ingest", "/api/ingest/bulk", "/api/ingest/unknown"):
                response = await ingest.post(path, start + body, content_type="application/json", **headers)
                assert response.status_code in {200, 400, 413, 415}, response.text
