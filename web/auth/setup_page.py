"""The first visit: whoever holds the set-up token becomes the administrator, and gets the first API key."""

import logging

from quart import Response, request
from werkzeug.exceptions import NotFound

from storage.accounts.users import clean_user_name
from web.auth.caller import address_of, agent_of
from web.auth.cookies import give_session, session_text
from web.auth.forgery import posted_form
from web.auth.limits import Attempts
from web.auth.page import page
from web.links import base_url
from web.parts import WebParts

logger = logging.getLogger("swarmdex.web")


class SetupPage:
    """/setup; the gate lets nobody see it once there is an administrator."""

    def __init__(self, parts: WebParts, attempts: Attempts) -> None:
        self._accounts = parts.accounts
        self._settings = parts.settings
        self._token = parts.setup_token
        self._attempts = attempts

    async def show(self) -> Response:
        """Answer GET /setup."""
        return await page("setup.html")

    async def set_up(self) -> Response:
        """Answer POST /setup: token, name, password, password_again."""
        form = await posted_form(request)
        self._attempts.count_setup(address_of(request))
        name, password = form.get("name", ""), form.get("password", "")
        if not self._token.matches(form.get("token", "")):
            return await self._again(name, "This is not the token. It stands in the log of this start, and in the file setup-token.", 403)
        try:
            clean_user_name(name)
            if password != form.get("password_again", ""):
                raise ValueError("The two passwords differ")
            user = await self._accounts.create_first_admin(name, password)
        except ValueError as error:
            return await self._again(name, _sentence(error), 400)
        if user is None:
            raise NotFound()  # somebody else was first
        self._token.spend()
        logger.info("%s set this instance up from %s and is its administrator", user.name, address_of(request))
        key = await self._accounts.create_key(f"first of {user.name}", ["search"], owner=user.id)
        session = await self._accounts.open_session(
            user.id, address=address_of(request), agent=agent_of(request), replacing=session_text(request)
        )
        response = await page("new_key.html", key=key, is_first=True, torznab_url=f"{base_url(self._settings, request)}/api")
        give_session(response, request, session.text, keep=False)
        return response

    async def _again(self, name: str, error: str, status: int) -> Response:
        return await page("setup.html", status, name=name, error=error)


def _sentence(error: ValueError) -> str:
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}."
