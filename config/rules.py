"""What a setting's type cannot say: ranges, addresses, words from a list."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from config.errors import SettingsError
from config.settings import Settings

PROFILES = ("gentle", "home", "server", "lab")
ENGINES = ("postgres",)
SINKS = ("database", "api")
PROFILE_SORTS = ("", "newest", "seeders", "size")
LOG_LEVELS = ("debug", "info", "warning", "error")

RANGES: dict[str, tuple[float, float]] = {
    "database.connections": (2, 64),
    "database.statement_timeout_s": (1, 3600),
    "http.requests_per_minute": (0, 1_000_000),
    "http.kept_requests": (0, 10_000),
    "dht.nodes": (1, 32),
    "metadata.workers": (1, 5000),
    "metadata.max_size_bytes": (16 * 1024, 64 * 1024 * 1024),
    "metadata.connect_timeout_s": (0.1, 60),
    "metadata.fetch_timeout_s": (0.5, 600),
    "metadata.lookup_timeout_s": (0.5, 600),
    "metadata.attempts": (1, 20),
    "metadata.retry_after_s": (1, 86_400),
    "metadata.lookups": (1, 1000),
    "metadata.connections_per_ip": (1, 100),
    "metadata.max_files": (1, 100_000),
    "metadata.keep_info_max_bytes": (1024, 10 * 1024 * 1024),
    "torznab.profiles.<name>.min_seeders": (0, 1_000_000),
    "torznab.profiles.<name>.min_age_hours": (0, 87_600),
    "ingest.max_items": (1, 10_000),
    "ingest.max_body_bytes": (64 * 1024, 64 * 1024 * 1024),
    "ingest.max_file_bytes": (64 * 1024, 64 * 1024 * 1024),
    "ingest.max_upload_bytes": (64 * 1024, 64 * 1024 * 1024),
    "ingest.gzip_ratio": (2, 1000),
    "ingest.deadline_s": (1, 600),
    "classifier.workers": (1, 32),
    "classifier.batch_size": (1, 200),
    "classifier.timeout_s": (0.1, 30),
    "writer.batch_size": (1, 20_000),
    "writer.max_wait_s": (0.01, 60),
    "push.batch_size": (1, 1000),
    "push.max_wait_s": (0.01, 60),
    "push.spool_bytes": (1024 * 1024, 1024**4),
    "push.connect_timeout_s": (0.1, 60),
    "push.timeout_s": (1, 600),
    "push.probe_after_s": (0.1, 600),
    "push.probe_longest_s": (0.1, 3600),
}
_BIND_CURE = 'write a list of addresses with ports, e.g. ["0.0.0.0:0", "[::]:0"]'


def split_address(text: str) -> tuple[str, int]:
    """Split "host:port" or "[v6]:port" into host and port.

    Raises:
        ValueError: no port, or one outside 0 to 65535.
    """
    matched = re.fullmatch(r"\[([^\]]+)\]:(\d{1,5})|([^:\s]+):(\d{1,5})", text)
    if matched is None:
        raise ValueError(text)
    host, port = matched[1] or matched[3], int(matched[2] or matched[4])
    if port > 65535:
        raise ValueError(text)
    return host, port


def check_rules(settings: Settings, origins: Mapping[str, str]) -> None:
    """Raise SettingsError for the first value that cannot work."""
    _check_ranges(settings, origins)
    for key, value, allowed in _words(settings):
        if value not in allowed:
            raise _wrong(key, value, origins, "write one of: " + ", ".join(allowed))
    for key, value, is_right, cure in _shapes(settings):
        if not is_right(value):
            raise _wrong(key, value, origins, cure)
    if not settings.dht.bind:
        raise _wrong("dht.bind", [], origins, f"{_BIND_CURE}; dht.enabled = false switches the DHT off")
    if settings.sink == "api" and not settings.push.url:
        raise _wrong("push.url", "", origins, 'sink = "api" needs the central instance: write its URL, e.g. "https://index.example"')
    if settings.dht.profile == "lab" and not settings.dht.allow_loopback:
        raise _wrong("dht.profile", "lab", origins, 'the lab profile has no manners and works on loopback only: write "home"')


def _check_ranges(settings: Settings, origins: Mapping[str, str]) -> None:
    for pattern, (low, high) in RANGES.items():
        for key, value in _values(settings, pattern):
            if not low <= value <= high:
                raise _wrong(key, value, origins, f"write a number from {low:g} to {high:g}")


def _words(settings: Settings) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    yield "dht.profile", settings.dht.profile, PROFILES
    yield "search.engine", settings.search.engine, ENGINES
    yield "log_level", settings.log_level, LOG_LEVELS
    yield "sink", settings.sink, SINKS
    for name, profile in settings.torznab.profiles.items():
        yield f"torznab.profiles.{name}.sort", profile.sort, PROFILE_SORTS


def _shapes(settings: Settings) -> Iterator[tuple[str, str, Callable[[str], bool], str]]:
    for name, profile in settings.torznab.profiles.items():
        yield f"torznab.profiles.{name}", name, _is_profile_name, 'write up to 32 small letters, digits, "-" and "_", e.g. "anime"'
        for category in profile.categories:
            yield (
                f"torznab.profiles.{name}.categories",
                str(category),
                _is_category,
                "write Torznab ids from 1000 to 8999, e.g. [5030, 5040]",
            )
    yield "http.bind", settings.http.bind, _is_ip_address, 'write address and port, e.g. "127.0.0.1:3333" or "[::1]:3333"'
    for address in settings.dht.bind:
        yield "dht.bind", address, _is_ip_address, _BIND_CURE
    for address in settings.dht.bootstrap:
        yield "dht.bootstrap", address, _is_address, 'write a list of "host:port"'
    yield "dht.keyspace", settings.dht.keyspace, _is_share, 'write part/parts, e.g. "0/1" for all or "2/4" for the third quarter'
    for address in settings.http.trusted_proxies:
        yield "http.trusted_proxies", address, _is_network, 'write a list of addresses or networks, e.g. ["127.0.0.1", "10.1.0.0/24"]'
    yield "http.public_url", settings.http.public_url, _is_web_url, 'write a URL, e.g. "https://index.example"'
    yield "push.url", settings.push.url, _is_push_url, 'write a URL without user and password, e.g. "https://index.example"'
    yield "database.url", settings.database.url, _is_database_url, 'write "postgresql://user@host/name", or "" for the embedded server'


def _is_address(text: str) -> bool:
    try:
        split_address(text)
    except ValueError:
        return False
    return True


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(split_address(text)[0])
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        return ipaddress.ip_network(text).prefixlen > 0  # everybody is nobody's proxy
    except ValueError:
        return False


def _is_share(text: str) -> bool:
    matched = re.fullmatch(r"(\d{1,3})/(\d{1,3})", text)
    return matched is not None and int(matched[1]) < int(matched[2])


def _is_web_url(text: str) -> bool:
    return not text or re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text) is not None


def _is_push_url(text: str) -> bool:
    return _is_web_url(text) and "@" not in text


def _is_database_url(text: str) -> bool:
    return not text or text.startswith(("postgresql://", "postgres://"))


def _is_category(text: str) -> bool:
    return re.fullmatch(r"[1-8]\d{3}", text) is not None


def _is_profile_name(text: str) -> bool:
    return re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", text) is not None


def _values(part: Any, pattern: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The key and value of a setting; of each of its name, where there may be several."""
    name, _, rest = pattern.partition(".")
    if name == "<name>":
        for given, value in part.items():
            yield from _values(value, rest, f"{prefix}{given}.")
    elif rest:
        yield from _values(getattr(part, name), rest, f"{prefix}{name}.")
    else:
        yield f"{prefix}{name}", getattr(part, name)


def _wrong(key: str, value: object, origins: Mapping[str, str], cure: str) -> SettingsError:
    shown = "the URL given" if value and key in {"database.url", "push.url"} else repr(value)  # it may hold a password
    origin = origins.get(key, "default")
    return SettingsError(key, f"{shown} ({origin}) cannot be used", cure)
