"""`swarmdex user`: people, their passwords and sessions, from the shell."""

import sys
from pathlib import Path
from typing import TextIO

import click

from cli.options import EXIT_USAGE, errors_explained, load_settings, print_data, say, settings_options

_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_password_option = click.option(
    "--password-file", type=click.File(encoding="utf-8"), help="Read the password from this file (- for stdin) instead of asking."
)


@click.group()
def user() -> None:
    """People who sign in, and their sessions."""


@user.command()
@settings_options
@click.argument("name")
@click.option("--admin", "is_admin", is_flag=True, help="May do everything; others search.")
@_password_option
@_json_option
def add(config: Path | None, assignments: tuple[str, ...], name: str, is_admin: bool, password_file: TextIO | None, as_json: bool) -> None:
    """Add a user."""
    loaded = load_settings(config, assignments)
    password = _password(password_file)
    from cli.accounts import add_user

    with errors_explained():
        added = add_user(loaded.settings, name, password, is_admin=is_admin)
    print_data({"name": added.name, "admin": added.is_admin}, as_json=as_json, text=f"added {added.name}")


@user.command("list")
@settings_options
@_json_option
def list_all(config: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Show everybody."""
    loaded = load_settings(config, assignments)
    from cli.accounts import list_users

    with errors_explained():
        found = list_users(loaded.settings)
    described = [
        {
            "name": each.name,
            "admin": each.is_admin,
            "created": each.created.isoformat(),
            "last_login": each.last_login.isoformat() if each.last_login else None,
        }
        for each in found
    ]
    lines = [f"{each.name:<24} {'administrator' if each.is_admin else 'may search'}" for each in found]
    print_data({"users": described}, as_json=as_json, text="\n".join(lines) or "nobody yet: swarmdex user add --admin NAME")


@user.command()
@settings_options
@click.argument("name")
@_password_option
@_json_option
def passwd(config: Path | None, assignments: tuple[str, ...], name: str, password_file: TextIO | None, as_json: bool) -> None:
    """Change a password; every session of the user ends."""
    loaded = load_settings(config, assignments)
    password = _password(password_file)
    from cli.accounts import set_password

    with errors_explained():
        set_password(loaded.settings, name, password)
    print_data({"changed": name}, as_json=as_json, text=f"changed the password of {name}; every session has ended")


@user.command()
@settings_options
@click.argument("name")
@_json_option
def remove(config: Path | None, assignments: tuple[str, ...], name: str, as_json: bool) -> None:
    """Remove a user, with sessions and keys."""
    loaded = load_settings(config, assignments)
    from cli.accounts import remove_user

    with errors_explained():
        remove_user(loaded.settings, name)
    print_data({"removed": name}, as_json=as_json, text=f"removed {name}")


@user.command()
@settings_options
@click.argument("name", required=False)
@_json_option
def sessions(config: Path | None, assignments: tuple[str, ...], name: str | None, as_json: bool) -> None:
    """Show who is signed in, and from where."""
    loaded = load_settings(config, assignments)
    from cli.accounts import list_sessions

    with errors_explained():
        found = list_sessions(loaded.settings, name)
    described = [
        {
            "name": each.user.name,
            "address": each.address,
            "agent": each.agent,
            "created": each.created.isoformat(),
            "last_seen": each.last_seen.isoformat(),
        }
        for each in found
    ]
    lines = [f"{each.user.name:<24} {each.last_seen:%Y-%m-%d %H:%M} {each.address:<16} {each.agent}" for each in found]
    print_data({"sessions": described}, as_json=as_json, text="\n".join(lines) or "nobody is signed in")


@user.command()
@settings_options
@click.argument("name")
@_json_option
def logout(config: Path | None, assignments: tuple[str, ...], name: str, as_json: bool) -> None:
    """End every session of a user."""
    loaded = load_settings(config, assignments)
    from cli.accounts import end_sessions

    with errors_explained():
        ended = end_sessions(loaded.settings, name)
    print_data({"ended": ended}, as_json=as_json, text=f"ended {ended} sessions of {name}")


def _password(file: TextIO | None) -> str:
    """From a file, or asked for twice; never from the command line, which others on the machine can read."""
    if file is not None:
        return file.read().rstrip("\r\n")
    if not sys.stdin.isatty():
        say("error: --password-file: there is no terminal to ask for the password\n  cure: name a file, or - for stdin")
        sys.exit(EXIT_USAGE)
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
