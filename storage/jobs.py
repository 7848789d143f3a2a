"""Long work over all torrents, one job at a time: what was asked for, how far it is, and the torrents it goes through.

A job walks the table by id and notes how far it came, so it goes on after a restart where it was.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from catalog.model import ClassifiedTorrent, File, Kind, Torrent
from storage import filelist
from storage.database import Connection, Database
from storage.errors import CorruptFileList
from storage.rows import parsed_title
from storage.search.document import KIND_NUMBERS, KINDS

_log = logging.getLogger(__name__)

_WALKED = 2000
"""Rows looked at for one step, if few of them are wanted."""


class Task(StrEnum):
    """What is done with each torrent."""

    REPROCESS = "reprocess"
    """Read and classify it again, and store what comes out."""
    REINDEX = "reindex"
    """Make its searched form again from what is stored."""


class JobState(StrEnum):
    """How a job is."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Job:
    """One job."""

    id: int
    task: Task
    state: JobState
    kinds: tuple[Kind, ...]
    """Only these; empty: all."""
    older_than: int | None
    """Only what a classifier before this version has read."""
    created: datetime
    started: datetime | None
    ended: datetime | None
    last_id: int
    done: int
    """Torrents it has passed, those included that it need not touch."""
    total: int
    """Torrents there were when it was asked for."""
    refused: int
    """Torrents that the content policy or the database no longer takes; they stay as they are."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next torrents of a job."""

    torrents: tuple[ClassifiedTorrent, ...]
    """As they are stored, with their files, `seen_at` set: to store them again is no observation."""
    last_id: int
    passed: int
    """Rows this step is past with; 0: the job is at its end."""


