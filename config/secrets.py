"""Secrets that live in files: named by a setting, or handed over by systemd (LoadCredential)."""

import os
from collections.abc import Mapping
from pathlib import Path

from config.errors import SettingsError
from config.settings import HttpSettings, Settings

MIN_SECRET_BYTES = 32
_MAX_SECRETS = 2
_CURE = "make one with: head -c 32 /dev/urandom | base64"


def internal_secrets(settings: HttpSettings, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What X-Internal-Secret may be; the first one is the one to send. Empty: nothing.

    Raises:
        SettingsError: the file cannot be read, or what stands in it is too short, or too much.
    """
    file = _secret_file(settings, os.environ if environment is None else environment)
    return () if file is None else _read(file, "http.internal_secret_file")


def push_secret(settings: Settings, environment: Mapping[str, str] | None = None) -> str:
    """What a crawler sends to its central instance as X-Internal-Secret.

    Raises:
        SettingsError: there is none, or the file cannot be read, or what stands in it is too short, or too much.
    """
    if settings.push.secret_file:
        found = _read(Path(settings.push.secret_file).expanduser(), "push.secret_file")
    else:
        found = internal_secrets(settings.http, environment)
    if not found:
        cure = "name a file with the secret of the central instance (its http.internal_secret_file)"
        raise SettingsError("push.secret_file", 'there is none, and sink = "api" needs one', cure)
    return found[0]


def check_secrets(settings: Settings, environment: Mapping[str, str] | None = None) -> None:
    """Raise SettingsError for a secret that is wrong, or missing where one is needed."""
    internal_secrets(settings.http, environment)
    if settings.sink == "api":
        push_secret(settings, environment)


def _read(file: Path, setting: str) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="ascii").split("\n")
    except OSError as exc:
        raise SettingsError(setting, f"{file} cannot be read: {exc.strerror}", "name a file that this user can read") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(setting, f"{file} holds characters beyond ASCII", _CURE) from exc
    found = tuple(line.strip() for line in lines if line.strip())
    if not found or len(found) > _MAX_SECRETS:
        cure = "write one a line: one, or two while they are changed"
        raise SettingsError(setting, f"{file} holds {len(found)} secrets", cure)
    if any(len(secret) < MIN_SECRET_BYTES or not secret.isprintable() for secret in found):
        raise SettingsError(setting, f"a secret in {file} is shorter than {MIN_SECRET_BYTES} bytes or not printable", _CURE)
    return found


def _secret_file(settings: HttpSettings, environment: Mapping[str, str]) -> Path | None:
    if settings.internal_secret_file:
        return Path(settings.internal_secret_file).expanduser()
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    file = Path(folder) / "internal_secret"
    return file if folder and file.is_file() else None
