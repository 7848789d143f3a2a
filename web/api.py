"""The JSON twin of the pages: /api/v1/search and /api/v1/torrents/<info hash>."""

import logging
from typing import Any

import msgspec
import trio
from quart import Response, request
from werkzeug.exceptions import NotFound

from catalog.model import File, TorrentRow
from protocol.magnet import magnet_for
from storage.errors import CorruptFileList
from storage.search.engine import MAX_WINDOW, SearchQuery
from web.errors import JSON_TYPE
from web.form import MAX_API_LIMIT, MAX_TEXT, PAGE_SIZE, SORTS, SearchForm, kinds_shown, read_kind, read_number, read_sort
from web.links import base_url, details_url
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S

logger = logging.getLogger("swarmdex.web")


class ApiEndpoints:
    """Search and look-up for scripts."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    async def search(self) -> Response:
        """Answer GET /api/v1/search?q=&kind=&sort=&limit=&offset=0."""
        query = _query()
        with trio.fail_after(SEARCH_DEADLINE_S):
            page = await self._parts.search.search(query)
        base = base_url(self._parts.settings, request)
        return _json(
            {
                "total": page.total,
                "total_is_exact": page.total_is_exact,
                "offset": query.offset,
                "torrents": [torrent_json(row, base) for row in page.rows],
            }
        )

    async def torrent(self, info_hash: str) -> Response:
        """Answer GET /api/v1/torrents/<info hash>."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            row = await self._parts.torrents.by_info_hash(read_info_hash(info_hash))
            if row is None:
                raise NotFound("No torrent of this hash is indexed")
            files = await readable_files(self._parts, row)
        described = torrent_json(row, base_url(self._parts.settings, request))
        return _json({**described, "files": [{"path": file.path, "size": file.size} for file in files]})


def torrent_json(row: TorrentRow, base: str) -> dict[str, Any]:
    """A stored torrent for scripts: None is "unknown"."""
    parsed = row.parsed
    return {
        "info_hash": row.info_hash.hex(),
        "info_hash_v2": row.info_hash_v2.hex() if row.info_hash_v2 is not None else None,
        "name": row.name,
        "size": row.size,
        "file_count": row.file_count,
        "kind": row.kind,
        "categories": row.categories,
        "title": parsed.title,
        "year": parsed.year,
        "seasons": parsed.seasons,
        "episodes": parsed.episodes,
        "absolute_episodes": parsed.absolute_episodes,
        "date": parsed.date,
        "resolution": parsed.resolution,
        "video_codec": parsed.video_codec,
        "source": parsed.source,
        "group": parsed.group,
        "languages": parsed.languages,
        "confidence": parsed.confidence,
        "stage": parsed.stage,
        "seeders": row.seeders,
        "leechers": row.leechers,
        "swarm_at": row.swarm_at,
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
        "published_at": row.published_at,
        "found_by": row.sources,
        "magnet": str(magnet_for(row.info_hash, row.info_hash_v2, row.name, row.size)),
        "details_url": details_url(base, row.info_hash),
    }


async def readable_files(parts: WebParts, row: TorrentRow) -> tuple[File, ...]:
    """The files of a torrent; none, and a line in the log, where the stored list cannot be read: the rest is still of use."""
    try:
        return await parts.torrents.files(row.id)
    except CorruptFileList as error:
        logger.warning("the files of %s are not shown: %s", row.info_hash.hex(), error)
        return ()


def read_info_hash(text: str) -> bytes:
    """40 hexadecimal digits, or the 64 of a v2 hash. Raises NotFound for anything else."""
    try:
        raw = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        raw = b""
    if len(raw) not in {20, 32}:
        raise NotFound("An info hash has 40 hexadecimal digits, or 64 (v2)")
    return raw


def _query() -> SearchQuery:
    arguments = request.args
    form = SearchForm(text=arguments.get("q", "")[:MAX_TEXT].strip(), sort=read_sort(arguments.get("sort", "")))
    return SearchQuery(
        text=form.text,
        kinds=kinds_shown(read_kind(arguments.get("kind", ""))),
        order=SORTS[form.effective_sort][0],
        limit=read_number(arguments, "limit", default=PAGE_SIZE, least=1, most=MAX_API_LIMIT),
        offset=read_number(arguments, "offset", default=0, least=0, most=MAX_WINDOW),
    )


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value, enc_hook=str), content_type=JSON_TYPE)
