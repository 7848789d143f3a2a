"""The janitor: chores at their time, in batches, one at a time."""

import trio

from actors.janitor import Chore, Janitor
from storage.errors import DatabaseUnavailable
from supervisor.heartbeat import Heart


async def test_a_chore_is_done_in_batches_until_nothing_is_left_and_again_at_its_time(nursery, autojump_clock):
    left, done = [25], []

    async def tidy(limit: int) -> int:
        taken = min(limit, left[0])
        left[0] -= taken
        done.append((trio.current_time(), taken))
        return taken

    began = trio.current_time()
    janitor = Janitor(Heart(), [Chore("attic", 60.0, tidy)], batch=10)
    nursery.start_soon(janitor.run)
    await trio.sleep(30)
    assert [taken for _, taken in done] == [10, 10, 5]
    left[0] = 3
    await trio.sleep(45)
    assert [taken for _, taken in done] == [10, 10, 5, 3]
    assert done[-1][0] - began >= 60
    assert (janitor.statistics().rounds, janitor.statistics().rows) == ({"attic": 2}, {"attic": 28})
    nursery.cancel_scope.cancel()


async def test_chores_do_not_meet_and_a_database_that_is_away_is_no_crash(nursery, autojump_clock):
    inside = 0

    async def slow(_limit: int) -> int:
        nonlocal inside
        inside += 1
        assert inside == 1
        await trio.sleep(2)
        inside -= 1
        return 0

    async def broken(limit: int) -> int:
        await slow(limit)
        raise DatabaseUnavailable("gone")

    janitor = Janitor(Heart(), [Chore("a", 5.0, slow), Chore("b", 5.0, broken), Chore("c", 5.0, slow)])
    nursery.start_soon(janitor.run)
    await trio.sleep(60)
    told = janitor.statistics()
    assert told.failures["b"] == told.rounds["b"] >= 4
    assert told.rounds["a"] >= 4
    assert told.busy_s >= 24
    nursery.cancel_scope.cancel()
