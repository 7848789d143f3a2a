"""`swarmdex keys` and `swarmdex user` on a real database."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict

from cli.main import main

PHRASE = "correct horse battery"


class Shell:
    """Somebody who types commands."""

    def __init__(self, conninfo: str, data_dir: Path) -> None:
        parts = conninfo_to_dict(conninfo)
        url = f"postgresql:///{parts['dbname']}?" + urlencode({name: parts[name] for name in ("host", "port", "user")})
        self._options = ("--set", f"database.url={url}", "--set", f"data_dir={data_dir}")

    def run(self, *words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, [*words[:2], *self._options, *words[2:]], input=stdin)

    def json(self, *words: str, stdin: str | None = None) -> Any:
        result = self.run(*words, "--json", stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def shell(conninfo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr("cli.options.set_up_logging", lambda level: None)  # that of the tests stays
    return Shell(conninfo, tmp_path)


def test_a_key_is_made_listed_and_revoked(shell: Shell) -> None:
    made = shell.json("keys", "create", "--name", "sonarr", "--scopes", "search,metrics", "--expires", "90d", "--rate", "60")
    assert re.fullmatch(r"[0-9A-Za-z]{40}", made["key"])
    assert (made["id"], made["scopes"], made["requests_per_minute"]) == (made["key"][:8], ["metrics", "search"], 60)
    assert abs(datetime.fromisoformat(made["expires"]) - datetime.now(UTC) - timedelta(days=90)) < timedelta(minutes=1)
    (listed,) = shell.json("keys", "list")["keys"]
    assert {"key": made["key"], **listed} == made
    assert shell.run("keys", "revoke", made["key"]).exit_code == 0
    assert "revoked" in shell.run("keys", "list").stdout
    again = shell.run("keys", "revoke", made["id"])
    assert again.exit_code == 1
    assert "swarmdex keys list" in again.stderr


def test_an_end_may_be_a_date_whose_day_still_counts(shell: Shell) -> None:
    made = shell.json("keys", "create", "--name", "x", "--expires", "2099-12-31")
    assert made["expires"].startswith("2100-01-01T00:00:00")


@pytest.mark.parametrize("end", ["yesterday", "0d", "2001-01-01", "2099-13-01", "99999999d", "-1d"])
def test_an_end_that_is_none_is_refused_before_anything_is_asked(shell: Shell, end: str) -> None:
    result = shell.run("keys", "create", "--name", "x", f"--expires={end}")
    assert result.exit_code == 2
    assert "cure: write 90d, 12h or a date" in result.stderr


def test_people_are_added_listed_and_removed(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PHRASE + "\n")
    assert shell.json("user", "add", "boss", "--admin", "--password-file", str(file)) == {"name": "boss", "admin": True}
    assert shell.json("user", "add", "Jane", "--password-file", "-", stdin=PHRASE) == {"name": "Jane", "admin": False}
    assert [(each["name"], each["admin"]) for each in shell.json("user", "list")["users"]] == [("boss", True), ("Jane", False)]
    assert shell.json("user", "passwd", "jane", "--password-file", "-", stdin="another horse altogether") == {"changed": "jane"}
    assert shell.json("user", "sessions") == {"sessions": []}
    assert shell.json("user", "logout", "Jane") == {"ended": 0}
    assert shell.json("user", "remove", "Jane") == {"removed": "Jane"}
    assert [each["name"] for each in shell.json("user", "list")["users"]] == ["boss"]


def test_what_cannot_be_done_is_said_in_words(shell: Shell) -> None:
    def refused(*words: str, stdin: str = PHRASE) -> str:
        result = shell.run(*words, stdin=stdin)
        assert result.exit_code == 1
        return result.stderr

    shell.json("user", "add", "boss", "--admin", "--password-file", "-", stdin=PHRASE)
    assert "there is a user BOSS already" in refused("user", "add", "BOSS", "--password-file", "-")
    assert "10 to 1,024 characters" in refused("user", "add", "jane", "--password-file", "-", stdin="short")
    assert "last administrator" in refused("user", "remove", "boss")
    assert "no user john" in refused("user", "passwd", "john", "--password-file", "-")
    assert "no user john" in refused("user", "sessions", "john")


def test_a_password_is_never_asked_for_where_nobody_can_answer(shell: Shell) -> None:
    result = shell.run("user", "add", "boss", stdin="")
    assert result.exit_code == 2
    assert "--password-file" in result.stderr


def test_the_first_administrator_ends_the_set_up_token(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "setup-token").write_text("ABCD-EFGH\n")
    shell.json("user", "add", "boss", "--admin", "--password-file", "-", stdin=PHRASE)
    assert not (tmp_path / "setup-token").exists()
