"""Server-side request forgery: a mirror, a redirect or a poster's address that leads our own client to our own doorstep.

tests/actors/http tries every spelling of every forbidden address; here the target is what an attacker wants: this instance itself.
"""

from functools import partial

import pytest
import trio

from actors.http.errors import FetchFailed
from actors.http.guarded import GuardedClient
from tests.fakes.website import Website


async def _redirecting(stream: trio.SocketStream, target: str) -> None:
    async with stream:
        await stream.receive_some()
        await stream.send_all(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


async def _mirror(nursery: trio.Nursery, target: str) -> str:
    """A server that sends everybody on to `target`; its "host:port"."""
    (listener,) = await nursery.start(partial(trio.serve_tcp, partial(_redirecting, target=target), 0, host="127.0.0.1"))
    return f"127.0.0.1:{listener.socket.getsockname()[1]}"


def targets(site: Website) -> list[str]:
    port = site.url.rpartition(":")[2]
    hosts = (
        "127.0.0.1",
        "localhost",
        "127.1",
        "0",
        "0.0.0.0",  # noqa: S104
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "localhost.",
        "x.localhost",
    )
    return [f"{scheme}://{host}:{port}/api/v1/keys" for host in hosts for scheme in ("http", "https")] + [
        f"//127.0.0.1:{port}/",
        f"http://user:password@127.0.0.1:{port}/",
        f"http://[fe80::1%25lo]:{port}/",
        f"http://①②⑦.⓪.⓪.①:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:5432/_",
        "unix:///var/run/postgresql/.s.PGSQL.5432",
        "http://169.254.169.254/latest/meta-data/",
    ]


async def test_no_mirror_sends_us_to_ourselves(site, nursery):
    answered = site.heart.statistics().answered
    for target in targets(site):
        mirror = await _mirror(nursery, target)
        async with GuardedClient("tests", allowed=(mirror,)) as client:
            with trio.fail_after(5), pytest.raises(FetchFailed):
                await client.get(f"http://{mirror}/")
    assert site.heart.statistics().answered == answered, "the request was made"
    nursery.cancel_scope.cancel()


async def test_nor_does_a_chain_of_them(site, nursery):
    last = await _mirror(nursery, f"{site.url}/api/v1/keys")
    first = await _mirror(nursery, f"http://{last}/")
    async with GuardedClient("tests", allowed=(first, last)) as client:
        with trio.fail_after(5), pytest.raises(FetchFailed):
            await client.get(f"http://{first}/")
    nursery.cancel_scope.cancel()


async def test_nor_the_first_address(site):
    answered = site.heart.statistics().answered
    async with GuardedClient("tests") as client:
        for target in targets(site):
            with trio.fail_after(5), pytest.raises(FetchFailed):
                await client.get(target)
    assert site.heart.statistics().answered == answered
