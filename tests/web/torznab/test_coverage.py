"""Every statement of the conformance list of Torznab's clients has a test here that carries its number."""

import re
from pathlib import Path

STATEMENTS = 77


def test_every_statement_has_a_test_named_after_it():
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    named = {int(number) for number in re.findall(r"^async def test_statement_(\d\d)_", tests, re.MULTILINE)}
    assert sorted(set(range(1, STATEMENTS + 1)) - named) == []
    assert named <= set(range(1, STATEMENTS + 1))
