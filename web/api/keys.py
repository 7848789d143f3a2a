"""API keys, for administrators' scripts: list, make, revoke. Secrets are told once, when a key is made."""

from datetime import datetime
from typing import Annotated, Any, Literal

import trio
from msgspec import Meta, Struct
from quart import Response, g
from werkzeug.exceptions import NotFound

from storage.accounts.keys import MAX_REQUESTS_PER_MINUTE, KeyInfo
from web.api.answers import Count, json_answer, no_content
from web.api.requests import NAME_PATTERN
from web.bodies import read_json
from web.errors import BadInput, Fault
from web.operation import Answer, Body, Operation, Parameter, describes
from web.parts import WebParts
from web.torznab.endpoint import SEARCH_DEADLINE_S

Scope = Literal["search", "ingest", "metrics", "admin"]
KeyId = Annotated[str, Meta(pattern="^[0-9A-Za-z]{8}$", description="The first eight characters of the key")]


class KeyAnswer(Struct, frozen=True):
    """A key without its secret."""

    id: KeyId
    name: str
    scopes: tuple[Scope, ...]
    created: datetime
    last_used: Annotated[datetime | None, Meta(description="To the minute")]
    expires: datetime | None
    revoked: datetime | None
    requests_per_minute: Annotated[Count | None, Meta(description="null: as the settings say; 0: no limit")]


class KeysAnswer(Struct, frozen=True):
    """All keys, the oldest first, revoked ones included."""

    keys: tuple[KeyAnswer, ...]


class NewKeyAnswer(KeyAnswer, frozen=True):
    """A key just made: keep its text, it is not told again."""

    key: Annotated[str, Meta(pattern="^[0-9A-Za-z]{40}$")]


class KeyOrder(Struct, frozen=True):
    """The key to make."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=NAME_PATTERN, description="For people")]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=4, description="`admin` includes the others")]
    expires: Annotated[datetime, Meta(tz=True)] | None = None
    requests_per_minute: Annotated[int, Meta(ge=0, le=MAX_REQUESTS_PER_MINUTE)] | None = None


class KeyEndpoints:
    """/api/v1/keys."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    @describes(Operation("List the keys", Answer(200, "All of them, without their secrets", KeysAnswer), tag="keys"))
    async def list(self) -> Response:
        """Answer GET /api/v1/keys."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            keys = await self._parts.accounts.keys()
        return json_answer(KeysAnswer(tuple(KeyAnswer(**_fields(info)) for info in keys)))

    @describes(Operation("Make a key", Answer(201, "The only time its text is told", NewKeyAnswer), tag="keys", body=Body(KeyOrder)))
    async def create(self) -> Response:
        """Answer POST /api/v1/keys."""
        order = await read_json(KeyOrder)
        owner = g.principal.user  # with a key, its owner: or who is removed would keep what their keys made
        try:
            with trio.fail_after(SEARCH_DEADLINE_S):
                made = await self._parts.accounts.create_key(
                    order.name, order.scopes, expires=order.expires, requests_per_minute=order.requests_per_minute, owner=owner
                )
        except ValueError as error:
            raise BadInput("No such key can be made", Fault(str(error))) from error
        return json_answer(NewKeyAnswer(**_fields(made.info), key=made.text), 201)

    @describes(
        Operation(
            "Revoke a key for good",
            Answer(204, "It opens nothing any more"),
            Answer(404, "There is none of this id, or it is revoked already"),
            tag="keys",
            parameters=(Parameter("key_id", KeyId, place="path", is_required=True),),
        )
    )
    async def revoke(self, key_id: str) -> Response:
        """Answer DELETE /api/v1/keys/<id>."""
        with trio.fail_after(SEARCH_DEADLINE_S):
            if not await self._parts.accounts.revoke_key(key_id):
                raise NotFound("There is no such key, or it is revoked already")
        return no_content()


def _fields(info: KeyInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "name": info.name,
        "scopes": tuple(sorted(info.scopes)),
        "created": info.created,
        "last_used": info.last_used,
        "expires": info.expires,
        "revoked": info.revoked,
        "requests_per_minute": info.requests_per_minute,
    }
