"""What the commands share: the settings options, errors with exit codes, data on stdout and words on stderr."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.logs import set_up_logging
from config.errors import SettingsError
from config.loader import LoadedSettings, load
from protocol.errors import SwarmdexError

Command = TypeVar("Command", bound=Callable[..., Any])

EXIT_FAILED = 1
EXIT_USAGE = 2


def settings_options(command: Command) -> Command:
    """Add --config and --set to a command; they arrive as `config` and `assignments`."""
    command = click.option(
        "--set", "assignments", multiple=True, metavar="SECTION.KEY=VALUE", help="One setting; may be given several times."
    )(command)
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Settings file; else swarmdex.toml is searched (docs/settings.md).",
    )(command)


def load_settings(config: Path | None, assignments: tuple[str, ...]) -> LoadedSettings:
    """Load the settings and set up logging; a wrong one ends the process with its place, the cure, and exit code 2."""
    with errors_explained():
        loaded = load(file=config, assignments=assignments)
    set_up_logging(loaded.settings.log_level)
    return loaded


@contextmanager
def errors_explained() -> Iterator[None]:
    """End the process with a line for each error we know, exit code 2 for a wrong setting, else 1; a bug keeps its traceback."""
    known: list[BaseException] = []
    try:
        yield
    except* (SwarmdexError, SettingsError) as group:
        known.extend(_leaves(group))
    if known:  # not inside the except* clause, which would wrap SystemExit into a group
        for error in known:
            say(f"error: {error.place}: {error.problem}\n  cure: {error.cure}" if isinstance(error, SettingsError) else f"error: {error}")
        sys.exit(EXIT_USAGE if any(isinstance(error, SettingsError) for error in known) else EXIT_FAILED)


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def say(words: str) -> None:
    """Words for a person: stderr."""
    click.echo(words, err=True)


def print_data(data: object, *, as_json: bool, text: str) -> None:
    """Data on stdout, as one JSON object or as text."""
    click.echo(json.dumps(data, ensure_ascii=False) if as_json else text)
