"""The server on a real port: starting, stopping, and connections that misbehave."""

import socket

import pytest
import trio

from config.settings import HttpSettings
from supervisor.heartbeat import Heart
from tests.fakes.website import READY, Website, parts_over, serving
from web.server import PortUnavailable, WebServer


def port_of(site: Website) -> int:
    return int(site.url.rpartition(":")[2])


async def test_a_free_port_is_picked_reported_and_kept_over_a_restart(library_database):
    urls: list[str] = []
    server = WebServer(parts_over(library_database), urls.append)
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            is_ready = trio.Event()
            nursery.start_soon(server.run, Heart("web", is_ready.set))
            with trio.fail_after(10):
                await is_ready.wait()
                server.stop()
    assert urls[0] == urls[1]
    assert not urls[0].endswith(":0")


async def test_stopping_lets_a_request_in_flight_finish(library_database):
    began, release = trio.Event(), trio.Event()

    async def slow():
        began.set()
        await release.wait()
        return READY

    async with serving(parts_over(library_database, readiness=slow)) as site:
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                answers = []

                async def ask():
                    answers.append((await site.get("/readyz")).status_code)

                nursery.start_soon(ask)
                await began.wait()
                site.server.stop()
                release.set()
    assert answers == [200]


async def test_stopping_does_not_wait_for_idle_connections(library_database):
    with trio.fail_after(4):
        async with serving(parts_over(library_database)) as site:
            await site.get("/healthz")  # the connection stays open
            idle = await trio.open_tcp_stream("127.0.0.1", port_of(site))
    await idle.aclose()


async def test_a_port_in_use_is_an_error_and_not_shared(library_database):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = WebServer(parts_over(library_database, HttpSettings(bind=f"127.0.0.1:{taken.getsockname()[1]}")))
        with pytest.raises(PortUnavailable, match="choose another port"):
            await server.run(Heart("web"))


async def test_an_early_answer_to_a_slow_upload_ends_the_connection(library_database):
    """Else what still arrives of the body is taken for the next request, and the connection hangs."""
    async with serving(parts_over(library_database)) as site, await trio.open_tcp_stream("127.0.0.1", port_of(site)) as stream:
        with trio.fail_after(5):
            await stream.send_all(b"POST /api HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            received = b"".join([part async for part in stream])  # until the server closes
    assert received.startswith(b"HTTP/1.1 405")
    assert b"connection: close" in received.lower()


async def test_a_connection_serves_many_requests(library_database):
    async with serving(parts_over(library_database)) as site, await trio.open_tcp_stream("127.0.0.1", port_of(site)) as stream:
        with trio.fail_after(5):
            for _ in range(3):
                await stream.send_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                received = b""
                while b'{"status":"ok"}' not in received:
                    received += await stream.receive_some()


async def test_a_client_that_leaves_is_not_counted_as_in_flight(library_database):
    began = trio.Event()

    async def never():
        began.set()
        await trio.sleep_forever()

    async with serving(parts_over(library_database, readiness=never)) as site:
        with trio.fail_after(5):
            async with await trio.open_tcp_stream("127.0.0.1", port_of(site)) as stream:
                await stream.send_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await began.wait()
                assert site.heart.statistics().in_flight == 1
            while site.heart.statistics().in_flight:  # noqa: ASYNC110 - counters announce nothing
                await trio.sleep(0.01)


@pytest.mark.parametrize("path", ["/", "/api", "/nothing"])
async def test_a_websocket_is_refused_without_a_stir(site, path, caplog):
    key = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "c2ludGVsc2ludGVsc2ludA=="}
    assert (await site.get(path, headers=key)).status_code == 403
    assert not caplog.records
