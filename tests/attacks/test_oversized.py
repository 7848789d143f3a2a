"""Too much of everything: long URLs, long and many headers, more parameters than anybody needs, bodies where none belong."""

import gc
from contextlib import suppress

import trio
from quart.wrappers.request import Body

from tests.fakes.raw_http import connected, get, is_alive
from tests.fakes.website import parts_over, serving

ENDLESS = {
    "path": "GET /" + "a" * 200_000,
    "header": get("/healthz", "X: " + "a" * 200_000),
    "header name": get("/healthz", "a" * 200_000 + ": x"),
    "headers": get("/healthz", *["a: b"] * 50_000),
    "cookies": get("/healthz", "Cookie: " + "; ".join(["a=b"] * 50_000)),
    "method": "A" * 200_000,
    "empty lines": "\r\n" * 100_000,
}
MONSTROUS = (
    "q=" + "a+" * 5000,
    "q=" + "a" * 12_000,
    "q=" + "%22" * 4000,
    "q=" + "-a+" * 3000,
    "q=" + "%28" * 4000,
    "cat=" + "2000," * 3000,
    "&".join(f"{name}={value}" for name in ("a", "cat", "q") for value in range(1500)),
)
"""What fits into one head."""


async def test_a_head_without_end_is_refused(site):
    for name, head in ENDLESS.items():
        async with connected(site) as client:
            with suppress(trio.BrokenResourceError):  # it had enough
                await client.send(head)
            received = await client.rest()
        assert received == b"" or received.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")), (name, received[:100])
    assert await is_alive(site)


async def test_a_monstrous_query_is_answered_soon(site, victim):
    for path in ("/", "/api", "/api/v1/search", "/nothing"):
        for query in MONSTROUS:
            async with connected(site) as client:
                answer = await client.ask(get(f"{path}?t=search&{query}", f"X-Api-Key: {victim.keys['search']}"))
            assert answer.status in {200, 400, 404}, (path, query[:20])


def kept_bytes(body):
    """Quart 0.22 keeps a body in one piece, 0.23 in a queue."""
    return sum(map(len, body._queue._receive._state.data)) if hasattr(body, "_queue") else len(body._data)


async def test_a_body_nobody_reads_is_not_kept(victim_database):
    """A slow handler that takes no body: Quart would gather up to the largest limit of all while it works."""

    async def never():
        await trio.sleep_forever()

    async with serving(parts_over(victim_database, readiness=never)) as site, connected(site) as client:
        await client.send(get("/readyz", "Content-Length: 50000000"))
        for _ in range(160):
            await client.send(b"x" * 65_536)
        await trio.testing.wait_all_tasks_blocked(0.05)
        kept = [kept_bytes(thing) for thing in gc.get_objects() if isinstance(thing, Body)]
    assert kept
    assert max(kept) <= 256 * 1024


async def test_half_a_request_by_many_does_not_keep_others_out(site):
    streams = [await trio.open_tcp_stream("127.0.0.1", int(site.url.rpartition(":")[2])) for _ in range(200)]
    for stream in streams:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: local")
    with trio.fail_after(5):
        assert await is_alive(site)
    for stream in streams:
        await trio.aclose_forcefully(stream)
