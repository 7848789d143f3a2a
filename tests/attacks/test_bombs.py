"""Small requests that unpack, nest or repeat their way to something large: gzip, JSON, form and bencode bombs, and odd text.

Each must be refused, or taken, within moments and within its limits, and the server must answer the next one.
"""

import gzip
import json
import resource
import time
import zlib

import pytest
import trio

from tests.attacks.readers import assert_harmless
from tests.fakes.pipeline import ingesting

MIB = 1024 * 1024
ITEM = {"info_hash": "ab" * 20, "name": "Sintel"}
SENT = (
    ("/api/ingest", "application/json"),
    ("/api/ingest/bulk", "application/json"),
    ("/api/ingest/bulk", "application/x-ndjson"),
    ("/api/ingest/file", "application/x-bittorrent"),
    ("/api/ingest/unknown", "application/json"),
)


@pytest.fixture
async def ingest(database):
    async with ingesting(database) as found:
        yield found


def bomb(mib: int, filler: bytes = b" ") -> bytes:
    return gzip.compress(b"[" + filler * (mib * MIB), 9)


BOMBS = {
    "a hundred MiB of blanks": bomb(100),
    "a hundred MiB of nothing at all": bomb(100, b"\0"),
    "many members": bomb(1) * 100,
    "two thousand empty members": gzip.compress(b"") * 2500,
    "gzip in gzip": gzip.compress(gzip.compress(bomb(50))),
    "cut short": bomb(1)[:-9],
    "with a wrong checksum": bomb(1)[:-8] + b"\0" * 8,
    "not gzip": b"Sintel",
    "zlib": zlib.compress(b"[]"),
    "empty": b"",
    "followed by something else": gzip.compress(json.dumps([]).encode()) + b"Sintel",
    "a header that goes on": b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"a" * 100_000,
}


async def test_a_gzip_bomb_is_refused_before_it_is_large(ingest):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path, kind in SENT:
        for shape, packed in BOMBS.items():
            headers = {"X-Api-Key": ingest.site.key, "Content-Encoding": "gzip", "Content-Type": kind}
            with trio.fail_after(5):
                response = await ingest.site.client.post(path, content=packed, headers=headers)
            assert response.status_code in {400, 413, 415} or (response.status_code == 200 and not ingest_took(response)), (shape, kind)
            assert_harmless(response)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 80 * MIB


def ingest_took(response) -> bool:
    return bool(response.json()["summary"]["new"])


async def test_other_codings_are_refused_unread(ingest):
    for coding in ("deflate", "br", "zstd", "gzip, gzip", "gzip, identity", "compress", "x", "GZIP;q=1"):
        headers = {"X-Api-Key": ingest.site.key, "Content-Encoding": coding, "Content-Type": "application/json"}
        response = await ingest.site.client.post("/api/ingest/bulk", content=bomb(1), headers=headers)
        assert response.status_code == 415, coding


def item(**members: object) -> bytes:
    return json.dumps({**ITEM, **members}).encode()


JSON_BOMBS = {
    "nested lists": b"[" * 500_000,
    "nested and closed": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"a":' * 200_000,
    "nested in a member nobody knows": b'{"info_hash":"' + b"ab" * 20 + b'","name":"Sintel","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "brackets in a text": item(name="[" * 5000),
    "an endless number": b'{"size":' + b"9" * 1_000_000 + b"}",
    "an endless fraction": b'{"size":0.' + b"9" * 1_000_000 + b"}",
    "a huge exponent": b'{"info_hash":"' + b"ab" * 20 + b'","name":"Sintel","size":1e999999999}',
    "not a number": b'{"size":NaN}',
    "without end": b'{"size":Infinity}',
    "below nothing": item(size=-1),
    "beyond 64 bits": item(size=1 << 70),
    "seeders beyond 32 bits": item(seeders=1 << 40),
    "the same member twice": b'{"info_hash":"' + b"ab" * 20 + b'","info_hash":"x","name":"a","name":"b"}',
    "a million members": b"{" + b",".join(b'"%d":0' % number for number in range(200_000)) + b"}",
    "a file list without end": item(files=[{"path": "a", "size": 1}] * 250_000),
    "a lone surrogate": b'{"info_hash":"' + b"ab" * 20 + b'","name":"\\ud800"}',
    "a surrogate in bytes": b'{"info_hash":"' + b"ab" * 20 + b'","name":"\xed\xa0\x80"}',
    "not UTF-8": b'{"info_hash":"' + b"ab" * 20 + b'","name":"\xff\xfe"}',
    "overlong UTF-8": b'{"info_hash":"' + b"ab" * 20 + b'","name":"\xc0\xaf"}',
    "UTF-16": json.dumps(ITEM).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(ITEM).encode(),
    "a NUL": b'{"info_hash":"' + b"ab" * 20 + b'","name":"\x00"}',
    "a text without end": b'"' + b"a" * 1_000_000,
    "escapes without end": b'"' + b"\\u0041" * 200_000,
    "backslashes": b'"' + b"\\" * 999_999,
    "comments": b"/* */ {}",
    "blanks": b" " * MIB,
    "nothing": b"",
    "null": b"null",
    "a number": b"1",
    "a year of its own": item(published_at="9999999-01-01T00:00:00Z"),
    "a tracker with a passkey and worse": item(
        trackers=["javascript:alert(1)", "http://x/" + "a" * 50_000, "\x00", "file:///etc/passwd"], size="x"
    ),
}


