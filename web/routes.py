"""Every address there is, what each asks of its callers, and who answers. A route cannot be added without saying what it asks for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from quart import Response

from web.access import Access
from web.api import ApiEndpoints
from web.assets import Assets
from web.health import HealthEndpoints
from web.pages import Pages
from web.parts import WebParts
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
    def endpoint(self) -> str:
        """Its name: "POST /api/ingest"."""
        return f"{self.method} {self.rule}"


def routes(parts: WebParts, assets: Assets, traffic: Traffic) -> tuple[Route, ...]:
    """The whole table."""
    return (
        *_pages(Pages(parts, assets)),
        *_torznab(TorznabEndpoint(parts)),
        *_api(ApiEndpoints(parts)),
        *_health(HealthEndpoints(parts, traffic)),
    )


def _pages(pages: Pages) -> tuple[Route, ...]:
    return (
        Route("/", Access.PAGE, pages.search),
        Route("/t/<info_hash>", Access.PAGE, pages.torrent),
        Route("/static/<name>", Access.OPEN, pages.asset),
        Route("/robots.txt", Access.OPEN, pages.robots),
    )


def _torznab(torznab: TorznabEndpoint) -> tuple[Route, ...]:
    return (
        # With and without the slash, and without a redirect: some clients follow none.
        Route("/api", Access.TORZNAB, torznab.answer),
        Route("/api/", Access.TORZNAB, torznab.answer),
        Route("/torznab/api", Access.TORZNAB, torznab.answer),
        Route("/torznab/api/", Access.TORZNAB, torznab.answer),
    )


def _api(api: ApiEndpoints) -> tuple[Route, ...]:
    return (
        Route("/api/v1/search", Access.SEARCH, api.search),
        Route("/api/v1/torrents/<info_hash>", Access.SEARCH, api.torrent),
    )


def _health(health: HealthEndpoints) -> tuple[Route, ...]:
    return (
        Route("/healthz", Access.OPEN, health.healthz),
        Route("/readyz", Access.OPEN, health.readyz),
        Route("/api/v1/status", Access.ADMIN, health.status),
    )
