"""`swarmdex run`: the daemon under the signals of its operator."""

import logging
import signal
from typing import Protocol

import trio

from cli.life import DaemonLife
from cli.options import EXIT_FAILED
from config.settings import Settings
from supervisor.errors import RestartsExhausted

logger = logging.getLogger(__name__)


def run_daemon(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; a second one ends at once. Returns the exit code."""
    return trio.run(_run, settings)


async def _run(settings: Settings) -> int:
    daemon = _make_daemon(settings)
    async with trio.open_nursery() as nursery:
        await nursery.start(stop_on_signal, daemon, nursery.cancel_scope)
        try:
            await daemon.run()
        except RestartsExhausted as exc:
            logger.critical("giving up, so that the service manager starts afresh: %s", exc)
            return EXIT_FAILED
        finally:
            nursery.cancel_scope.cancel()
    return 0


def _make_daemon(settings: Settings) -> DaemonLife:
    # Imported here, so that a crawler loads no database driver and an index no pusher.
    if settings.sink == "api":
        from cli.crawler import CrawlerDaemon

        return CrawlerDaemon(settings)
    from cli.daemon import Daemon

    return Daemon(settings)


class Stoppable(Protocol):
    """What a signal can stop."""

    def stop(self) -> None:
        """Begin a graceful stop."""


async def stop_on_signal(
    stoppable: Stoppable, at_once: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Stop gracefully at the first SIGTERM or SIGINT, at once at the second."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        is_stopping = False
        async for number in signals:
            if is_stopping:
                logger.warning("second signal: stopping at once")
                at_once.cancel()
                return
            logger.info("%s: stopping", signal.Signals(number).name)
            is_stopping = True
            stoppable.stop()
