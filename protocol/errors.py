"""The errors of the wire formats.

    SwarmdexError
    ├─ ProtocolError               the other side sent something that is not what the protocol says
    │  ├─ MalformedBencode         not bencode, or larger or deeper than allowed
    │  ├─ MalformedDatagram        a UDP packet that is no KRPC message (BEP 5)
    │  ├─ MalformedPeerMessage     a peer's stream that breaks BEP 3, 9 or 10
    │  ├─ MalformedMetainfo        an info dict or .torrent file that breaks BEP 3 or 52
    │  └─ MalformedMagnet          a magnet link that names no usable hash (BEP 9, BEP 53)
    └─ TorznabError                a Torznab request that cannot be answered; carries the code (see protocol/torznab/errors.py)

A decoder lets exactly one of these out: peers choose our input, so KeyError, IndexError or RecursionError never pass.
"""


class SwarmdexError(Exception):
    """Everything swarmdex raises on purpose."""


class ProtocolError(SwarmdexError):
    """Somebody else's bytes break a protocol; `reason` is a short stable word for counters."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class MalformedBencode(ProtocolError):
    """Bytes that are not bencode (BEP 3), or break a limit."""


class MalformedDatagram(ProtocolError):
    """A UDP packet that is no KRPC message (BEP 5)."""


class MalformedPeerMessage(ProtocolError):
    """A peer's stream that breaks the peer wire protocol (BEP 3), its extension protocol (BEP 10) or ut_metadata (BEP 9)."""


class MalformedMetainfo(ProtocolError):
    """An info dict or .torrent file that breaks BEP 3 or BEP 52."""


class MalformedMagnet(ProtocolError):
    """A magnet link that names no info hash we can use (BEP 9, BEP 53)."""
