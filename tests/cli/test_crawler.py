from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import trio

from cli.crawler import CrawlerDaemon
from cli.life import DRAIN_S
from config.settings import DhtSettings, HttpSettings, PushSettings, Settings
from storage.errors import DataDirectoryInUse, SpoolUnavailable
from supervisor.snapshot import State


@pytest.fixture
def settings(tmp_path) -> Settings:
    secret = tmp_path / "secret"
    secret.write_text("s" * 40)
    return Settings(
        data_dir=str(tmp_path / "data"),
        sink="api",
        push=PushSettings(url="http://127.0.0.1:1", secret_file=str(secret)),
        http=HttpSettings(bind="127.0.0.1:0"),
        dht=DhtSettings(enabled=False),
    )


async def test_its_tree_has_a_pusher_and_no_database(settings):
    daemon = CrawlerDaemon(settings)
    with trio.fail_after(20):
        async with trio.open_nursery() as running:
            running.start_soon(daemon.run)
            await daemon.is_serving.wait()
            found = {child.path: child.state for child in daemon.snapshot()}
            assert set(found) == {
                "swarmdex/watchdog",
                "swarmdex/index",
                "swarmdex/index/pipeline",
                "swarmdex/index/pipeline/pusher",
                "swarmdex/index/services",
                "swarmdex/index/services/web",
            }
            async with httpx.AsyncClient(base_url=daemon.url or "", trust_env=False) as client:
                mailboxes = (await client.get("/api/v1/status", headers={"X-Api-Key": daemon.run_token})).json()["mailboxes"]
            assert [mailbox["name"] for mailbox in mailboxes] == ["findings", "wanted", "found"]
            daemon.stop()


async def test_its_parts_are_restarted_alone(settings):
    daemon = CrawlerDaemon(settings)
    pusher = "swarmdex/index/pipeline/pusher"
    with trio.fail_after(20):
        async with trio.open_nursery() as running:
            running.start_soon(daemon.run)
            await daemon.is_serving.wait()
            daemon.crash(pusher)
            while {child.path: (child.state, child.starts) for child in daemon.snapshot()}[pusher] != (State.RUNNING, 2):  # noqa: ASYNC110
                await trio.sleep(0.01)
            daemon.stop()


@pytest.mark.parametrize(
    ("url", "warns"), [("http://index.example", True), ("http://127.0.0.1:3333", False), ("https://index.example", False)]
)
def test_a_secret_that_travels_in_the_clear_is_warned_of(settings, url, warns, caplog):
    CrawlerDaemon(replace(settings, push=replace(settings.push, url=url)))
    assert ("push.url is not https" in caplog.text) == warns


def test_every_part_has_time_to_end_before_the_stop_is_cut_off(settings):
    daemon = CrawlerDaemon(replace(settings, dht=DhtSettings(bind=("127.0.0.1:0",))))
    specs = [child.spec for _, child in daemon._root._walk("swarmdex") if child.spec.kind == "actor" and child.spec.stop is not None]
    assert {spec.id for spec in specs} == {"pusher", "web", "fetcher", "triage"}
    assert sum(spec.shutdown for spec in specs) <= DRAIN_S


def test_a_spool_that_cannot_be_made_is_told_at_the_start(settings):
    data_dir = Path(settings.data_dir)
    data_dir.mkdir()
    (data_dir / "spool").write_text("a file in its place")

    async def run() -> None:
        with trio.fail_after(20):
            await CrawlerDaemon(settings).run()

    with pytest.raises(SpoolUnavailable, match="spool"):
        trio.run(run)


async def test_two_on_one_data_folder_are_one_too_many(settings):
    daemon = CrawlerDaemon(settings)
    with trio.fail_after(20):
        async with trio.open_nursery() as running:
            running.start_soon(daemon.run)
            await daemon.is_serving.wait()
            with pytest.raises(DataDirectoryInUse):
                await CrawlerDaemon(settings).run()
            daemon.stop()
