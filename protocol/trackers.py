"""Tracker addresses (BEP 3, 12, 15): which URLs out of a .torrent file or magnet link are worth keeping."""

from collections.abc import Iterable
from urllib.parse import urlsplit

MAX_TRACKERS = 100  # lists of thousands are spam; the largest honest public lists have about as many
MAX_URL_LENGTH = 2048
SCHEMES = frozenset({"http", "https", "udp", "ws", "wss"})


def tracker_url(text: str) -> str | None:
    """The URL without surrounding white space, or None if no tracker can be asked by it."""
    url = text.strip()
    if not 0 < len(url) <= MAX_URL_LENGTH or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a port that is no number, a broken IPv6 literal
        return None
    if parts.scheme not in SCHEMES or not parts.hostname or port == 0:
        return None
    if parts.scheme == "udp" and port is None:
        return None  # BEP 15 knows no default port
    return url


def tracker_urls(texts: Iterable[str]) -> tuple[str, ...]:
    """The usable ones, each once, in their order, at most MAX_TRACKERS."""
    urls: dict[str, None] = {}
    for text in texts:
        if (url := tracker_url(text)) is not None:
            urls[url] = None
            if len(urls) == MAX_TRACKERS:
                break
    return tuple(urls)
