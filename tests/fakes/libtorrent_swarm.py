"""Real peers nobody here wrote: libtorrent sessions on loopback, each with an address of its own, as DHT nodes and seeders."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import libtorrent

PORT = 6881
_PIECE = 16 * 1024
_FORMATS = {"v1": libtorrent.create_torrent.v1_only, "v2": libtorrent.create_torrent.v2_only, "hybrid": 0}


@dataclass(frozen=True)
class SeededTorrent:
    """What a session seeds, with the hashes libtorrent computed."""

    name: str
    format: str
    info_hash: bytes | None
    info_hash_v2: bytes | None
    file_count: int
    size: int


class LibtorrentSwarm:
    """Some sessions that know each other, and the torrents they seed.

    Found to matter: no default bootstrap node, nodes made known both ways, an address per session, and no limit on a fast asker.
    """

    def __init__(self, *, sessions: int = 6, network: int = 31) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="swarmdex-seeds-")
        self._addresses = [f"127.{network}.{number}.{number + 7}" for number in range(1, sessions + 1)]
        self._sessions = [_session(address) for address in self._addresses]
        self.torrents: list[SeededTorrent] = []
        for session, own in zip(self._sessions, self._addresses, strict=True):
            for address in self._addresses:
                if address != own:
                    session.add_dht_node((address, PORT))

    @property
    def bootstrap(self) -> list[str]:
        return [f"{address}:{PORT}" for address in self._addresses]

    def seed(self, name: str, torrent_format: str, files: dict[str, int]) -> SeededTorrent:
        """Make a torrent of files with the given sizes, seed it from one session, and announce it."""
        root = Path(self._folder.name) / name
        for path, size in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(bytes(index * 31 % 251 for index in range(size)))
        entries = libtorrent.list_files(str(root))
        torrent = libtorrent.create_torrent(entries, piece_size=_PIECE, flags=_FORMATS[torrent_format])
        libtorrent.set_piece_hashes(torrent, str(root.parent))
        info = libtorrent.torrent_info(torrent.generate())
        hashes = info.info_hashes()
        seeded = SeededTorrent(
            name=name,
            format=torrent_format,
            info_hash=hashes.v1.to_bytes() if hashes.has_v1() else None,
            info_hash_v2=hashes.v2.to_bytes() if hashes.has_v2() else None,
            file_count=len(files),
            size=sum(files.values()),
        )
        session = self._sessions[len(self.torrents) % len(self._sessions)]
        parameters = libtorrent.add_torrent_params()
        parameters.ti = info
        parameters.save_path = str(root.parent)
        parameters.flags &= ~(libtorrent.torrent_flags.auto_managed | libtorrent.torrent_flags.paused)
        parameters.flags |= libtorrent.torrent_flags.seed_mode
        session.add_torrent(parameters).force_dht_announce()
        self.torrents.append(seeded)
        return seeded

    def announce_again(self) -> None:
        """libtorrent spreads its announces over time; ask for them now."""
        for session in self._sessions:
            for handle in session.get_torrents():
                handle.force_dht_announce()

    def close(self) -> None:
        for session in self._sessions:
            session.pause()
        self._sessions.clear()
        self._folder.cleanup()


def _session(address: str) -> libtorrent.session:
    return libtorrent.session(
        {
            "listen_interfaces": f"{address}:{PORT}",
            "enable_dht": True,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "dht_bootstrap_nodes": "",
            "dht_block_ratelimit": 1_000_000,
            "dht_upload_rate_limit": 10_000_000,
            "alert_mask": 0,
        }
    )
