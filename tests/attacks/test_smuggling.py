"""Request smuggling: where a proxy and we could disagree about the end of a request, we must refuse, and end the connection, so that
nothing of what follows is ever taken for a request.
"""

from tests.attacks.walk import addresses
from tests.fakes.raw_http import connected, get, is_alive

SMUGGLED = get("/api/v1/status")
HEAD = "POST /api HTTP/1.1\r\nHost: localhost\r\n"

REFUSED = {
    "two lengths": f"{HEAD}Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n",
    "two lengths in one": f"{HEAD}Content-Length: 0, {len(SMUGGLED)}\r\n\r\n",
    "a signed length": f"{HEAD}Content-Length: +5\r\n\r\n",
    "a negative length": f"{HEAD}Content-Length: -5\r\n\r\n",
    "a hexadecimal length": f"{HEAD}Content-Length: 0x5\r\n\r\n",
    "a length with a gap": f"{HEAD}Content-Length: 1 0\r\n\r\n",
    "a length of digits that are not ASCII": f"{HEAD}Content-Length: \xb2\r\n\r\n",
    "an endless length": f"{HEAD}Content-Length: {'9' * 30}\r\n\r\n",
    "an unknown coding": f"{HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a disguised coding": f"{HEAD}Transfer-Encoding: xchunked\r\n\r\n",
    "two codings": f"{HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
    "a space before the colon": f"{HEAD}Transfer-Encoding : chunked\r\n\r\n",
    "a folded header with a tab": f"{HEAD}Transfer-Encoding:\r\n\tchunked\r\n\r\n",
    "a header that is none": f"{HEAD}Transfer-Encoding chunked\r\n\r\n",
    "a carriage return in a header": f"{HEAD}X: a\rTransfer-Encoding: chunked\r\n\r\n",
    "a NUL in a header": f"{HEAD}X: a\x00b\r\n\r\n",
    "a vertical tab in a name": f"{HEAD}\x0bTransfer-Encoding: chunked\r\n\r\n",
    "two hosts": "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "no host": "GET /healthz HTTP/1.1\r\n\r\n",
    "a line end in the path": "GET /health\nz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a space in the path": "GET /health z HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a path that is not ASCII": "GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a relative path": "GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a query alone": "GET ?t=caps HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a broken URL": "GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a URL of another kind": "GET file:///etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a URL without a path": "GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a tunnel": "CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example:80\r\n\r\n",
    "no version": "GET /healthz\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 60 + "\r\n\r\n",
    "SSH": "SSH-2.0-OpenSSH_10.0\r\n\r\n",
}


async def test_an_ambiguous_request_is_refused_and_ends_the_connection(site):
    for shape, head in REFUSED.items():
        async with connected(site) as client:
            await client.send(head + SMUGGLED)
            received = await client.rest()
        assert received.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ", b"HTTP/1.1 413 ")), shape
        assert received.count(b"HTTP/1.1 ") == 1, f"{shape}: what followed was taken for a request"
    assert await is_alive(site)


async def test_chunks_win_over_a_length_and_the_connection_ends(site):
    """RFC 9112 (6.3) allows to serve it as chunked, as h11 does, but then the connection must not be used again."""
    async with connected(site) as client:
        await client.send(f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}")
        received = await client.rest()
    assert received.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in received.lower()


CHUNKS = {
    "a length that is none": "xyz\r\n",
    "a negative length": "-1\r\n",
    "a prefixed length": "0x5\r\nhello\r\n",
    "a length of 64 bits": "f" * 40 + "\r\n",
    "an endless extension": "5;" + "a" * 40_000,
    "endless trailers": "0\r\n" + "X: y\r\n" * 10_000,
    "more than it said": "1\r\nhello\r\n",
}


async def test_broken_chunks_end_the_connection(site):
    for shape, body in CHUNKS.items():
        async with connected(site) as client:
            await client.send(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{body}\r\n\r\n{SMUGGLED}")
            received = await client.rest()
        assert received.count(b"HTTP/1.1 ") <= 1, shape
    assert await is_alive(site)


async def test_a_body_nobody_asked_for_is_never_the_next_request(site, victim_parts):
    """On every address, with the body and what follows it in one packet."""
    for address in addresses(victim_parts):
        async with connected(site) as client:
            head = get(address.path({}), f"Content-Length: {len(SMUGGLED)}", method=address.method)
            await client.send(head + SMUGGLED + get("/healthz"))
            received = await client.rest()
        assert received.count(b"HTTP/1.1 ") == 1, address
        assert b"connection: close" in received.lower(), address


async def test_bare_line_feeds_end_lines_as_they_do_for_every_proxy(site):
    """h11 takes them (RFC 9112, 2.2, allows it); the length decides about the body all the same."""
    async with connected(site) as client:
        await client.send(f"POST /api HTTP/1.1\nHost: localhost\nContent-Length: {len(SMUGGLED)}\n\n{SMUGGLED}")
        assert (await client.rest()).count(b"HTTP/1.1 ") == 1


async def test_a_whole_url_as_target_is_served_like_its_path(site):
    async with connected(site) as client:
        assert (await client.ask(get("http://localhost/healthz"))).body == b'{"status":"ok"}'


async def test_a_folded_header_is_one_header(site):
    """RFC 9112 (5.2) leaves the choice; what must not happen is that its second line counts."""
    async with connected(site) as client:
        folded = get("/healthz", "X: a", " Transfer-Encoding: chunked")
        assert (await client.ask(folded)).status == 200
        assert (await client.ask(folded)).status == 200
