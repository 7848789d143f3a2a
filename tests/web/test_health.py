import logging

import trio

from config.settings import DatabaseSettings
from storage.database import Database
from supervisor.snapshot import ChildSnapshot, CrashReport, State
from tests.fakes.website import parts_over, serving
from web.parts import Check, Readiness
from web.traffic import Traffic, WebStatistics


async def test_healthz_answers_without_key_and_without_database():
    nowhere = Database("host=/nonexistent dbname=x", DatabaseSettings())
    async with serving(parts_over(nowhere)) as site:
        response = await site.get("/healthz")
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_readyz_names_what_is_wrong(library_database):
    async def not_ready():
        return Readiness((Check("database", is_ok=True), Check("writer", is_ok=False, detail="silent for 40 s")))

    async with serving(parts_over(library_database)) as site:
        response = await site.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (200, "ready")
    async with serving(parts_over(library_database, readiness=not_ready)) as site:
        response = await site.get("/readyz")
        assert response.status_code == 503
        assert response.json()["checks"]["writer"] == {"ok": False, "detail": "silent for 40 s"}


async def test_readyz_does_not_wait_for_a_check_that_hangs(library_database, monkeypatch):
    monkeypatch.setattr("web.health.READINESS_DEADLINE_S", 0.05)
    async with serving(parts_over(library_database, readiness=trio.sleep_forever)) as site:
        with trio.fail_after(3):
            assert (await site.get("/readyz")).status_code == 503


async def test_status_tells_admins_how_every_child_is(library_database, library):
    crash = CrashReport(1_730_000_000.0, "ValueError: odd", "Traceback ...")
    children = (
        ChildSnapshot("swarmdex/services/web", "actor", State.RUNNING, 2, 1, 1, 0.1, 5.0, None, crash, WebStatistics(0, 3, 1, 0, 0.2)),
        ChildSnapshot("swarmdex/services", "supervisor", State.RUNNING, 1, 0, 0, None, 5.0, None, None, {b"odd": object()}),
    )
    async with serving(parts_over(library_database, snapshot=children)) as site:
        assert (await site.get("/api/v1/status")).status_code == 401
        status = (await site.get("/api/v1/status", headers={"X-Api-Key": library.admin_key})).json()
        web, services = status["children"]
        assert (web["state"], web["restarts"], web["last_crash"]["summary"]) == ("running", 1, "ValueError: odd")
        assert web["statistics"]["answered"] == 3
        assert services["heartbeat_age"] is None
        assert status["mailboxes"][0] | {"name": "found", "depth": 0, "capacity": 8, "waits": 0, "drops": 0} == status["mailboxes"][0]
        assert status["version"] == "0.1.0"
        assert status["web"]["client_errors"] == 1  # the 401 above


async def test_the_api_searches_and_shows_one_torrent(site):
    headers = {"X-Api-Key": site.key}
    found = (await site.get("/api/v1/search", headers=headers, q="sintel", kind="movie", limit="1")).json()
    assert (found["total"], found["total_is_exact"], len(found["torrents"])) == (2, True, 1)
    torrent = (await site.get(f"/api/v1/torrents/{found['torrents'][0]['info_hash']}", headers=headers)).json()
    assert torrent["title"] == "Sintel"
    assert torrent["files"]
    assert torrent["magnet"].startswith("magnet:?xt=urn:btih:")


async def test_the_api_answers_errors_in_json_with_a_request_id(site):
    headers = {"X-Api-Key": site.key}
    for path, status in (
        ("/api/v1/torrents/zz", 404),
        ("/api/v1/nothing", 404),
        ("/api/v1/search?sort=up", 400),
        ("/api/v1/search?limit=0", 400),
    ):
        response = await site.get(path, headers=headers)
        assert response.status_code == status
        assert response.headers["Content-Type"] == "application/problem+json"
        error = response.json()
        assert error["status"] == status
        assert error["instance"].endswith(response.headers["X-Request-Id"])


async def test_requests_are_logged_by_path_and_number(site, caplog):
    caplog.set_level(logging.DEBUG, "swarmdex.web")
    response = await site.get("/healthz")
    assert f"{response.headers['X-Request-Id']} GET /healthz 200" in caplog.text


def test_requests_that_were_abandoned_are_not_in_flight():
    traffic = Traffic()
    for _ in range(3):
        traffic.began()
    traffic.answered(503, 0.5)
    traffic.abandoned()
    assert traffic.statistics() == WebStatistics(in_flight=1, answered=1, client_errors=0, server_errors=1, busy_s=0.5)
