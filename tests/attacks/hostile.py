"""What strangers would like to see on our pages, and an index that carries it in every field they choose.

Every payload brings an element or an attribute named after itself, so that a test can ask the parsed answer whether it got in.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from catalog.model import ClassifiedTorrent, File, Kind
from storage.accounts import Accounts
from storage.database import Database
from storage.saved_searches import SavedSearches
from storage.torrents import Torrents
from tests.fakes.classified import info_hash, torrent
from tests.fakes.passwords import cheap_passwords

ELEMENT = "swx-attack"
ATTRIBUTE = "onswx"
PASSWORD = "a password of the victim"  # noqa: S105 - of nobody

PAYLOADS = {
    "script": f"<script>{ELEMENT}()</script><{ELEMENT}>",
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
    "line ends": "Sintel\r\nSet-Cookie: planted=1\r\n\r\n<html>\u2028\u2029\x85",
    "controls": "Sintel \x01\x08\x0b\x0c\x1b[31m\x1b]0;owned\x07\x7f\x9b",
    "not characters": "Sintel \ufffe\uffff\U0001ffff\ufdd0",
    "overlong": "A" * 3000 + f"<{ELEMENT}>",
    "zalgo": "S" + "\u0301" * 500,
}
"""By the name of the trick. PostgreSQL keeps neither NUL nor lone surrogates: those are sent to the inputs instead."""

UNSTORABLE = {"nul": "Sintel \x00 <script>", "surrogate": "Sintel \ud800<script>", "surrogates the wrong way round": "\udc00\ud83d"}

HASHES = {trick: info_hash(trick).hex() for trick in PAYLOADS}


@dataclass(frozen=True)
class Victim:
    """Where the index is, and what opens it."""

    conninfo: str
    keys: dict[str, str] = field(repr=False)
    """By scope."""
    session: str = field(repr=False)
    """An administrator's."""
    saved: int
    """The number of a saved search."""

    def secrets(self) -> tuple[str, ...]:
        """What no answer, page or line of a log may ever hold."""
        return (*self.keys.values(), self.session, PASSWORD)


async def fill(database: Database, conninfo: str) -> Victim:
    """Give it everything that strangers and users can name."""
    await Torrents(database).store([_carrier(trick, payload) for trick, payload in PAYLOADS.items()])
    accounts = Accounts(database, passwords=cheap_passwords())
    admin = await accounts.create_first_admin(f"<{ELEMENT}>", PASSWORD)
    assert admin is not None
    keys = {}
    for scope in ("search", "ingest", "metrics", "admin"):
        keys[scope] = (await accounts.create_key(f"<{ELEMENT} {ATTRIBUTE}='{scope}'>", [scope])).text
    sessions = [await accounts.open_session(admin.id, address="192.0.2.1", agent=payload) for payload in PAYLOADS.values()]
    printable = [payload for payload in PAYLOADS.values() if payload.isprintable() and len(payload) <= 100]
    saved = [await SavedSearches(database).save(payload, {"q": payload}) for payload in printable]
    return Victim(conninfo, keys, sessions[0].text, saved[0].id)


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
