"""The errors of the store.

    SwarmdexError
    └─ StorageError
       ├─ DatabaseUnavailable          not now: nothing of the transaction was kept that was not reported done; try again later
       │  └─ DatabaseConflict          two transactions collided (deadlock, serialization); try again at once
       ├─ DatabaseRefused              the server refused this statement or this data; trying again gives the same answer
       │  └─ StatementTimeout          it took longer than database.statement_timeout_s
       ├─ TorrentRefused               a torrent that cannot be stored as it is; names its hash
       ├─ CorruptFileList              a stored file list that cannot be read
       ├─ SpoolUnavailable             the disk of the spool is full, gone or read-only; try again later
       ├─ CorruptBatch                 a batch of the spool that cannot be read; it is set aside
       ├─ EmbeddedServerError          the embedded server cannot be started; the message names the cure
       │  └─ DataDirectoryInUse        another swarmdex holds the data directory
       ├─ ExternalServerError          the server behind database.url does not fit; the message names the cure
       └─ MigrationError               the schema in the database and the migrations in the code do not go together

What a caller asks is "try again?": `except DatabaseUnavailable` answers it. The last four are for people, at start.
"""

from pathlib import Path

from protocol.errors import SwarmdexError


class StorageError(SwarmdexError):
    """Whatever goes wrong in the store."""


class DatabaseUnavailable(StorageError):
    """The database cannot answer now: it is down, restarting, out of connections or disk. The same call may work later.

    A transaction that was underway is rolled back, unless the connection broke in the very moment of its commit: then nobody knows,
    so what is stored this way must be idempotent.
    """


class DatabaseConflict(DatabaseUnavailable):
    """Two transactions collided and the server ended this one (deadlock or serialization failure); it was rolled back."""


class DatabaseRefused(StorageError):
    """The server refused a statement or its data; the transaction was rolled back. `sqlstate` is PostgreSQL's five-letter code."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class StatementTimeout(DatabaseRefused):
    """A statement took longer than `database.statement_timeout_s`; the transaction was rolled back."""


class EmbeddedServerError(StorageError):
    """The embedded server cannot be started or has died; the message says what to do."""


class DataDirectoryInUse(EmbeddedServerError):
    """Another swarmdex process, `pid`, holds the lock of the data directory; `holder` is "daemon" or "command"."""

    def __init__(self, data_dir: Path, pid: str, holder: str) -> None:
        super().__init__(f"{data_dir} is in use by another swarmdex {holder} (process {pid}): stop it, or choose another data_dir")
        self.holder = holder


class ExternalServerError(StorageError):
    """The server behind `database.url` cannot be used; the message says what to change."""


class MigrationError(StorageError):
    """The migrations in the code and those recorded in the database disagree; the message says how and what to do."""


class TorrentRefused(StorageError):
    """This torrent cannot be stored as it is: a hash of the wrong length, a number beyond its range. Nothing of its batch was stored."""

    def __init__(self, info_hash: bytes, reason: str) -> None:
        super().__init__(f"torrent {info_hash.hex()} cannot be stored: {reason}")
        self.info_hash = info_hash
        self.reason = reason


class CorruptFileList(StorageError):
    """A stored file list cannot be read: damaged, or written by a later version. The torrent's other columns are not affected."""


class SpoolUnavailable(StorageError):
    """The spool cannot be written or read now: no room on the disk, no right to it. What was to be written is not safe."""


class CorruptBatch(StorageError):
    """A batch of the spool cannot be read, now or ever: damaged on the disk, or not written by us."""
