"""Hypercorn changes to HTTP/2 in clear for whoever asks, without a switch to forbid it, and several frames raise out of its connection
(measured with 0.18): each of these, from a stranger without a key, ended the whole web server. HTTP/2 belongs to the proxy with the TLS.
"""

from collections.abc import Callable

import h2.config
import h2.connection

from tests.fakes.raw_http import connected, get, is_alive


def _other_headers(connection: h2.connection.H2Connection, *headers: tuple[str, str | bytes]) -> None:
    connection.send_headers(1, [(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers])


def non_ascii_path(connection: h2.connection.H2Connection) -> None:
    _other_headers(connection, (":method", "GET"), (":path", b"/\xff"), (":scheme", "http"), (":authority", "localhost"))


def connect_without_a_path(connection: h2.connection.H2Connection) -> None:
    _other_headers(connection, (":method", "CONNECT"), (":authority", "localhost"))


def body_after_the_answer(connection: h2.connection.H2Connection) -> None:
    _other_headers(connection, (":method", "POST"), (":path", "/api"), (":scheme", "http"), (":authority", "localhost"))
    for _ in range(20):
        connection.send_data(1, b"x" * 100)


def priorities_of_a_thousand_streams(connection: h2.connection.H2Connection) -> None:
    for number in range(1100):
        connection.prioritize(2 * number + 3, weight=16)


def rapid_reset(connection: h2.connection.H2Connection) -> None:
    """CVE-2023-44487."""
    for number in range(500):
        stream = 2 * number + 1
        connection.send_headers(stream, [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "localhost")])
        connection.reset_stream(stream)


ATTACKS: tuple[Callable[[h2.connection.H2Connection], None], ...] = (
    non_ascii_path,
    connect_without_a_path,
    body_after_the_answer,
    priorities_of_a_thousand_streams,
    rapid_reset,
)


async def test_http2_by_prior_knowledge_is_refused(site):
    for attack in ATTACKS:
        configuration = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding=None)
        sender = h2.connection.H2Connection(configuration)
        sender.initiate_connection()
        attack(sender)
        async with connected(site) as client:
            await client.send(sender.data_to_send())
            assert (await client.rest()).startswith(b"HTTP/1.1 505 "), attack
        assert await is_alive(site)


async def test_an_upgrade_to_http2_is_ignored(site):
    """As RFC 9110 (7.8) allows, and as curl --http2 expects of those who do not want to."""
    for settings in ("AAMAAABkAAQAAP__", "not base64!", ""):
        async with connected(site) as client:
            upgrade = get("/healthz", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", f"HTTP2-Settings: {settings}")
            assert (await client.ask(upgrade)).status == 200
            assert (await client.ask(upgrade)).status == 200  # the connection is as good as before


async def test_other_versions_are_refused(site):
    for version in ("HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9"):
        async with connected(site) as client:
            await client.send(f"GET /healthz {version}\r\nHost: localhost\r\n\r\n")
            assert (await client.rest()).startswith(b"HTTP/1.1 505 "), version
    assert await is_alive(site)
