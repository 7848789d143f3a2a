"""Who may do what: the kinds of access a route can ask for, and the gate that checks who is asking.

docs/security.md says the same for people.
"""

import hmac
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlencode

import trio
from quart import Request
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized

from storage.accounts import Session
from storage.errors import DatabaseUnavailable
from web.auth.caller import address_of, agent_of
from web.auth.cookies import session_text
from web.auth.credentials import PresentedKey, argument, presented_key
from web.auth.forgery import SAFE_METHODS, check_no_foreign_origin, check_origin, check_token
from web.auth.limits import KeyLimit
from web.auth.page import SignInFirst
from web.auth.principal import ANONYMOUS, INTERNAL, OPEN_HOUSE, RUN, Principal
from web.auth.proxies import is_forwarded
from web.errors import Language, language_of
from web.hosts import is_loopback
from web.links import read_info_hash
from web.parts import WebParts

CAPS_PATIENCE_S = 0.08
"""How long t=caps waits for the database to judge a key: every client asks it first, and it is open anyway."""


class Access(Enum):
    """What a route asks of those who call it. Whoever is signed in counts as a key: an administrator's has every scope, others `search`."""

    OPEN = "open"
    """Nothing."""
    SETUP = "setup"
    """Nothing, and is there only while no administrator exists."""
    PAGE = "page"
    """Somebody signed in, or a key with scope `search`, as the password of HTTP Basic; nothing while the house is open (`Gate.is_open`)."""
    ACCOUNT = "account"
    """Somebody signed in."""
    TORZNAB = "torznab"
    """A key with scope `search`, a key only; `t=caps` may come without one."""
    FEED = "feed"
    """A key with scope `search`, a key only."""
    DOWNLOAD = "download"
    """Scope `search`, or the token of a link to this one torrent (storage/accounts/download_tokens.py)."""
    SEARCH = "search"
    """Scope `search`."""
    INGEST = "ingest"
    """Scope `ingest`, or the internal secret."""
    METRICS = "metrics"
    """Scope `metrics`."""
    ADMIN = "admin"
    """Scope `admin`."""


