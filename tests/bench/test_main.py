"""`python -m bench`: finds what exists, says what failed, and never hides one benchmark behind another."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bench import __main__ as command
from bench.harness import Options, Report, Row


@pytest.fixture
def benchmarks(monkeypatch):
    """Registers benchmarks by name: what their `run` does."""

    def register(**runs):
        for name, run in runs.items():
            module = ModuleType(f"bench.{name}")
            module.run = run
            monkeypatch.setitem(sys.modules, f"bench.{name}", module)
        monkeypatch.setattr(command, "NAMES", tuple(runs))

    return register


def good(options: Options) -> Report:
    return Report(
        "good",
        (Row("case", "ours", "things", 1000.0, 0.1, 900.0, 0.0),),
        {"case.ours.per_cpu_s": 1000.0, "case.ours.dropped": 7.0, "seen": 3.0},
        {"case/theirs": 2.0},
    )


def invalid(options: Options) -> Report:
    return Report("invalid", valid=False, notes=("the generator was measured",))


def broken(options: Options) -> Report:
    raise RuntimeError("no such thing")


def test_json_is_one_object_a_benchmark_and_the_table_goes_to_stderr(benchmarks, capsys):
    benchmarks(good=good)
    assert command.main(["good", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["ratios"] == {"case/theirs": 2.0}
    assert "1,000 things" in err
    assert "seen: 3" in err
    assert "case.ours.dropped: 7" in err, "what stands in no column stands below the table"
    assert "case.ours.per_cpu_s" not in err


def test_one_that_fails_does_not_keep_the_others_from_running(benchmarks, capsys):
    benchmarks(broken=broken, good=good)
    assert command.main(["all"]) == 1
    out, err = capsys.readouterr()
    assert "1,000 things" in out
    assert "no such thing" in err


def test_an_invalid_result_fails_the_run_and_says_why(benchmarks, capsys):
    benchmarks(invalid=invalid)
    assert command.main(["all"]) == 1
    assert "the generator was measured" in capsys.readouterr().out


def test_all_is_the_short_form(benchmarks):
    seen = []

    def remember(options: Options) -> Report:
        seen.append(options)
        return good(options)

    benchmarks(good=remember)
    command.main(["all", "--long"])
    command.main(["good", "--long"])
    assert [options.rounds for options in seen] == [3, 5]


def test_an_unknown_benchmark_is_a_usage_error(benchmarks, capsys):
    benchmarks(good=good)
    with pytest.raises(SystemExit) as ended:
        command.main(["nonsense"])
    assert ended.value.code == 2
    assert "good" in capsys.readouterr().err


def test_every_module_with_a_benchmark_is_offered_and_no_other():
    modules = Path(command.__file__).parent.glob("*.py")
    assert {name.replace("-", "_") for name in command.NAMES} == {
        module.stem for module in modules if "\ndef run(options: Options) -> Report:" in module.read_text()
    }
