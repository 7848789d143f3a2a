"""What the pages of this folder share."""

import re
from datetime import UTC, datetime

from quart import Response, g, render_template, request

from storage.accounts import Session
from web.auth.cookies import session_text
from web.auth.forgery import token_for

_SAFE_NEXT = re.compile(r"/(?![/\\])[^\x00-\x20\x7f]{0,2000}")


class SignInFirst(Exception):
    """A browser must be led elsewhere, to sign in or to set up, before it may see what it asked for."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


async def page(template: str, status: int = 200, **context: object) -> Response:
    """A page of ours."""
    body = await render_template(template, now=datetime.now(UTC), **context)
    return Response(body, status=status, content_type="text/html; charset=utf-8")


def go(location: str) -> Response:
    """Lead a browser on; it asks there with GET."""
    return Response(b"", status=303, headers={"Location": location})


async def lead_to_sign_in(error: SignInFirst) -> Response:
    """Do so."""
    return go(error.location)


def signed_in() -> Session:
    """The session of this request: on routes with Access.ACCOUNT there is one."""
    session: Session = g.session
    return session


def form_token() -> str:
    """The token for the forms of the page being made; empty for somebody not signed in."""
    return token_for(session_text(request)) if g.session is not None else ""


def safe_next(text: str) -> str:
    """A path on this instance to go on to; "/" for what could lead elsewhere: another host, or a text that browsers read as one."""
    return text if _SAFE_NEXT.fullmatch(text) else "/"
