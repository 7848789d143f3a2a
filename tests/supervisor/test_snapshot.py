import pytest

from supervisor.snapshot import SUMMARY_LENGTH, TRACEBACK_LENGTH, report_crash, summary_of


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_a_summary_is_one_line_of_bounded_length():
    assert summary_of(ValueError("two\nlines")) == "ValueError: two lines"
    assert len(summary_of(ValueError("x" * 100_000))) < SUMMARY_LENGTH + 50


def test_a_report_is_bounded_and_keeps_both_ends_of_the_traceback():
    report = report_crash(raised(ValueError("x" * 100_000 + " the end")))
    assert len(report.traceback) < TRACEBACK_LENGTH + 50
    assert report.traceback.startswith("Traceback (most recent call last)")
    assert report.traceback.endswith(" the end\n")


def test_a_group_is_summed_up_by_its_first_exception():
    group = ExceptionGroup("a", [ExceptionGroup("b", [KeyError(1), OSError("c")]), ValueError("d")])
    assert summary_of(group) == "KeyError: 1 (and 2 more)"


def test_an_exception_that_cannot_speak_is_still_reported():
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert "exception str() failed" in report_crash(raised(MuteError())).summary
