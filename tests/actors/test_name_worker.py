"""Worker processes as the installed command starts them, and their end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio
import trio_parallel

from actors.name_worker import NoWorkerError, WorkerCounters, open_name_worker
from catalog.titles.batch import BatchReading
from tests.fakes.processes import is_alive, wait_until

SCRIPT = """\
# As pip writes a console script: no .py in its name, imports swarmdex, runs when it is the main module.
import sys

import signal
import swarmdex

if __name__ == "__main__":
    import trio

    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background had it ignored

    from actors.name_worker import WorkerCounters, open_name_worker

    async def main():
        async with open_name_worker(20.0, WorkerCounters()) as worker:
            (title,) = await worker.read(["The Beverly Hillbillies 105"])
            print(title.title, *title.seasons, worker.pid, flush=True)
            await trio.sleep_forever()

    trio.run(main)
"""


def refuse_to_work(names, name_limit_s, budget_s) -> BatchReading:
    raise NotImplementedError


async def start_daemon(tmp_path: Path) -> tuple[trio.Process, int]:
    """A daemon as an installed command in a foreign directory; and its worker's pid."""
    script = tmp_path / "swarmdex-like"
    script.write_text(SCRIPT)
    process = await trio.lowlevel.open_process([sys.executable, str(script)], cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with trio.fail_after(60):
        line = b""
        while not line.endswith(b"\n"):
            received = await process.stdout.receive_some()
            assert received, "the daemon ended"
            line += received
    *words, pid = line.split()
    assert words == [b"The", b"Beverly", b"Hillbillies", b"1"]
    return process, int(pid)


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
async def test_workers_end_with_the_daemon(tmp_path, by, capfd):
    process, pid = await start_daemon(tmp_path)
    process.send_signal(by)
    with trio.fail_after(30):
        await process.wait()
        await wait_until(lambda: not is_alive(pid))
    assert process.stdout is not None
    await process.stdout.aclose()


async def test_a_worker_survives_a_sigterm_to_the_whole_group():
    counters = WorkerCounters()
    with trio.fail_after(60):
        async with open_name_worker(20.0, counters) as worker:
            await worker.read(["Sintel 2010 words"])
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGTERM)
            await worker.read(["Sintel 2010 words"])
    assert (counters.starts, counters.killed) == (1, 0)


async def test_a_worker_that_never_starts_is_no_endless_loop(monkeypatch, autojump_clock):
    class NoContext:
        def statistics(self):
            return trio_parallel.default_context_statistics()

        async def run_sync(self, *_args, **_options):
            await trio.lowlevel.checkpoint()
            raise OSError("no more processes")

    counters = WorkerCounters()
    async with open_name_worker(1.0, counters) as worker:
        monkeypatch.setattr(worker, "_context", NoContext())
        with pytest.raises(NoWorkerError):
            await worker.read(["Sintel"])
    assert counters.starts == 10


async def test_an_exception_of_the_reader_is_logged_and_counted(caplog):
    counters = WorkerCounters()
    with trio.fail_after(60):
        async with open_name_worker(20.0, counters, refuse_to_work) as worker:
            (title,) = await worker.read(["Sintel"])
    assert (title.title, title.stage) == ("Sintel", "none")
    assert (counters.failures, counters.poisoned) == (4, 1)
    assert "could not read a batch" in caplog.text
