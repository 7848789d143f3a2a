from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.running_daemon import RunningDaemon, data_folder

QUIET = ("dht.enabled=false",)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture
def make_daemon(data_dir: Path) -> Iterator[Callable[..., RunningDaemon]]:
    """Daemons on one data folder; all are ended with the test."""
    with ExitStack() as running:

        def make(settings: Sequence[str] = QUIET) -> RunningDaemon:
            daemon = RunningDaemon(data_dir, settings)
            running.callback(daemon.stop)
            return daemon

        yield make
