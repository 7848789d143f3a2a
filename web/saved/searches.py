"""/searches: the saved searches as a page, and as JSON at /api/v1/searches."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from quart import Response, request
from werkzeug.exceptions import BadRequest, NotFound

from catalog.model import Kind
from protocol.display import clean_text
from storage.saved_searches import MAX_NAME_LENGTH, SavedSearch
from web.api.answers import json_answer, no_content
from web.api.requests import NAME_PATTERN
from web.auth.forgery import posted_form
from web.auth.page import go, page
from web.bodies import read_json
from web.errors import BadInput, Fault
from web.filters import FIELDS, read_filters
from web.form import MAX_TEXT, SearchForm, read_form
from web.links import base_url
from web.operation import Answer, Body, Operation, describes
from web.parts import WebParts
from web.saved.feed import form_of
from web.words import KIND_NAMES


class NewSearch(Struct, forbid_unknown_fields=True):
    """A search to be saved."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, pattern=NAME_PATTERN)]
    q: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    kind: Kind | None = None
    filters: Annotated[
        dict[str, str],
        Meta(
            max_length=len(FIELDS),
            description="The page's other fields, as in its address",
            extra_json_schema={"propertyNames": {"enum": list(FIELDS)}},
        ),
    ] = {}


class SavedAnswer(Struct, frozen=True):
    """A saved search."""

    id: int
    name: str
    q: str
    kind: Kind | None
    filters: dict[str, str]
    created: datetime
    page_url: str
    feed_url: Annotated[str, Meta(description="RSS; add `apikey=` with a key of scope `search`")]


class SavedAnswers(Struct, frozen=True):
    """All of them, by name."""

    searches: tuple[SavedAnswer, ...]


class SavedSearchEndpoints:
    """Lists, adds and removes saved searches."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._saved = parts.saved_searches

    async def show(self) -> Response:
        """Answer GET /searches."""
        return await self._table()

    async def create(self) -> Response:
        """Answer POST /searches: name, and the fields of the search form."""
        posted = await posted_form(request)
        try:
            await self._saved.save(posted.get("name", ""), read_form(posted).fields)
        except (ValueError, BadRequest) as error:
            words = error.description if isinstance(error, BadRequest) else str(error)
            return await self._table(400, error=f"That could not be saved: {words}.")
        return go("/searches")

    async def remove(self, number: int) -> Response:
        """Answer POST /searches/<number>/delete."""
        if not await self._saved.delete(number):
            raise NotFound("There is no such saved search, or it is deleted already.")
        return go("/searches")

    @describes(Operation("The saved searches", Answer(200, "By name", SavedAnswers), tag="searches"))
    async def list_json(self) -> Response:
        """Answer GET /api/v1/searches."""
        return json_answer(SavedAnswers(tuple([self._answer(saved) for saved in await self._saved.all()])))

    @describes(Operation("Save a search", Answer(201, "Saved", SavedAnswer), tag="searches", body=Body(NewSearch)))
    async def create_json(self) -> Response:
        """Answer POST /api/v1/searches."""
        wanted = await read_json(NewSearch)
        if unknown := sorted(set(wanted.filters).difference(FIELDS)):
            raise BadInput(
                "The search cannot be saved", Fault(f"there is no such filter; there are {', '.join(FIELDS)}", _pointer(unknown[0]))
            )
        try:
            form = SearchForm(text=clean_text(wanted.q), kind=wanted.kind, filters=read_filters(wanted.filters))
            saved = await self._saved.save(wanted.name, form.fields)
        except BadRequest as error:
            raise BadInput("The search cannot be saved", Fault(str(error.description), "/filters")) from None
        except ValueError as error:
            raise BadInput("The search cannot be saved", Fault(str(error))) from None
        return json_answer(self._answer(saved), 201, Location=f"/api/v1/searches/{saved.id}")

    @describes(
        Operation(
            "Delete a saved search",
            Answer(204, "Gone, and its feed with it"),
            Answer(404, "There is none"),
            tag="searches",
        )
    )
    async def remove_json(self, number: int) -> Response:
        """Answer DELETE /api/v1/searches/<number>."""
        if not await self._saved.delete(number):
            raise NotFound("There is no such saved search")
        return no_content()

    async def _table(self, status: int = 200, **context: object) -> Response:
        base = base_url(self._parts.settings, request)
        saved = [(one, form_of(one), f"{base}/feeds/{one.id}?apikey=") for one in await self._saved.all()]
        return await page("searches.html", status, saved=saved, kind_names=KIND_NAMES, filters=FIELDS, **context)

    def _answer(self, saved: SavedSearch) -> SavedAnswer:
        base, form = base_url(self._parts.settings, request), form_of(saved)
        return SavedAnswer(
            saved.id,
            saved.name,
            form.text,
            form.kind,
            dict(form.filters.values),
            saved.created,
            base + form.url(),
            f"{base}/feeds/{saved.id}",
        )


def _pointer(name: str) -> str:
    return "/filters/" + name.replace("~", "~0").replace("/", "~1")
