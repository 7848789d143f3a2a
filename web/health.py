"""Whether the loop answers (/healthz), whether requests are welcome (/readyz), and how every part is (/api/v1/status)."""

import dataclasses
import time

import msgspec
import trio
from quart import Response

from web.errors import JSON_TYPE
from web.parts import Check, Readiness, WebParts
from web.traffic import Traffic

READINESS_DEADLINE_S = 3.0


class HealthEndpoints:
    """What monitors, load balancers and `swarmdex status` ask."""

    def __init__(self, parts: WebParts, traffic: Traffic) -> None:
        self._parts = parts
        self._traffic = traffic
        self._started = time.time()

    async def healthz(self) -> Response:
        """200 whenever the event loop turns; says nothing else."""
        return _json({"status": "ok"})

    async def readyz(self) -> Response:
        """200 when every check is right, else 503 with what is wrong."""
        readiness = Readiness((Check("checks", is_ok=False, detail=f"no answer within {READINESS_DEADLINE_S:g} s"),))
        with trio.move_on_after(READINESS_DEADLINE_S):
            readiness = await self._parts.readiness()
        checks = {check.name: {"ok": check.is_ok, "detail": check.detail} for check in readiness.checks}
        status = "ready" if readiness.is_ready else "not ready"
        return _json({"status": status, "checks": checks}, 200 if readiness.is_ready else 503)

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
