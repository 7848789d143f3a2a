"""The folders are layers, and their names are ours."""

import importlib
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("actors", "bench", "catalog", "cli", "config", "protocol", "storage", "supervisor", "web")


def test_imports_point_down_and_the_protocols_do_no_io():
    checker = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([checker, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_folder_imports_from_our_tree(folder):
    module = importlib.import_module(folder)
    assert module.__file__ is not None
    assert Path(module.__file__).parent == ROOT / folder


def test_no_installed_distribution_owns_one_of_our_names():
    owners = {folder: names for folder, names in metadata.packages_distributions().items() if folder in FOLDERS and names != ["swarmdex"]}
    assert owners == {}


def test_every_folder_travels_in_the_private_folder_of_the_wheel():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["sources"] == {folder: f"_swarmdex/{folder}" for folder in FOLDERS}
    assert {entry.split("/")[0] for entry in wheel["only-include"]} == {*FOLDERS, "swarmdex.py"}


def test_no_package_under_tests_shadows_a_real_one():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_only_the_settings_read_the_environment():
    readers = [
        str(file.relative_to(ROOT))
        for folder in FOLDERS
        if folder not in {"config", "bench"}
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", file.read_text())
    ]
    assert readers == []
