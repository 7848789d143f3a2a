"""What the web app is given; cli/daemon.py puts it together."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from catalog.messages import JobOrdered, MetadataWanted, TorrentsFound
from config.settings import HttpSettings, IngestSettings, TorznabSettings
from storage.accounts import Accounts
from storage.blocked import Blocked
from storage.history import History
from storage.info_dicts import InfoDicts
from storage.ingest_answers import IngestAnswers
from storage.jobs import Jobs
from storage.saved_searches import SavedSearches
from storage.search.engine import SearchEngine
from storage.torrents import Torrents
from storage.works import Works
from supervisor.mailbox import Mailbox, MailboxStatistics
from supervisor.snapshot import ChildSnapshot
from web.auth.setup_token import SetupToken


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right before requests are welcome."""

    name: str
    """Such as "database", "migrations", "writer"."""
    is_ok: bool
    detail: str = ""
    """What is wrong, in a few words without secrets: anybody may read it."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of /readyz."""

    checks: tuple[Check, ...]

    @property
    def is_ready(self) -> bool:
        """True when every check is right."""
        return all(check.is_ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class IngestParts:
    """What is needed to take torrents from others."""

    found: Mailbox[TorrentsFound]
    """To the classifier; whoever sends waits while it is full."""
    answers: IngestAnswers
    settings: IngestSettings
    max_files: int
    """Files kept of a torrent."""
    info_limit_bytes: int
    """Uploaded info dicts of up to so many bytes are handed on to be kept."""


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What is needed to change the index and to tell how it grows."""

    blocked: Blocked
    history: History
    jobs: Jobs
    job_orders: Mailbox[JobOrdered]
    """To the reprocessor, which also looks by itself."""
    wanted: Mailbox[MetadataWanted] | None
    """To the fetchers; None: the DHT is switched off, and nobody would look for peers."""


@dataclass(frozen=True, slots=True)
class WebParts:
    """Everything the app needs: it has no other way to the rest of swarmdex."""

    torrents: Torrents
    search: SearchEngine
    works: Works
    accounts: Accounts
    info_dicts: InfoDicts
    saved_searches: SavedSearches
    ingest: IngestParts
    api: ApiParts
    settings: HttpSettings
    torznab: TorznabSettings
    snapshot: Callable[[], Sequence[ChildSnapshot]]
    """The state of every supervised child."""
    mailboxes: Callable[[], Sequence[MailboxStatistics]]
    """How full the mailboxes between them are, and what they have seen."""
    readiness: Callable[[], Awaitable[Readiness]]
    version: str
    run_token: str = field(default="", repr=False)
    """Accepted as a key with every scope: the commands of this machine find it in the data folder. Empty: there is none."""
    internal_secrets: tuple[str, ...] = field(default=(), repr=False)
    """What X-Internal-Secret may be; empty: it opens nothing."""
    setup_token: SetupToken = field(default_factory=SetupToken)
    """Lets the first administrator in."""
