"""The description of the API: complete, valid, and the same for people."""

import pytest

from tests.fakes.website import parts_over
from web.access import Access
from web.api.description import type_words
from web.assets import Assets
from web.errors import Language, language_of
from web.journal.recorder import Recorder
from web.routes import routes
from web.traffic import Traffic

METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture
async def described(site) -> dict:
    response = await site.get("/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    return response.json()


async def test_every_json_route_is_described(site, described, library_database, tmp_path):
    parts = parts_over(library_database)
    table = routes(parts, Assets(tmp_path), Traffic(), Recorder(0, parts.search))
    expected = {(route.rule, route.method) for route in table if language_of(route.rule) is Language.JSON and route.rule != "/openapi.json"}
    assert {(route.rule, route.method) for route in table if route.operation is not None} == expected
    count = sum(len(METHODS & set(methods)) for methods in described["paths"].values())
    assert count == len(expected) >= 25


async def test_the_description_refers_to_nothing_that_is_not_there(described):
    schemas = described["components"]["schemas"]
    seen: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                seen.add(node["$ref"].removeprefix("#/components/schemas/"))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(described)
    assert seen <= set(schemas)
    assert set(schemas) <= seen
    ids = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


async def test_what_a_route_asks_for_stands_in_its_description(described):
    search = described["paths"]["/api/v1/search"]["get"]
    assert {"401", "403", "429", "503"} <= set(search["responses"])
    assert {"key": []} in search["security"]
    assert described["paths"]["/healthz"]["get"]["security"] == []
    assert {"internal": []} in described["paths"]["/api/ingest/bulk"]["post"]["security"]
    parameters = {parameter["name"]: parameter for parameter in search["parameters"]}
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    assert parameters["kind"]["schema"]["type"] == "array"
    by_hash = described["paths"]["/api/v1/torrents/{info_hash}"]
    assert set(by_hash) == {"get", "delete"}
    assert by_hash["delete"]["parameters"][0]["in"] == "path"
    assert set(Access) >= {Access.ADMIN, Access.INGEST}


async def test_people_read_the_same_on_a_page_without_scripts(site, described):
    response = await site.get("/docs")
    assert response.status_code == 200
    assert "script" not in response.headers["content-security-policy"]
    assert "<script" not in response.text
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in response.text
            assert operation["operationId"] in response.text
    for name in described["components"]["schemas"]:
        assert name in response.text


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Kind"}, "Kind"),
        ({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}, "integer from 0 or null"),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, "list of date"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integer"),
        ({"enum": ["a", "b"]}, "a | b"),
        ({}, "anything"),
    ],
)
def test_types_in_words(schema, words):
    assert type_words(schema) == words
