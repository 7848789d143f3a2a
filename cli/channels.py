"""Every channel of the daemon in one place: reading it from top to bottom is reading a torrent's way.

All are bounded. Senders wait when theirs is full, so the pressure runs back to the source; only DHT nodes do not wait: they drop
their newest findings, count them, and stop asking.
"""

from dataclasses import dataclass
from typing import Any

from catalog.messages import InfoHashesSampled, JobOrdered, LookUpPeers, MetadataWanted, PeersAnnounced, TorrentsClassified, TorrentsFound
from supervisor.mailbox import Mailbox, MailboxStatistics

_WANTED_REDELIVERIES = 50
"""The fetcher holds thousands of hashes for up to a quarter of an hour each: a crash finds them all, and most did not cause it."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The mailboxes between the actors; they outlive all of them."""

    findings: Mailbox[InfoHashesSampled | PeersAnnounced]
    """DHT nodes to triage: hashes, some with a peer."""
    wanted: Mailbox[MetadataWanted]
    """Triage to the fetchers: hashes neither stored nor blocked."""
    lookups: tuple[Mailbox[LookUpPeers], ...]
    """Fetchers to the DHT nodes, one mailbox a node."""
    found: Mailbox[TorrentsFound]
    """Fetchers, and whoever else brings torrents, to the classifier."""
    classified: Mailbox[TorrentsClassified]
    """Classifier to writer."""
    jobs: Mailbox[JobOrdered]
    """Web to reprocessor."""

    @classmethod
    def open(cls, nodes: int) -> "Channels":
        """Make them, for a pool of so many DHT nodes."""
        return cls(
            findings=Mailbox("findings", 128),
            wanted=Mailbox("wanted", 16, redeliveries=_WANTED_REDELIVERIES),
            lookups=tuple(Mailbox(f"lookups-{number}", 256) for number in range(nodes)),
            found=Mailbox("found", 64),
            classified=Mailbox("classified", 64),
            jobs=Mailbox("jobs", 8),
        )

    def statistics(self) -> tuple[MailboxStatistics, ...]:
        """Depth, waits and drops of each."""
        mailboxes: tuple[Mailbox[Any], ...] = (self.findings, self.wanted, *self.lookups, self.found, self.classified, self.jobs)
        return tuple(mailbox.statistics() for mailbox in mailboxes)
