"""Too much of everything: long URLs, long and many headers, more parameters than anybody needs, bodies where none belong."""

import gc

import pytest
import trio
from quart.wrappers.request import Body

from tests.fakes.raw_http import connected, get, is_alive
from tests.fakes.website import parts_over, serving


@pytest.mark.parametrize(
    "head",
    [
        "GET /" + "a" * 200_000,
        get("/healthz", "X: " + "a" * 200_000),
        get("/healthz", "a" * 200_000 + ": x"),
        get("/healthz", *["a: b"] * 50_000),
        get("/healthz", "Cookie: " + "; ".join(["a=b"] * 50_000)),
        "A" * 200_000,
        "\r\n" * 100_000,
    ],
    ids=["path", "header", "header name", "headers", "cookies", "method", "empty lines"],
)
async def test_a_head_without_end_is_refused(site, head):
    async with connected(site) as client:
        with trio.CancelScope() as sending:
            try:
                await client.send(head)
            except trio.BrokenResourceError:
                sending.cancel()  # it had enough
        received = await client.rest()
    assert received == b"" or received.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")), received[:100]
    assert await is_alive(site)


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1/search", "/nothing"])
async def test_thousands_of_parameters_cost_little(site, victim, path):
    """What fits into one head."""
    query = "&".join(f"{name}={value}" for name in ("a", "cat", "q") for value in range(1500))
    async with connected(site) as client:
        with trio.fail_after(2):
            answer = await client.ask(get(f"{path}?t=search&{query}", f"X-Api-Key: {victim.keys['search']}"))
    assert answer.status in {200, 400, 404}


@pytest.mark.parametrize(
    "query",
    ["q=" + "a+" * 5000, "q=" + "a" * 12_000, "q=" + "%22" * 4000, "q=" + "-a+" * 3000, "q=" + "%28" * 4000, "cat=" + "2000," * 3000],
    ids=["words", "letters", "quotes", "exclusions", "brackets", "categories"],
)
@pytest.mark.parametrize("path", ["/", "/api", "/api/v1/search"])
async def test_a_monstrous_query_is_answered_soon(site, victim, path, query):
    async with connected(site) as client:
        answer = await client.ask(get(f"{path}?t=search&{query}", f"X-Api-Key: {victim.keys['search']}"))
    assert answer.status in {200, 400}


async def test_a_body_nobody_reads_is_not_kept(victim_database):
    """A slow handler that takes no body: Quart would gather up to the largest limit of all while it works."""

    async def never():
        await trio.sleep_forever()

    async with serving(parts_over(victim_database, readiness=never)) as site, connected(site) as client:
        await client.send(get("/readyz", "Content-Length: 50000000"))
        for _ in range(160):
            await client.send(b"x" * 65_536)
        await trio.testing.wait_all_tasks_blocked(0.05)
        kept = [len(thing._data) for thing in gc.get_objects() if isinstance(thing, Body)]
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
