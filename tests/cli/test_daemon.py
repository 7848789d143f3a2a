import math
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
import trio
import trio.testing
from psycopg.conninfo import conninfo_to_dict

from cli import runfile
from cli.daemon import Daemon
from cli.life import DRAIN_S
from config.settings import DatabaseSettings, DhtSettings, HttpSettings, Settings
from supervisor.heartbeat import Heart
from supervisor.snapshot import State
from supervisor.spec import ChildSpec, Strategy
from supervisor.supervisor import Supervisor

NOBODY = "postgresql://127.0.0.1:1/index"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(
        data_dir=str(tmp_path / "data"),
        database=DatabaseSettings(url=NOBODY),
        http=HttpSettings(bind="127.0.0.1:0"),
        dht=DhtSettings(enabled=False),
    )


async def test_a_stop_does_not_wait_for_a_database_that_is_not_there_yet(settings):
    daemon = Daemon(settings)
    with trio.fail_after(5):
        async with trio.open_nursery() as running:
            running.start_soon(daemon.run)
            await trio.testing.wait_all_tasks_blocked()
            assert any(child.path.endswith("/server") and child.state is State.STARTING for child in daemon.snapshot())
            daemon.stop()


async def test_what_does_not_end_in_time_is_cancelled(settings, autojump_clock):
    daemon = Daemon(settings)

    async def go_on(_heart: Heart) -> None:
        await trio.sleep_forever()

    stubborn = ChildSpec("stubborn", go_on, stop=lambda: None, shutdown=math.inf)
    daemon._root = Supervisor("swarmdex", Strategy.ONE_FOR_ONE, [stubborn])
    async with trio.open_nursery() as running:
        running.start_soon(daemon.run)
        await trio.sleep(100)
        daemon.stop()
        stopped = trio.current_time()
    assert trio.current_time() - stopped < 8  # of the ten seconds the last part are the database's


def test_the_writer_has_time_left_when_every_part_before_it_has_used_up_its_own(settings):
    daemon = Daemon(replace(settings, dht=DhtSettings(bind=("127.0.0.1:0",))))
    specs = [child.spec for _, child in daemon._root._walk("swarmdex") if child.spec.kind == "actor" and child.spec.stop is not None]
    before = {spec.id: spec.shutdown for spec in specs if spec.id not in {"server", "writer"}}
    assert set(before) == {"classifier", "web", "fetcher", "triage"}
    assert sum(before.values()) + 1.5 <= DRAIN_S


async def test_the_data_folder_is_made_where_the_database_is_elsewhere(settings, conninfo):
    daemon = Daemon(replace(settings, database=DatabaseSettings(url=url_of(conninfo))))
    with trio.fail_after(60):
        async with trio.open_nursery() as running:
            running.start_soon(daemon.run)
            await daemon.is_serving.wait()
            assert runfile.read(Path(settings.data_dir)) is not None
            daemon.stop()


def url_of(conninfo: str) -> str:
    parts = conninfo_to_dict(conninfo)
    return f"postgresql:///{parts['dbname']}?" + urlencode({name: parts[name] for name in ("host", "port", "user")})
