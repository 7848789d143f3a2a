"""What the fetcher has fetched and not handed on yet: bounded in number and in bytes, for strangers decide how large an info dict is."""

from catalog.messages import TorrentsFound
from catalog.model import Torrent
from protocol.identifiers import InfoHash

BATCH = 100
"""Torrents in one message."""
BATCH_INFO_BYTES = 1024 * 1024
"""Kept info dicts in one message, unless a single one is larger: all mailboxes on the way together hold a hundred messages."""
MAX_UNSENT = 500
"""Torrents that wait for room in the outbox; beyond them nothing more is fetched."""
MAX_UNSENT_INFO_BYTES = 32 * 1024 * 1024
"""The same for their kept info dicts."""


class Unsent:
    """Torrents on their way out, the oldest first."""

    def __init__(self) -> None:
        self._torrents: list[tuple[InfoHash, Torrent]] = []
        self._info_bytes = 0

    def __len__(self) -> int:
        return len(self._torrents)

    @property
    def fills_a_message(self) -> bool:
        """There is no need to wait for more."""
        return len(self._torrents) >= BATCH

    @property
    def is_full(self) -> bool:
        """Nothing more should be fetched."""
        return len(self._torrents) >= MAX_UNSENT or self._info_bytes >= MAX_UNSENT_INFO_BYTES

    def add(self, wanted: InfoHash, torrent: Torrent) -> None:
        """`torrent` was found under `wanted`."""
        self._torrents.append((wanted, torrent))
        self._info_bytes += len(torrent.info or b"")

    def next_message(self) -> TorrentsFound:
        """As many as one message holds; at least one, if there is any."""
        batch: list[Torrent] = []
        room = BATCH_INFO_BYTES
        for _, torrent in self._torrents[:BATCH]:
            room -= len(torrent.info or b"")
            if batch and room < 0:
                break
            batch.append(torrent)
        return TorrentsFound(tuple(batch))

    def remove(self, message: TorrentsFound) -> list[InfoHash]:
        """That message is in the outbox; returns the hashes its torrents were wanted by."""
        count = len(message.torrents)
        gone, self._torrents[:count] = self._torrents[:count], []
        self._info_bytes -= sum(len(torrent.info or b"") for _, torrent in gone)
        return [wanted for wanted, _ in gone]
