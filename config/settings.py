"""Every setting, as frozen dataclasses by part; docs/settings.md lists them all.

A part is handed to the actor that needs it, never the whole. Numbers carry their unit in the name or beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the truth is kept."""

    url: str = field(default="", repr=False)
    """PostgreSQL connection URL (may hold a password); empty: the embedded server, run by swarmdex itself."""
    connections: int = 4
    """Connections in the pool: each is one thread and one server process."""
    statement_timeout_s: float = 60.0
    """The server ends a statement that takes longer; the backstop behind cancellation."""
    account: str = "swarmdex"
    """Started as root, the embedded server runs as this unprivileged account (made if missing); otherwise unused."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The pages, the JSON API and Torznab."""

    bind: str = "127.0.0.1:3333"
    """Address and port; port 0 picks a free one. Loopback unless you put a proxy with TLS in front."""
    public_url: str = ""
    """How others reach this instance, e.g. "https://index.example"; empty: links are made from the request's host."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names requests may carry besides loopback names and that of public_url (guards against DNS rebinding)."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of your own proxies: only their X-Forwarded-For, -Proto and -Host are believed."""
    internal_secret_file: str = ""
    """File with the secret that other swarmdex instances send as X-Internal-Secret, and that this one sends; grants ingest and nothing
    else. Empty: $CREDENTIALS_DIRECTORY/internal_secret, if it is there."""
    requests_per_minute: int = 0
    """How many requests an API key may make a minute, unless the key has a limit of its own; 0: any number."""
    kept_requests: int = 200
    """Torznab requests kept in memory, the last ones, for the page that explains empty answers; 0: none."""


@dataclass(frozen=True, slots=True)
class DhtSettings:
    """The DHT crawler (BEP 5, 42, 51)."""

    enabled: bool = True
    bind: tuple[str, ...] = ("0.0.0.0:0", "[::]:0")
    """Addresses of the sockets; each node takes the next one in turn. Port 0 picks a free one."""
    nodes: int = 2
    """DHT nodes in the pool, one socket and id each: more reach more of the key space and isolate failures, they add no speed."""
    bootstrap: tuple[str, ...] = (
        "router.bittorrent.com:6881",
        "dht.transmissionbt.com:6881",
        "dht.libtorrent.org:25401",
    )
    """Routers asked for the first nodes, "host:port"."""
    allow_loopback: bool = False
    """Talk to 127.0.0.0/8, ::1 and private addresses; for tests and the demo."""
    profile: str = "home"
    """How hard the crawler works: "gentle", "home", "server" or "lab" (loopback only); see docs/settings.md."""
    keyspace: str = "0/1"
    """This instance's share of the key space, "part/parts"."""


@dataclass(frozen=True, slots=True)
class MetadataSettings:
    """Peer look-ups and metadata fetching (BEP 9, BEP 10)."""

    workers: int = 300
    """Fetches at a time; each waits far more than it works (about 5 kB of memory each)."""
    max_size_bytes: int = 10 * 1024 * 1024
    """Larger info dicts are refused before a byte of them is asked for."""
    connect_timeout_s: float = 4.0
    fetch_timeout_s: float = 15.0
    """For one peer, from the connection to the last piece."""
    lookup_timeout_s: float = 20.0
    attempts: int = 3
    """Tries per hash, minutes apart, before it is given up."""
    retry_after_s: float = 180.0
    """From the first failed try to the second; each further pause is four times as long."""
    lookups: int = 64
    """Hashes looked up in the DHT at a time; the nodes' own packet budget decides how fast they are."""
    connections_per_ip: int = 2
    """Connections to one address (IPv6: to one /64) at a time."""
    max_files: int = 2000
    """Files kept per torrent; the true number is always stored."""
    keep_info: bool = False
    """Keep the info dicts themselves, fetched and uploaded, so that .torrent files can be downloaded; tens of kB a torrent."""
    keep_info_max_bytes: int = 1024 * 1024
    """Larger ones are not kept: their torrents have a magnet link only."""

    @property
    def info_limit_bytes(self) -> int:
        """Info dicts of up to so many bytes are kept; 0: none."""
        return self.keep_info_max_bytes if self.keep_info else 0


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """Torrents that others send: /api/ingest and what is below it."""

    max_items: int = 1000
    """Items or files in one request."""
    max_body_bytes: int = 16 * 1024 * 1024
    """One request of JSON or lines, counted as it is when unpacked."""
    max_file_bytes: int = 20 * 1024 * 1024
    """One .torrent file."""
    max_upload_bytes: int = 32 * 1024 * 1024
    """All .torrent files of one request."""
    gzip_ratio: int = 100
    """Fold a packed request may grow."""
    deadline_s: float = 30.0
    """An answer comes after the commit; a request that is not confirmed by then gets 503 and is to be sent again."""


