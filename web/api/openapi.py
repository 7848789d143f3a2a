"""OpenAPI 3.1, made from the route table: what a route says about itself (web/operation.py), and what its access means."""

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta, Struct

from web.access import Access
from web.api.answers import Problem
from web.api.requests import HashText
from web.errors import PROBLEM_TYPE
from web.operation import Answer, Operation, Parameter

_REF = "#/components/schemas/{name}"
_PROBLEM_REF = _REF.format(name=Problem.__name__)
_SCHEMES: dict[str, dict[str, str]] = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "internal": {"type": "apiKey", "in": "header", "name": "X-Internal-Secret", "description": "For ingest, from other daemons of yours"},
}
_SCOPES = {Access.SEARCH: "search", Access.INGEST: "ingest", Access.METRICS: "metrics", Access.ADMIN: "admin"}
_INFO = """Everything under /api/v1 and /api/ingest. `null` means unknown. Errors are problem details (RFC 9457); `instance` is the number
of the request, which the log has too. Lists in the address may be repeated or written with commas."""


_VARIABLE = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
Number = Annotated[int, Meta(ge=0, le=1 << 53)]


class Described(Protocol):
    """A route, as far as this module cares (web/routes.py has them)."""

    @property
    def rule(self) -> str: ...  # noqa: D102
    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def access(self) -> Access: ...  # noqa: D102
    @property
    def operation(self) -> Operation | None: ...  # noqa: D102


def document(routes: Iterable[Described], version: str) -> bytes:
    """The description of all `routes` that say what they do."""
    described = [(route, route.operation) for route in routes if route.operation is not None]
    schemas = _Schemas([operation for _, operation in described])
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in described:
        path = _VARIABLE.sub(r"{\2}", route.rule)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, operation, schemas)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "swarmdex", "version": version, "description": _INFO, "license": {"name": "MIT", "identifier": "MIT"}},
            "servers": [{"url": "/"}],
            "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for _, operation in described)],
            "paths": paths,
            "components": {"schemas": schemas.components, "securitySchemes": _SCHEMES},
        }
    )


class _Schemas:
    """The schemas of all types that are mentioned."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        types = [HashText, Number, str, Problem, *(type_ for operation in operations for type_ in _types(operation))]
        made, self.components = msgspec.json.schema_components(types, schema_hook=_any_value, ref_template=_REF)
        self._by_type = {id(type_): schema for type_, schema in zip(types, made, strict=True)}
        self._types = types  # kept, so that the ids stay theirs
        for operation in operations:
            if operation.query is not None:
                self.components.pop(operation.query.__name__, None)  # stands as parameters, one by one

    def of(self, type_: Any) -> dict[str, Any]:
        return self._by_type[id(type_)]


def _types(operation: Operation) -> Iterator[Any]:
    if operation.body is not None and operation.body.type is not None:
        yield operation.body.type
    yield from (answer.type for answer in operation.answers if answer.type is not None)
    yield from (parameter.type for parameter in operation.parameters)


def _any_value(_type: type) -> dict[str, Any]:
    """Of a type that msgspec does not know, nothing is promised."""
    return {}


def _operation(route: Described, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(route, operation, schemas),
        "security": _security(route.access),
    }
    if detail := " ".join(filter(None, (operation.detail, _scope_words(route.access)))):
        described["description"] = detail
    if parameters := [*_path_parameters(route, operation, schemas), *_query_parameters(operation.query)]:
        described["parameters"] = parameters
    if (body := operation.body) is not None:
        media: dict[str, Any] = {"schema": schemas.of(body.type) if body.type is not None else {}}
        if body.example is not None:
            media["example"] = body.example
        described["requestBody"] = {"required": body.is_required, "content": dict.fromkeys(body.content_types, media)}
        if body.detail:
            described["requestBody"]["description"] = body.detail
    return described


def _operation_id(route: Described) -> str:
    return "_".join([route.method.lower(), *re.findall(r"\w+", _VARIABLE.sub(r"\2", route.rule))])


def _path_parameters(route: Described, operation: Operation, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    said = {parameter.name for parameter in operation.parameters}
    for converter, name in _VARIABLE.findall(route.rule):
        if name not in said:
            type_ = HashText if name == "info_hash" else Number if converter == "int" else str
            yield _parameter(Parameter(name, type_, place="path"), schemas.of(type_))
    for parameter in operation.parameters:
        yield _parameter(parameter, schemas.of(parameter.type))


def _parameter(parameter: Parameter, schema: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_required or parameter.place == "path",
        "schema": schema,
    }
    if parameter.detail:
        described["description"] = parameter.detail
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _query_parameters(type_: type[Struct] | None) -> Iterator[dict[str, Any]]:
    if type_ is None:
        return
    (_,), components = msgspec.json.schema_components([type_], ref_template=_REF)
    schema = components[type_.__name__]
    for name, property_ in schema["properties"].items():
        own = {key: value for key, value in _without_null(property_).items() if key != "description" and (key, value) != ("default", None)}
        described = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": own}
        if detail := _description(property_):
            described["description"] = detail
        yield described


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An address cannot say null: what may be null is what may be left out."""
    if "anyOf" not in schema:
        return schema
    kept = [choice for choice in schema["anyOf"] if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**kept[0], **rest} if len(kept) == 1 else {"anyOf": kept, **rest}


def _description(schema: dict[str, Any]) -> str:
    return str(
        schema.get("description") or next((choice["description"] for choice in schema.get("anyOf", ()) if "description" in choice), "")
    )


def _responses(route: Described, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    answers = {answer.status: answer for answer in (*_usual(route, operation), *operation.answers)}
    return {str(status): _response(answer, schemas) for status, answer in sorted(answers.items())}


def _response(answer: Answer, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.detail}
    if answer.type is not None:
        described["content"] = {answer.content_type: {"schema": schemas.of(answer.type)}}
    elif answer.status >= 400:
        described["content"] = {PROBLEM_TYPE: {"schema": {"$ref": _PROBLEM_REF}}}
    elif answer.content_type != "application/json":
        described["content"] = {answer.content_type: {"schema": {}}}
    if answer.headers:
        described["headers"] = {name: {"description": words, "schema": {"type": "string"}} for name, words in answer.headers}
    return described


def _usual(route: Described, operation: Operation) -> Iterator[Answer]:
    """What a route answers by its nature, without saying so."""
    yield _problem(421, "This instance does not go by the name in the address")
    if operation.query is not None or operation.parameters or operation.body is not None:
        yield _problem(400, "Something asked for is not understood; `errors` says what and where")
    if "<" in route.rule:
        yield _problem(404, "There is none, or the address is not well formed")
    if operation.body is not None:
        yield _problem(408, "The body did not arrive in time")
        yield _problem(413, "The body is too large")
        yield _problem(415, "The body is of a type that is not read here")
    if route.access is not Access.OPEN:
        yield _problem(401, "No key, or none that is good")
        yield _problem(403, "The key lacks the scope")
        yield _problem(429, "Too many requests; Retry-After says when to come again")
        yield _problem(503, "The database does not answer now")


def _problem(status: int, words: str) -> Answer:
    return Answer(status, f"{HTTPStatus(status).phrase}: {words[0].lower()}{words[1:]}")


def _security(access: Access) -> list[dict[str, list[str]]]:
    if access is Access.OPEN:
        return []
    names = ["key", "bearer", *(["internal"] if access is Access.INGEST else [])]
    return [{name: []} for name in names]


def _scope_words(access: Access) -> str:
    return f"Needs the scope `{_SCOPES[access]}`." if access in _SCOPES else ""
