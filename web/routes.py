"""Every address there is, what each asks of its callers, and who answers. A route cannot be added without saying what it asks for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from quart import Response

from web.access import Access
from web.api.blocked import BlockedEndpoints
from web.api.description import DescriptionEndpoints
from web.api.fetching import FetchEndpoints
from web.api.jobs import JobEndpoints
from web.api.keys import KeyEndpoints
from web.api.search import SearchEndpoint
from web.api.stats import StatsEndpoint
from web.api.torrents import TorrentEndpoints
from web.assets import Assets
from web.auth.account_page import AccountPage
from web.auth.keys_page import KeysPage
from web.auth.limits import Attempts
from web.auth.setup_page import SetupPage
from web.auth.sign_in import SignInPages
from web.download import DownloadEndpoint
from web.health import HealthEndpoints
from web.ingest.endpoint import IngestEndpoints
from web.journal.endpoints import JournalEndpoints
from web.journal.recorder import Recorder
from web.operation import Operation, operation_of
from web.pages import Pages
from web.parts import WebParts
from web.saved.feed import FeedEndpoint
from web.saved.searches import SavedSearchEndpoints
from web.torznab.endpoint import TorznabEndpoint
from web.traffic import Traffic

Handler = Callable[..., Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """An address and a method, who may use it, and who answers."""

    rule: str
    access: Access
    handler: Handler
    method: str = "GET"
    """GET stands for HEAD too."""

    @property
    def operation(self) -> Operation | None:
        """What it does, for /openapi.json; every JSON route says so (web/operation.py)."""
        return operation_of(self.handler)

    @property
    def endpoint(self) -> str:
        """Its name: "POST /api/ingest"."""
        return f"{self.method} {self.rule}"


def routes(parts: WebParts, assets: Assets, traffic: Traffic, recorder: Recorder) -> tuple[Route, ...]:
    """The whole table."""
    torznab = TorznabEndpoint(parts)
    table = (
        *_pages(Pages(parts, assets)),
        *_accounts(parts),
        *_torznab(torznab),
        *_downloads(DownloadEndpoint(parts)),
        *_saved(SavedSearchEndpoints(parts), FeedEndpoint(parts)),
        *_journal(JournalEndpoints(parts, recorder, torznab.again)),
        *_ingest(IngestEndpoints(parts)),
        *_api(parts),
        *_health(HealthEndpoints(parts, traffic)),
    )
    return (*table, *_description(table, parts.version))


def _pages(pages: Pages) -> tuple[Route, ...]:
    return (
        Route("/", Access.PAGE, pages.search),
        Route("/t/<info_hash>", Access.PAGE, pages.torrent),
        Route("/static/<name>", Access.OPEN, pages.asset),
        Route("/robots.txt", Access.OPEN, pages.robots),
    )


def _accounts(parts: WebParts) -> tuple[Route, ...]:
    attempts = Attempts()
    setup, sign_in = SetupPage(parts, attempts), SignInPages(parts, attempts)
    keys, account = KeysPage(parts), AccountPage(parts, attempts)
    return (
        Route("/setup", Access.SETUP, setup.show),
        Route("/setup", Access.SETUP, setup.set_up, "POST"),
        Route("/login", Access.OPEN, sign_in.show),
        Route("/login", Access.OPEN, sign_in.sign_in, "POST"),
        Route("/logout", Access.ACCOUNT, sign_in.sign_out, "POST"),
        Route("/keys", Access.ACCOUNT, keys.show),
        Route("/keys", Access.ACCOUNT, keys.create, "POST"),
        Route("/keys/<key_id>/revoke", Access.ACCOUNT, keys.revoke, "POST"),
        Route("/account", Access.ACCOUNT, account.show),
        Route("/account/password", Access.ACCOUNT, account.change_password, "POST"),
        Route("/account/sessions/end", Access.ACCOUNT, account.end_other_sessions, "POST"),
        Route("/account/sessions/<int:session_id>/end", Access.ACCOUNT, account.end_session, "POST"),
        Route("/account/users", Access.ACCOUNT, account.add_user, "POST"),
        Route("/account/users/<int:user_id>/remove", Access.ACCOUNT, account.remove_user, "POST"),
    )


def _torznab(torznab: TorznabEndpoint) -> tuple[Route, ...]:
    return (
        # With and without the slash, and without a redirect: some clients follow none.
        Route("/api", Access.TORZNAB, torznab.answer),
        Route("/api/", Access.TORZNAB, torznab.answer),
        Route("/torznab/api", Access.TORZNAB, torznab.answer),
        Route("/torznab/api/", Access.TORZNAB, torznab.answer),
        Route("/torznab/<profile>/api", Access.TORZNAB, torznab.answer),
        Route("/torznab/<profile>/api/", Access.TORZNAB, torznab.answer),
    )


def _downloads(download: DownloadEndpoint) -> tuple[Route, ...]:
    return (Route("/api/download/<info_hash>.torrent", Access.DOWNLOAD, download.torrent),)


def _saved(searches: SavedSearchEndpoints, feed: FeedEndpoint) -> tuple[Route, ...]:
    return (
        Route("/searches", Access.ACCOUNT, searches.show),
        Route("/searches", Access.ACCOUNT, searches.create, "POST"),
        Route("/searches/<int(max=999999999):number>/delete", Access.ACCOUNT, searches.remove, "POST"),
        Route("/feeds/<int(max=999999999):number>", Access.FEED, feed.feed),
        Route("/api/v1/searches", Access.SEARCH, searches.list_json),
        Route("/api/v1/searches", Access.ADMIN, searches.create_json, "POST"),
        Route("/api/v1/searches/<int(max=999999999):number>", Access.ADMIN, searches.remove_json, "DELETE"),
    )


def _journal(journal: JournalEndpoints) -> tuple[Route, ...]:
    return (
        Route("/torznab/requests", Access.ACCOUNT, journal.list_page),
        Route("/torznab/requests/<int:number>", Access.ACCOUNT, journal.detail_page),
        Route("/torznab/requests/<int:number>/replay", Access.ACCOUNT, journal.replay_page, "POST"),
        Route("/api/v1/torznab/requests", Access.ADMIN, journal.requests),
        Route("/api/v1/torznab/requests/<int:number>", Access.ADMIN, journal.one),
        Route("/api/v1/torznab/requests/<int:number>/replay", Access.ADMIN, journal.replay, "POST"),
    )


def _ingest(ingest: IngestEndpoints) -> tuple[Route, ...]:
    return (
        Route("/api/ingest", Access.INGEST, ingest.one, "POST"),
        Route("/api/ingest/bulk", Access.INGEST, ingest.bulk, "POST"),
        Route("/api/ingest/file", Access.INGEST, ingest.file, "POST"),
        Route("/api/ingest/unknown", Access.INGEST, ingest.unknown, "POST"),
    )


def _api(parts: WebParts) -> tuple[Route, ...]:
    return (
        Route("/api/v1/search", Access.SEARCH, SearchEndpoint(parts).search),
        Route("/api/v1/stats", Access.SEARCH, StatsEndpoint(parts).stats),
        *_api_torrents(TorrentEndpoints(parts), FetchEndpoints(parts), BlockedEndpoints(parts)),
        *_api_jobs(JobEndpoints(parts)),
        *_api_keys(KeyEndpoints(parts)),
    )


def _api_torrents(torrents: TorrentEndpoints, fetching: FetchEndpoints, blocked: BlockedEndpoints) -> tuple[Route, ...]:
    return (
        Route("/api/v1/torrents/<info_hash>", Access.SEARCH, torrents.show),
        Route("/api/v1/torrents/<info_hash>", Access.ADMIN, torrents.delete, "DELETE"),
        Route("/api/v1/torrents/<info_hash>/block", Access.ADMIN, torrents.block, "POST"),
        Route("/api/v1/torrents/<info_hash>/reprocess", Access.ADMIN, torrents.reprocess, "POST"),
        Route("/api/v1/torrents/<info_hash>/fetch", Access.ADMIN, fetching.by_hash, "POST"),
        Route("/api/v1/fetch", Access.ADMIN, fetching.by_order, "POST"),
        Route("/api/v1/blocked", Access.ADMIN, blocked.list),
        Route("/api/v1/blocked", Access.ADMIN, blocked.block, "POST"),
        Route("/api/v1/blocked/<info_hash>", Access.ADMIN, blocked.unblock, "DELETE"),
    )


def _api_jobs(jobs: JobEndpoints) -> tuple[Route, ...]:
    return (
        Route("/api/v1/reprocess", Access.ADMIN, jobs.reprocess, "POST"),
        Route("/api/v1/reindex", Access.ADMIN, jobs.reindex, "POST"),
        Route("/api/v1/jobs", Access.ADMIN, jobs.list),
        Route("/api/v1/jobs/<int:job_id>", Access.ADMIN, jobs.show),
        Route("/api/v1/jobs/<int:job_id>", Access.ADMIN, jobs.remove, "DELETE"),
    )


def _api_keys(keys: KeyEndpoints) -> tuple[Route, ...]:
    return (
        Route("/api/v1/keys", Access.ADMIN, keys.list),
        Route("/api/v1/keys", Access.ADMIN, keys.create, "POST"),
        Route("/api/v1/keys/<key_id>", Access.ADMIN, keys.revoke, "DELETE"),
    )


def _description(described: tuple[Route, ...], version: str) -> tuple[Route, ...]:
    description = DescriptionEndpoints(described, version)
    return (
        Route("/openapi.json", Access.OPEN, description.openapi),
        Route("/docs", Access.PAGE, description.page),
    )


def _health(health: HealthEndpoints) -> tuple[Route, ...]:
    return (
        Route("/healthz", Access.OPEN, health.healthz),
        Route("/readyz", Access.OPEN, health.readyz),
        Route("/api/v1/status", Access.ADMIN, health.status),
    )
