"""The app of a crawler without an index: how it is, and where the index is. web/app.py has the app of an instance that keeps one."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from quart import Response, render_template, request
from quart_trio import QuartTrio
from werkzeug.exceptions import NotFound, Unauthorized

from config.settings import HttpSettings
from supervisor.mailbox import MailboxStatistics
from supervisor.snapshot import ChildSnapshot
from web.app import answer_errors, check_host, dress_templates, frame
from web.assets import Assets
from web.auth.credentials import presented_key
from web.health import HealthEndpoints
from web.hosts import HostCheck
from web.parts import Readiness
from web.server import PortServer
from web.traffic import Traffic

_STATUS: Final = "/api/v1/status"


@dataclass(frozen=True, slots=True)
class CrawlerParts:
    """Everything the app needs."""

    settings: HttpSettings
    central_url: str
    snapshot: Callable[[], Sequence[ChildSnapshot]]
    mailboxes: Callable[[], Sequence[MailboxStatistics]]
    readiness: Callable[[], Awaitable[Readiness]]
    version: str
    run_token: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    """As X-Internal-Secret they open the status too: whoever runs the central instance may look in."""


class CrawlerServer(PortServer):
    """Serves it."""

    def __init__(self, parts: CrawlerParts, on_bound: Callable[[str], None]) -> None:
        super().__init__(parts.settings.bind, on_bound)
        self._parts = parts

    def _make_app(self, traffic: Traffic) -> QuartTrio:
        return create_crawler_app(self._parts, traffic)


def create_crawler_app(parts: CrawlerParts, traffic: Traffic) -> QuartTrio:
    """The app over `parts`."""
    app = QuartTrio("web", static_folder=None, root_path=str(Path(__file__).parent))
    app.url_map.merge_slashes = False
    assets = Assets(Path(__file__).parent / "static")
    frame(app, traffic)
    _guard(app, parts)
    answer_errors(app)
    dress_templates(app, parts.version, assets)
    health = HealthEndpoints(parts, traffic)
    endpoints = CrawlerEndpoints(parts, assets)
    for rule, handler in (
        ("/", endpoints.page),
        ("/static/<name>", endpoints.asset),
        ("/healthz", health.healthz),
        ("/readyz", health.readyz),
        (_STATUS, health.status),
    ):
        app.add_url_rule(rule, endpoint=rule, view_func=handler, methods=["GET"], provide_automatic_options=False)
    return app


def _guard(app: QuartTrio, parts: CrawlerParts) -> None:
    """What a request passes before its handler. Only the status asks for anything: nothing else tells more than that somebody is here."""
    hosts = HostCheck(parts.settings)

    @app.before_request
    async def check() -> None:
        check_host(hosts)
        if request.url_rule is not None and request.url_rule.rule == _STATUS and not _may_look(parts):
            raise Unauthorized("Ask with `swarmdex status` on this machine, or with the internal secret")


def _may_look(parts: CrawlerParts) -> bool:
    key = presented_key(request)
    presented = request.headers.get("X-Internal-Secret", "")
    fits = [_equal(key.text if key is not None else "", parts.run_token), *(_equal(presented, secret) for secret in parts.secrets)]
    return any(fits)  # each is compared, whichever it is


def _equal(presented: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(presented.encode("utf-8", "replace"), secret.encode())


class CrawlerEndpoints:
    """The one page, and what it is dressed in."""

    def __init__(self, parts: CrawlerParts, assets: Assets) -> None:
        self._parts = parts
        self._assets = assets

    async def page(self) -> Response:
        """Answer GET /: say where to search."""
        page = await render_template("crawler.html", central_url=self._parts.central_url)
        return Response(page, content_type="text/html; charset=utf-8")

    async def asset(self, name: str) -> Response:
        """Answer GET /static/<name>."""
        asset = self._assets.get(name)
        if asset is None:
            raise NotFound()
        return Response(asset.body, content_type=asset.content_type)
