"""A central instance in memory, behind httpx: takes batches, answers questions, and falls ill when it is told to."""

import gzip
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpcore
import httpx
import msgspec
import trio

SECRET = "s" * 40


class MemoryCentral(httpx.AsyncBaseTransport):
    """Keeps info hashes; `illness` is the status it answers with instead, or "gone"; it recovers when that is None again."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.blocked: set[str] = set()
        self.times_told: Counter[str] = Counter()
        self.requests: list[httpx.Request] = []
        self.at: list[float] = []
        self.keys: list[str] = []
        self.illness: int | str | None = None
        self.headers: dict[str, str] = {}
        self.most_items = 1000
        self.delay_s = 0.0
        self.refusals: dict[str, str] = {}
        self.answer_instead: bytes | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.at.append(trio.current_time())
        await trio.sleep(self.delay_s)
        if self.illness == "gone":
            raise httpcore.ConnectError("Connection refused")
        if isinstance(self.illness, int):
            return _answer(self.illness, {"detail": "it is ill"}, **self.headers)
        if request.headers["X-Internal-Secret"] != SECRET:
            return _answer(401, {"detail": "The internal secret is wrong"})
        if self.answer_instead is not None:
            return httpx.Response(200, stream=httpx.ByteStream(self.answer_instead))
        body = await request.aread()
        if request.url.path.endswith("/api/ingest/unknown"):
            asked = msgspec.json.decode(body)["info_hashes"]
            return _answer(200, {"unknown": [each for each in asked if each not in self.held | self.blocked]})
        assert request.url.path.endswith("/api/ingest/bulk")
        self.keys.append(request.headers["Idempotency-Key"])
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        items = [msgspec.json.decode(line) for line in body.splitlines()]
        if len(items) > self.most_items:
            return _answer(413, {"detail": f"More than {self.most_items} items"})
        return _answer(200, {"results": [self._take(item["info_hash"]) for item in items]})

    def _take(self, info_hash: str) -> dict[str, str]:
        self.times_told[info_hash] += 1
        if info_hash in self.refusals:
            return {"status": "refused", "reason": self.refusals[info_hash]}
        if info_hash in self.blocked:
            return {"status": "blocked"}
        status = "updated" if info_hash in self.held else "new"
        self.held.add(info_hash)
        return {"status": status}


def _answer(status: int, value: Any, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(msgspec.json.encode(value)))


def hexes(hashes: Sequence[bytes]) -> set[str]:
    return {each.hex() for each in hashes}
