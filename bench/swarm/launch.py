"""Starts a simulated swarm as a process of its own and ends it again: for `swarmdex demo`, tests and benchmarks."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import trio

from bench.swarm.options import SwarmOptions, option_flag
from protocol.errors import SwarmdexError

_START_S = 30.0
_END_S = 5.0


class SwarmDidNotStart(SwarmdexError):
    """The process ended or was silent instead of saying where its nodes are."""


@dataclass(frozen=True, slots=True)
class LaunchedSwarm:
    """A swarm that can be asked."""

    bootstrap: tuple[str, ...]  # "127.x.y.z:port"
    planted: int
    reachable: int
    pid: int
    report: dict[str, Any] = field(default_factory=dict)  # filled when the swarm has ended: what counters.py counts


def command(options: SwarmOptions, *, list_file: Path | None = None, report_file: Path | None = None) -> list[str]:
    """The command line of a swarm."""
    words = [sys.executable, "-m", "bench.swarm"]
    for option in fields(options):
        words += [option_flag(option.name), str(getattr(options, option.name))]
    for flag, path in (("--list", list_file), ("--report", report_file)):
        words += [flag, str(path)] if path else []
    return words


def environment() -> dict[str, str]:
    """Ours, with the folder that holds `bench` and `protocol` first on the path, be it a checkout or an installed wheel."""
    code = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH", ""))))}


@asynccontextmanager
async def launch(options: SwarmOptions, *, list_file: Path | None = None, report_file: Path | None = None) -> AsyncIterator[LaunchedSwarm]:
    """Start a swarm and end it on the way out, cancelled or not. Raises SwarmDidNotStart."""
    process = await trio.lowlevel.open_process(
        command(options, list_file=list_file, report_file=report_file), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    )
    try:
        said = _Lines(process.stdout)
        first = None
        with trio.move_on_after(_START_S):
            first = await said.next()
        if first is None:
            raise SwarmDidNotStart(f"the swarm did not say within {_START_S:.0f} s where its nodes are; its errors stand above")
        launched = LaunchedSwarm(tuple(first["bootstrap"]), first["planted"], first["reachable"], first["pid"])
        yield launched
        launched.report.update(await _end(process, said))
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    await pipe.aclose()


class _Lines:
    """JSON lines of a pipe."""

    def __init__(self, pipe: trio.abc.ReceiveStream | None) -> None:
        self._pipe = pipe
        self._buffer = b""

    async def next(self) -> Any:
        """The next line's value; None at the end."""
        while b"\n" not in self._buffer and self._pipe is not None:
            received = await self._pipe.receive_some()
            if not received:
                return None
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)


async def _end(process: trio.Process, said: _Lines) -> dict[str, Any]:
    """Close its input, which it takes as the end, and hear its last report."""
    report: dict[str, Any] = {}
    with trio.move_on_after(_END_S):
        if process.stdin is not None:
            await process.stdin.aclose()
        while (line := await said.next()) is not None:
            report = line.get("report", report)
        await process.wait()
    return report
