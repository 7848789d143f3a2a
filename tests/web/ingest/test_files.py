"""POST /api/ingest/file: .torrent files made by libtorrent, and by nobody."""

import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bencode2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import DatabaseSettings, IngestSettings
from storage.database import Database
from tests.fakes.pipeline import IngestSite, ingesting
from tests.fakes.torrents import BUNNY, make_torrent, single_file_info

RAW = "application/x-bittorrent"
BOUNDARY = "a-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(files: Sequence[tuple[str, bytes]], **fields: str) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {RAW}\r\n\r\n'.encode()
        + raw
        + b"\r\n"
        for name, raw in files
    ]
    parts += [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def post(ingest: IngestSite, body: bytes, content_type: str = RAW, path: str = "/api/ingest/file", **headers: str) -> Any:
    response = await ingest.post(path, body, content_type=content_type, **headers)
    assert response.status_code == 200, response.text
    return response.json()["results"]


@pytest.mark.parametrize("version", ["v1", "v2", "hybrid"])
async def test_a_file_is_indexed_by_its_hashes(ingest: IngestSite, tmp_path: Path, version: str) -> None:
    made = make_torrent(tmp_path, version)
    (result,) = await post(ingest, made.raw)
    hashes = made.torrent_info.info_hashes()
    v1 = hashes.v1.to_bytes() if hashes.has_v1() else None
    v2 = hashes.v2.to_bytes() if hashes.has_v2() else None
    assert result == {"status": "new", "info_hash": (v1 or v2).hex(), "index": 0}
    row = await ingest.torrents.by_info_hash(v1 or v2)
    assert row is not None
    assert (row.info_hash, row.info_hash_v2, row.name, row.size) == ((v1 or v2)[:20], v2, "Sintel", 71_300)
    assert row.file_count == len([1 for _, size in made.files])
    assert [(f"Sintel/{file.path}", file.size) for file in await ingest.torrents.files(row.id)] == made.files


async def test_several_files_of_a_form_get_a_result_each(ingest: IngestSite, tmp_path: Path) -> None:
    one, two = make_torrent(tmp_path / "1", "v1"), make_torrent(tmp_path / "2", "hybrid", BUNNY)
    body = form(
        [("one.torrent", one.raw), ("junk\u202e.torrent", b"junk"), ("two.torrent", two.raw), ("", b"")], source="a-site", category="2000"
    )
    results = await post(ingest, body, FORM)
    assert [(result["index"], result["file"], result["status"]) for result in results] == [
        (0, "one.torrent", "new"),
        (1, "junk.torrent", "invalid"),
        (2, "two.torrent", "new"),
    ]
    assert "not_bencode" in results[1]["errors"][0]["detail"]
    row = await ingest.torrents.by_info_hash(bytes.fromhex(results[0]["info_hash"]))
    assert row is not None
    assert row.sources == ("a-site",)


async def test_trackers_are_taken_but_not_those_of_private_torrents(ingest: IngestSite) -> None:
    url, other = b"udp://tracker.example:6969/announce", b"http://other.example/announce"
    public = {b"announce": url, b"announce-list": [[url], [other, b"junk"]], b"info": single_file_info()}
    private = {b"announce": url, b"info": {**single_file_info(b"Tears of Steel.mkv"), b"private": 1}}
    for top, trackers in ((public, (url.decode(), other.decode())), (private, ())):
        (result,) = await post(ingest, bencode2.bencode(top))
        row = await ingest.torrents.by_info_hash(bytes.fromhex(result["info_hash"]))
        assert row is not None
        assert row.trackers == trackers


async def test_a_file_of_unsorted_keys_keeps_the_hash_of_its_bytes(ingest: IngestSite) -> None:
    name, pieces = b"Sintel.mkv", hashlib.sha1(b"", usedforsecurity=False).digest()
    info = b"d4:name%d:%b6:lengthi100e12:piece lengthi16384e6:pieces20:%be" % (len(name), name, pieces)
    (result,) = await post(ingest, b"d4:info" + info + b"7:comment2:hie")
    assert result["info_hash"] == hashlib.sha1(info, usedforsecurity=False).hexdigest()
    assert result["status"] == "new"


async def test_piece_layers_are_checked(ingest: IngestSite, tmp_path: Path) -> None:
    made = make_torrent(tmp_path, "v2")
    top = bencode2.bdecode(made.raw)
    (root, layer), *_ = top[b"piece layers"].items()
    forged = bencode2.bencode({**top, b"piece layers": {root: layer[::-1]}})
    (result,) = await post(ingest, forged)
    assert result["status"] == "invalid"
    assert "wrong_piece_layers" in result["errors"][0]["detail"]
    assert await ingest.count() == 0


async def test_info_dicts_are_kept_where_that_is_wanted(database: Database, tmp_path: Path) -> None:
    made = make_torrent(tmp_path, "hybrid")
    for limit, has_info in ((0, False), (100_000, True)):
        async with ingesting(database, info_limit_bytes=limit) as ingest:
            (result,) = await post(ingest, made.raw)
            row = await ingest.torrents.by_info_hash(bytes.fromhex(result["info_hash"]))
            assert row is not None
            assert row.has_info is has_info


async def test_source_and_category_may_stand_in_the_address(ingest: IngestSite) -> None:
    raw = bencode2.bencode({b"info": single_file_info()})
    (result,) = await post(ingest, raw, path="/api/ingest/file?source=my-site&category=Movies")
    row = await ingest.torrents.by_info_hash(bytes.fromhex(result["info_hash"]))
    assert row is not None
    assert row.sources == ("my-site",)
    response = await ingest.post("/api/ingest/file?source=My%20Site", raw, content_type=RAW)
    assert response.status_code == 400


async def test_gzip_and_limits(database: Database, tmp_path: Path) -> None:
    made = make_torrent(tmp_path, "v1")
    large = bencode2.bencode({b"info": single_file_info(), b"padding": b"x" * 110_000})
    async with ingesting(database, IngestSettings(max_file_bytes=100_000, max_upload_bytes=300_000, max_items=3)) as ingest:
        assert (await post(ingest, gzip.compress(made.raw), content_encoding="gzip"))[0]["status"] == "new"
        results = await post(ingest, form([("a", made.raw), ("b", large)]), FORM)
        assert [result["status"] for result in results] == ["updated", "invalid"]
        assert "100000 bytes" in results[1]["errors"][0]["detail"]
        assert (await ingest.post("/api/ingest/file", form([("a", made.raw)] * 4), content_type=FORM)).status_code == 413
        assert (await ingest.post("/api/ingest/file", b"0" * 300_001, content_type=RAW)).status_code == 413


REFUSED = [
    (b"", "text/plain", 415),
    (b"", "application/json", 415),
    (b"", "multipart/form-data", 400),
    (b"", FORM, 400),
    (form([]), FORM, 400),
    (form([("a", b"junk")])[:-10], FORM, 400),
    (b"--a-boundary\r\n\r\nno disposition\r\n--a-boundary--", FORM, 400),
    (b"--a-boundary\r\n" + b"x" * 600_000, FORM, 400),
]


async def test_what_is_no_upload_is_refused(ingest: IngestSite) -> None:
    for body, content_type, status in REFUSED:
        response = await ingest.post("/api/ingest/file", body, content_type=content_type)
        assert response.status_code == status, (body[:50], content_type)


parts = st.tuples(st.binary(max_size=120), st.booleans())


@given(st.lists(parts, min_size=30, max_size=60))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_any_bytes_are_answered_without_a_crash(conninfo: str, bodies: list[tuple[bytes, bool]]) -> None:
    async with Database(conninfo, DatabaseSettings()) as database, ingesting(database) as ingest:
        for body, is_framed in bodies:
            sent = b"--a-boundary\r\nContent-Disposition: form-data; " + body + b"\r\n\r\n--a-boundary--" if is_framed else body
            for content_type in (RAW, FORM):
                response = await ingest.post("/api/ingest/file", sent, content_type=content_type)
                assert response.status_code in {200, 400, 413}, response.text
