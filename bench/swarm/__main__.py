"""`python -m bench.swarm --seed N --torrents 500 --nodes 2000 …`: a simulated swarm as a process of its own.

Prints one JSON line when it can be asked, and one with its report at the end (and whenever SIGUSR1 asks for it):

    {"bootstrap": ["127.x.y.z:port", …], "planted": 500, "reachable": 455, "pid": 4242}
    {"report": {…}}

It ends at SIGTERM or SIGINT, after `--for` seconds, when its standard input (if that is a pipe) is closed, and when its parent is gone.
"""

import argparse
import json
import os
import signal
import stat
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import trio

from bench.swarm.options import SwarmOptions, option_flag
from bench.swarm.plan import make_plan
from bench.swarm.swarm import SimulatedSwarm

_PARENT_CHECK_S = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a swarm until told to stop. Exit 0 done, 1 failed, 2 usage."""
    chosen = _parser().parse_args(arguments)
    given = {field.name: getattr(chosen, field.name) for field in fields(SwarmOptions) if getattr(chosen, field.name) is not None}
    clean = SwarmOptions().without_trouble() if chosen.clean else SwarmOptions()
    options = SwarmOptions(**{field.name: given.get(field.name, getattr(clean, field.name)) for field in fields(SwarmOptions)})
    parent = os.getppid()  # before the work: a parent that dies meanwhile is noticed
    swarm = SimulatedSwarm(make_plan(options), port=chosen.port, one_socket=not chosen.many_ports)
    if chosen.list:
        swarm.write_list(chosen.list)
    trio.run(_run, swarm, parent, chosen.run_for, chosen.report)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.swarm", description="A simulated BitTorrent swarm on loopback; shares are 0 to 1."
    )
    for field in fields(SwarmOptions):
        kind = _share if _is_share(field.name) else type(field.default)
        parser.add_argument(option_flag(field.name), dest=field.name, type=kind, metavar="N", help=f"({field.default})")
    parser.add_argument("--clean", action="store_true", help="a perfect network of honest nodes and peers; single troubles can be added")
    parser.add_argument("--port", type=int, default=0, help="UDP port of the nodes (any)")
    parser.add_argument("--many-ports", action="store_true", help="a port on 127.0.0.1 for each node, as on systems other than Linux")
    parser.add_argument("--list", type=Path, metavar="FILE", help="write the planted torrents there, NDJSON")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there as well, JSON")
    parser.add_argument("--for", dest="run_for", type=float, default=float("inf"), metavar="SECONDS", help="end by itself")
    parser.add_argument("--json", action="store_true", help="accepted for symmetry: the output is always JSON")
    return parser


def _is_share(name: str) -> bool:
    default = getattr(SwarmOptions(), name)
    return isinstance(default, float) and not name.endswith(("_s", "_ms"))


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share between 0 and 1")
    return share


async def _run(swarm: SimulatedSwarm, parent: int, run_for: float, report: Path | None) -> None:
    with trio.move_on_after(run_for):
        async with trio.open_nursery() as nursery:
            await nursery.start(_on_signals, swarm, report, nursery.cancel_scope)
            nursery.start_soon(_until_parent_is_gone, parent, nursery.cancel_scope)
            if _is_pipe(0):
                nursery.start_soon(_until_input_ends, 0, nursery.cancel_scope)
            nursery.start_soon(swarm.run)
            _say(swarm.announcement())
    _say_report(swarm, report)


async def _on_signals(
    swarm: SimulatedSwarm,
    report: Path | None,
    everything: trio.CancelScope,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGUSR1) as signals:
        task_status.started()
        async for number in signals:
            if number == signal.SIGUSR1:
                _say_report(swarm, report)
            else:
                everything.cancel()


async def _until_parent_is_gone(parent: int, everything: trio.CancelScope) -> None:
    # Not PR_SET_PDEATHSIG: that fires when the thread ends that started us.
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells this
        await trio.sleep(_PARENT_CHECK_S)
    everything.cancel()


async def _until_input_ends(descriptor: int, everything: trio.CancelScope) -> None:
    while True:
        await trio.lowlevel.wait_readable(descriptor)
        if not os.read(descriptor, 4096):
            break
    everything.cancel()


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:  # closed by whoever started us
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _say_report(swarm: SimulatedSwarm, path: Path | None) -> None:
    counted = swarm.counters.report()
    if path is not None:
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_text(json.dumps(counted) + "\n", encoding="utf-8")
        unfinished.replace(path)
    _say({"report": counted})


def _say(value: object) -> None:
    try:
        print(json.dumps(value), flush=True)
    except BrokenPipeError:  # nobody listens any more
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - else the interpreter complains when it flushes at exit


if __name__ == "__main__":
    sys.exit(main())
