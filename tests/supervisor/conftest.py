from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from supervisor.supervisor import Supervisor

Run = Callable[[Supervisor], Awaitable[trio.Event]]


@pytest.fixture
async def run(nursery: trio.Nursery) -> AsyncIterator[Run]:
    """Starts a tree, returns when it has settled, with the event of its end; stops it when the test ends.

    A test that lets time pass names `autojump_clock` itself: pytest-trio looks for a clock among a test's own arguments only.
    """
    trees: list[tuple[Supervisor, trio.Event]] = []

    async def start(tree: Supervisor) -> trio.Event:
        ended = trio.Event()
        trees.append((tree, ended))

        async def run_to_the_end() -> None:
            try:
                await tree.run()
            finally:
                ended.set()

        nursery.start_soon(run_to_the_end)
        await wait_all_tasks_blocked()
        return ended

    yield start
    for tree, ended in trees:
        if not ended.is_set():
            tree.stop()
            await ended.wait()
