"""The session's cookie. Over https its name makes browsers insist that it came over https, for this host alone (RFC 6265bis, `__Host-`)."""

from quart import Request, Response

from storage.accounts.sessions import MAX_DAYS

SECURE_NAME, PLAIN_NAME = "__Host-swx", "swx"


def session_text(request: Request) -> str:
    """What the browser holds; empty for none. A plain cookie counts for nothing over https: anybody on the line could have planted it."""
    return request.cookies.get(_name(request), "")


def give_session(response: Response, request: Request, text: str, *, keep: bool) -> None:
    """Let the browser hold the session: until it is closed, or (`keep`) for as long as a session lasts."""
    max_age = MAX_DAYS * 86_400 if keep else None
    response.set_cookie(_name(request), text, max_age=max_age, path="/", secure=request.scheme == "https", httponly=True, samesite="Lax")


def take_session(response: Response, request: Request) -> None:
    """Let the browser forget it."""
    response.delete_cookie(_name(request), path="/", secure=request.scheme == "https", httponly=True, samesite="Lax")


def _name(request: Request) -> str:
    return SECURE_NAME if request.scheme == "https" else PLAIN_NAME
