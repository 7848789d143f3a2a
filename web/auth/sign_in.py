"""Signing in and out."""

import logging

from quart import Response, g, request

from web.auth.caller import address_of, agent_of
from web.auth.cookies import give_session, session_text, take_session
from web.auth.forgery import posted_form
from web.auth.limits import Attempts
from web.auth.page import go, page, safe_next
from web.parts import WebParts

logger = logging.getLogger("swarmdex.web")


class SignInPages:
    """/login and /logout."""

    def __init__(self, parts: WebParts, attempts: Attempts) -> None:
        self._accounts = parts.accounts
        self._attempts = attempts

    async def show(self) -> Response:
        """Answer GET /login?next=/path."""
        if not await self._accounts.has_admin():
            return go("/setup")
        return await page("login.html", next=safe_next(request.args.get("next", "/")))

    async def sign_in(self) -> Response:
        """Answer POST /login: name, password, keep, next."""
        form = await posted_form(request)
        name, address = form.get("name", ""), address_of(request)
        self._attempts.count(address, name, waiting=self._accounts.passwords_waiting)
        user = await self._accounts.check_password(name, form.get("password", ""))
        wanted = safe_next(form.get("next", "/"))
        if user is None:
            logger.warning("somebody at %s could not sign in", address)  # not as whom: people type passwords into the wrong field
            return await page("login.html", 401, next=wanted, name=name, keep="keep" in form, error="The name or the password is wrong.")
        self._attempts.succeeded(name)
        logger.info("%s signed in from %s", user.name, address)
        # Always under a new text: one that was planted before in this browser is worth nothing afterwards.
        session = await self._accounts.open_session(user.id, address=address, agent=agent_of(request), replacing=session_text(request))
        response = go(wanted)
        give_session(response, request, session.text, keep="keep" in form)
        return response

    async def sign_out(self) -> Response:
        """Answer POST /logout."""
        await self._accounts.close_session(session_text(request))
        g.session = None
        response = go("/login")
        take_session(response, request)
        return response
