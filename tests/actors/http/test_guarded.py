"""The guarded client against servers that mean harm, on real sockets."""

import gzip
import ssl
import zlib
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trio
import trustme

from actors.http.addresses import AddressPolicy
from actors.http.errors import (
    ForbiddenAddress,
    ForbiddenUrl,
    MalformedAnswer,
    TooLarge,
    TooManyRedirects,
    TooSlow,
    Unreachable,
)
from actors.http.guarded import GuardedClient, Limits
from actors.http.network import AddressRefused, GuardedNetwork
from tests.fakes.tricky_server import TrickyServer, ok, redirect, saying, tricky_server

MB = 1024 * 1024


def client(*servers: TrickyServer, **options: Any) -> GuardedClient:
    """One that may go to these servers on this machine, and nowhere else on it."""
    return GuardedClient("swarmdex-test", allowed=[server.place for server in servers], **options)


async def names(host: str, _port: int) -> Sequence[str]:
    """A small DNS."""
    return {"mirror.example": ["127.0.0.1"], "mixed.example": ["1.1.1.1", "10.0.0.1"], "router.example": ["192.168.1.1"]}[host]


@pytest.fixture(autouse=True)
async def _in_time():
    with trio.fail_after(20):
        yield


async def test_an_answer_comes_whole_with_status_and_headers():
    async with tricky_server(ok(b"Sintel", "X-Site: yes")) as server, client(server) as fetch:
        found = await fetch.get(f"{server.url}/t/1?key=secret")
        assert (found.status, found.body, found.headers["x-site"]) == (200, b"Sintel", "yes")
        assert found.url == f"{server.url}/t/1?key=secret"
        assert b"GET /t/1?key=secret HTTP/1.1" in server.requests[0]


async def test_a_status_is_no_error():
    async with tricky_server(saying("HTTP/1.1 404 Not Found\nContent-Length: 0")) as server, client(server) as fetch:
        assert (await fetch.get(server.url)).status == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://0x7f000001:{port}/",
        "http://2130706433:{port}/",
        "http://127.1:{port}/",
        "http://0:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
async def test_this_machine_is_not_reached_however_it_is_written(url):
    async with tricky_server(ok(b"secrets")) as server, client() as fetch:
        with pytest.raises((ForbiddenAddress, Unreachable)):  # a machine without IPv6, or without inet_aton's odd forms, knows no such host
            await fetch.get(url.format(port=server.port))
        assert server.requests == []


@pytest.mark.parametrize("host", ["mirror.example", "mixed.example", "router.example"])
async def test_a_name_that_leads_inside_is_refused_even_if_only_one_of_its_addresses_does(host):
    async with client(resolve=names) as fetch:
        with pytest.raises(ForbiddenAddress, match="not on the open internet"):
            await fetch.get(f"http://{host}/poster.jpg")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://127.0.0.1/x", "ftp://mirror.example/", "//mirror.example/", "http:///x", "x"]
)
async def test_only_http_and_https_with_a_host_are_followed(url):
    async with client(resolve=names) as fetch:
        with pytest.raises(ForbiddenUrl):
            await fetch.get(url)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{inner}/",
        "http://[::1]:{inner}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://router.example/",
        "//127.0.0.1:{inner}/",
        "file:///etc/passwd",
        "http://[",
        "http://0x7f000001:{inner}/",
    ],
)
async def test_a_redirect_is_checked_like_the_first_address(target):
    async with tricky_server(ok(b"secrets")) as inner, tricky_server(redirect(target.format(inner=inner.port))) as outer:

        async def dns(host: str, port: int) -> Sequence[str]:
            return await names(host, port) if host.endswith(".example") else ["127.0.0.1" if ":" not in host else "::1"]

        async with client(outer, resolve=dns if "169.254" not in target else (lambda host, _port: _itself(host))) as fetch:
            with pytest.raises((ForbiddenAddress, ForbiddenUrl)):
                await fetch.get(outer.url)
        assert inner.requests == []


async def test_a_redirect_to_no_possible_name_is_no_answer():
    async with tricky_server(redirect("http://①②⑦.⓪.⓪.①/")) as outer, client(outer) as fetch:
        with pytest.raises(MalformedAnswer):
            await fetch.get(outer.url)


async def _itself(host: str) -> Sequence[str]:
    return [host]


async def test_redirects_are_followed_three_times():
    async with AsyncExitStack() as running:
        servers = [await running.enter_async_context(tricky_server(ok(b"here at last")))]
        for _ in range(4):
            servers.append(await running.enter_async_context(tricky_server(redirect(servers[-1].url))))
        fetch = await running.enter_async_context(client(*servers))
        found = await fetch.get(servers[3].url)
        assert (found.body, found.url) == (b"here at last", servers[0].url)
        with pytest.raises(TooManyRedirects):
            await fetch.get(servers[4].url)


