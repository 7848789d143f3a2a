"""What a request brings along to show who sends it."""

from typing import NamedTuple

from quart import Request, g, request


class PresentedKey(NamedTuple):
    """An API key, or what is offered as one."""

    text: str
    is_added_by_browsers: bool = False
    """By HTTP Basic: a browser that knows the password sends it with every request, also with those that another site starts."""


def presented_key(request: Request) -> PresentedKey | None:
    """The key a request carries, however it does. Headers count before the query, which ends up in other people's logs."""
    if key := request.headers.get("X-Api-Key", "").strip():
        return PresentedKey(key)
    if "Authorization" in request.headers and (authorization := request.authorization) is not None:
        if authorization.type == "bearer" and authorization.token:
            return PresentedKey(authorization.token)
        if authorization.type == "basic" and authorization.password:
            return PresentedKey(authorization.password, is_added_by_browsers=True)
    key = argument(request, "apikey").strip()
    return PresentedKey(key) if key else None


def key_of_reader() -> str:
    """The text of the API key this request was let in by; empty if it was something else."""
    presented = presented_key(request) if g.principal.kind == "key" else None
    return presented.text if presented is not None else ""


def argument(request: Request, name: str) -> str:
    """A query parameter, its name in any case; of several the first that is not empty."""
    return next((value for key, value in request.args.items(multi=True) if key.lower() == name and value), "")
