"""Long blocking work in a thread, while the heart goes on beating: making a cluster, migrating a large database."""

from collections.abc import Callable
from typing import TypeVar

import trio

R = TypeVar("R")
BEAT_S = 5.0


async def run_beating(beat: Callable[[], None], work: Callable[..., R], *arguments: object, abandon_on_cancel: bool = False) -> R:
    """What `work` returns or raises; `beat` is called every few seconds meanwhile. As trio.to_thread.run_sync otherwise."""
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_go_on, beat)
        try:
            result = await trio.to_thread.run_sync(work, *arguments, abandon_on_cancel=abandon_on_cancel)
        except Exception as error:  # carried out of the nursery, which would wrap it in a group
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result


async def _go_on(beat: Callable[[], None]) -> None:
    while True:
        beat()
        await trio.sleep(BEAT_S)
