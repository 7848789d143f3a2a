"""Guards against requests that another site makes a browser send (CSRF): where they come from, and a token only our pages know."""

import hmac
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from quart import Request, g
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Forbidden, UnsupportedMediaType

from config.settings import HttpSettings
from web.bodies import read_body

TOKEN_FIELD, TOKEN_HEADER = "csrf", "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM_LIMIT_BYTES = 16 * 1024
_MAX_FIELDS = 50
_FORM_TYPE = "application/x-www-form-urlencoded"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_origin(request: Request, settings: HttpSettings) -> None:
    """Raise Forbidden unless one of our own pages sent this. Browsers say so on every POST; what does not say counts as foreign."""
    origin = request.headers.get("Origin")
    if origin is None:
        if request.headers.get("Sec-Fetch-Site") != "same-origin":
            raise Forbidden("This request does not say that it comes from a page of this instance (no Origin header)")
    elif not is_own_origin(origin, request, settings):
        raise Forbidden("This request comes from another site. Behind a proxy, set http.public_url to the address people use")


def check_no_foreign_origin(request: Request, settings: HttpSettings) -> None:
    """Raise Forbidden if another site sent this; what does not say where it comes from is no browser and passes."""
    if {"Origin", "Sec-Fetch-Site"} & set(request.headers.keys()):
        check_origin(request, settings)


def is_own_origin(origin: str, request: Request, settings: HttpSettings) -> bool:
    """Whether `origin` is the address people use: the one of this request, or the configured one."""
    found = _parts(origin)
    if found is None:
        return False
    own = _parts(f"{found[0] if request.scheme == 'http' else 'https'}://{request.host}")
    # A proxy that is not trusted may speak https in front while we see http: then the name alone decides.
    return found == own or (bool(settings.public_url) and found == _parts(settings.public_url))


def token_for(session: str) -> str:
    """The token that forms of a session carry: follows from the session, and gives nothing of it away."""
    return hmac.new(session.encode(), b"forms of this session", sha256).hexdigest()


async def check_token(request: Request, session: str) -> None:
    """Raise Forbidden unless the request carries the token of its session, in a header or (forms only) in a field."""
    token = request.headers.get(TOKEN_HEADER)
    if token is None and request.mimetype == _FORM_TYPE:
        token = (await posted_form(request)).get(TOKEN_FIELD)
    if token is None or not hmac.compare_digest(token.encode("utf-8", "replace"), token_for(session).encode()):
        raise Forbidden(f"The form is out of date: load its page again. (Scripts send {TOKEN_HEADER}, or better an API key.)")


async def posted_form(request: Request) -> MultiDict[str, str]:
    """The fields of a small form; read once."""
    if "form" not in g:
        if request.mimetype != _FORM_TYPE:
            raise UnsupportedMediaType(f"Send {_FORM_TYPE}")
        text = (await read_body(_FORM_LIMIT_BYTES)).decode("utf-8", "replace")
        try:
            g.form = MultiDict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
        except ValueError:
            raise Forbidden("The form has too many fields") from None
    form: MultiDict[str, str] = g.form
    return form


def _parts(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is no web address, "null" too."""
    try:
        split = urlsplit(origin.strip().lower())
        port = split.port or _DEFAULT_PORTS[split.scheme]
    except (ValueError, KeyError):
        return None
    return (split.scheme, split.hostname, port) if split.hostname else None
