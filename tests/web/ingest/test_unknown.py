"""POST /api/ingest/unknown: which of many hashes are worth sending."""

from tests.fakes.pipeline import IngestSite

V1, OTHER, BLOCKED = "01" * 20, "02" * 20, "03" * 20
V2 = "04" * 32


async def test_what_is_stored_or_blocked_is_left_out(ingest: IngestSite) -> None:
    await ingest.bulk([{"info_hash": V1, "name": "Sintel.2010.1080p"}, {"info_hash": V2, "name": "Tears.of.Steel.2012.1080p"}])
    await ingest.torrents.block([bytes.fromhex(BLOCKED)], "unwanted")
    asked = [V1, OTHER, OTHER.upper(), OTHER, BLOCKED, V2, V2[:40], "05" * 32]
    response = await ingest.post("/api/ingest/unknown", {"info_hashes": asked})
    assert response.json() == {"unknown": [OTHER, "05" * 32]}
    assert (await ingest.post("/api/ingest/unknown", {"info_hashes": []})).json() == {"unknown": []}


async def test_a_hash_that_is_none_is_told_with_its_place(ingest: IngestSite) -> None:
    response = await ingest.post("/api/ingest/unknown", {"info_hashes": [V1, "xyz", OTHER, 7]})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/info_hashes/3")
    response = await ingest.post("/api/ingest/unknown", {"info_hashes": [V1, "xyz", OTHER, "é" * 40]})
    assert [error["pointer"] for error in response.json()["errors"]] == ["/info_hashes/1", "/info_hashes/3"]


async def test_a_thousand_may_be_asked_for(ingest: IngestSite) -> None:
    hashes = [f"{number:064x}" for number in range(1001)]
    response = await ingest.post("/api/ingest/unknown", {"info_hashes": hashes[:1000]})
    assert len(response.json()["unknown"]) == 1000, "their first 20 bytes may be equal: each is answered as it was asked"
    assert (await ingest.post("/api/ingest/unknown", {"info_hashes": hashes})).status_code == 400
