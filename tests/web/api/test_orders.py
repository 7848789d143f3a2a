"""What an administrator orders over the API: delete, block, fetch, classify again, keys, jobs; and how the index tells of itself."""

from dataclasses import replace
from datetime import timedelta

from catalog.model import Kind
from protocol.magnet import parse_magnet
from storage.jobs import Task
from storage.swarms import SwarmCount, Swarms
from tests.fakes.classified import info_hash, torrent
from tests.fakes.library import EPISODE, SINTEL, with_swarm
from tests.fakes.website import serving
from web.parts import ApiParts

HASH = SINTEL.torrent.info_hash.hex()


async def test_a_torrent_tells_its_sources_counts_and_history(api):
    await api.torrents.store([with_swarm(SINTEL, 12, 3)])
    row = await api.torrents.by_info_hash(SINTEL.torrent.info_hash)
    assert row is not None
    assert row.swarm_at is not None
    await Swarms(api.database).store([SwarmCount(row.id, 20, None, row.swarm_at + timedelta(days=1))])
    told = await api.get(f"/api/v1/torrents/{HASH}")
    assert [file["path"] for file in told["files"]] == ["Sintel/Sintel.mkv", "Sintel/Sintel.srt"]
    (source,) = told["sources"]
    assert (source["source"], source["first_seen"], source["last_seen"]) == ("dht", told["first_seen"], told["last_seen"])
    assert [(day["seeders"], day["leechers"]) for day in told["history"]] == [(12, 3), (20, None)]
    assert (told["seeders"], told["leechers"], told["has_info"]) == (20, None, False)
    assert parse_magnet(told["magnet"]).info_hash == SINTEL.torrent.info_hash
    assert (await api.ask("GET", f"/api/v1/torrents/{'0' * 40}")).status_code == 404
    assert (await api.ask("GET", "/api/v1/torrents/sintel")).status_code == 404


async def test_what_is_deleted_stays_deleted_until_it_is_unblocked(api):
    await api.torrents.store([SINTEL])
    assert (await api.ask("DELETE", f"/api/v1/torrents/{HASH}")).status_code == 204
    assert (await api.ask("DELETE", f"/api/v1/torrents/{HASH}")).status_code == 404
    await api.torrents.store([SINTEL])
    assert (await api.ask("GET", f"/api/v1/torrents/{HASH}")).status_code == 404
    listed = await api.get("/api/v1/blocked")
    assert [(each["info_hash"], each["reason"]) for each in listed["blocked"]] == [(HASH, "deleted")]
    assert listed["next"] is None
    assert (await api.ask("DELETE", f"/api/v1/blocked/{HASH}")).status_code == 204
    assert (await api.ask("DELETE", f"/api/v1/blocked/{HASH}")).status_code == 404
    await api.torrents.store([SINTEL])
    assert (await api.ask("GET", f"/api/v1/torrents/{HASH}")).status_code == 200


async def test_hashes_are_blocked_whether_they_are_known_or_not(api):
    await api.torrents.store([SINTEL, EPISODE])
    answer = await api.ask("POST", f"/api/v1/torrents/{HASH}/block", {"reason": "complaint 7"})
    assert answer.json() == {"deleted": 1}
    many = [EPISODE.torrent.info_hash.hex(), *(info_hash(n).hex() for n in range(5)), "ab" * 32]
    assert (await api.ask("POST", "/api/v1/blocked", {"info_hashes": many, "reason": "list"})).json() == {"deleted": 1}
    found, after = [], ""
    while True:
        page = await api.get("/api/v1/blocked", limit=3, **({"after": after} if after else {}))
        found += [each["info_hash"] for each in page["blocked"]]
        if (after := page["next"]) is None:
            break
    assert found == sorted([HASH, *(each[:40] for each in many)])
    for wrong in ({"reason": "x"}, {"info_hashes": [], "reason": "x"}, {"info_hashes": ["12"], "reason": "x"}, {"info_hashes": many}):
        assert (await api.ask("POST", "/api/v1/blocked", wrong)).status_code == 400
    assert (await api.ask("POST", f"/api/v1/torrents/{HASH}/block", {"reason": "two\nlines"})).status_code == 400


async def test_the_metadata_of_an_unknown_hash_is_fetched_once_it_is_ordered(api):
    unknown = info_hash("unknown")
    answer = await api.ask("POST", f"/api/v1/torrents/{unknown.hex()}/fetch")
    assert (answer.status_code, answer.json()) == (202, {"info_hash": unknown.hex()})
    magnet = f"magnet:?xt=urn:btih:{info_hash('other').hex()}&x.pe=192.0.2.7:6881"
    assert (await api.ask("POST", "/api/v1/fetch", {"magnet": magnet})).status_code == 202
    assert (await api.ask("POST", "/api/v1/fetch", {"info_hash": "ab" * 32})).status_code == 202
    inbox = api.wanted.open_inbox()
    first, second, third = [inbox.receive_nowait() for _ in range(3)]
    assert (first.info_hashes, first.peers) == ((unknown,), ())
    assert second.peers == ((info_hash("other"), ("192.0.2.7", 6881)),)
    assert third.info_hashes == (bytes.fromhex("ab" * 20),)
    for wrong in ({}, {"magnet": magnet, "info_hash": "ab" * 20}, {"magnet": "magnet:?dn=x"}, {"info_hash": "x"}):
        assert (await api.ask("POST", "/api/v1/fetch", wrong)).status_code == 400


