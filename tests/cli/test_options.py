import pytest

from cli.options import errors_explained
from config.errors import SettingsError
from storage.errors import DatabaseUnavailable


def test_a_setting_found_wrong_at_the_start_is_explained_like_one_found_while_loading(capsys):
    with pytest.raises(SystemExit) as ended, errors_explained():
        raise SettingsError("dht.bind", "nothing can be bound", "write an address of this machine")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: dht.bind: nothing can be bound\n  cure: write an address of this machine\n"


def test_errors_out_of_nurseries_are_told_one_a_line(capsys):
    with pytest.raises(SystemExit) as ended, errors_explained():
        raise ExceptionGroup("", [DatabaseUnavailable("away"), ExceptionGroup("", [DatabaseUnavailable("busy")])])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: away\nerror: busy\n"


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ExceptionGroup, match="of ours") as raised, errors_explained():
        raise ExceptionGroup("of ours", [KeyError("bug")])
    assert isinstance(raised.value.exceptions[0], KeyError)