@dataclass(frozen=True, slots=True)
class TorznabProfile:
    """One more Torznab address, /torznab/<name>/api, with habits of its own."""

    categories: tuple[int, ...] = ()
    """Torznab ids searched when a client names none; empty: as /api does."""
    min_seeders: int = 0
    """Only torrents known to have so many; an unknown count is none."""
    min_age_hours: float = 0.0
    """Only torrents first seen at least so long ago."""
    sort: str = ""
    """The order when a client asks for none: "newest", "seeders" or "size"; empty: as /api does."""
    adult: bool = False
    """Show adult content, also unasked. Otherwise this profile never shows it."""


@dataclass(frozen=True, slots=True)
class TorznabSettings:
    """The Torznab API."""

    profiles: Mapping[str, TorznabProfile] = field(default_factory=dict)
    """By the name in their address: small letters, digits, "-" and "_"."""


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """Reading names."""

    workers: int = 1
    """guessit processes."""
    batch_size: int = 20
    timeout_s: float = 1.0
    """Processor time for one name; one that takes longer is stored unparsed. A worker that hangs all the same is killed."""


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Batches into PostgreSQL."""

    batch_size: int = 1000
    max_wait_s: float = 0.5
    """A smaller batch is stored after this long."""


@dataclass(frozen=True, slots=True)
class PushSettings:
    """The central instance that a crawler without a database sends what it finds to; counts where sink = "api"."""

    url: str = ""
    """Of the central instance, e.g. "https://index.example"."""
    secret_file: str = ""
    """File with the central instance's internal secret, at least 32 bytes. Empty: as http.internal_secret_file."""
    batch_size: int = 500
    """Torrents a request, and a file of the spool."""
    max_wait_s: float = 2.0
    """A smaller batch is sent after this long."""
    spool_bytes: int = 1024 * 1024 * 1024
    """What may wait on disk (about 400 bytes a torrent); beyond it nothing more is looked for until the central instance is back."""
    connect_timeout_s: float = 10.0
    timeout_s: float = 60.0
    """For one request, from the connection to the last byte of the answer."""
    probe_after_s: float = 2.0
    """From a failure to the next try; each further pause is twice as long, with a share taken off by chance."""
    probe_longest_s: float = 60.0
    """The longest of those pauses."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The search engine."""

    engine: str = "postgres"


@dataclass(frozen=True, slots=True)
class Settings:
    """All parts; made once by config/loader.py."""

    data_dir: str = ""
    """Where everything is kept; empty: $STATE_DIRECTORY, else $XDG_DATA_HOME/swarmdex, for root /var/lib/swarmdex."""
    log_level: str = "info"
    sink: str = "database"
    """Where what is found goes: "database": an index of its own; "api": the central instance of [push], and there is no database here."""
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    torznab: TorznabSettings = field(default_factory=TorznabSettings)
    dht: DhtSettings = field(default_factory=DhtSettings)
    metadata: MetadataSettings = field(default_factory=MetadataSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    writer: WriterSettings = field(default_factory=WriterSettings)
    push: PushSettings = field(default_factory=PushSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
