import time

import trio
from trio.testing import wait_all_tasks_blocked

from actors.service_manager import ServiceManager
from actors.watchdog import Watchdog
from supervisor.heartbeat import Heart
from supervisor.snapshot import ChildSnapshot, State


def child(path: str, heartbeat_age: float | None) -> ChildSnapshot:
    return ChildSnapshot(path, "actor", State.RUNNING, 1, 0, 0, heartbeat_age, 100.0, None, None, None)


class Told(ServiceManager):
    """Keeps what systemd would be told."""

    def __init__(self) -> None:
        super().__init__(None)
        self.messages: list[dict[str, str]] = []

    def notify(self, **variables: str) -> None:
        self.messages.append(variables)


async def test_an_actor_that_falls_silent_is_named_once_and_again_when_it_is_heard(nursery, autojump_clock, caplog):
    ages: dict[str, float | None] = {"swarmdex/pipeline/writer": 1.0, "swarmdex/pipeline": None}
    watchdog = Watchdog(Heart(), lambda: [child(path, age) for path, age in ages.items()], lambda: "well", Told())
    nursery.start_soon(watchdog.run)
    await trio.sleep(15)
    assert watchdog.statistics().silent == ()
    ages["swarmdex/pipeline/writer"] = 61.0
    await trio.sleep(30)
    assert watchdog.statistics().silent == ("swarmdex/pipeline/writer",)
    assert caplog.text.count("has been silent") == 1
    ages["swarmdex/pipeline/writer"] = 0.0
    await trio.sleep(10)
    assert watchdog.statistics().silent == ()
    nursery.cancel_scope.cancel()


async def test_systemd_hears_signs_of_life_and_the_status(nursery, autojump_clock):
    told = Told()
    nursery.start_soon(Watchdog(Heart(), list, lambda: "412 torrents", told, keep_alive_s=30.0).run)
    await trio.sleep(65)
    assert told.messages.count({"WATCHDOG": "1"}) == 3
    assert told.messages.count({"STATUS": "412 torrents"}) == 6
    nursery.cancel_scope.cancel()


async def test_a_blocked_loop_shows_as_lag(nursery):
    watchdog = Watchdog(Heart(), list, lambda: "", Told())
    nursery.start_soon(watchdog.run)
    await wait_all_tasks_blocked()
    time.sleep(0.3)  # noqa: ASYNC251  (what no actor may do)
    await trio.sleep(0.15)
    assert watchdog.statistics().lag_max_s > 0.1
    nursery.cancel_scope.cancel()
