"""Cross-site websocket hijacking: Quart accepts an upgrade from any origin. No address here speaks it, so every upgrade is refused,
wherever it comes from and however odd it is, and none leaves a connection behind.
"""

import pytest

from tests.attacks.walk import addresses
from tests.fakes.raw_http import connected, get, is_alive

UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: c2ludGVsc2ludGVsc2ludA==")


async def test_an_upgrade_is_refused_from_everywhere(site, victim_parts):
    for origin in ("http://evil.example", "null", "http://localhost", ""):
        for path in ["/nothing", "/api/v1/live", *(address.path({}) for address in addresses(victim_parts, "GET"))]:
            async with connected(site) as client:
                await client.send(get(path, *UPGRADE, f"Origin: {origin}"))
                received = await client.rest()
            assert received.startswith(b"HTTP/1.1 403 "), (origin, path)


@pytest.mark.parametrize(
    "headers",
    [
        UPGRADE[:3],
        UPGRADE[:2],
        (*UPGRADE, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99"),
        (*UPGRADE, "Sec-WebSocket-Protocol: \xff"),
    ],
    ids=["no key", "no version", "odd extension", "odd protocol"],
)
async def test_an_odd_upgrade_leaves_no_connection_open(site, headers):
    async with connected(site) as client:
        await client.send(get("/", *headers))
        assert (await client.rest()).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 403 "))
    assert await is_alive(site)


async def test_frames_before_the_answer_change_nothing(site):
    async with connected(site) as client:
        await client.send(get("/", *UPGRADE) + "\x81\x85\x00\x00\x00\x00hello" * 100)
        assert (await client.rest()).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 403 "))
    assert await is_alive(site)
