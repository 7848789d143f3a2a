"""A child that does what the test tells it, and writes a diary of its starts and ends."""

from collections.abc import Callable
from typing import Any

import trio

from supervisor.heartbeat import Heart
from supervisor.spec import ChildSpec


class Puppet:
    """Runs until it is told to crash or to end, or is asked to stop.

    The diary, which puppets share, gets "+name" for a start, "-name" for an end, "!name" for a crash and "xname" for a cancellation.
    """

    def __init__(self, name: str, diary: list[str] | None = None, *, is_deaf: bool = False, winds_up: float = 0.0) -> None:
        self.name = name
        self.diary = [] if diary is None else diary
        self.starts: list[float] = []
        self.heart: Heart | None = None
        self.is_deaf = is_deaf  # to requests to stop
        self.winds_up = winds_up  # seconds between the request to stop and the end
        self.asked: list[str] = []
        self.on_start: Callable[[], None] = lambda: None
        self._todo: Callable[[], None] | None = None
        self._told = trio.Event()

    @property
    def is_running(self) -> bool:
        return self.heart is not None

    def spec(self, **options: Any) -> ChildSpec:
        options.setdefault("stop", self.stop)
        return ChildSpec(self.name, self.run, **options)

    async def run(self, heart: Heart) -> None:
        self.heart = heart
        self.starts.append(trio.current_time())
        self.diary.append(f"+{self.name}")
        self._told = trio.Event()
        self._todo = None
        try:
            self.on_start()
            await self._told.wait()
            if self._todo is not None:
                self._todo()
            else:
                await trio.sleep(self.winds_up)
        except trio.Cancelled:
            self.diary.append(f"x{self.name}")
            raise
        except BaseException:
            self.diary.append(f"!{self.name}")
            raise
        else:
            self.diary.append(f"-{self.name}")
        finally:
            self.heart = None

    def crash(self, error: BaseException | None = None) -> None:
        def fail() -> None:
            raise ValueError(f"{self.name} has a bug") if error is None else error

        self._todo = fail
        self._told.set()

    def end(self) -> None:
        self._todo = lambda: None
        self._told.set()

    def stop(self) -> None:
        self.asked.append("stop")
        if not self.is_deaf:
            self._told.set()

    def suspend(self) -> None:
        self.asked.append("suspend")
        if not self.is_deaf:
            self._told.set()


def three_puppets(diary: list[str]) -> tuple[Puppet, Puppet, Puppet]:
    """Puppets a, b and c with one diary."""
    return Puppet("a", diary), Puppet("b", diary), Puppet("c", diary)


def one_second(_: int) -> float:
    """A restart pause without jitter."""
    return 1.0
