"""Magnet links (BEP 9; `btmh` of BEP 52; `x.pe`): parse what people paste, build what clients open."""

import base64
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from protocol.display import display_text
from protocol.errors import MalformedMagnet
from protocol.identifiers import Address, InfoHash, InfoHashV2
from protocol.metainfo_files import MAX_SIZE
from protocol.trackers import tracker_urls

MAX_LENGTH = 64 * 1024  # characters; a link with a hundred trackers has about 8,000
MAX_NAME_LENGTH = 2048  # bytes
MAX_PEERS = 50


_SHA256_MULTIHASH = b"\x12\x20"  # function code sha2-256, digest of 32 bytes


@dataclass(frozen=True, slots=True)
class Magnet:
    """What a magnet link says; at least one of the two hashes is there."""

    info_hash: InfoHash | None
    """SHA-1 of a v1 or hybrid info dict."""
    info_hash_v2: InfoHashV2 | None = None
    name: str = ""
    size: int | None = None
    """Bytes, from `xl`."""
    trackers: tuple[str, ...] = ()
    peers: tuple[Address, ...] = ()
    """Numeric addresses from `x.pe`; host names are left out."""

    @property
    def swarm_key(self) -> InfoHash:
        """The 20 bytes that DHT and peers use: the v1 hash, else the v2 hash cut to 20 bytes (BEP 52)."""
        if self.info_hash is not None:
            return self.info_hash
        assert self.info_hash_v2 is not None  # noqa: S101  (parse_magnet and magnet_for see to it)
        return InfoHash(self.info_hash_v2[:20])

    def __str__(self) -> str:
        """The link itself."""
        fields = []
        if self.info_hash is not None:
            fields.append(f"xt=urn:btih:{self.info_hash.hex()}")
        if self.info_hash_v2 is not None:
            fields.append(f"xt=urn:btmh:{(_SHA256_MULTIHASH + self.info_hash_v2).hex()}")
        if self.name:
            fields.append(f"dn={quote(self.name, safe='', errors='replace')}")
        if self.size is not None:
            fields.append(f"xl={self.size}")
        fields += [f"tr={quote(url, safe='')}" for url in self.trackers]
        fields += [f"x.pe={_address_text(peer)}" for peer in self.peers]
        return "magnet:?" + "&".join(fields)


def magnet_for(
    swarm_key: InfoHash, info_hash_v2: InfoHashV2 | None, name: str = "", size: int | None = None, trackers: Sequence[str] = ()
) -> Magnet:
    """The magnet link of a torrent that is known by its swarm key: a key that is the start of the v2 hash is no v1 hash.

    A size of 0 is an unknown one.
    """
    is_v2_only = info_hash_v2 is not None and info_hash_v2.startswith(swarm_key)
    return Magnet(None if is_v2_only else swarm_key, info_hash_v2, name, size or None, tuple(trackers))


def parse_magnet(text: str) -> Magnet:
    """Read a magnet link. What is not understood is left out; only a link without a usable hash is refused.

    Raises:
        MalformedMagnet: not a magnet link, no BitTorrent hash in it, or two that contradict each other.
    """
    if len(text) > MAX_LENGTH:
        raise MalformedMagnet("too_long")
    scheme, _, query = text.strip().partition("?")
    if scheme.lower() != "magnet:":
        raise MalformedMagnet("not_a_magnet_link")
    hashes: set[InfoHash] = set()
    hashes_v2: set[InfoHashV2] = set()
    values: dict[str, list[bytes]] = {}
    for key, value in _fields(query):
        if key == "xt":
            _read_topic(value, hashes, hashes_v2)
        else:
            values.setdefault(key, []).append(value)
    if len(hashes) > 1 or len(hashes_v2) > 1:
        raise MalformedMagnet("contradicting_hashes")
    if not hashes and not hashes_v2:
        raise MalformedMagnet("no_info_hash")
    return Magnet(
        info_hash=next(iter(hashes), None),
        info_hash_v2=next(iter(hashes_v2), None),
        name=display_text(values.get("dn", [b""])[0][:MAX_NAME_LENGTH]),
        size=_size(values.get("xl", [b""])[0]),
        trackers=tracker_urls(value.decode(errors="replace") for value in values.get("tr", [])),
        peers=tuple(dict.fromkeys(peer for value in values.get("x.pe", [])[:MAX_PEERS] if (peer := _peer(value)) is not None)),
    )


def _fields(query: str) -> Iterator[tuple[str, bytes]]:
    """Key and decoded value; keys may be numbered as in `xt.1` and `tr.2`. Links copied out of HTML hold `&amp;`."""
    for field in query.replace("&amp;", "&").split("&"):
        key, _, value = field.partition("=")
        key = key.lower()
        stem, dot, number = key.rpartition(".")
        if dot and number.isdecimal():
            key = stem
        yield key, unquote_to_bytes(value.replace("+", " ").encode("utf-8", "replace"))


def _read_topic(value: bytes, hashes: set[InfoHash], hashes_v2: set[InfoHashV2]) -> None:
    prefix, digest = value[:9].lower(), value[9:]
    if prefix == b"urn:btih:":
        hashes.add(InfoHash(_btih(digest)))
    elif prefix == b"urn:btmh:":
        hashes_v2.add(InfoHashV2(_btmh(digest)))


def _btih(digest: bytes) -> bytes:
    """40 hexadecimal digits, or the 32 base32 characters of old links."""
    try:
        raw = base64.b32decode(digest.upper()) if len(digest) == 32 else bytes.fromhex(digest.decode("ascii"))
    except ValueError as exc:
        raise MalformedMagnet("bad_btih") from exc
    if len(raw) != 20:
        raise MalformedMagnet("bad_btih")
    return raw


def _btmh(digest: bytes) -> bytes:
    try:
        raw = bytes.fromhex(digest.decode("ascii"))
    except ValueError as exc:
        raise MalformedMagnet("bad_btmh") from exc
    if len(raw) != 34 or not raw.startswith(_SHA256_MULTIHASH):
        raise MalformedMagnet("bad_btmh")
    return raw[2:]


def _size(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) <= 16 and int(value) <= MAX_SIZE else None


def _peer(value: bytes) -> Address | None:
    host, colon, port = value.decode("ascii", "replace").rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5 or not 0 < int(port) < 65536:
        return None
    try:
        address = ipaddress.ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return None  # a zone means an interface of the machine that made the link
    return str(address), int(port)


def _address_text(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
