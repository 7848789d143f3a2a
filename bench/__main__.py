"""`python -m bench NAME|all [--json] [--long]`: runs benchmarks and prints what they found."""

import argparse
import importlib
import sys
import traceback
from pathlib import Path

from rich.console import Console

from bench.harness import Options
from bench.report import Report

NAMES = ("dht", "metadata", "ingest", "ingest-api", "titles", "torznab")


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 done, 1 one failed to run or is not valid, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Paired benchmarks per CPU-second; see bench/README.md.")
    parser.add_argument("name", choices=(*NAMES, "all"), help="which benchmark")
    parser.add_argument("--json", action="store_true", help="one JSON object per benchmark on stdout; the tables go to stderr")
    parser.add_argument("--long", action="store_true", help="five rounds of longer measurements: the form to quote")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (1)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="where one that needs much data keeps it for its next run")
    chosen = parser.parse_args(arguments)
    # `all` is the short form by definition: it shows that everything runs, not what to quote.
    options = Options(long=chosen.long and chosen.name != "all", seed=chosen.seed, data=chosen.data)
    console = Console(stderr=chosen.json, width=None if sys.stdout.isatty() else 140)
    reports = [_run(name, options, console, as_json=chosen.json) for name in (NAMES if chosen.name == "all" else (chosen.name,))]
    return 0 if all(report is not None and report.valid for report in reports) else 1


def _run(name: str, options: Options, console: Console, *, as_json: bool) -> Report | None:
    try:
        report: Report = importlib.import_module(f"bench.{name.replace('-', '_')}").run(options)
    except Exception:
        print(f"{name} failed to run:\n{traceback.format_exc()}", file=sys.stderr)
        return None
    report.show(console)
    if as_json:
        print(report.as_json(), flush=True)
    return report


if __name__ == "__main__":
    sys.exit(main())
