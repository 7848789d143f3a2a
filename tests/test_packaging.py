"""The wheel: our folders travel inside one private folder, whole, and work from there."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Iterator[Path]:
    """The wheel, built from this checkout and unpacked as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


def run_installed(installed: Path, *words: str, stdin: str = "") -> str:
    """Run the installed command from a foreign folder, without the checkout on the path (-P, and ours first)."""
    program = "import sys; sys.path = [p for p in sys.path if p != sys.argv[1]]; del sys.argv[1]; import swarmdex; swarmdex.main()"
    result = subprocess.run(
        [sys.executable, "-P", "-c", program, str(ROOT), *words],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_only_the_private_folder_and_the_door_are_installed(installed):
    names = {path.name for path in installed.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"_swarmdex", "swarmdex.py"}


def test_every_data_file_travels(installed):
    code = installed / "_swarmdex"
    kinds = {".sql", ".html", ".css", ".toml", ".svg", ".js"}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    wanted = [name for name in tracked if Path(name).suffix in kinds and name.split("/")[0] in {"cli", "config", "storage", "web"}]
    assert wanted != []
    assert [name for name in wanted if not (code / name).exists()] == []


def test_the_installed_command_reads_names_without_the_checkout(installed):
    said = json.loads(run_installed(installed, "classify", "--json", stdin="Sintel.2010.1080p.BluRay.x264-BLENDER\n"))
    assert (said["title"], said["year"]) == ("Sintel", 2010)


def test_the_installed_command_runs_the_demo(installed):
    found = json.loads(
        run_installed(installed, "demo", "--for", "20", "--torrents", "60", "--nodes", "120", "--json", "--set", "http.bind=127.0.0.1:0")
    )
    assert found["indexed"] >= 0.95 * found["reachable"]