async def test_keys_and_passwords_stay_with_the_host_they_were_meant_for():
    headers = {"X-Api-Key": "secret", "Cookie": "session=secret", "Accept-Language": "en"}
    async with (
        tricky_server(ok(b"")) as other,
        tricky_server(redirect(f"http://you:too@{other.place}/x")) as first,
        client(first, other) as fetch,
    ):
        await fetch.get(f"http://me:hunter2@{first.place}/", headers=headers)
    assert b"Authorization: Basic" in first.requests[0]
    assert b"X-Api-Key: secret" in first.requests[0]
    passed_on = other.requests[0].lower()
    assert b"accept-language: en" in passed_on
    assert all(word not in passed_on for word in (b"authorization", b"secret", b"cookie", b"referer", b"hunter2", b"eW91OnRvbw"))


async def test_keys_stay_on_when_the_host_stays_the_same():
    answers = iter([redirect("/second"), ok(b"done")])

    async def answer(stream: trio.abc.Stream, request: bytes) -> None:
        await next(answers)(stream, request)

    async with tricky_server(answer) as server, client(server) as fetch:
        assert (await fetch.get(f"http://me:hunter2@{server.place}/first", headers={"X-Api-Key": "secret"})).body == b"done"
    assert b"x-api-key: secret" in server.requests[1].lower()
    assert b"Authorization: Basic" in server.requests[1]


async def test_a_body_is_handed_to_no_other_host():
    async with tricky_server(ok(b"")) as other, tricky_server(redirect(other.url, 307)) as first, client(first, other) as fetch:
        with pytest.raises(ForbiddenUrl, match="hand our request body"):
            await fetch.request("POST", first.url, body=b"{}")
        assert other.requests == []


async def test_a_post_becomes_a_get_where_the_server_says_see_other():
    async with tricky_server(ok(b"seen")) as other, tricky_server(redirect(other.url, 303)) as first, client(first, other) as fetch:
        found = await fetch.request("POST", first.url, body=b"{}", headers={"Content-Type": "application/json"})
    assert found.body == b"seen"
    assert other.requests[0].startswith(b"GET / ")
    assert b"content-type" not in other.requests[0].lower()


BOMB = gzip.compress(bytes(200 * MB))


@pytest.mark.parametrize(
    "answer",
    [
        ok(BOMB, "Content-Encoding: gzip"),
        ok(zlib.compress(bytes(50 * MB)), "Content-Encoding: deflate"),
        saying(f"HTTP/1.1 200 OK\nContent-Length: {10**15}"),
        saying("HTTP/1.1 200 OK\nConnection: close", bytes(2 * MB)),
    ],
    ids=["gzip", "deflate", "by its own words", "without a length"],
)
async def test_a_body_beyond_the_limit_is_not_read_to_its_end(answer):
    async with tricky_server(answer) as server, client(server) as fetch:
        with pytest.raises(TooLarge):
            await fetch.get(server.url, limits=Limits(max_bytes=MB))


async def test_a_bomb_within_a_bomb_is_not_unpacked():
    packed = gzip.compress(gzip.compress(bytes(50 * MB)))
    async with tricky_server(ok(packed, "Content-Encoding: gzip, gzip")) as server, client(server) as fetch:
        with pytest.raises(MalformedAnswer, match="nobody asked for"):
            await fetch.get(server.url)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
async def test_packed_answers_are_unpacked(encoding):
    text = b"Night of the Living Dead 1968 " * 10_000
    raw = zlib.compressobj(wbits=-15)
    packed = {"gzip": gzip.compress(text), "deflate": zlib.compress(text), "raw deflate": raw.compress(text) + raw.flush()}[encoding]
    async with tricky_server(ok(packed, f"Content-Encoding: {encoding.split()[-1]}")) as server, client(server) as fetch:
        assert (await fetch.get(server.url)).body == text
    assert b"Accept-Encoding: gzip, deflate\r\n" in server.requests[0]


@pytest.mark.parametrize("body", [gzip.compress(b"Sintel" * 1000)[:-20], b"no gzip"], ids=["cut short", "damaged"])
async def test_a_damaged_body_is_none(body):
    async with tricky_server(ok(body, "Content-Encoding: gzip")) as server, client(server) as fetch:
        with pytest.raises(MalformedAnswer):
            await fetch.get(server.url)


