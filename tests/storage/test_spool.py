import errno
import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import CorruptBatch, SpoolUnavailable
from storage.spool import Spool

MB = 1024 * 1024
LINES = [b'{"name":"Sintel"}', b'{"name":"Tears of Steel"}']


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "spool"


def opened(folder: Path, limit_bytes: int = MB) -> Spool:
    spool = Spool(folder, limit_bytes)
    spool.open()
    return spool


def test_what_was_written_is_read_in_order_after_a_restart(folder):
    before = opened(folder)
    written = [before.append([b"%d" % number]) for number in range(12)]
    after = opened(folder)
    found = []
    while (batch := after.first()) is not None:
        found += after.read(batch)
        after.remove(batch)
    assert found == [b"%d" % number for number in range(12)]
    assert len({batch.key for batch in written}) == 12
    assert after.append(LINES).number == 13
    assert opened(folder).statistics().batches == 1


def test_numbers_go_on_where_the_last_batch_of_an_emptied_spool_stood_within_a_run(folder):
    spool = opened(folder)
    first = spool.append(LINES)
    spool.remove(first)
    spool.open()
    assert spool.append(LINES).number == first.number + 1


def test_a_half_written_file_is_cleared_away_and_nothing_else(folder):
    spool = opened(folder)
    batch = spool.append(LINES)
    half = folder / f".{batch.number + 1:012d}-{'0' * 32}.ndjson.gz"
    half.write_bytes(b"half")
    (folder / ".keep").write_text("somebody's")
    (folder / "notes.txt").write_text("somebody's")
    spool = opened(folder)
    assert not half.exists()
    assert (folder / ".keep").exists()
    assert spool.statistics().batches == 1
    assert spool.read(batch) == LINES


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[: len(packed) // 2],
        lambda packed: b"",
        lambda packed: b"not gzip at all",
        lambda packed: packed[:-8] + bytes(8),
        lambda packed: packed + b"and more",
        lambda _: gzip.compress(b"no line feed at its end"),
    ],
    ids=["cut short", "empty", "no gzip", "wrong checksum", "more behind it", "no whole line"],
)
def test_a_corrupt_batch_is_set_aside_with_a_line_in_the_log(folder, damage, caplog):
    spool = opened(folder)
    broken, good = spool.append(LINES), spool.append(LINES)
    broken.path.write_bytes(damage(broken.path.read_bytes()))
    with pytest.raises(CorruptBatch) as caught:
        spool.read(broken)
    spool.set_aside(broken, str(caught.value))
    assert broken.path.name in caplog.text
    assert str(folder / "aside") in caplog.text
    assert spool.first() == good
    after = opened(folder)
    assert (after.statistics().batches, after.statistics().set_aside) == (1, 1)


def test_what_unpacks_to_far_more_than_we_write_is_not_unpacked(folder, monkeypatch):
    monkeypatch.setattr("storage.spool.LARGEST_BATCH_BYTES", 1000)
    spool = opened(folder)
    batch = spool.append([b"x" * 1001])
    with pytest.raises(CorruptBatch):
        spool.read(batch)


def test_a_batch_that_somebody_removed_is_done_with(folder, caplog):
    spool = opened(folder)
    batch = spool.append(LINES)
    batch.path.unlink()
    with pytest.raises(CorruptBatch):
        spool.read(batch)
    spool.set_aside(batch, "somebody removed it")
    assert spool.first() is None
    assert "somebody removed it" in caplog.text


def test_it_is_full_at_its_limit_and_counts_whole_blocks_and_what_was_set_aside(folder):
    spool = opened(folder, limit_bytes=3 * 4096)
    batches = [spool.append(LINES) for _ in range(2)]
    assert spool.statistics().bytes == 2 * 4096
    assert not spool.is_full
    spool.append(LINES)
    assert spool.is_full
    spool.set_aside(batches[0], "refused")
    assert spool.is_full
    assert not spool.has_room_again
    spool.remove(batches[1])
    assert not spool.is_full
    assert spool.has_room_again
    assert opened(folder, limit_bytes=3 * 4096).statistics().bytes == 2 * 4096


def test_a_full_disk_says_so_and_leaves_nothing_half_done(folder, monkeypatch):
    spool = opened(folder)

    def no_room(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("storage.spool.os.fsync", no_room)
        with pytest.raises(SpoolUnavailable, match="No space left"):
            spool.append(LINES)
    assert [path.name for path in folder.iterdir()] == ["aside"]
    assert spool.append(LINES).number == 1


def test_only_its_owner_reads_it(folder):
    opened(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


WRITER = """
import sys
from pathlib import Path
from storage.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 30)
spool.open()
for number in range(10**6):
    spool.append([b"%d" % number] * 200)
    print(number, flush=True)
"""


def test_what_was_reported_safe_survives_a_kill_at_any_moment(folder):
    for _ in range(5):
        before = opened(folder).statistics().batches
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        safe = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        safe += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        spool = opened(folder)
        assert spool.statistics().batches >= before + len([line for line in safe if line.endswith(b"\n")])
        for batch in list(spool._batches):
            lines = spool.read(batch)
            assert len(lines) == 200
            assert len(set(lines)) == 1