async def test_a_json_bomb_is_refused_with_its_place(ingest):
    for shape, text in JSON_BOMBS.items():
        for path, kind in SENT:
            if path in {"/api/ingest/file", "/api/ingest/unknown"}:
                continue
            headers = {"X-Api-Key": ingest.site.key, "Content-Type": kind}
            started = time.thread_time()
            with trio.fail_after(5):
                response = await ingest.site.client.post(path, content=text, headers=headers)
            assert time.thread_time() - started < 1, f"{shape} held up the event loop"
            assert response.status_code in {400, 413, 415} or (response.status_code == 200 and b"invalid" in response.content), (
                shape,
                kind,
                response.text[:300],
            )
            assert len(response.content) < 64 * 1024, "an answer as large as the attack"
            assert_harmless(response)


async def test_other_json_is_read_as_carefully(site, victim):
    for path in ("/api/v1/keys", "/api/v1/searches", "/api/v1/fetch", "/api/v1/blocked"):
        for shape, text in JSON_BOMBS.items():
            headers = {"X-Api-Key": victim.keys["admin"], "Content-Type": "application/json"}
            response = await site.client.post(path, content=text, headers=headers)
            assert response.status_code < 500, (path, shape, response.text[:300])
            assert_harmless(response)


FIELD = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
FORMS = {
    "ten thousand parts": (FIELD + b"\r\n") * 10_000 + b"--x--\r\n",
    "ten thousand files": (FIELD.replace(b'"a"', b'"f"; filename="a"') + b"\r\n") * 10_000 + b"--x--\r\n",
    "a part's head without end": b"--x\r\n" + b"X: y\r\n" * 200_000,
    "boundaries that nearly are": FIELD + b"\r\n--" * 500_000,
    "carriage returns": FIELD + b"\r" * MIB,
    "no end": FIELD + b"Sintel",
    "nothing": b"",
}


async def test_a_form_of_any_size_is_read_in_moments(ingest):
    for shape, body in FORMS.items():
        headers = {"X-Api-Key": ingest.site.key, "Content-Type": "multipart/form-data; boundary=x"}
        started = time.thread_time()
        with trio.fail_after(10):
            response = await ingest.site.client.post("/api/ingest/file", content=body, headers=headers)
        assert response.status_code in {400, 413}, (shape, response.text[:300])
        assert time.thread_time() - started < 2, f"{shape} held up the event loop"


BENCODE = {
    "nested lists": b"l" * 500_000,
    "nested dictionaries": b"d1:a" * 200_000,
    "an endless number": b"i" + b"9" * 1_000_000 + b"e",
    "an endless length": b"9" * 100_000 + b":",
    "a length beyond its data": b"d4:info999999999:",
    "a million items": b"d4:infol" + b"i0e" * 500_000 + b"ee",
    "not a torrent": b"d4:infod4:name6:Sintelee",
}


async def test_a_bencode_bomb_is_an_invalid_file_and_nothing_more(ingest):
    for shape, body in BENCODE.items():
        headers = {"X-Api-Key": ingest.site.key, "Content-Type": "application/x-bittorrent"}
        with trio.fail_after(5):
            response = await ingest.site.client.post("/api/ingest/file", content=body, headers=headers)
        assert response.status_code in {200, 400, 413}, shape
        if response.status_code == 200:
            assert response.json()["summary"]["invalid"] == 1, shape


async def test_what_comes_in_odd_goes_out_harmless(ingest):
    """Through the real classifier and writer: what no database can keep is refused or mended, and every reader can read the rest."""
    names = [
        "Sintel \x00 <script>",
        "\ud800",
        "Sintel \u202egnp.exe",
        "<script>alert(1)</script>",
        "\n" * 100,
        "Sintel\x1b[2J",
        "\uffff",
        " ",
    ]
    items = [
        {"info_hash": f"{number:040x}", "name": name, "files": [{"path": name, "size": 1}], "category": name[:100], "trackers": [name]}
        for number, name in enumerate(names)
    ]
    lines = b"\n".join(json.dumps(one).encode() for one in items)
    headers = {"X-Api-Key": ingest.site.key, "Content-Type": "application/x-ndjson"}
    with trio.fail_after(20):
        response = await ingest.site.client.post("/api/ingest/bulk", content=lines, headers=headers)
    assert response.status_code == 200
    assert len(response.json()["results"]) == len(names)
    assert_harmless(response)
    for path in ("/", "/api/v1/search", *(f"/t/{number:040x}" for number in range(len(names)))):
        assert_harmless(await ingest.site.get(path))
