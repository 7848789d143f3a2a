"""Work over all torrents: order it, see how far it is, end it."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import trio
from msgspec import Meta, Struct
from quart import Response
from werkzeug.exceptions import Conflict, NotFound

from catalog.messages import JobOrdered
from catalog.model import Kind
from catalog.titles.cascade import CLASSIFIER_VERSION
from storage.jobs import Job, JobState, Task
from web.api.answers import Count, json_answer, no_content
from web.bodies import read_json
from web.operation import Answer, Body, Operation, describes
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S

SHOWN = 50
_LARGEST_ID = 1 << 53
_NO_JOB = "There is no such job"


class ReprocessOrder(Struct, frozen=True):
    """Which torrents to classify again; all, if nothing is said."""

    kinds: Annotated[tuple[Kind, ...], Meta(max_length=len(Kind), description="Only these; empty: all")] = ()
    only_old: Annotated[bool, Meta(description="Only what an older version of the classifier has read")] = False


class JobAnswer(Struct, frozen=True):
    """A job, and how far it is."""

    id: int
    task: Task
    state: JobState
    kinds: tuple[Kind, ...]
    only_old: bool
    created: datetime
    ended: datetime | None
    done: Annotated[Count, Meta(description="Torrents it is past with")]
    total: Count
    refused: Annotated[Count, Meta(description="Torrents the content policy no longer admits; they stay as they were")]
    rate_per_s: Annotated[float | None, Meta(description="Torrents a second since it was ordered")]
    eta_s: Annotated[float | None, Meta(description="Seconds it will take at that rate; null when it has ended or just begun")]


class JobsAnswer(Struct, frozen=True):
    """The newest jobs first."""

    jobs: tuple[JobAnswer, ...]


_ORDERED = (
    Answer(202, "It runs", JobAnswer, headers=(("Location", "Where its progress is told"),)),
    Answer(409, "Another job runs: one at a time"),
)


class JobEndpoints:
    """/api/v1/reprocess, /api/v1/reindex and /api/v1/jobs."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    @describes(Operation("Classify stored torrents again", *_ORDERED, tag="jobs", body=Body(ReprocessOrder)))
    async def reprocess(self) -> Response:
        """Answer POST /api/v1/reprocess."""
        order = await read_json(ReprocessOrder)
        return await self._start(Task.REPROCESS, order.kinds, CLASSIFIER_VERSION if order.only_old else None)

    @describes(Operation("Make the searched form of all torrents again, from what is stored", *_ORDERED, tag="jobs"))
    async def reindex(self) -> Response:
        """Answer POST /api/v1/reindex."""
        return await self._start(Task.REINDEX)

    @describes(Operation("The latest jobs", Answer(200, f"Up to {SHOWN}", JobsAnswer), tag="jobs"))
    async def list(self) -> Response:
        """Answer GET /api/v1/jobs."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            jobs = await self._parts.api.jobs.latest(SHOWN)
        return json_answer(JobsAnswer(tuple(map(job_answer, jobs))))

    @describes(Operation("How far a job is", Answer(200, "The job", JobAnswer), tag="jobs"))
    async def show(self, job_id: int) -> Response:
        """Answer GET /api/v1/jobs/<id>."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            return json_answer(job_answer(await self._job(job_id)))

    @describes(
        Operation(
            "Forget a job, and end it if it runs",
            Answer(204, "It has ended; what it has done stays done"),
            tag="jobs",
        )
    )
    async def remove(self, job_id: int) -> Response:
        """Answer DELETE /api/v1/jobs/<id>."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            if job_id >= _LARGEST_ID or not await self._parts.api.jobs.remove(job_id):
                raise NotFound(_NO_JOB)
        return no_content()

    async def _start(self, task: Task, kinds: tuple[Kind, ...] = (), older_than: int | None = None) -> Response:
        with trio.fail_after(SEARCH_DEADLINE_S):
            job = await self._parts.api.jobs.start(task, kinds=kinds, older_than=older_than)
        if job is None:
            raise Conflict("Another job runs: wait for its end, or delete it")
        with suppress(trio.WouldBlock, trio.ClosedResourceError):  # whoever does it looks by itself now and then
            self._parts.api.job_orders.send_nowait(JobOrdered(job.id))
        return json_answer(job_answer(job), 202, Location=f"/api/v1/jobs/{job.id}")

    async def _job(self, job_id: int) -> Job:
        job = await self._parts.api.jobs.get(job_id) if job_id < _LARGEST_ID else None
        if job is None:
            raise NotFound(_NO_JOB)
        return job


def job_answer(job: Job) -> JobAnswer:
    """A job as scripts see it."""
    took_s = ((job.ended or datetime.now(UTC)) - job.created).total_seconds()
    rate = job.done / took_s if job.done and took_s > 0 else None
    is_running = job.state is JobState.RUNNING
    return JobAnswer(
        id=job.id,
        task=job.task,
        state=job.state,
        kinds=job.kinds,
        only_old=job.older_than is not None,
        created=job.created,
        ended=job.ended,
        done=job.done,
        total=job.total,
        refused=job.refused,
        rate_per_s=round(rate, 1) if rate is not None else None,
        eta_s=round((job.total - job.done) / rate, 1) if is_running and rate else None,
    )
