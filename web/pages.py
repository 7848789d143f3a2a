"""The pages people see: search and detail. They work without JavaScript."""

from collections.abc import Sequence
from datetime import UTC, datetime

import trio
from quart import Response, render_template, request
from werkzeug.exceptions import NotFound

from protocol.magnet import magnet_for
from protocol.torznab.categories import Category, known_categories
from supervisor.snapshot import ChildSnapshot
from web.api.torrents import readable_files
from web.assets import Assets
from web.filetree import file_tree
from web.filters import FIELDS
from web.form import MAX_PAGE, PAGE_SIZE, SORTS, read_form
from web.links import base_url, read_info_hash
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S
from web.words import KIND_LABELS, KIND_NAMES

MAX_FILES_SHOWN = 1000
"""Each is 40 µs of the event loop's time; who wants them all asks the API."""
_IMMUTABLE = "public, max-age=31536000, immutable"


class Pages:
    """Search, detail, and the files they refer to."""

    def __init__(self, parts: WebParts, assets: Assets) -> None:
        self._parts = parts
        self._assets = assets

    async def search(self) -> Response:
        """Answer GET /?q=&kind=&sort=&page=1."""
        form = read_form(request.args)
        started = trio.current_time()
        with trio.fail_after(SEARCH_DEADLINE_S):
            page = await self._parts.search.search(form.query())
            took_ms = (trio.current_time() - started) * 1000
            counts = None if form.text else await self._parts.torrents.counts()
        first = (form.page - 1) * PAGE_SIZE + 1
        last_page = min(MAX_PAGE, -(-page.total // PAGE_SIZE)) if page.total_is_exact else MAX_PAGE
        is_empty_index = counts is not None and not counts.torrents
        return await self._page(
            "search.html",
            form=form,
            page=page,
            counts=counts,
            hits=[(row, str(magnet_for(row.info_hash, row.info_hash_v2, row.name, row.size, row.trackers))) for row in page.rows],
            first=first,
            last=first + len(page.rows) - 1,
            has_next=form.page < last_page and len(page.rows) == PAGE_SIZE,
            took_ms=took_ms,
            sorts={name: label for name, (_, label) in SORTS.items()},
            filter_fields=FIELDS,
            filter_categories=tuple(Category),
            is_empty_index=is_empty_index,
            crawlers=crawlers_of(self._parts.snapshot()) if is_empty_index else (),
        )

    async def torrent(self, info_hash: str) -> Response:
        """Answer GET /t/<info hash>."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            row = await self._parts.torrents.by_info_hash(read_info_hash(info_hash))
            if row is None:
                raise NotFound("This torrent is not in the index (yet).")
            files = await readable_files(self._parts, row)
        return await self._page(
            "torrent.html",
            row=row,
            magnet=str(magnet_for(row.info_hash, row.info_hash_v2, row.name, row.size, row.trackers)),
            tree=file_tree(files[:MAX_FILES_SHOWN]),
            files_shown=min(len(files), MAX_FILES_SHOWN),
            categories=known_categories(row.categories),
        )

    async def asset(self, name: str) -> Response:
        """Answer GET /static/<name>; the URL changes with the content, so it may be kept for ever."""
        asset = self._assets.get(name)
        if asset is None:
            raise NotFound()
        response = Response(asset.body, content_type=asset.content_type)
        response.headers["Cache-Control"] = _IMMUTABLE
        return response

    async def robots(self) -> Response:
        """Answer GET /robots.txt: an index of torrents has no business in a web index."""
        return Response(b"User-agent: *\nDisallow: /\n", content_type="text/plain; charset=utf-8")

    async def _page(self, template: str, **context: object) -> Response:
        body = await render_template(
            template,
            now=datetime.now(UTC),
            kind_names=KIND_NAMES,
            kind_labels=KIND_LABELS,
            torznab_url=f"{base_url(self._parts.settings, request)}/api",
            **context,
        )
        return Response(body, content_type="text/html; charset=utf-8")


def crawlers_of(children: Sequence[ChildSnapshot]) -> tuple[ChildSnapshot, ...]:
    """The children that bring torrents in."""
    return tuple(child for child in children if child.kind == "actor" and {"dht", "metadata"} & set(child.path.split("/")))
