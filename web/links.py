"""Addresses that leave the house: in feeds and JSON they must be absolute."""

from quart import Request

from config.settings import HttpSettings
from protocol.identifiers import InfoHash


def base_url(settings: HttpSettings, request: Request) -> str:
    """How the caller reaches this instance, without a slash at the end: the configured URL, else the one just used."""
    return settings.public_url.rstrip("/") or f"{request.scheme}://{request.host}"


def details_path(info_hash: InfoHash) -> str:
    """A torrent's page on this instance."""
    return f"/t/{info_hash.hex()}"


def details_url(base: str, info_hash: InfoHash) -> str:
    """A torrent's page for others."""
    return base + details_path(info_hash)
