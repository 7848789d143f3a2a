from pathlib import Path

import pytest

from config.errors import SettingsError
from config.secrets import internal_secrets, push_secret
from config.settings import HttpSettings, PushSettings, Settings

OLD, NEW = "o" * 32, "n" * 44


def read(file: Path, text: str) -> tuple[str, ...]:
    file.write_text(text)
    return internal_secrets(HttpSettings(internal_secret_file=str(file)), {})


def test_a_file_holds_one_secret_or_two_while_they_are_changed(tmp_path: Path) -> None:
    assert read(tmp_path / "secret", f"{OLD}\n") == (OLD,)
    assert read(tmp_path / "secret", f"{NEW}\n\n  {OLD}\r\n") == (NEW, OLD)


def test_systemd_hands_it_over_unless_a_file_is_named(tmp_path: Path) -> None:
    assert internal_secrets(HttpSettings(), {}) == ()
    assert internal_secrets(HttpSettings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == ()
    (tmp_path / "internal_secret").write_text(NEW)
    assert internal_secrets(HttpSettings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == (NEW,)
    (tmp_path / "other").write_text(OLD)
    settings = HttpSettings(internal_secret_file=str(tmp_path / "other"))
    assert internal_secrets(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == (OLD,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds 0 secrets"),
        ("short-but-secret", "shorter than 32 bytes"),
        (f"{NEW}\nshort-but-secret", "shorter than 32 bytes"),
        (f"{NEW}\n{OLD}\n{NEW}", "holds 3 secrets"),
        ("ö" * 40, "beyond ASCII"),
        ("x" * 40 + "\x7f", "not printable"),
    ],
)
def test_a_secret_that_is_none_is_refused_without_being_shown(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        read(tmp_path / "secret", text)
    assert all(word not in str(caught.value) for word in text.split())


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        internal_secrets(HttpSettings(internal_secret_file=str(tmp_path / "missing")), {})


def test_a_crawler_sends_the_secret_of_its_own_file_else_the_one_of_this_instance(tmp_path: Path) -> None:
    (tmp_path / "internal_secret").write_text(f"{NEW}\n{OLD}\n")
    (tmp_path / "central").write_text("c" * 32)
    handed_over = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert push_secret(Settings(), handed_over) == NEW
    assert push_secret(Settings(push=PushSettings(secret_file=str(tmp_path / "central"))), handed_over) == "c" * 32


def test_a_crawler_without_a_secret_is_told_where_to_put_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"push\.secret_file: there is none"):
        push_secret(Settings(), {})
    (tmp_path / "central").write_text("short")
    with pytest.raises(SettingsError, match=r"push\.secret_file: a secret in .* is shorter than 32 bytes"):
        push_secret(Settings(push=PushSettings(secret_file=str(tmp_path / "central"))), {})
