"""The web app: what holds for every request and every answer. The addresses are in web/routes.py."""

import logging
import secrets
import time
from pathlib import Path

import trio
from quart import Response, g, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MisdirectedRequest

from protocol.display import clean_text
from protocol.torznab.errors import TorznabError
from storage.errors import DatabaseUnavailable, StatementTimeout
from web.access import Access, Gate
from web.assets import Assets
from web.auth.page import SignInFirst, form_token, lead_to_sign_in
from web.auth.principal import ANONYMOUS
from web.auth.proxies import TrustedProxies
from web.compression import compressed
from web.errors import answer_bug, answer_http_error, answer_torznab_error, answer_unavailable
from web.hosts import HostCheck
from web.journal.recorder import Recorder
from web.parts import WebParts
from web.request import FrugalRequest, path_for_logs
from web.routes import routes
from web.traffic import Traffic
from web.words import age_words, ago_words, breakable, number_words, numbering_words, size_words

logger = logging.getLogger("swarmdex.web")

MAX_BODY_BYTES = 64 * 1024 * 1024
"""More than any route takes: each that reads a body brings its own, smaller limit, and the others never read one."""

_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with "no-referrer" browsers send our own forms with `Origin: null`
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def create_app(parts: WebParts, traffic: Traffic | None = None, recorder: Recorder | None = None) -> QuartTrio:
    """The app over `parts`; `traffic` counts what it answers, `recorder` keeps the Torznab requests."""
    app = QuartTrio("web", static_folder=None, root_path=str(Path(__file__).parent))
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.request_class = FrugalRequest
    assets = Assets(Path(__file__).parent / "static")
    traffic = traffic or Traffic()
    recorder = recorder or Recorder(parts.settings.kept_requests, parts.search)
    app.url_map.merge_slashes = False  # its redirects would be HTML on every address
    hosts = HostCheck(parts.settings)
    needs = {}
    for route in routes(parts, assets, traffic, recorder):
        app.add_url_rule(
            route.rule, endpoint=route.endpoint, view_func=route.handler, methods=[route.method], provide_automatic_options=False
        )
        needs[route.endpoint] = route.access
    frame(app, traffic)
    _compress(app)
    _keep_requests(app, recorder, frozenset(endpoint for endpoint, access in needs.items() if access is Access.TORZNAB))
    _guard(app, parts, hosts, needs)
    answer_errors(app)
    dress_templates(app, parts.version, assets)
    app.asgi_app = TrustedProxies(app.asgi_app, parts.settings, hosts)  # type: ignore[method-assign]  # as Quart documents it
    return app


def _guard(app: QuartTrio, parts: WebParts, hosts: HostCheck, needs: dict[str, Access]) -> None:
    """What every request passes before its handler: first the host, then the gate."""
    gate = Gate(parts)

    @app.before_request
    async def check() -> None:
        check_host(hosts)
        if request.url_rule is not None:
            caller = await gate.check(request, needs[request.url_rule.endpoint])
            g.principal, g.session = caller.principal, caller.session


def check_host(hosts: HostCheck) -> None:
    """Refuse a request that was meant for another name."""
    host = request.headers.get("Host", "")
    if not hosts.allows(host):
        raise MisdirectedRequest(f'To use the name in the address, add it to http.allowed_hosts: ["{host[:100]}"]')


def frame(app: QuartTrio, traffic: Traffic) -> None:
    """What every request and its answer get: a number, the security headers, a line in the log. Set up before all that may refuse."""

    @app.before_request
    async def begin() -> None:
        g.request_id = secrets.token_hex(6)
        g.started = time.perf_counter()
        g.principal, g.session = ANONYMOUS, None
        traffic.began()

    @app.after_request
    async def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        for name, value in _SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        if request.scheme == "https":
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if _has_unread_body():
            response.headers["Connection"] = "close"
        seconds = time.perf_counter() - g.started
        traffic.answered(response.status_code, seconds)
        g.is_answered = True
        logger.debug("%s %s %s %d %.1f ms", g.request_id, request.method, path_for_logs(request), response.status_code, seconds * 1000)
        return response

    @app.teardown_request
    async def leave(_error: BaseException | None) -> None:
        if "started" in g and "is_answered" not in g:
            traffic.abandoned()  # the client left, or the server stops


def _compress(app: QuartTrio) -> None:
    @app.after_request
    async def compress(response: Response) -> Response:
        return await compressed(request, response)


def _keep_requests(app: QuartTrio, recorder: Recorder, torznab: frozenset[str]) -> None:
    @app.after_request
    async def keep(response: Response) -> Response:
        if request.url_rule is not None and request.url_rule.endpoint in torznab:
            recorder.record(response)
        return response


def _has_unread_body() -> bool:
    """A body that still arrives after the answer would be taken for the next request: the connection must end (HTTP/1 only)."""
    return request.http_version.startswith("1") and (bool(request.content_length) or "Transfer-Encoding" in request.headers)


def answer_errors(app: QuartTrio) -> None:
    """Put every error into the language of its address."""
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(SignInFirst, lead_to_sign_in)
    app.register_error_handler(TorznabError, answer_torznab_error)
    for unavailable in (DatabaseUnavailable, StatementTimeout, trio.TooSlowError):
        app.register_error_handler(unavailable, answer_unavailable)
    app.register_error_handler(Exception, answer_bug)


def dress_templates(app: QuartTrio, version: str, assets: Assets) -> None:
    """Give the templates what they use."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals |= {"asset": assets.url, "version": version, "form_token": form_token}
    app.jinja_env.filters |= {
        "clean": clean_text,
        "breakable": breakable,
        "size": size_words,
        "age": age_words,
        "ago": ago_words,
        "number": number_words,
        "numbering": numbering_words,
    }
