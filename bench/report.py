"""What a benchmark found: figures, paired ratios, and whether the figures may be believed."""

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a contender in a case."""

    case: str
    contender: str
    unit: str
    per_cpu_s: float  # units per CPU-second of the process under test, median of the rounds
    spread: float  # (highest - lowest) / median of the rounds
    per_wall_s: float
    generator_share: float  # CPU-seconds of the generator per second of wall clock; 0 when there is none
    ratio: float | None = None  # the subject's rate over this pair's, median of the rounds; None for the subject itself
    target: float | None = None


_COLUMNS = ("per_cpu_s", "per_wall_s", "generator_share")
"""Metrics of a row that the table shows; every other stands below it."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one benchmark module."""

    name: str
    rows: tuple[Row, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)  # "case/pair": the subject's rate over the pair's
    valid: bool = True
    notes: tuple[str, ...] = ()  # why it is not valid, and what a reader should know

    def as_json(self) -> str:
        """One line: {"name", "commit", "machine", "metrics", "ratios", "valid", "notes"}."""
        return json.dumps(
            {
                "name": self.name,
                "commit": commit(),
                "machine": machine(),
                "metrics": {name: round(value, 6) for name, value in self.metrics.items()},
                "ratios": {name: round(value, 4) for name, value in self.ratios.items()},
                "valid": self.valid,
                "notes": list(self.notes),
            }
        )

    def show(self, console: Console) -> None:
        """Print the table for people."""
        table = Table(title=f"{self.name}  ({commit()}, Python {platform.python_version()})", title_justify="left")
        table.add_column("case")
        table.add_column("contender")
        for heading in ("per CPU-s", "spread", "per s", "generator", "ratio", "target"):
            table.add_column(heading, justify="right")
        for row in self.rows:
            table.add_row(
                row.case,
                row.contender,
                f"{row.per_cpu_s:,.0f} {row.unit}",
                f"{row.spread:.0%}",
                f"{row.per_wall_s:,.0f}",
                f"{row.generator_share:.2f}" if row.generator_share else "",
                "" if row.ratio is None else f"{row.ratio:.2f}",
                "" if row.target is None else f"{row.target:g}",
            )
        console.print(table)
        shown = {f"{row.case}.{row.contender}.{column}" for row in self.rows for column in _COLUMNS}
        for name, value in self.metrics.items():
            if name not in shown:
                console.print(f"  {name}: {value:,.6g}")
        for note in self.notes:
            console.print(f"  {note}", markup=False)
        if not self.valid:
            console.print("  [bold red]not valid[/]: do not quote these figures")


def commit() -> str:
    """The commit that was measured, with a `+` when the working tree differs from it."""
    here = Path(__file__).resolve().parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],  # noqa: S607 - the git of whoever measures
            cwd=here,
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "load_1m": load,
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
