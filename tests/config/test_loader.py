import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import SettingsError
from config.loader import default_data_dir, field_types, load
from config.rules import RANGES
from config.settings import Settings, TorznabProfile
from config.shown import shown_settings

ROOT = Path(__file__).parents[2]


def load_file(tmp_path: Path, text: str, **more: object) -> Settings:
    file = tmp_path / "swarmdex.toml"
    file.write_text(text)
    return load(file=file, environment={}, **more).settings  # type: ignore[arg-type]


def test_defaults_stand_without_any_file():
    settings = load(environment={"XDG_CONFIG_HOME": "/nonexistent", "STATE_DIRECTORY": "/state"}).settings
    assert settings.http.bind == "127.0.0.1:3333"
    assert settings.data_dir == "/state"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path):
    file = tmp_path / "swarmdex.toml"
    file.write_text("[dht]\nnodes = 3\nprofile = 'gentle'\nbootstrap = ['a:1']\n")
    loaded = load(
        file=file,
        environment={"SWARMDEX__DHT__NODES": "4", "SWARMDEX__DHT__BOOTSTRAP": "b:2,c:3"},
        assignments=["dht.nodes=5"],
    )
    assert loaded.settings.dht.nodes == 5
    assert loaded.settings.dht.bootstrap == ("b:2", "c:3")
    assert loaded.settings.dht.profile == "gentle"
    assert loaded.origins == {"dht.nodes": "--set", "dht.profile": str(file), "dht.bootstrap": "SWARMDEX__DHT__BOOTSTRAP"}


def test_the_file_is_found_in_the_configuration_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "swarmdex").mkdir()
    (tmp_path / "swarmdex" / "swarmdex.toml").write_text("log_level = 'debug'")
    loaded = load(environment={"XDG_CONFIG_HOME": str(tmp_path)})
    assert loaded.settings.log_level == "debug"
    assert loaded.file == tmp_path / "swarmdex" / "swarmdex.toml"


def test_a_folder_we_may_not_look_into_holds_no_settings_for_us(tmp_path):
    closed = tmp_path / "home"
    closed.mkdir(mode=0)
    script = """
import os, sys
from config.loader import load
if os.geteuid() == 0:
    os.setuid(65534)
print(load(environment={"XDG_CONFIG_HOME": sys.argv[1]}).file)
"""
    result = subprocess.run([sys.executable, "-c", script, closed], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == ("None\n", 0), result.stderr


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch):
    monkeypatch.setenv("HOME", "/home/jane")
    assert load(environment={}, assignments=["data_dir=~/index"]).settings.data_dir == "/home/jane/index"
    assert load(environment={}, assignments=["data_dir=/srv/~index"]).settings.data_dir == "/srv/~index"


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("http.bnd=x", "did you mean http.bind?"),
        ("http.prot=1", "there are http.bind, http.public_url, http.allowed_hosts"),
        ("nonsense=1", "docs/settings.md"),
        ("http", "write --set section.key=value"),
        ("dht.nodes=many", "write a whole number"),
        ("dht.nodes=true", "write a whole number"),
        ("dht.nodes=0", "from 1 to 32"),
        ("dht.enabled=perhaps", "write a true or false"),
        ("dht.keyspace=2/2", "part/parts"),
        ("dht.bind=localhost:1", "list of addresses"),
        ("dht.bind=[]", "dht.enabled = false"),
        ("dht.bootstrap=router", "host:port"),
        ("http.bind=127.0.0.1", "address and port"),
        ("http.bind=127.0.0.1:70000", "address and port"),
        ("http.public_url=index.example", "https://"),
        ("http.trusted_proxies=proxy.example", "addresses or networks"),
        ("http.trusted_proxies=0.0.0.0/0", "addresses or networks"),
        ("http.requests_per_minute=-1", "from 0 to"),
        ("search.engine=grep", "postgres"),
        ("dht.profile=lab", "loopback only"),
        ("torznab.profiles.anime.min_seders=1", "did you mean torznab.profiles.anime.min_seeders?"),
        ("torznab.profiles.anime.colour=red", "there are torznab.profiles.anime.categories"),
        ("torznab.profile.anime.sort=size", "did you mean torznab.profiles.<name>.sort?"),
        ("torznab.profiles=1", "docs/settings.md"),
        ("torznab.profiles.anime=1", "write a table [torznab.profiles.anime]"),
        ("torznab.profiles.Anime.adult=true", "small letters"),
        ("torznab.profiles.anime.min_seeders=-1", "from 0 to"),
        ("torznab.profiles.anime.sort=best", "newest, seeders, size"),
        ("torznab.profiles.anime.categories=anime", "list of whole numbers"),
        ("torznab.profiles.anime.categories=99999", "from 1000 to 8999"),
        ("sink=file", "database, api"),
        ("sink=api", "push.url"),
        ("push.url=index.example", "https://"),
        ("push.url=https://me:hunter2@index.example", "without user and password"),
        ("push.batch_size=1001", "from 1 to 1000"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_cure(assignment, says):
    with pytest.raises(SettingsError) as caught:
        load(assignments=[assignment], environment={})
    assert says in str(caught.value)


def test_a_table_may_have_any_name_and_each_origin_adds_to_it(tmp_path):
    file = tmp_path / "swarmdex.toml"
    file.write_text("[torznab.profiles.anime]\ncategories = [5070]\nsort = 'size'\n[torznab.profiles.bare]\n[http]\n")
    loaded = load(
        file=file,
        environment={"SWARMDEX__TORZNAB__PROFILES__ANIME__MIN_SEEDERS": "3", "SWARMDEX__TORZNAB__PROFILES__TV__CATEGORIES": "5030,5040"},
        assignments=["torznab.profiles.anime.sort=seeders"],
    )
    assert loaded.settings.torznab.profiles == {
        "anime": TorznabProfile(categories=(5070,), min_seeders=3, sort="seeders"),
        "bare": TorznabProfile(),
        "tv": TorznabProfile(categories=(5030, 5040)),
    }
    shown = {entry.key: (entry.text, entry.origin) for entry in shown_settings(loaded)}
    assert shown["torznab.profiles.anime.sort"] == ('"seeders"', "--set")
    assert shown["torznab.profiles.bare.adult"] == ("false", "")


def test_an_unreadable_and_a_broken_file_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load(file=tmp_path / "missing.toml", environment={})
    with pytest.raises(SettingsError, match="is not TOML"):
        load_file(tmp_path, "[dht\n")


def test_a_list_with_a_wrong_item_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"dht\.bootstrap"):
        load_file(tmp_path, "[dht]\nbootstrap = [1]")


def test_a_database_password_is_never_shown():
    with pytest.raises(SettingsError) as caught:
        load(assignments=["database.url=mysql://me:hunter2@host/db"], environment={})
    assert "hunter2" not in str(caught.value)
    settings = load(assignments=["database.url=postgresql://me:hunter2@host/db"], environment={}).settings
    assert "hunter2" not in repr(settings)


def test_data_dir_follows_the_xdg_rules_for_a_normal_user(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert default_data_dir({"HOME": "/home/me"}) == Path("/home/me/.local/share/swarmdex")
    assert default_data_dir({"XDG_DATA_HOME": "/data"}) == Path("/data/swarmdex")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_data_dir({"HOME": "/root"}) == Path("/var/lib/swarmdex")


def test_every_setting_stands_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    assert [key for key in field_types() if f"`{key}`" not in text] == []


def test_every_number_has_a_range():
    numbers = {key for key, wanted in field_types().items() if wanted in {int, float}}
    assert numbers == set(RANGES)
