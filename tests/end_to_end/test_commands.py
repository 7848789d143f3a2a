"""The commands as a user types them."""

import json
import subprocess

import httpx
import pytest

from tests.fakes.running_daemon import SWARMDEX


def swarmdex(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([SWARMDEX, *words], input=stdin, capture_output=True, text=True, timeout=60, check=False)


def test_a_wrong_setting_names_its_place_and_the_cure_and_exits_with_2():
    for command in ("check", "run", "demo", "migrate", "status"):
        result = swarmdex(command, "--set", "dht.nodes=many")
        assert result.returncode == 2
        assert "dht.nodes" in result.stderr
        assert "cure: write a whole number" in result.stderr
        assert result.stdout == ""


def test_check_prints_every_setting_and_hides_secrets(tmp_path):
    file = tmp_path / "swarmdex.toml"
    file.write_text("[database]\nurl = 'postgresql://me:hunter2@127.0.0.1/index'\n[dht]\nnodes = 3\n")
    result = swarmdex("check", "--config", str(file), "--json")
    assert result.returncode == 0
    shown = json.loads(result.stdout)
    assert shown["settings"]["dht.nodes"] == {"key": "dht.nodes", "value": 3, "text": "3", "origin": str(file)}
    assert "hunter2" not in result.stdout + result.stderr


def test_classify_reads_names_and_writes_one_object_a_line():
    result = swarmdex("classify", "--json", stdin="Sintel.2010.1080p.BluRay.x264-BLENDER\n\nThe Beverly Hillbillies S01E02\n")
    assert result.returncode == 0
    film, nothing, episode = map(json.loads, result.stdout.splitlines())
    assert (film["title"], film["year"], film["resolution"], film["video_codec"], film["source"], film["group"], film["kind"]) == (
        "Sintel",
        2010,
        "1080p",
        "h264",
        "bluray",
        "BLENDER",
        "movie",
    )
    assert nothing["title"] == ""
    assert (episode["seasons"], episode["episodes"], episode["kind"]) == ([1], [2], "tv")


def test_classify_explains_a_file_that_is_not_there():
    result = swarmdex("classify", "/nonexistent/names.txt")
    assert result.returncode == 2
    assert "names.txt" in result.stderr


def test_status_without_a_daemon_says_how_to_start_one(data_dir):
    result = swarmdex("status", "--set", f"data_dir={data_dir}")
    assert result.returncode == 1
    assert "swarmdex run" in result.stderr


def test_scopes_that_do_not_exist_are_refused(data_dir):
    result = swarmdex("keys", "create", "--name", "x", "--scopes", "search,root", "--set", f"data_dir={data_dir}")
    assert result.returncode == 2
    assert "search,ingest,metrics,admin" in result.stderr


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_a_key_without_a_usable_name_is_refused(data_dir, name):
    result = swarmdex("keys", "create", "--name", name, "--set", f"data_dir={data_dir}")
    assert result.returncode == 2
    assert "cure: write at most 100 printable characters" in result.stderr
    assert list(data_dir.iterdir()) == []


@pytest.mark.parametrize("option", ["--torrents", "--nodes"])
def test_a_demo_without_a_swarm_is_refused(option):
    result = swarmdex("demo", option, "0", "--for", "1")
    assert result.returncode == 2
    assert option in result.stderr


def test_keys_and_migrations_work_without_and_with_a_running_daemon(make_daemon):
    daemon = make_daemon()
    assert daemon.command("migrate")["applied"] != []
    assert daemon.command("migrate")["applied"] == []
    before = daemon.make_key("search")
    daemon.start()
    assert daemon.command("migrate")["applied"] == []
    after = daemon.make_key("search,admin")
    assert before != after
    assert len(before) == len(after) == 40
    status = daemon.command("status")
    assert {child["state"] for child in status["children"]} == {"running"}


def test_the_first_key_is_shown_once(make_daemon):
    daemon = make_daemon()
    daemon.start()
    daemon.stop()
    assert daemon.log.read_text().count("Your first API key") == 1
    daemon.start()
    assert daemon.log.read_text().count("Your first API key") == 1


def test_the_set_up_token_is_shown_and_goes_with_the_first_administrator(make_daemon, tmp_path):
    daemon = make_daemon()
    daemon.start()
    token = (daemon.data_dir / "setup-token").read_text().strip()
    assert f"/setup makes one, with the token {token}" in daemon.log.read_text()
    browser = {"Accept": "text/html"}
    assert httpx.get(f"{daemon.url}/", headers=browser).status_code == 200
    (tmp_path / "password").write_text("correct horse battery")
    daemon.command("user", "add", "boss", "--admin", "--password-file", str(tmp_path / "password"))
    assert daemon.command("user", "list")["users"][0]["name"] == "boss"
    assert httpx.get(f"{daemon.url}/", headers=browser).headers["Location"] == "/login"  # the daemon knows at once
    assert httpx.get(f"{daemon.url}/setup", headers=browser).status_code == 404
    assert not (daemon.data_dir / "setup-token").exists()


def test_a_second_daemon_on_the_same_data_is_refused_with_a_clear_line(make_daemon, data_dir):
    make_daemon().start()
    result = swarmdex("run", "--set", f"data_dir={data_dir}", "--set", "http.bind=127.0.0.1:0", "--set", "dht.enabled=false")
    assert result.returncode == 1
    assert "is in use by another swarmdex daemon" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", ["", "run", "demo", "check", "migrate", "status", "keys create", "classify"])
def test_every_command_has_help(command):
    result = swarmdex(*command.split(), "--help")
    assert result.returncode == 0
    assert "Usage:" in result.stdout
