"""Bodies that never end, hardly move or come too late: each handler that waits for one waits a while, and no longer.

What still arrives when the answer is given must never be taken for the next request (the keep-alive trap): the connection ends.
"""

import trio

from tests.attacks.walk import addresses
from tests.fakes.raw_http import RawClient, connected, get, is_alive


async def chunks_until_cut_off(client: RawClient, chunk: str) -> bytes:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_until_cut_off, chunk)
        received = await client.rest()
        nursery.cancel_scope.cancel()
    return received


async def test_chunks_without_end_are_cut_off_at_the_limit(shop):
    """On the address with the smallest limit, and where nobody may send anything."""
    site, accounts = shop
    key = (await accounts.create_key("crawler", ["ingest"])).text
    chunk = "10000\r\n" + "x" * 65_536 + "\r\n"
    for path, header, status in (
        ("/api/ingest/unknown", f"X-Api-Key: {key}", b"413"),
        ("/api/ingest/bulk", "X-Api-Key: " + "0" * 40, b"401"),
        ("/api/v1/search", f"X-Api-Key: {key}", b"405"),
        ("/nothing", "X: y", b"404"),
    ):
        async with connected(site) as client:
            await client.send(get(path, header, "Content-Type: application/json", "Transfer-Encoding: chunked", method="POST"))
            received = await chunks_until_cut_off(client, chunk)
        assert received.startswith(b"HTTP/1.1 " + status), (path, received[:100])
    assert await is_alive(site)


async def test_a_body_that_drips_is_cut_off(shop, monkeypatch):
    """Slow enough to be no body at all; a second instead of twenty, or the test would take as long."""
    monkeypatch.setattr("web.bodies._PATIENCE_S", 0.5)
    site, accounts = shop
    key = (await accounts.create_key("crawler", ["ingest"])).text
    async with connected(site) as client:
        await client.send(get("/api/ingest", f"X-Api-Key: {key}", "Content-Type: application/json", "Content-Length: 1000", method="POST"))
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                await client.send_until_cut_off(" ", pause_s=0.1)

            nursery.start_soon(drip)
            answer = await client.answer()
            nursery.cancel_scope.cancel()
    assert answer.status == 408
    assert answer.header("connection") == "close"


async def test_an_expectation_of_leave_to_send_is_no_way_to_wait(site):
    """Expect: 100-continue, and then nothing, or something else."""
    async with connected(site) as client:
        expecting = get("/api/ingest", "Content-Type: application/json", "Content-Length: 100", "Expect: 100-continue", method="POST")
        assert (await client.ask(expecting)).status == 401
        assert await client.rest() == b""
    async with connected(site) as client:
        assert (await client.ask(get("/healthz", "Expect: 200-ok"))).status in {200, 417}


async def test_an_early_answer_is_never_taken_for_the_wrong_request(site, victim_parts):
    """The keep-alive trap, on every address that takes a body, for callers without rights: refused at once, and the connection ends."""
    for address in addresses(victim_parts):
        if address.method == "GET":
            continue
        path = address.path({"info_hash": "00" * 20})
        async with connected(site) as client:
            head = get(path, "Transfer-Encoding: chunked", "Content-Type: application/json", method=address.method)
            answer = await client.ask(head + "5\r\nhello\r\n")
            assert 400 <= answer.status < 500, (address, answer.status)
            assert answer.header("connection") == "close", address
            await client.send("0\r\n\r\n" + get("/healthz"))
            assert b"HTTP/1.1" not in await client.rest()
