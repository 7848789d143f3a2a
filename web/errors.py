"""Error answers, each in the language of the address that was asked: XML on Torznab, JSON on the API, a page elsewhere.

A Torznab client that is sent HTML takes the whole site for broken, so the language follows the path alone, and holds for
addresses and methods that do not exist just as well.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from http import HTTPStatus

import msgspec
import trio
from quart import Response, g, render_template, request
from werkzeug.exceptions import BadRequest, HTTPException

from protocol.torznab.errors import REQUEST_LIMIT_REACHED, ErrorCode, TorznabError, error_document
from storage.errors import DatabaseUnavailable, StatementTimeout
from web.journal.recorder import note_error
from web.request import path_for_logs

logger = logging.getLogger("swarmdex.web")

RETRY_AFTER_S = 10
XML_TYPE = "application/xml; charset=utf-8"
JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
"""RFC 9457."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request, and where."""

    detail: str
    pointer: str = ""
    """Into a JSON body (RFC 6901), "/3/info_hash"."""
    line: int | None = None
    """Of a body of lines, from 1."""
    parameter: str = ""
    """In the address."""


class BadInput(BadRequest):
    """A request whose content is wrong; says where."""

    def __init__(self, detail: str, *faults: Fault) -> None:
        super().__init__(detail)
        self.faults = faults


class Language(Enum):
    """What an address answers in."""

    XML = "xml"
    JSON = "json"
    HTML = "html"


_TORZNAB_CODES = {
    400: ErrorCode.INCORRECT_PARAMETER,
    401: ErrorCode.BAD_CREDENTIALS,
    403: ErrorCode.NOT_AUTHORISED,
    404: ErrorCode.NO_SUCH_ITEM,
    405: ErrorCode.NO_SUCH_FUNCTION,
    413: ErrorCode.INCORRECT_PARAMETER,
    429: ErrorCode.REQUEST_LIMIT,
}
_WORDS = {
    400: ("That request makes no sense", "One of the values in the address is not understood."),
    401: ("A key is needed", "This instance is open to other machines, so its pages ask for an API key: any name, the key as password."),
    403: ("Not allowed", "Your key does not allow this."),
    404: ("Nothing here", "There is no page at this address."),
    405: ("That cannot be done here", "The address exists, but not for this kind of request."),
    413: ("Too large", "The request is larger than this instance accepts."),
    421: ("Unknown host name", "This instance does not go by the name in the address."),
    429: ("Too many requests", "Wait a little, then try again."),
    500: ("Something went wrong", "This is a mistake in swarmdex. The log has the details under the number below."),
    503: ("Not available right now", "The database does not answer at the moment. Try again in a few seconds."),
}


_PAGES_UNDER_TORZNAB = re.compile(r"/torznab/requests(/[0-9]+(/replay)?)?")


def language_of(path: str) -> Language:
    """The language of an address, whether anything stands there or not."""
    if path.startswith(("/api/v1", "/api/ingest", "/readyz", "/healthz", "/openapi.json")):
        return Language.JSON
    if _PAGES_UNDER_TORZNAB.fullmatch(path):
        return Language.HTML
    if path == "/api" or path.startswith(("/api/", "/torznab", "/feeds/")):
        return Language.XML
    return Language.HTML


async def answer_http_error(error: HTTPException) -> Response:
    """What werkzeug and our own code raise on purpose."""
    status = error.code or 500
    # werkzeug's sentences speak to programmers; ours are those that somebody wrote where the error was raised.
    is_standard = error.description == type(error).description
    detail = _WORDS.get(status, (HTTPStatus(status).phrase, ""))[1] if is_standard else str(error.description)
    response = await error_answer(status, detail, error.faults if isinstance(error, BadInput) else ())
    if status == 401 and language_of(request.path) is Language.HTML:
        response.headers["WWW-Authenticate"] = 'Basic realm="swarmdex"'  # a browser asks its user for the key, on pages only
    response.headers.extend((name, value) for name, value in error.get_headers() if name.lower() not in {"content-type", "content-length"})
    return response


async def answer_torznab_error(error: TorznabError) -> Response:
    """A Torznab request that cannot be answered."""
    note_error(error.code, error.description)
    return _respond(error.http_status, error_document(error.code, error.description), XML_TYPE)


async def answer_unavailable(error: DatabaseUnavailable | StatementTimeout | trio.TooSlowError) -> Response:
    """The store does not answer, or not in time. Never an empty result: clients would take that for "nothing there"."""
    logger.warning("request %s: %s: %s", g.get("request_id"), type(error).__name__, error)
    response = await error_answer(503)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


async def answer_bug(error: Exception) -> Response:
    """Anything nobody expected."""
    logger.error("request %s %s %s failed", g.get("request_id"), request.method, path_for_logs(request), exc_info=error)
    return await error_answer(500)


async def error_answer(status: int, detail: str = "", faults: Sequence[Fault] = ()) -> Response:
    """`status` in the language of the address."""
    title, standard = _WORDS.get(status, (HTTPStatus(status).phrase, ""))
    detail = detail or standard
    match language_of(request.path):
        case Language.XML:
            code = _TORZNAB_CODES.get(status, ErrorCode.UNKNOWN)
            words = REQUEST_LIMIT_REACHED if status == 429 else detail
            note_error(code, words)
            return _respond(status, error_document(code, words), XML_TYPE)
        case Language.JSON:
            return _respond(status, msgspec.json.encode(_problem(status, title, detail, faults)), PROBLEM_TYPE)
        case Language.HTML:
            page = await render_template("error.html", status=status, title=title, detail=detail)
            return _respond(status, page.encode(), "text/html; charset=utf-8")


def _problem(status: int, title: str, detail: str, faults: Sequence[Fault]) -> dict[str, object]:
    """The members of RFC 9457, and `errors` with the places."""
    problem: dict[str, object] = {"type": "about:blank", "status": status, "title": title, "detail": detail}
    problem["instance"] = f"urn:swarmdex:request:{g.get('request_id', '')}"
    if faults:
        problem["errors"] = [{name: value for name, value in asdict(fault).items() if value not in {"", None}} for fault in faults]
    return problem


def _respond(status: int, body: bytes, content_type: str) -> Response:
    return Response(body, status=status, content_type=content_type)
