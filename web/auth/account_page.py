"""/account: one's password and sessions; for administrators also the other users."""

import logging

from quart import Response, request
from werkzeug.exceptions import Forbidden, NotFound

from storage.accounts import User
from web.auth.caller import address_of, agent_of
from web.auth.cookies import give_session, session_text
from web.auth.forgery import posted_form
from web.auth.limits import Attempts
from web.auth.page import go, page, signed_in
from web.parts import WebParts

logger = logging.getLogger("swarmdex.web")


class AccountPage:
    """The page, and what its forms do."""

    def __init__(self, parts: WebParts, attempts: Attempts) -> None:
        self._accounts = parts.accounts
        self._attempts = attempts

    async def show(self) -> Response:
        """Answer GET /account."""
        return await self._page(done="done" in request.args)

    async def change_password(self) -> Response:
        """Answer POST /account/password: old, password, password_again. Every session ends; this browser gets a new one."""
        form = await posted_form(request)
        user = signed_in().user
        self._attempts.count(address_of(request), user.name, waiting=self._accounts.passwords_waiting)
        if await self._accounts.check_password(user.name, form.get("old", "")) is None:
            return await self._page(403, error="The old password is wrong.")
        self._attempts.succeeded(user.name)
        try:
            if form.get("password", "") != form.get("password_again", ""):
                raise ValueError("the two new passwords differ")
            await self._accounts.set_password(user.id, form.get("password", ""))
        except ValueError as error:
            return await self._page(400, error=f"That did not work: {error}.")
        logger.info("%s changed the password from %s", user.name, address_of(request))
        session = await self._accounts.open_session(user.id, address=address_of(request), agent=agent_of(request))
        response = go("/account?done=password")
        give_session(response, request, session.text, keep=False)
        return response

    async def end_session(self, session_id: int) -> Response:
        """Answer POST /account/sessions/<number>/end. Administrators end anybody's."""
        user = signed_in().user
        if not await self._accounts.revoke_session(session_id, user_id=None if user.is_admin else user.id):
            raise NotFound("There is no such session, or it has ended already.")
        return go("/account")

    async def end_other_sessions(self) -> Response:
        """Answer POST /account/sessions/end: all of one's own but this one."""
        await self._accounts.close_sessions(signed_in().user.id, keeping=session_text(request))
        return go("/account")

    async def add_user(self) -> Response:
        """Answer POST /account/users: name, password, admin."""
        self._require_admin()
        form = await posted_form(request)
        try:
            added = await self._accounts.create_user(form.get("name", ""), form.get("password", ""), is_admin="admin" in form)
        except ValueError as error:
            return await self._page(400, error=f"That did not work: {error}.")
        logger.info("%s added the user %s", signed_in().user.name, added.name)
        return go("/account")

    async def remove_user(self, user_id: int) -> Response:
        """Answer POST /account/users/<number>/remove."""
        me = self._require_admin()
        try:
            if not await self._accounts.remove_user(user_id):
                raise NotFound("There is no such user.")
        except ValueError as error:
            return await self._page(400, error=f"That did not work: {error}.")
        logger.info("%s removed user %d", me.name, user_id)
        return go("/account" if user_id != me.id else "/login")

    async def _page(self, status: int = 200, **context: object) -> Response:
        user = signed_in().user
        return await page(
            "account.html",
            status,
            user=user,
            this=signed_in().id,
            sessions=await self._accounts.sessions(None if user.is_admin else user.id),
            users=await self._accounts.users() if user.is_admin else (),
            **context,
        )

    def _require_admin(self) -> User:
        user = signed_in().user
        if not user.is_admin:
            raise Forbidden("This is for administrators")
        return user
