"""Slowloris and its kin: clients that hold a connection by doing next to nothing. Each wait of the server has an end, and the waits are
short here because the server is told so. The client that never reads its answer once kept the server from stopping at all.
"""

import trio

from tests.fakes.raw_http import connected, get, is_alive
from tests.fakes.website import parts_over, serving
from web.connection import Patience

HASTE = Patience(idle_s=0.3, send_s=0.3, linger_s=0.2)


async def test_a_head_that_drips_is_cut_off_however_steadily_it_drips(victim_database):
    async with serving(parts_over(victim_database), patience=HASTE) as site, connected(site) as client:
        await client.send(get("/healthz").removesuffix("\r\n"))
        await client.send_until_cut_off("X: y\r\n", pause_s=0.05)
        assert await is_alive(site)


async def test_a_connection_that_says_nothing_is_closed(victim_database):
    async with serving(parts_over(victim_database), patience=HASTE) as site, connected(site) as client:
        assert await client.rest() == b""


async def test_a_kept_connection_is_closed_after_a_while(victim_database):
    async with serving(parts_over(victim_database), patience=HASTE) as site, connected(site) as client:
        assert (await client.ask(get("/healthz"))).status == 200
        assert await client.rest() == b""


async def test_one_that_never_reads_its_answers_is_cut_off(victim_database):
    """Request after request, nothing read: the buffers fill, and then the server waits for `send_s`."""
    async with serving(parts_over(victim_database), patience=HASTE) as site, connected(site) as client:
        await client.send_until_cut_off(get("/") * 100)
        assert await is_alive(site)


async def test_one_that_never_reads_does_not_keep_the_server_from_stopping(victim_database):
    with trio.fail_after(10):
        async with serving(parts_over(victim_database)) as site:
            stream = await trio.open_tcp_stream("127.0.0.1", int(site.url.rpartition(":")[2]))
            with trio.move_on_after(0.7):
                while True:
                    await stream.send_all(get("/").encode() * 100)
            site.server.stop()
    await stream.aclose()


async def test_who_still_sends_can_read_an_early_answer(site):
    """Closed at once, with data on its way, the connection would be reset and the answer lost with it."""
    async with connected(site) as client:
        await client.send("POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n")
        await trio.sleep(0.1)
        for _ in range(20):
            await client.send(b"x" * 10_000)
        answer = await client.answer()
        assert answer.status == 405
        assert answer.header("connection") == "close"


async def test_a_full_house_makes_room_by_closing_the_idlest(victim_database):
    async with (
        serving(parts_over(victim_database), patience=Patience(connections=3)) as site,
        connected(site) as first,
        connected(site) as second,
    ):
        for client in (first, second):
            assert (await client.ask(get("/healthz"))).status == 200
        assert await is_alive(site)
        async with connected(site) as third, connected(site) as fourth:
            assert (await third.ask(get("/healthz"))).status == 200
            assert (await fourth.ask(get("/healthz"))).status == 200
            assert await first.rest() == b""
            assert (await second.ask(get("/healthz"))).status == 200


async def test_a_house_full_of_work_turns_newcomers_away(victim_database):
    async def slow():
        await trio.sleep_forever()

    async with (
        serving(parts_over(victim_database, readiness=slow), patience=Patience(connections=2)) as site,
        connected(site) as first,
        connected(site) as second,
    ):
        await first.send(get("/readyz"))
        await second.send(get("/readyz"))
        while site.heart.statistics().in_flight < 2:  # noqa: ASYNC110 - counters announce nothing
            await trio.sleep(0.01)
        async with connected(site) as third:
            answer = await third.ask(get("/healthz"))
        assert answer.status == 503
        assert answer.header("retry-after")
