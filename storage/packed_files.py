"""The file lists of a batch, packed before its transaction begins, in the event loop's own thread.

zlib lets go of the interpreter's lock at every call, however short. A thread that does so beside a busy event loop gets the lock back
only after five milliseconds (sys.getswitchinterval), and a batch of a thousand lists took ten seconds. Without a second thread in the
way, a list takes ten microseconds.
"""

from collections.abc import Sequence

import trio

from catalog.model import ClassifiedTorrent, File
from storage import filelist

_SLICE = 50
"""Lists packed before other tasks get their turn: half a millisecond, if they are not long."""


class PackedFiles:
    """File lists by the very tuples they were made of."""

    def __init__(self) -> None:
        self._packed: dict[int, tuple[tuple[File, ...], bytes]] = {}  # with the tuple: while it is kept, no other can have its id

    async def add(self, batch: Sequence[ClassifiedTorrent]) -> None:
        """Pack the lists of a batch. One that cannot be packed is left for `of` to fail on, which says whose it is."""
        for number, torrent in enumerate(batch, 1):
            files = torrent.torrent.files
            if files:
                try:
                    self._packed[id(files)] = files, filelist.encode(files)
                except Exception:  # noqa: S112
                    continue
            if number % _SLICE == 0:
                await trio.lowlevel.checkpoint()

    def of(self, files: tuple[File, ...]) -> bytes:
        """The packed list; packed now if it is none of the batch's."""
        found = self._packed.get(id(files))
        return filelist.encode(files) if found is None else found[1]
