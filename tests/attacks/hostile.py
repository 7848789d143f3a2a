"""What strangers would like to see on our pages, and a torrent that carries it in every field they choose.

Every payload brings an element or an attribute named after itself, so that a test can ask the parsed answer whether it got in.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from catalog.model import ClassifiedTorrent, File, Kind
from tests.fakes.classified import info_hash, torrent

ELEMENT = "swx-attack"
ATTRIBUTE = "onswx"

SCRIPT = f"<script>{ELEMENT}()</script><{ELEMENT}>"
PAYLOADS = {
    "script": SCRIPT,
    "attribute": f'" {ATTRIBUTE}="1" autofocus onfocus="alert(1)" x="',
    "single quotes": f"' {ATTRIBUTE}='1' onmouseover='alert(1)' x='",
    "unquoted": f"x {ATTRIBUTE}=1 onload=alert(1)",
    "closes what is open": f"</title></bdi></td></textarea></style></script></svg><{ELEMENT} {ATTRIBUTE}=1><img src=x onerror=alert(1)>",
    "comment": f"--><{ELEMENT}><!--",
    "cdata": f"]]><{ELEMENT}/><![CDATA[",
    "doctype": f'<!DOCTYPE x [<!ENTITY e "{ELEMENT}">]>&e;',
    "entity": f"&lt;{ELEMENT}&gt; &#60;{ELEMENT}&#62; &amp;lt; &bogus; &#0;",
    "processing instruction": f"<?xml-stylesheet href='//evil.example'?><?php {ELEMENT} ?>",
    "item": f"</title></item><item><title>{ELEMENT}</title><{ELEMENT}/>",
    "template": "{{ config }} {% raw %} ${7*7} #{7*7} {{7*7}}",
    "javascript url": "javascript:alert(document.domain)//",
    "data url": "data:text/html,<script>alert(1)</script>",
    "bidi": "Sintel \u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "line ends": "Sintel\r\nSet-Cookie: swx=1\r\n\r\n<html>\u2028\u2029\x85",
    "controls": "Sintel \x01\x08\x0b\x0c\x1b[31m\x1b]0;owned\x07\x7f\x9b",
    "not characters": "Sintel \ufffe\uffff\U0001ffff\ufdd0",
    "overlong": "A" * 3000 + f"<{ELEMENT}>",
    "zalgo": "S" + "\u0301" * 500,
    "formula": "=cmd|'/c calc'!A1",
}
"""By the name of the trick. PostgreSQL keeps neither NUL nor lone surrogates: they are sent to the inputs instead."""

UNSTORABLE = {"nul": "Sintel \x00 <script>", "surrogate": "Sintel \ud800<script>", "surrogates the wrong way round": "\udc00\ud83d"}


def _carrier(trick: str, payload: str) -> ClassifiedTorrent:
    """A torrent with `payload` in every field that a stranger chooses."""
    made = torrent(
        f"{payload} Sintel",
        info_hash=info_hash(trick),
        kind=Kind.MOVIE,
        title=payload,
        group=payload,
        files=(File(payload, 10), File(f"{payload}/{payload}/../../etc/passwd", 20), File(f"..\\{payload}", 30)),
        source=payload[:200],
        site_category=payload,
        published_at=datetime(2010, 9, 30, tzinfo=UTC),
        seeders=3,
        leechers=1,
    )
    return replace(made, torrent=replace(made.torrent, trackers=(f"http://tracker.example/{payload}", payload)))


TORRENTS = [_carrier(trick, payload) for trick, payload in PAYLOADS.items()]
HASHES = {trick: info_hash(trick).hex() for trick in PAYLOADS}


@dataclass(frozen=True)
class Victim:
    """An index full of them, and a key of every scope."""

    conninfo: str
    keys: dict[str, str]
