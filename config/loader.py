"""Load the settings: defaults, then the TOML file, then SWARMDEX__SECTION__KEY variables, then --set; the later one wins.

The only place that reads the environment. Every mistake becomes a SettingsError that names the place and the cure.
"""

import dataclasses
import difflib
import os
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from config.errors import SettingsError
from config.rules import check_rules
from config.settings import Settings

ENVIRONMENT_PREFIX = "SWARMDEX__"
FILE_NAME = "swarmdex.toml"
NAME = "<name>"
"""Stands for a name the user gives, in the keys of tables of which there may be several."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and where each value that is not a default came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Dotted key to origin: a file's path, a variable's name or "--set"."""
    file: Path | None


@dataclass(frozen=True, slots=True)
class _Assignment:
    key: str
    """Dotted: "http.bind"."""
    value: Any
    origin: str


def load(*, file: Path | None = None, assignments: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> LoadedSettings:
    """Gather, convert and check every setting.

    Args:
        file: a settings file; None searches ., $XDG_CONFIG_HOME/swarmdex and /etc/swarmdex.
        assignments: "section.key=value" texts of --set.
        environment: the process's environment unless given.

    Raises:
        SettingsError: a file that cannot be read, an unknown setting, or a value of the wrong type or range.
    """
    environment = os.environ if environment is None else environment
    found = _find_file(file, environment)
    given: dict[str, _Assignment] = {}
    for assignment in (*_from_file(found), *_from_environment(environment), *_from_texts(assignments)):
        given[assignment.key] = assignment
    settings = _convert(given)
    data_dir = os.path.expanduser(settings.data_dir) or str(default_data_dir(environment))  # noqa: PTH111  (an unknown ~name stays)
    settings = dataclasses.replace(settings, data_dir=data_dir)
    origins = {key: assignment.origin for key, assignment in given.items()}
    check_rules(settings, origins)
    return LoadedSettings(settings, origins, found)


def default_data_dir(environment: Mapping[str, str]) -> Path:
    """$STATE_DIRECTORY (systemd), else /var/lib/swarmdex for root, else $XDG_DATA_HOME/swarmdex."""
    if state := environment.get("STATE_DIRECTORY"):
        return Path(state.split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/swarmdex")
    home = environment.get("XDG_DATA_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".local/share"
    return Path(home) / "swarmdex"


def _find_file(file: Path | None, environment: Mapping[str, str]) -> Path | None:
    if file is not None:
        return file
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".config"
    candidates = (Path(FILE_NAME), Path(home) / "swarmdex" / FILE_NAME, Path("/etc/swarmdex") / FILE_NAME)
    # Not Path.is_file, which raises where we may not look, as after `sudo -u` in somebody's home.
    return next((candidate for candidate in candidates if os.path.isfile(candidate)), None)  # noqa: PTH113


def _from_file(file: Path | None) -> Iterator[_Assignment]:
    if file is None:
        return
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise SettingsError("--config", f"{file} cannot be read: {exc.strerror}", "name an existing file") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(str(file), f"is not TOML: {exc}", "mend that line; https://toml.io shows the syntax") from exc
    for key, value in _flatten(tree):
        yield _Assignment(key, value, str(file))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and (value or _named_key(key) not in _NAMED_TABLES):
            yield from _flatten(value, f"{key}.")
        else:
            yield key, value


def _from_environment(environment: Mapping[str, str]) -> Iterator[_Assignment]:
    for name, text in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            yield _Assignment(key, _value_from_text(key, text, name), name)


def _from_texts(assignments: Iterable[str]) -> Iterator[_Assignment]:
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"--set {text}", "has no value", "write --set section.key=value")
        yield _Assignment(key.strip(), _value_from_text(key.strip(), value.strip(), "--set"), "--set")


def _value_from_text(key: str, text: str, origin: str) -> Any:
    """A text as the type its setting wants: lists as TOML or separated by commas, words as they are."""
    wanted = _type_of(key)
    if wanted is str or wanted is None:
        return text
    if typing.get_origin(wanted) is tuple and not text.startswith("["):
        if typing.get_args(wanted)[0] is str:
            return [part.strip() for part in text.split(",") if part.strip()]
        text = f"[{text}]"
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(key, f"{text!r} ({origin}) is not a {type_in_words(wanted)}", f"write a {type_in_words(wanted)}") from exc


def field_types(part: type = Settings, prefix: str = "") -> dict[str, Any]:
    """Every setting's dotted key and type. `<name>` stands for a name that the user gives: "torznab.profiles.<name>.sort"."""
    types_by_key: dict[str, Any] = {}
    hints = typing.get_type_hints(part)
    for field in dataclasses.fields(part):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            types_by_key |= field_types(hint, f"{prefix}{field.name}.")
        elif typing.get_origin(hint) is Mapping:
            types_by_key |= field_types(typing.get_args(hint)[1], f"{prefix}{field.name}.{NAME}.")
        else:
            types_by_key[f"{prefix}{field.name}"] = hint
    return types_by_key


def _named_key(key: str) -> str:
    """`key` as field_types has it: with <name> where the user gave a name."""
    for table in _NAMED_TABLES:
        beginning = table.removesuffix(NAME)
        if key.startswith(beginning) and len(key) > len(beginning):
            _, dot, rest = key.removeprefix(beginning).partition(".")
            return f"{table}{dot}{rest}"
    return key


def _type_of(key: str) -> Any:
    """A setting's type, None if there is no such setting."""
    return dict if _named_key(key) in _NAMED_TABLES else field_types().get(_named_key(key))


def type_in_words(wanted: Any) -> str:
    """A type as a user says it."""
    if typing.get_origin(wanted) is tuple:
        return f"list of {type_in_words(typing.get_args(wanted)[0])}s"
    if isinstance(wanted, types.UnionType):
        return " or ".join(type_in_words(part) for part in typing.get_args(wanted))
    return {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "table"}.get(wanted, str(wanted))


def _convert(given: Mapping[str, _Assignment]) -> Settings:
    tree: dict[str, Any] = {}
    for key, assignment in given.items():
        value = _converted(assignment)
        *sections, name = key.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        if isinstance(value, dict):
            branch.setdefault(name, {})  # a named table, which may have settings already
        else:
            branch[name] = value
    return msgspec.convert(tree, Settings)


def _converted(assignment: _Assignment) -> Any:
    key, value = assignment.key, assignment.value
    expected = _type_of(key)
    if expected is None:
        raise SettingsError(key, f"is no setting ({assignment.origin})", _did_you_mean(key))
    if expected is dict and value:
        raise SettingsError(key, f"{value!r} ({assignment.origin}) is not a table", f"write a table [{key}], or single settings: {key}.…")
    try:
        return msgspec.convert(value, expected)
    except msgspec.ValidationError as exc:
        wanted = type_in_words(expected)
        raise SettingsError(key, f"{value!r} ({assignment.origin}) is not a {wanted}", f"write a {wanted}") from exc


def _did_you_mean(key: str) -> str:
    known = [name.replace(NAME, _name_in(key)) for name in field_types()]
    section, _, name = key.rpartition(".")
    siblings = {sibling.rpartition(".")[2]: sibling for sibling in known if sibling.rpartition(".")[0] == section}
    # Among siblings the last part alone tells them apart: the rest is equal, and may be long.
    close = [siblings[near] for near in difflib.get_close_matches(name, siblings, n=1, cutoff=0.7)]
    if not close and not (section and siblings):
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(siblings.values())}" if section and siblings else "docs/settings.md lists every setting"


def _name_in(key: str) -> str:
    """The name that the user gave in `key`, if there is one, so that what is proposed bears it too."""
    parts = zip(key.split("."), _named_key(key).split("."), strict=True)
    return next((given for given, part in parts if part == NAME), NAME)


_NAMED_TABLES = frozenset(f"{key.partition(f'.{NAME}.')[0]}.{NAME}" for key in field_types() if NAME in key)
"""Tables of which the user may write any number, as "torznab.profiles.<name>"."""
