"""`swarmdex keys`: API keys from the shell."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import EXIT_USAGE, errors_explained, load_settings, print_data, say, settings_options

if TYPE_CHECKING:
    from storage.accounts import KeyInfo

LONGEST_KEY_NAME = 100  # characters
SCOPES = ("search", "ingest", "metrics", "admin")
_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def keys() -> None:
    """API keys for Torznab and the JSON API."""


@keys.command("create")
@settings_options
@click.option("--name", required=True, help="What the key is for, e.g. sonarr.")
@click.option("--scopes", default="search", show_default=True, help="What it may do, separated by commas: " + ", ".join(SCOPES) + ".")
@click.option("--expires", default="", help="When it ends: 90d, 12h, or a date such as 2027-01-31. Never, unless said.")
@click.option("--rate", type=click.IntRange(0, 1_000_000), help="Requests a minute; 0: any number. Else as http.requests_per_minute says.")
@_json_option
def create(
    config: Path | None, assignments: tuple[str, ...], name: str, scopes: str, expires: str, rate: int | None, as_json: bool
) -> None:
    """Make an API key; it is shown this once."""
    wanted = frozenset(scope.strip() for scope in scopes.split(",") if scope.strip())
    if not wanted or not wanted <= set(SCOPES):
        _refuse("--scopes", f"{scopes!r} is not a list of scopes", f"write some of {','.join(SCOPES)}")
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_KEY_NAME:
        _refuse("--name", f"{name!r} is not a name", f"write at most {LONGEST_KEY_NAME} printable characters")
    ends = _read_end(expires, datetime.now(UTC))
    loaded = load_settings(config, assignments)
    from cli.accounts import create_key

    with errors_explained():
        key = create_key(loaded.settings, name, wanted, ends, rate)
    print_data({"key": key.text, **_described(key.info)}, as_json=as_json, text=key.text)


@keys.command("list")
@settings_options
@_json_option
def list_all(config: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Show all keys, without their secrets."""
    loaded = load_settings(config, assignments)
    from cli.accounts import list_keys

    with errors_explained():
        found = list_keys(loaded.settings)
    print_data({"keys": [_described(key) for key in found]}, as_json=as_json, text=_table(found))


@keys.command()
@settings_options
@click.argument("key_id", metavar="ID")
@_json_option
def revoke(config: Path | None, assignments: tuple[str, ...], key_id: str, as_json: bool) -> None:
    """End a key for good. ID is its first 8 characters, as `keys list` shows them; a whole key will do."""
    loaded = load_settings(config, assignments)
    from cli.accounts import revoke_key

    with errors_explained():
        revoke_key(loaded.settings, key_id[:8])
    print_data({"revoked": key_id[:8]}, as_json=as_json, text=f"revoked {key_id[:8]}; a running daemon knows within seconds")


def _read_end(text: str, now: datetime) -> datetime | None:
    """When a key ends, from "90d", "12h" or a date, whose day still counts."""
    if not text:
        return None
    try:
        if match := re.fullmatch(r"([1-9][0-9]{0,4})([dh])", text):
            return now + (timedelta(days=int(match[1])) if match[2] == "d" else timedelta(hours=int(match[1])))
        ends = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except (ValueError, OverflowError):
        ends = now
    if ends <= now:
        _refuse("--expires", f"{text!r} is no time to come", "write 90d, 12h or a date such as 2027-01-31")
    return ends


def _refuse(place: str, problem: str, cure: str) -> None:
    say(f"error: {place}: {problem}\n  cure: {cure}")
    sys.exit(EXIT_USAGE)


def _described(key: "KeyInfo") -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": key.created.isoformat(),
        "last_used": key.last_used.isoformat() if key.last_used else None,
        "last_address": key.last_address,
        "last_agent": key.last_agent,
        "expires": key.expires.isoformat() if key.expires else None,
        "revoked": key.revoked.isoformat() if key.revoked else None,
        "requests_per_minute": key.requests_per_minute,
    }


def _table(found: "Sequence[KeyInfo]") -> str:
    now = datetime.now(UTC)
    lines = [f"{'id':<9} {'name':<24} {'scopes':<24} {'last used':<17} state"]
    for key in found:
        used = f"{key.last_used:%Y-%m-%d %H:%M}" if key.last_used else "never"
        lines.append(f"{key.id:<9} {key.name:<24} {','.join(sorted(key.scopes)):<24} {used:<17} {_state(key, now)}")
    return "\n".join(lines)


def _state(key: "KeyInfo", now: datetime) -> str:
    if key.revoked:
        return "revoked"
    if key.expires is None:
        return "good"
    return f"{'expired' if key.expires <= now else 'good until'} {key.expires:%Y-%m-%d %H:%M}"
