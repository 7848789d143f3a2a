"""What a JSON address does, said beside its handler: /openapi.json is made from it, and a test holds the answers to it.

@describes(Operation("Unblock a torrent", Answer(204, "It may be stored again"), tag="blocked"))
async def unblock(self, info_hash: str) -> Response: ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from msgspec import Struct

Described = TypeVar("Described", bound=Callable[..., Any])

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the address, or a header."""

    name: str
    type: Any
    """As msgspec understands it: `int`, `Annotated[int, Meta(ge=1)]`, `list[Kind]` (repeated, `kind=tv&kind=anime`)."""
    detail: str = ""
    place: Literal["query", "path", "header"] = "query"
    is_required: bool = False
    example: Any = None


@dataclass(frozen=True, slots=True)
class Body:
    """What a request brings: one form, or several with the same meaning."""

    type: Any
    """As msgspec understands it; None: bytes of no described form."""
    detail: str = ""
    content_types: tuple[str, ...] = (JSON,)
    is_required: bool = True
    example: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One status an operation answers with. Problems (RFC 9457) need only their status and words."""

    status: int
    detail: str
    type: Any = None
    """As msgspec understands it; None: no body, or that of a problem from 400 on, or bytes where `content_type` says so."""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    """Names and what they say."""


class Operation:
    """What an address does with one method.

    Answers every route gives by itself need no mention: 400, 401 and 403 by its access, 404 for a path parameter that is not well formed,
    413 and 415 with a body, 421, 429, 500 and 503.
    """

    __slots__ = ("answers", "body", "detail", "parameters", "query", "summary", "tag")

    def __init__(
        self,
        summary: str,
        *answers: Answer,
        tag: str,
        query: type[Struct] | None = None,
        parameters: tuple[Parameter, ...] = (),
        body: Body | None = None,
        detail: str = "",
    ) -> None:
        """`query`: the Struct that web/api/requests.py reads the parameters of the address into; `parameters`: all others."""
        self.summary = summary
        self.detail = detail
        self.answers = answers
        self.query = query
        self.parameters = parameters
        self.body = body
        self.tag = tag


def describes(operation: Operation) -> Callable[[Described], Described]:
    """Put an operation on its handler."""

    def put(handler: Described) -> Described:
        handler.operation = operation  # type: ignore[attr-defined]
        return handler

    return put


def operation_of(handler: Callable[..., Any]) -> Operation | None:
    """What a handler says it does; None: it says nothing."""
    found = getattr(handler, "operation", None)
    return found if isinstance(found, Operation) else None