class Jobs:
    """The table of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, task: Task, *, kinds: Iterable[Kind] = (), older_than: int | None = None) -> Job | None:
        """Order a job; None while another one runs."""
        numbers = sorted({KIND_NUMBERS[kind] for kind in kinds}) or None
        given = {"task": task, "kinds": numbers, "older_than": older_than}
        return await self._database.run(lambda connection: _job(connection.execute(_START, given).fetchone()))

    async def running(self) -> Job | None:
        """The job there is to do."""
        return await self._database.run(lambda connection: _job(connection.execute(_RUNNING).fetchone()))

    async def get(self, job_id: int) -> Job | None:
        """A job by its id."""
        return await self._database.run(lambda connection: _job(connection.execute(_GET, (job_id,)).fetchone()))

    async def latest(self, limit: int) -> tuple[Job, ...]:
        """The newest first."""
        found = await self._database.run(lambda connection: connection.execute(_LATEST, (limit,)).fetchall())
        return tuple(job for row in found if (job := _job(row)) is not None)

    async def remove(self, job_id: int) -> bool:
        """Forget a job, and end it if it runs; what it has done stays done. False if there is none of this id."""
        return await self._database.run(lambda connection: connection.execute(_REMOVE, (job_id,)).rowcount > 0)

    async def finish(self, job_id: int) -> bool:
        """It is through; False if it was removed meanwhile."""
        return await self._database.run(lambda connection: connection.execute(_FINISH, (job_id,)).rowcount > 0)

    async def step(self, job: Job, most: int) -> Step:
        """Up to `most` torrents behind `job.last_id` that the job is about."""
        return await self._database.run(lambda connection: _step(connection, job, most))

    async def unread(self, after: int, most: int) -> Step:
        """Up to `most` torrents behind the id `after` that were stored with their names unread."""
        return await self._database.run(lambda connection: _unread(connection, after, most))

    async def advance(self, job_id: int, step: Step, refused: int) -> Job | None:
        """Note that a step is done; None if the job was removed meanwhile."""
        given = {"id": job_id, "last_id": step.last_id, "passed": step.passed, "refused": refused}
        return await self._database.run(lambda connection: _job(connection.execute(_ADVANCE, given).fetchone()))

    async def torrent(self, torrent_id: int) -> ClassifiedTorrent | None:
        """One torrent by itself, as a step would have it."""
        found = await self._database.run(lambda connection: _stored(connection, [torrent_id]))
        return found[0] if found else None


def _job(row: Sequence[Any] | None) -> Job | None:
    if row is None:
        return None
    job_id, task, state, kinds, *rest = row
    return Job(job_id, Task(task), JobState(state), tuple(KINDS[kind] for kind in kinds or ()), *rest)


def _step(connection: Connection, job: Job, most: int) -> Step:
    kinds = [KIND_NUMBERS[kind] for kind in job.kinds] or None
    given = {"after": job.last_id, "walked": _WALKED, "kinds": kinds, "older_than": job.older_than}
    rows = connection.execute(_WALK, given).fetchall()
    wanted = [number for number, is_wanted in rows if is_wanted][:most]
    if len(wanted) == most:
        rows = [row for row in rows if row[0] <= wanted[-1]]
    return Step(tuple(_stored(connection, wanted)), rows[-1][0] if rows else job.last_id, len(rows))


def _unread(connection: Connection, after: int, most: int) -> Step:
    ids = [number for (number,) in connection.execute(_UNREAD, (after, most), prepare=False)]
    return Step(tuple(_stored(connection, ids)), ids[-1] if ids else after, len(ids))


def _stored(connection: Connection, ids: Sequence[int]) -> list[ClassifiedTorrent]:
    return [_classified(row) for row in connection.execute(_STORED, (list(ids),), prepare=False)] if ids else []


def _classified(row: Sequence[Any]) -> ClassifiedTorrent:
    info_hash, info_hash_v2, name, size, file_count, codec, files, is_private, published_at, site_category, last_seen, source = row[:12]
    kind, version = row[12:14]
    torrent = Torrent(
        info_hash=info_hash,
        info_hash_v2=info_hash_v2,
        name=name,
        size=size,
        files=_files(info_hash, codec, files),
        file_count=file_count,
        source=source,
        is_private=is_private,
        published_at=published_at,
        site_category=site_category,
        seen_at=last_seen,
    )
    return ClassifiedTorrent(torrent, parsed_title(row[14:]), KINDS[kind], 1.0, version)


def _files(info_hash: bytes, codec: int | None, packed: bytes | None) -> tuple[File, ...]:
    if packed is None or codec is None:
        return ()
    try:
        return filelist.decode(codec, packed)
    except CorruptFileList as error:
        _log.warning("the file list of %s stays unread: %s", info_hash.hex(), error)
        return ()


_COLUMNS = "id, task, state, kinds, older_than, created, started, ended, last_id, done, total, refused"
_START = f"""
INSERT INTO job (task, kinds, older_than, total, started)
SELECT %(task)s, %(kinds)s::smallint[], %(older_than)s::smallint, coalesce(sum(n), 0), now() FROM tally
ON CONFLICT (state) WHERE state = 'running' DO NOTHING
RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant
_RUNNING = f"SELECT {_COLUMNS} FROM job WHERE state = 'running'"  # noqa: S608 - a constant
_GET = f"SELECT {_COLUMNS} FROM job WHERE id = %s"  # noqa: S608 - a constant
_LATEST = f"SELECT {_COLUMNS} FROM job ORDER BY id DESC LIMIT %s"  # noqa: S608 - a constant
_REMOVE = "DELETE FROM job WHERE id = %s"
_FINISH = "UPDATE job SET state = 'done', ended = now() WHERE id = %s AND state = 'running'"
_ADVANCE = f"""
UPDATE job SET last_id = %(last_id)s, done = done + %(passed)s, total = greatest(total, done + %(passed)s), refused = refused + %(refused)s
WHERE id = %(id)s AND state = 'running' RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant
_WALK = """
SELECT id, (%(kinds)s::smallint[] IS NULL OR kind = ANY(%(kinds)s::smallint[]))
    AND (%(older_than)s::smallint IS NULL OR classifier_version < %(older_than)s::smallint)
FROM torrent WHERE id > %(after)s ORDER BY id LIMIT %(walked)s
"""
_UNREAD = "SELECT id FROM torrent WHERE classifier_version = 0 AND id > %s ORDER BY id LIMIT %s"
_STORED = """
SELECT info_hash, info_hash_v2, t.name, size, file_count, files_codec, files, is_private, published_at, site_category, last_seen,
    source.name, kind, classifier_version, title, year, seasons, episodes, absolute_episodes, date, resolution, video_codec, release_source,
    release_group, languages, confidence, stage
FROM torrent AS t JOIN source ON source.id = t.first_source WHERE t.id = ANY(%s) ORDER BY t.id
"""