async def test_nothing_is_fetched_that_is_known_blocked_or_too_much(api):
    await api.torrents.store([SINTEL])
    await api.torrents.block([EPISODE.torrent.info_hash], "no")
    assert (await api.ask("POST", f"/api/v1/torrents/{HASH}/fetch")).status_code == 409
    blocked = await api.ask("POST", f"/api/v1/torrents/{EPISODE.torrent.info_hash.hex()}/fetch")
    assert (blocked.status_code, blocked.json()["detail"]) == (409, "This hash is blocked: no")
    statuses = [(await api.ask("POST", f"/api/v1/torrents/{info_hash(n).hex()}/fetch")).status_code for n in range(5)]
    assert statuses == [202] * 4 + [503]  # as many as the mailbox holds


async def test_a_torrent_is_classified_again(api):
    await api.torrents.store([torrent("Sintel.2010.1080p.BluRay.x264", kind=Kind.OTHER, title="", confidence=0.0, classifier_version=1)])
    found = info_hash("Sintel.2010.1080p.BluRay.x264").hex()
    before = await api.get(f"/api/v1/torrents/{found}")
    assert before["kind"] == "other"
    assert (await api.ask("POST", f"/api/v1/torrents/{found}/reprocess")).status_code == 202
    after = await api.get_when(f"/api/v1/torrents/{found}", lambda told: told["kind"] == "movie")
    changed = {name for name in after if after[name] != before[name]}
    assert changed.isdisjoint({"last_seen", "first_seen", "found_by", "sources", "files", "name"})
    assert (await api.ask("POST", f"/api/v1/torrents/{'0' * 40}/reprocess")).status_code == 404


async def test_a_job_tells_how_far_it_is_and_only_one_runs(api):
    old = [torrent(f"Sintel.2010.part.{n}.1080p", kind=Kind.OTHER, title="", classifier_version=1) for n in range(30)]
    await api.torrents.store(old)
    started = await api.ask("POST", "/api/v1/reprocess", {"only_old": True})
    assert started.status_code == 202
    job = started.json()
    assert started.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["task"], job["state"], job["total"], job["only_old"]) == ("reprocess", "running", 30, True)
    job = await api.get_when(f"/api/v1/jobs/{job['id']}", lambda told: told["state"] != "running")
    assert (job["done"], job["refused"], job["eta_s"]) == (30, 0, None)
    assert (await api.get("/api/v1/stats"))["by_kind"] == {"movie": 30}
    await api.parts.api.jobs.start(Task.REINDEX)  # nobody is told, so nobody begins
    assert (await api.ask("POST", "/api/v1/reindex")).status_code == 409
    running = (await api.get("/api/v1/jobs"))["jobs"][0]
    assert (await api.ask("DELETE", f"/api/v1/jobs/{running['id']}")).status_code == 204
    assert (await api.ask("GET", f"/api/v1/jobs/{running['id']}")).status_code == 404
    assert (await api.ask("GET", "/api/v1/jobs/99999999999999999999")).status_code == 404


async def test_the_index_tells_how_it_grows(api):
    await api.torrents.store([with_swarm(SINTEL, 12, 3), EPISODE, torrent("a", source="site")])
    await api.torrents.store([SINTEL])
    told = await api.get("/api/v1/stats", per="minute", spans=2)
    assert told["torrents"] == 3
    assert sum(told["by_kind"].values()) == 3
    assert told["oldest"] <= told["newest"]
    assert {each["source"]: each["last_hour"] for each in told["rates"]} == {"dht": 2, "site": 1}
    assert sum(each["new"] for each in told["arrivals"]) == 3
    assert sum(each["updated"] for each in told["arrivals"]) == 1
    for per in ("hour", "day"):
        assert sum(each["new"] for each in (await api.get("/api/v1/stats", per=per))["arrivals"]) == 3
    assert (await api.ask("GET", "/api/v1/stats", per="year")).status_code == 400


async def test_keys_are_made_listed_and_revoked(api):
    made = await api.ask("POST", "/api/v1/keys", {"name": "Küche", "scopes": ["search"], "requests_per_minute": 60})
    assert made.status_code == 201
    key = made.json()
    assert len(key["key"]) == 40
    assert key["key"].startswith(key["id"])
    assert (await api.ask("GET", "/api/v1/search", key=key["key"])).status_code == 200
    assert (await api.ask("GET", "/api/v1/keys", key=key["key"])).status_code == 403
    listed = (await api.get("/api/v1/keys"))["keys"]
    assert [each["name"] for each in listed][-1] == "Küche"
    assert all("key" not in each for each in listed)
    assert (await api.ask("DELETE", f"/api/v1/keys/{key['id']}")).status_code == 204
    assert (await api.ask("DELETE", f"/api/v1/keys/{key['id']}")).status_code == 404
    assert (await api.ask("GET", "/api/v1/search", key=key["key"])).status_code == 401
    for wrong in ({"name": "x", "scopes": []}, {"name": "x", "scopes": ["root"]}, {"name": "\x07", "scopes": ["search"]}, {"name": "x"}):
        assert (await api.ask("POST", "/api/v1/keys", wrong)).status_code == 400


async def test_other_methods_are_refused_with_those_that_are_there(api):
    for path, allowed in (("/api/v1/blocked", {"GET", "HEAD", "POST"}), (f"/api/v1/torrents/{HASH}", {"GET", "HEAD", "DELETE"})):
        response = await api.ask("PATCH", path)
        assert response.status_code == 405
        assert {each.strip() for each in response.headers["allow"].split(",")} == allowed


async def test_without_a_dht_nothing_is_fetched(api):
    switched_off: ApiParts = replace(api.parts.api, wanted=None)
    async with serving(replace(api.parts, api=switched_off), api.site.key) as site:
        response = await site.client.post(f"/api/v1/torrents/{HASH}/fetch", headers={"X-Api-Key": site.key})
        assert response.status_code == 503
        assert "switched off" in response.json()["detail"]
