import json
import os
import subprocess
import sys

from cli import runfile


def test_the_running_daemon_is_found_and_its_file_is_private(tmp_path):
    assert runfile.read(tmp_path) is None
    with runfile.published(tmp_path, "http://127.0.0.1:3333", "secret"):
        found = runfile.read(tmp_path)
        assert found is not None
        assert (found.pid, found.url, found.token) == (os.getpid(), "http://127.0.0.1:3333", "secret")
        assert (tmp_path / "daemon.json").stat().st_mode & 0o777 == 0o600
        assert "secret" not in repr(found)
    assert list(tmp_path.iterdir()) == []


def test_a_daemon_that_was_killed_and_a_broken_file_count_as_none(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "daemon.json").write_text(json.dumps({"pid": gone.pid, "url": "http://127.0.0.1:1", "token": "x"}))
    assert runfile.read(tmp_path) is None
    for broken in ("", "[]", "{}", '{"pid": "x"}'):
        (tmp_path / "daemon.json").write_text(broken)
        assert runfile.read(tmp_path) is None
