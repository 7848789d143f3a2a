"""Who may do what: the kinds of access a route can ask for, and the gate that checks keys."""

import hmac
from enum import Enum

import trio
from quart import Request
from werkzeug.exceptions import Forbidden, Unauthorized

from storage.accounts import Accounts
from storage.errors import DatabaseUnavailable
from web.auth.principal import ANONYMOUS, OPEN_HOUSE, RUN, Principal
from web.hosts import is_loopback_bind

CAPS_PATIENCE_S = 0.08
"""How long t=caps waits for the database to judge a key: every client asks it first, and it is open anyway."""


class Access(Enum):
    """What a route asks of those who call it."""

    OPEN = "open"
    """Nothing."""
    SETUP = "setup"
    """Nothing, and is there only while no administrator exists."""
    PAGE = "page"
    """Nothing while only this machine reaches the port; else a key with scope `search`, as the password of HTTP Basic."""
    ACCOUNT = "account"
    """Somebody who is signed in."""
    TORZNAB = "torznab"
    """A key with scope `search`; `t=caps` may come without one."""
    FEED = "feed"
    """A key with scope `search`."""
    SEARCH = "search"
    """A key with scope `search`."""
    INGEST = "ingest"
    """A key with scope `ingest`."""
    METRICS = "metrics"
    """A key with scope `metrics`."""
    ADMIN = "admin"
    """A key with scope `admin`."""


_SCOPES = {
    Access.PAGE: "search",
    Access.TORZNAB: "search",
    Access.FEED: "search",
    Access.SEARCH: "search",
    Access.INGEST: "ingest",
    Access.METRICS: "metrics",
    Access.ADMIN: "admin",
}


class Gate:
    """Lets a request pass or raises Unauthorized (401) or Forbidden (403).

    Never decides by the caller's address: proxies make everybody local.
    """

    def __init__(self, accounts: Accounts, bind: str, run_token: str) -> None:
        self._accounts = accounts
        self._is_private = is_loopback_bind(bind)
        self._run_token = run_token

    async def check(self, request: Request, access: Access) -> Principal:
        """Who may pass. Raises DatabaseUnavailable when the key cannot be looked up now."""
        match access:
            case Access.OPEN | Access.SETUP:
                return ANONYMOUS
            case Access.PAGE if self._is_private:
                return OPEN_HOUSE
            case Access.TORZNAB if _argument(request, "t").lower() == "caps":
                return await self._check_caps(request)
            case Access.ACCOUNT:
                raise Unauthorized("Sign in first")
            case _:
                return await self._require(request, _SCOPES[access])

    async def _check_caps(self, request: Request) -> Principal:
        if not presented_key(request):
            return ANONYMOUS
        with trio.move_on_after(CAPS_PATIENCE_S):
            try:
                return await self._require(request, "search")
            except DatabaseUnavailable:
                return ANONYMOUS
        return ANONYMOUS

    async def _require(self, request: Request, scope: str) -> Principal:
        key = presented_key(request)
        if not key:
            raise Unauthorized("An API key is needed; make one with: swarmdex keys create")
        if self._run_token and hmac.compare_digest(key.encode(), self._run_token.encode()):
            return RUN
        found = await self._accounts.check_key(key)
        if found is None:
            raise Unauthorized("The API key is wrong, expired or revoked")
        if not found.allows(scope):
            raise Forbidden(f"The API key lacks the scope {scope}")
        return Principal("key", found.id, found.name, found.scopes)


def presented_key(request: Request) -> str:
    """The key a request carries, however it does; empty if none. Headers count before the query, which ends up in other people's logs."""
    if key := request.headers.get("X-Api-Key", "").strip():
        return key
    authorization = request.authorization
    if authorization is not None:
        if authorization.type == "bearer" and authorization.token:
            return authorization.token
        if authorization.type == "basic" and authorization.password:
            return authorization.password
    return _argument(request, "apikey").strip()


def _argument(request: Request, name: str) -> str:
    """A query parameter, its name in any case; of several the first that is not empty."""
    return next((value for key, value in request.args.items(multi=True) if key.lower() == name and value), "")
