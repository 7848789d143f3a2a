"""Hands out .torrent files: the kept info dict in a wrapper of ours, or else the way to the magnet link."""

import trio
from quart import Response
from werkzeug.exceptions import NotFound

from protocol.magnet import magnet_for
from protocol.torrent_file import TORRENT_TYPE
from web.links import read_info_hash
from web.parts import WebParts

DEADLINE_S = 4.0


class DownloadEndpoint:
    """Answers where feeds link to."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    async def torrent(self, info_hash: str) -> Response:
        """Answer GET /api/download/<info hash>.torrent."""
        with trio.fail_after(DEADLINE_S):
            row = await self._parts.torrents.by_info_hash(read_info_hash(info_hash))
            if row is None:
                raise NotFound("No torrent of this hash is indexed")
            made = await self._parts.info_dicts.torrent_file(row.id, row.trackers) if row.has_info else None
        if made is None:
            magnet = magnet_for(row.info_hash, row.info_hash_v2, row.name, row.size, row.trackers)
            return Response(b"", status=302, headers={"Location": str(magnet)}, content_type="text/plain")
        # Named by its hash: the torrent's own name is a stranger's, and would name a file on somebody's disk.
        name = f"{row.info_hash.hex()}.torrent"
        return Response(
            made,
            content_type=TORRENT_TYPE,
            headers={"Content-Disposition": f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"},
        )
