"""Whether the loop answers (/healthz), whether requests are welcome (/readyz), and how every part is (/api/v1/status)."""

import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal, Protocol

import msgspec
import trio
from msgspec import Meta, Struct
from quart import Response

from supervisor.mailbox import MailboxStatistics
from supervisor.snapshot import ChildSnapshot
from web.errors import JSON_TYPE
from web.operation import Answer, Operation, describes
from web.parts import Check, Readiness
from web.traffic import Traffic, WebStatistics

READINESS_DEADLINE_S = 3.0


class HealthAnswer(Struct, frozen=True):
    """The loop turns."""

    status: str


class CheckAnswer(Struct, frozen=True):
    """One thing that must be right."""

    ok: bool
    detail: Annotated[str, Meta(description="What is wrong")]


class ReadinessAnswer(Struct, frozen=True):
    """All checks by their names."""

    status: Literal["ready", "not ready"]
    checks: dict[str, CheckAnswer]


class StatusAnswer(Struct, frozen=True):
    """Every supervised part, every mailbox, and the web server."""

    version: str
    uptime_s: float
    children: Annotated[tuple[dict[str, Any], ...], Meta(description="State, restarts, heartbeat, last crash and counters of each")]
    mailboxes: tuple[MailboxStatistics, ...]
    web: WebStatistics


class HealthParts(Protocol):
    """What there is to tell of; every app's parts have it."""

    @property
    def snapshot(self) -> Callable[[], Sequence[ChildSnapshot]]: ...  # noqa: D102
    @property
    def mailboxes(self) -> Callable[[], Sequence[MailboxStatistics]]: ...  # noqa: D102
    @property
    def readiness(self) -> Callable[[], Awaitable[Readiness]]: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102


class HealthEndpoints:
    """What monitors, load balancers and `swarmdex status` ask."""

    def __init__(self, parts: HealthParts, traffic: Traffic) -> None:
        self._parts = parts
        self._traffic = traffic
        self._started = time.time()

    @describes(Operation("Whether the event loop turns", Answer(200, "It does", HealthAnswer), tag="health"))
    async def healthz(self) -> Response:
        """200 whenever the event loop turns; says nothing else."""
        return _json({"status": "ok"})

    @describes(
        Operation(
            "Whether requests are welcome",
            Answer(200, "They are", ReadinessAnswer),
            Answer(503, "Not now; which check is wrong, stands in the answer", ReadinessAnswer),
            tag="health",
        )
    )
    async def readyz(self) -> Response:
        """200 when every check is right, else 503 with what is wrong."""
        readiness = Readiness((Check("checks", is_ok=False, detail=f"no answer within {READINESS_DEADLINE_S:g} s"),))
        with trio.move_on_after(READINESS_DEADLINE_S):
            readiness = await self._parts.readiness()
        checks = {check.name: {"ok": check.is_ok, "detail": check.detail} for check in readiness.checks}
        status = "ready" if readiness.is_ready else "not ready"
        return _json({"status": status, "checks": checks}, 200 if readiness.is_ready else 503)

    @describes(
        Operation("How every part of the daemon is", Answer(200, "From memory, also when the database is away", StatusAnswer), tag="health")
    )
    async def status(self) -> Response:
        """Every supervised child with its counters; answers from memory, also when the database is down."""
        return _json(
            {
                "version": self._parts.version,
                "uptime_s": round(time.time() - self._started, 1),
                "children": [dataclasses.asdict(child) for child in self._parts.snapshot()],
                "mailboxes": [dataclasses.asdict(mailbox) for mailbox in self._parts.mailboxes()],
                "web": dataclasses.asdict(self._traffic.statistics()),
            }
        )


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value, enc_hook=str), status=status, content_type=JSON_TYPE)
