"""Tracker addresses (BEP 3, 12, 15): which URLs out of a .torrent file or magnet link are worth keeping, and which are anybody's to see."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

MAX_TRACKERS = 100  # lists of thousands are spam; the largest honest public lists have about as many
MAX_URL_LENGTH = 2048
MAX_KEPT_TRACKERS = 20
"""Of one torrent: more add nothing, the popular ones are on every list."""
SCHEMES = frozenset({"http", "https", "udp", "ws", "wss"})

_PERSONAL = re.compile(r"(?=[a-z._-]*\d)(?=[\d._-]*[a-z])[\w.-]{12,}|[^/]{24,}", re.ASCII | re.IGNORECASE)
"""A part of a path that is no word: letters and digits mixed, or very long."""
_PERSONAL_HOST = re.compile(r"[0-9a-f]{24,}|(?=[a-z]*\d)(?=\d*[a-z])[0-9a-z]{24,}", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=256)  # torrents of one source name the same few
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


def public_tracker_url(text: str) -> str | None:
    """The URL in its usual spelling; None also for one that may carry somebody's passkey or password.

    Where in doubt it counts as personal: a tracker fewer is no loss, a passkey in an index is.
    """
    url = tracker_url(text)
    if url is None:
        return None
    parts = urlsplit(url)
    if "@" in parts.netloc or "=" in parts.query or parts.fragment:
        return None
    if any(_PERSONAL.fullmatch(part) for part in (*parts.path.split("/"), parts.query) if part):
        return None
    if any(_PERSONAL_HOST.fullmatch(label) for label in parts.netloc.split(".")):
        return None
    return parts._replace(netloc=parts.netloc.lower()).geturl()
