"""Addresses that leave the house (in feeds and JSON they must be absolute), and hashes in those that come in."""

from quart import Request
from werkzeug.exceptions import NotFound

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


def download_url(base: str, info_hash: InfoHash) -> str:
    """A torrent's .torrent file, up to the token that opens it: storage/accounts/download_tokens.py."""
    return f"{base}/api/download/{info_hash.hex()}.torrent?token="


def read_info_hash(text: str) -> bytes:
    """40 hexadecimal digits, or the 64 of a v2 hash. Raises NotFound for anything else."""
    try:
        raw = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        raw = b""
    if len(raw) not in {20, 32}:
        raise NotFound("An info hash has 40 hexadecimal digits, or 64 (v2)")
    return raw
