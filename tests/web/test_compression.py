import gzip

import httpx
import pytest
from lxml import etree

from storage.database import Database
from tests.fakes.website import Website

PLAIN = {"Accept-Encoding": "identity"}


async def raw(site: Website, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> httpx.Response:
    """As it came over the wire: `content` is not unpacked, `extensions["wire"]` holds it."""
    async with site.client.stream(method, path, headers=headers) as response:
        response.extensions["wire"] = b"".join([part async for part in response.aiter_raw()])
    return response


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/api?t=caps", "application/xml"),
        ("/api?t=search&apikey={key}", "application/rss+xml"),
        ("/api/v1/search?apikey={key}", "application/json"),
        ("/", "text/html"),
    ],
)
async def test_77_long_answers_come_in_gzip_and_say_so(site: Website, path: str, content_type: str) -> None:
    path = path.format(key=site.key)
    packed, plain = await raw(site, path, headers={"Accept-Encoding": "gzip, br"}), await raw(site, path, headers=PLAIN)
    assert packed.headers["content-type"].startswith(content_type)
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    wire = packed.extensions["wire"]
    assert int(packed.headers["content-length"]) == len(wire) < len(plain.extensions["wire"])
    assert gzip.decompress(wire)[:20] == plain.extensions["wire"][:20]
    for response in (packed, plain):
        assert "accept-encoding" in response.headers["vary"].lower()


async def test_77_head_tells_of_the_same_answer_and_sends_none(site: Website) -> None:
    for encoding in ("gzip", "identity"):
        path, headers = f"/api?t=search&q=sintel&apikey={site.key}", {"Accept-Encoding": encoding}
        got, head = await raw(site, path, headers=headers), await raw(site, path, method="HEAD", headers=headers)
        for name in ("content-length", "content-encoding", "content-type", "vary"):
            assert got.headers.get(name) == head.headers.get(name)
        assert head.extensions["wire"] == b""


@pytest.mark.parametrize("accepted", ["gzip;q=0", "identity", "br, deflate", "*;q=0"])
async def test_who_does_not_take_gzip_gets_none(site: Website, accepted: str) -> None:
    assert "content-encoding" not in (await raw(site, "/api?t=caps", headers={"Accept-Encoding": accepted})).headers


@pytest.mark.parametrize("accepted", ["gzip", "deflate, GZIP;q=0.5", "x-gzip"])
async def test_who_takes_it_gets_it(site: Website, accepted: str) -> None:
    assert (await raw(site, "/api?t=caps", headers={"Accept-Encoding": accepted})).headers["content-encoding"] == "gzip"


async def test_short_answers_stay_as_they_are(site: Website) -> None:
    for path in ("/healthz", "/api?t=nonsense"):
        assert "content-encoding" not in (await raw(site, path, headers={"Accept-Encoding": "gzip"})).headers


async def test_nothing_a_browser_asks_with_its_own_credentials_is_compressed(database: Database, site: Website) -> None:
    """There the token of the forms stands beside what was searched, and lengths would tell it (BREACH)."""
    cookie = {"Cookie": "swx=whatever", "Accept-Encoding": "gzip"}
    assert "content-encoding" not in (await raw(site, "/?q=sintel", headers=cookie)).headers
    basic = await site.client.get("/?q=sintel", auth=("", site.key))
    assert "content-encoding" not in basic.headers


async def test_a_compressed_feed_is_read_by_a_client_as_usual(site: Website) -> None:
    response = await site.torznab(t="search")
    assert response.headers["content-encoding"] == "gzip"
    assert len(etree.fromstring(response.content).findall("channel/item")) > 10