async def drip(stream: trio.abc.Stream, _request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await stream.send_all(b"x")
        await trio.sleep(0.05)


async def drip_headers(stream: trio.abc.Stream, _request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\n")
    while True:
        await stream.send_all(b"X-Drop: x\r\n")
        await trio.sleep(0.05)


@pytest.mark.parametrize("answer", [drip, drip_headers])
async def test_a_drip_ends_at_the_deadline_of_the_whole(answer):
    async with tricky_server(answer) as server, client(server) as fetch:
        started = trio.current_time()
        with pytest.raises(TooSlow):
            await fetch.get(server.url, limits=Limits(deadline_s=0.5))
        assert trio.current_time() - started < 2


async def flood_headers(stream: trio.abc.Stream, _request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\n")
    while True:
        await stream.send_all(b"X-Flood: " + b"x" * 8000 + b"\r\n")


async def one_endless_header(stream: trio.abc.Stream, _request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\nX-Flood: ")
    while True:
        await stream.send_all(b"x" * 65536)


@pytest.mark.parametrize("answer", [flood_headers, one_endless_header, saying("SSH-2.0-OpenSSH_9.2"), saying("HTTP/1.1 abc\nx")])
async def test_headers_without_end_and_other_protocols_are_no_answer(answer):
    async with tricky_server(answer) as server, client(server) as fetch:
        with pytest.raises(MalformedAnswer):
            await fetch.get(server.url)


async def test_a_server_that_is_not_there_or_hangs_up_is_unreachable():
    async with tricky_server(saying("HTTP/1.1 200 OK\nContent-Length: 10", b"half")) as server:
        async with client(server) as fetch:
            with pytest.raises((Unreachable, MalformedAnswer)):
                await fetch.get(server.url)
        place = server
    async with client(place) as fetch:
        with pytest.raises(Unreachable):
            await fetch.get(place.url)


async def test_an_unknown_name_is_unreachable():
    async def nobody(_host: str, _port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    async with client(resolve=nobody) as fetch:
        with pytest.raises(Unreachable, match="Name or service not known"):
            await fetch.get("http://gone.example/")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_a_certificate_is_checked_against_the_name_and_not_the_address(authority):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with tricky_server(ok(b"over TLS"), server_tls(authority, "mirror.example")) as server:
        places = [f"mirror.example:{server.port}", f"other.example:{server.port}"]

        async def dns(_host: str, _port: int) -> Sequence[str]:
            return ["127.0.0.1"]

        async with GuardedClient("swarmdex-test", allowed=places, resolve=dns, tls=trusting) as fetch:
            assert (await fetch.get(f"https://mirror.example:{server.port}/")).body == b"over TLS"
            with pytest.raises(Unreachable, match=r"(?i)hostname"):
                await fetch.get(f"https://other.example:{server.port}/")
        async with GuardedClient("swarmdex-test", allowed=places, resolve=dns) as fetch:
            with pytest.raises(Unreachable, match=r"(?i)certificate"):
                await fetch.get(f"https://mirror.example:{server.port}/")


class Telephone(httpcore.AsyncMockBackend):
    """Writes down who is called, and answers from memory."""

    def __init__(self) -> None:
        super().__init__([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
        self.called: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.called.append(host)
        if host == "1.0.0.1":
            raise httpcore.ConnectError("refused")
        return await super().connect_tcp(host, port)


async def test_a_name_that_changes_its_answer_gains_nothing():
    answers = iter([["1.1.1.1"], ["127.0.0.1"], ["1.1.1.1", "::1"]])
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Iterable[str]:
        asked.append(host)
        return next(answers)

    telephone = Telephone()
    network = GuardedNetwork(AddressPolicy(), rebinding, 5.0, telephone)  # type: ignore[arg-type]
    await network.connect_tcp("rebind.example", 80)
    assert (asked, telephone.called) == (["rebind.example"], ["1.1.1.1"])  # connected to what was checked, not asked for again
    for _ in range(2):
        with pytest.raises(AddressRefused):
            await network.connect_tcp("rebind.example", 80)
    assert telephone.called == ["1.1.1.1"]


async def test_the_next_address_is_tried_when_one_does_not_answer():
    async def two(_host: str, _port: int) -> Sequence[str]:
        return ["1.0.0.1", "1.1.1.1"]

    telephone = Telephone()
    await GuardedNetwork(AddressPolicy(), two, 5.0, telephone).connect_tcp("mirror.example", 80)
    assert telephone.called == ["1.0.0.1", "1.1.1.1"]


async def test_a_proxy_is_used_where_one_is_named_and_nowhere_else(monkeypatch):
    async with tricky_server(ok(b"by proxy")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with client(resolve=names) as fetch:
            with pytest.raises(ForbiddenAddress):
                await fetch.get("http://router.example/")
        assert proxy.requests == []
        async with GuardedClient("swarmdex-test", proxy=proxy.url) as fetch:
            assert (await fetch.get("http://mirror.example/x")).body == b"by proxy"
            for inside in (
                "http://127.0.0.1/",
                "http://localhost/",
                "http://127.1/",
                "http://router/",
                "http://10.0.0.1/",
                "http://nas.lan/",
            ):
                with pytest.raises(ForbiddenAddress):
                    await fetch.get(inside)
        assert len(proxy.requests) == 1
        assert proxy.requests[0].startswith(b"GET http://mirror.example/x")


async def test_it_needs_no_private_attribute_of_httpx():
    """httpx 0.28 passes no network back end on; a later one may move its parts about, and must not unhook the guard in silence."""
    folder = Path(__file__).parents[3] / "actors" / "http"
    code = "".join(file.read_text() for file in folder.glob("*.py"))
    assert "httpx._" not in code
    assert "httpcore._" not in code
    assert "AsyncHTTPTransport" not in code
    assert "network_backend" in httpcore.AsyncConnectionPool.__init__.__annotations__
