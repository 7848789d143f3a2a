"""The simulator travels in the wheel, so it imports nothing that only developers have."""

import ast
import sys
from pathlib import Path

import bench.swarm

ALLOWED = sys.stdlib_module_names | {"trio", "protocol", "bench"}


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_the_simulator_imports_the_standard_library_trio_and_protocol_only():
    for path in Path(bench.swarm.__file__).parent.glob("*.py"):
        for name in _imported(path):
            assert name.split(".")[0] in ALLOWED, f"{path.name} imports {name}"
            assert not name.startswith("bench.") or name.startswith("bench.swarm"), f"{path.name} imports {name}"
