"""/keys: API keys as a table, new ones, and their end. Administrators see all keys, others their own."""

import re
from datetime import UTC, datetime, timedelta

from quart import Response, request
from werkzeug.exceptions import NotFound

from storage.accounts import SCOPES, KeyInfo
from web.auth.forgery import posted_form
from web.auth.page import go, page, signed_in
from web.links import base_url
from web.parts import WebParts

_LIFETIMES = {"": "never", "30": "in 30 days", "90": "in 90 days", "365": "in a year"}
"""Days, in words."""
_SCOPE_WORDS = {
    "search": "search, Torznab, feeds",
    "ingest": "send torrents in",
    "metrics": "read metrics",
    "admin": "everything",
}


class KeysPage:
    """The page, and what its forms do."""

    def __init__(self, parts: WebParts) -> None:
        self._accounts = parts.accounts
        self._settings = parts.settings

    async def show(self) -> Response:
        """Answer GET /keys."""
        return await self._table()

    async def create(self) -> Response:
        """Answer POST /keys: name, scope (several), days, rate. The key is in this answer and nowhere else."""
        form = await posted_form(request)
        user = signed_in().user
        try:
            wanted = form.getlist("scope")
            if not set(wanted) <= set(self._scopes()):
                raise ValueError("only administrators make such keys")
            expires, limit = _read_days(form.get("days", "")), _read_limit(form.get("rate", ""))
            key = await self._accounts.create_key(form.get("name", ""), wanted, expires=expires, requests_per_minute=limit, owner=user.id)
        except ValueError as error:
            return await self._table(400, error=f"That did not work: {error}.", form=form)
        return await page("new_key.html", key=key, is_first=False, torznab_url=self._torznab_url())

    async def revoke(self, key_id: str) -> Response:
        """Answer POST /keys/<id>/revoke."""
        if not await self._accounts.revoke_key(key_id, owner=self._owner()):
            raise NotFound("There is no such key, or it is revoked already.")
        return go("/keys")

    async def _table(self, status: int = 200, **context: object) -> Response:
        keys, now = await self._accounts.keys(self._owner()), datetime.now(UTC)
        users = await self._accounts.users() if signed_in().user.is_admin else ()
        return await page(
            "keys.html",
            status,
            keys=sorted(keys, key=lambda key: is_ended(key, now)),
            ended={key.id for key in keys if is_ended(key, now)},
            owners={user.id: user.name for user in users},
            scopes={scope: _SCOPE_WORDS[scope] for scope in self._scopes()},
            lifetimes=_LIFETIMES,
            default_limit=self._settings.requests_per_minute,
            torznab_url=self._torznab_url(),
            **context,
        )

    def _owner(self) -> int | None:
        """Whose keys are seen and ended; None: everybody's."""
        user = signed_in().user
        return None if user.is_admin else user.id

    def _scopes(self) -> tuple[str, ...]:
        return SCOPES if signed_in().user.is_admin else ("search",)

    def _torznab_url(self) -> str:
        return f"{base_url(self._settings, request)}/api"


def is_ended(key: KeyInfo, now: datetime) -> bool:
    """Whether a key is of no more use."""
    return key.revoked is not None or (key.expires is not None and key.expires <= now)


def _read_days(text: str) -> datetime | None:
    if text not in _LIFETIMES:
        raise ValueError("there is no such lifetime")
    return datetime.now(UTC) + timedelta(days=int(text)) if text else None


def _read_limit(text: str) -> int | None:
    if not text.strip():
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII):
        raise ValueError("the limit is a whole number, or empty")
    return int(text)
