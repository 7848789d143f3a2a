"""The settings in force as a user may see them: every key, its value, where it came from; secrets masked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from config.loader import LoadedSettings


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One line of `swarmdex check`."""

    key: str
    value: Any
    text: str
    """The value as it is written in TOML."""
    origin: str
    """Empty: a default."""


def shown_settings(loaded: LoadedSettings) -> list[ShownSetting]:
    """Every setting in the order of the settings classes."""
    return [
        ShownSetting(key, value, json.dumps(value, ensure_ascii=False), loaded.origins.get(key, ""))
        for key, value in _walk(loaded.settings)
    ]


def _walk(part: Any, prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for field in fields(part):
        value = getattr(part, field.name)
        if is_dataclass(value):
            rows += _walk(value, f"{prefix}{field.name}.")
        elif isinstance(value, Mapping):
            for name, table in value.items():
                rows += _walk(table, f"{prefix}{field.name}.{name}.")
        else:
            is_secret = not field.repr and value
            rows.append((f"{prefix}{field.name}", "***" if is_secret else list(value) if isinstance(value, tuple) else value))
    return rows