_SCOPES = {
    Access.PAGE: "search",
    Access.TORZNAB: "search",
    Access.FEED: "search",
    Access.DOWNLOAD: "search",
    Access.SEARCH: "search",
    Access.INGEST: "ingest",
    Access.METRICS: "metrics",
    Access.ADMIN: "admin",
}
_KEYS_ONLY = frozenset({Access.TORZNAB, Access.FEED})
_FOR_BROWSERS = frozenset({Access.PAGE, Access.ACCOUNT})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who got past the gate."""

    principal: Principal
    session: Session | None = None


NOBODY = Caller(ANONYMOUS)


class Gate:
    """Lets a request pass, or raises Unauthorized (401), Forbidden (403), TooManyRequests (429) or SignInFirst.

    Never decides by the caller's address: proxies make everybody local.
    """

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._accounts = parts.accounts
        self._settings = parts.settings
        self._key_limit = KeyLimit(parts.settings.requests_per_minute)

    async def check(self, request: Request, access: Access) -> Caller:
        """Who may pass. Raises DatabaseUnavailable when that cannot be looked up now."""
        match access:
            case Access.OPEN | Access.SETUP:
                return await self._check_open(request, access)
            case Access.TORZNAB if argument(request, "t").lower() == "caps":
                return await self._check_caps(request)
            case Access.DOWNLOAD if presented_key(request) is None and (token := argument(request, "token")):
                return await self._by_token(request, token)
        caller = await self._identify(request, access)
        if caller is NOBODY:
            await self._turn_away(request, access)
        if access is Access.ACCOUNT and caller.session is None:
            raise Forbidden("This page is for people who are signed in, not for keys")
        scope = _SCOPES.get(access)
        if scope is not None and not caller.principal.allows(scope):
            raise Forbidden(f"The API key lacks the scope {scope}" if caller.session is None else "This is for administrators")
        return caller

    async def is_open(self, request: Request) -> bool:
        """Whether the pages are open to anybody who reaches them.

        So a newcomer sees pages before any account is made: nobody administers the instance, only this machine reaches its port, and
        nothing says that a proxy brings others there.
        """
        return self._looks_private(request) and not await self._accounts.has_admin()

    async def _check_open(self, request: Request, access: Access) -> Caller:
        if access is Access.SETUP and await self._accounts.has_admin():
            raise NotFound()
        if request.method not in SAFE_METHODS:
            check_origin(request, self._settings)
        return NOBODY

    async def _check_caps(self, request: Request) -> Caller:
        key = presented_key(request)
        if key is None:
            return NOBODY
        with trio.move_on_after(CAPS_PATIENCE_S):
            try:
                return await self._by_key(request, key)
            except DatabaseUnavailable:
                return NOBODY
        return NOBODY

    async def _identify(self, request: Request, access: Access) -> Caller:
        """By what the request brings. A key counts alone: whoever sends one means it, whatever cookie is there."""
        if (key := presented_key(request)) is not None:
            return await self._by_key(request, key)
        if secret := request.headers.get("X-Internal-Secret", ""):
            return self._by_secret(secret)
        if access in _KEYS_ONLY:
            return NOBODY
        if text := session_text(request):
            caller = await self._by_session(request, text)
            if caller is not NOBODY:
                return caller
        if access is Access.PAGE and await self.is_open(request):
            return Caller(OPEN_HOUSE)
        return NOBODY

    async def _by_key(self, request: Request, key: PresentedKey) -> Caller:
        if key.is_added_by_browsers and request.method not in SAFE_METHODS:
            check_no_foreign_origin(request, self._settings)
        if _equal(key.text, self._parts.run_token):
            return Caller(RUN)
        found = await self._accounts.check_key(key.text, address=address_of(request), agent=agent_of(request))
        if found is None:
            raise Unauthorized("The API key is wrong, expired or revoked")
        self._key_limit.count(found)
        return Caller(Principal("key", found.id, found.name, found.scopes, found.owner))

    async def _by_token(self, request: Request, token: str) -> Caller:
        """A link to one torrent: good for that alone, and for as long as the key it was made for."""
        found = await self._accounts.check_download_token(token, read_info_hash((request.view_args or {}).get("info_hash", "")))
        if found is None or not found.allows("search"):
            raise Unauthorized("This link is wrong, or the key it was made for is expired or revoked")
        self._key_limit.count(found)
        return Caller(Principal("key", found.id, found.name, found.scopes, found.owner))

    def _by_secret(self, presented: str) -> Caller:
        fits = [_equal(presented, secret) for secret in self._parts.internal_secrets]  # both are compared, whichever it is
        if not any(fits):
            raise Unauthorized("The internal secret is wrong, or none is set here (http.internal_secret_file)")
        return Caller(INTERNAL)

    async def _by_session(self, request: Request, text: str) -> Caller:
        session = await self._accounts.find_session(text)
        if session is None:
            return NOBODY
        if request.method not in SAFE_METHODS:
            check_origin(request, self._settings)
            await check_token(request, text)
        user = session.user
        return Caller(Principal("session", str(user.id), user.name, user.scopes, user.id), session)

    async def _turn_away(self, request: Request, access: Access) -> None:
        """A browser is led to where it can sign in; everybody else is told what is missing."""
        if (
            access not in _FOR_BROWSERS
            or "text/html" not in request.headers.get("Accept", "")
            or language_of(request.path) is not Language.HTML
        ):
            raise Unauthorized("Sign in first" if access is Access.ACCOUNT else "An API key is needed; make one with: swarmdex keys create")
        if not await self._accounts.has_admin():
            raise SignInFirst("/setup")
        wanted = request.full_path.rstrip("?") if request.method in SAFE_METHODS else "/"
        raise SignInFirst("/login" + (f"?{urlencode({'next': wanted})}" if wanted != "/" else ""))

    def _looks_private(self, request: Request) -> bool:
        return (
            is_loopback(self._settings.bind)
            and not self._settings.public_url
            and not self._settings.trusted_proxies
            and is_loopback(request.headers.get("Host", ""))
            and not is_forwarded(name for name, _ in request.scope["headers"])
        )


def _equal(presented: str, secret: str) -> bool:
    """Whether they are equal, in a time that tells nothing; never for a secret that is not set."""
    return bool(secret) and hmac.compare_digest(presented.encode("utf-8", "replace"), secret.encode())
