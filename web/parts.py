"""What the web app is given; cli/daemon.py puts it together."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from config.settings import HttpSettings
from storage.accounts import Accounts
from storage.search.engine import SearchEngine
from storage.torrents import Torrents
from supervisor.mailbox import MailboxStatistics
from supervisor.snapshot import ChildSnapshot


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
class WebParts:
    """Everything the app needs: it has no other way to the rest of swarmdex."""

    torrents: Torrents
    search: SearchEngine
    accounts: Accounts
    settings: HttpSettings
    snapshot: Callable[[], Sequence[ChildSnapshot]]
    """The state of every supervised child."""
    mailboxes: Callable[[], Sequence[MailboxStatistics]]
    """How full the mailboxes between them are, and what they have seen."""
    readiness: Callable[[], Awaitable[Readiness]]
    version: str
    run_token: str = field(default="", repr=False)
    """Accepted as a key with every scope: the commands of this machine find it in the data folder. Empty: there is none."""
