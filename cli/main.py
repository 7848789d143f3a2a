"""The `swarmdex` command. Each command imports what it needs when it runs, so `--help` and `check` are quick."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from cli.keys import keys
from cli.options import EXIT_FAILED, errors_explained, load_settings, print_data, say, settings_options
from cli.users import user


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="swarmdex", message="%(prog)s %(version)s")
def main() -> None:
    """A self-hosted BitTorrent index: crawls the DHT, understands names, serves search and Torznab."""


@main.command()
@settings_options
def run(config: Path | None, assignments: tuple[str, ...]) -> None:
    """Run the daemon until SIGTERM or SIGINT."""
    loaded = load_settings(config, assignments)
    from cli.run import run_daemon

    with errors_explained():
        sys.exit(run_daemon(loaded.settings))


@main.command()
@settings_options
@click.option(
    "--for", "seconds", type=click.FloatRange(min=1), help="End after so many seconds; else at Ctrl-C, without a terminal after 30."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
@click.option("--torrents", type=click.IntRange(min=1), default=500, show_default=True, help="Torrents planted in the simulated swarm.")
@click.option("--nodes", type=click.IntRange(min=1), default=2000, show_default=True, help="DHT nodes of the simulated swarm.")
@click.option("--seed", default=1, show_default=True, help="Everything about the swarm follows from it.")
@click.option("--chaos", is_flag=True, help="Crash every part once and kill worker processes while it runs.")
def demo(
    config: Path | None,
    assignments: tuple[str, ...],
    seconds: float | None,
    as_json: bool,
    torrents: int,
    nodes: int,
    seed: int,
    chaos: bool,
) -> None:
    """Run the daemon against a simulated swarm on loopback, with data in a temporary folder; no internet needed."""
    loaded = load_settings(config, assignments)
    from cli.demo.run import Demo, run_demo

    with errors_explained():
        sys.exit(run_demo(loaded, Demo(seconds=seconds, torrents=torrents, nodes=nodes, seed=seed, has_chaos=chaos), as_json=as_json))


@main.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print the settings in force as one JSON object.")
def check(config: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Read the settings and say what is wrong with them; contacts nobody."""
    loaded = load_settings(config, assignments)
    from config.secrets import check_secrets
    from config.shown import shown_settings

    with errors_explained():
        check_secrets(loaded.settings)

    shown = shown_settings(loaded)
    lines = [f"{entry.key} = {entry.text}" + (f"    # {entry.origin}" if entry.origin else "") for entry in shown]
    print_data(
        {"file": str(loaded.file) if loaded.file else None, "settings": {entry.key: asdict(entry) for entry in shown}},
        as_json=as_json,
        text="\n".join(lines),
    )
    say("the settings are in order" + (f" ({loaded.file})" if loaded.file else " (no settings file)"))


@main.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def migrate(config: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Bring the database's schema up to date; `run` does this by itself."""
    loaded = load_settings(config, assignments)
    from cli.data import migrate as migrate_database

    with errors_explained():
        applied = migrate_database(loaded.settings)
    print_data({"applied": applied}, as_json=as_json, text="\n".join(applied) or "nothing to do: the schema is up to date")


@main.command()
@settings_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(config: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Show how the running daemon and each of its parts are; exit 1 when none runs or one part is down."""
    loaded = load_settings(config, assignments)
    from cli.status import fetch_status, is_well, status_in_words

    with errors_explained():
        found = fetch_status(Path(loaded.settings.data_dir))
    print_data(found, as_json=as_json, text=status_in_words(found))
    sys.exit(0 if is_well(found) else EXIT_FAILED)


main.add_command(keys)
main.add_command(user)


@main.command()
@click.argument("names", type=click.File(encoding="utf-8", errors="surrogateescape"), default="-")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def classify(names: TextIO, as_json: bool) -> None:
    """Read torrent names, one a line, and print what each of them says."""
    from cli.classify import classify_lines

    classify_lines(names, sys.stdout, as_json=as_json)
