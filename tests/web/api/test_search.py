"""GET /api/v1/search: filters, orders, pages of any depth."""

from datetime import UTC, datetime, timedelta

import pytest

from catalog.model import Kind
from storage.torrents import Torrents
from tests.fakes.classified import torrent
from tests.fakes.library import SINTEL


async def names(site, **parameters) -> list[str]:
    response = await site.client.get("/api/v1/search", params=parameters, headers={"X-Api-Key": site.key})
    assert response.status_code == 200, response.text
    return [found["name"] for found in response.json()["torrents"]]


async def refused(site, **parameters) -> tuple[int, str]:
    response = await site.client.get("/api/v1/search", params=parameters, headers={"X-Api-Key": site.key})
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    return response.status_code, problem.get("errors", [{}])[0].get("parameter", "")


async def test_every_filter_of_the_page_narrows_the_search(site):
    everything = await names(site, limit=100)
    sintel = SINTEL.torrent.name
    assert sintel in everything
    for parameters in (
        {"q": "sintel", "resolution": "1080p"},
        {"video_codec": "h264", "source": "web"},
        {"min_seeders": 12},
        {"q": "blender", "year": 2010},
        {"year_from": 2010, "year_to": 2010, "min_size": 1_000_000_000},
        {"q": "sintel", "min_files": 2},
    ):
        assert await names(site, **parameters) == [sintel], parameters
    assert sintel not in await names(site, year_from=2011, limit=100)
    assert await names(site, found_by="nobody") == []
    assert await names(site, language="is") == []
    assert set(await names(site, kind="movie,anime", limit=100)) == set(await names(site, kind=["movie", "anime"], limit=100))
    assert set(await names(site, season=1, episode=2)) < set(await names(site, season=1, limit=100))
    assert all("Hillbillies" not in name for name in await names(site, category=2000, limit=100))
    now = datetime.now(UTC)
    assert await names(site, seen_after=(now + timedelta(days=1)).isoformat()) == []
    assert await names(site, seen_before=(now + timedelta(days=1)).isoformat(), limit=100) == everything


@pytest.mark.parametrize("sort", ["newest", "seeders", "size", "relevance"])
async def test_next_leads_through_all_results_once(site, sort):
    found, after = [], None
    while True:
        parameters = {"sort": sort, "limit": 7, **({"after": after} if after else {})}
        response = await site.client.get("/api/v1/search", params=parameters, headers={"X-Api-Key": site.key})
        page = response.json()
        found += [each["info_hash"] for each in page["torrents"]]
        after = page["next"]
        if after is None:
            break
    assert len(found) == len(set(found)) == page["total"]
    assert page["total_is_exact"]


async def test_a_page_begun_before_more_was_stored_goes_on_where_it_was(empty_site, database):
    torrents = Torrents(database)
    await torrents.store([torrent(f"sintel {n}", files=()) for n in range(20)])
    headers = {"X-Api-Key": empty_site.key}
    first = (await empty_site.client.get("/api/v1/search", params={"q": "sintel", "limit": 10}, headers=headers)).json()
    await torrents.store([torrent(f"sintel later {n}", files=()) for n in range(20)])
    second = (
        await empty_site.client.get("/api/v1/search", params={"q": "sintel", "limit": 50, "after": first["next"]}, headers=headers)
    ).json()
    both = [each["name"] for page in (first, second) for each in page["torrents"]]
    assert len(both) == len(set(both))
    assert {f"sintel {n}" for n in range(20)} <= set(both)
    assert second["next"] is None


async def test_what_is_not_understood_is_refused_by_its_name(site):
    assert await refused(site, limit=0) == (400, "limit")
    assert await refused(site, limit="many") == (400, "limit")
    assert await refused(site, kind="film") == (400, "kind")
    assert await refused(site, seen_after="yesterday") == (400, "seen_after")
    assert await refused(site, seen_after="2026-01-01T00:00:00") == (400, "seen_after")  # whose clock?
    assert await refused(site, year="null") == (400, "year")
    assert await refused(site, found_by="a\x00b") == (400, "found_by")
    assert await refused(site, resolution="1080p' OR 1=1") == (400, "resolution")
    assert await refused(site, q="x" * 501) == (400, "q")


async def test_a_cursor_belongs_to_its_search(site):
    headers = {"X-Api-Key": site.key}
    page = (await site.client.get("/api/v1/search", params={"limit": 3}, headers=headers)).json()
    assert (await refused(site, after=page["next"], sort="size"))[0] == 404
    assert (await refused(site, after="bm9uc2Vuc2U"))[0] == 404
    assert (await refused(site, after="???"))[0] == 404
    assert await refused(site, after=page["next"], offset=3) == (400, "offset")
    assert await names(site, after=page["next"], limit=100) == (await names(site, limit=100))[3:]


async def test_adult_content_comes_only_when_it_is_named(empty_site, database):
    await Torrents(database).store([torrent("debian-13.1.0-amd64-netinst.iso", kind=Kind.ADULT), torrent("Sintel", kind=Kind.MOVIE)])
    assert await names(empty_site) == ["Sintel"]
    assert await names(empty_site, kind="adult") == await names(empty_site, category=6000) == ["debian-13.1.0-amd64-netinst.iso"]
