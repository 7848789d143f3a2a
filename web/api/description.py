"""/openapi.json, and /docs: the same for people, as one page without scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from quart import Response, render_template

from web.api.openapi import Described, document
from web.errors import JSON_TYPE


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation as the page shows it."""

    method: str
    path: str
    operation: Mapping[str, Any]

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return str(self.operation["operationId"])


class DescriptionEndpoints:
    """What the API can do, for programs and for people."""

    def __init__(self, routes: Sequence[Described], version: str) -> None:
        self._routes = routes
        self._version = version

    async def openapi(self) -> Response:
        """Answer GET /openapi.json."""
        return Response(self._document, content_type=JSON_TYPE)

    async def page(self) -> Response:
        """Answer GET /docs."""
        return Response(
            await render_template("docs.html", groups=self._groups, schemas=self._schemas, type_words=type_words),
            content_type="text/html; charset=utf-8",
        )

    @cached_property
    def _document(self) -> bytes:
        return document(self._routes, self._version)

    @cached_property
    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self._document)
        return found

    @cached_property
    def _groups(self) -> dict[str, list[Shown]]:
        """Operations by tag, in the order of the table."""
        groups: dict[str, list[Shown]] = {tag["name"]: [] for tag in self._read["tags"]}
        for path, methods in self._read["paths"].items():
            for method, operation in methods.items():
                groups[operation["tags"][0]].append(Shown(method.upper(), path, operation))
        return groups

    @cached_property
    def _schemas(self) -> dict[str, Any]:
        """Those with fields; the others are told where they are used."""
        return {name: schema for name, schema in self._read["components"]["schemas"].items() if "properties" in schema}


def type_words(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: "integer from 1 to 100", "list of string", "SearchAnswer"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(type_words(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    match schema.get("type"):
        case "array":
            return f"list of {type_words(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), Mapping):
            return f"object of {type_words(schema['additionalProperties'])}"
        case None:
            return "anything"
        case kind:
            return f"{schema.get('format', kind)}{_range_words(schema)}"


def _range_words(schema: Mapping[str, Any]) -> str:
    words = [f" {word} {schema[key]:,}" for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "up to")) if key in schema]
    return "".join(words)
