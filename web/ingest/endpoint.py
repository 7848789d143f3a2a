"""POST /api/ingest and what is below it: torrents from others, answered after the commit; docs/ingest.md is for those who send."""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta
from quart import Response, g, request
from werkzeug.exceptions import UnsupportedMediaType

from catalog.receipts import Settled
from protocol.identifiers import InfoHash
from web.api.requests import HASH_PATTERN
from web.bodies import is_json, read_body, read_json
from web.errors import JSON_TYPE, BadInput, Fault
from web.ingest.answers import Pipeline
from web.ingest.batch import LINE_TYPES, read_batch
from web.ingest.items import DEFAULT_SOURCE, SOURCE_PATTERN, Entry, Item, SourceName, read_hash, read_item
from web.ingest.repeats import HEADER, LONGEST_KEY, REPLAYED, Repeats, RequestKey
from web.ingest.uploads import FORM_TYPE, RAW_TYPE, Told, TorrentFileReader, Upload, read_form
from web.operation import Answer, Body, Operation, Parameter, describes
from web.parts import IngestParts, WebParts

_MAX_ASKED: Final = 1000
_ASKED_BYTES: Final = 256 * 1024
_MAX_FAULTS: Final = 20
"""Told of one request: the first ones show what is wrong with all."""

Status = Literal["new", "updated", "blocked", "refused", "invalid"]


class Place(msgspec.Struct, omit_defaults=True):
    """What is wrong with an item, and where."""

    detail: str
    pointer: str = ""
    line: int | None = None


class Result(msgspec.Struct, omit_defaults=True):
    """What became of one item."""

    status: Status
    info_hash: str = ""
    reason: str = ""
    """Why it was refused."""
    errors: tuple[Place, ...] = ()
    """What is wrong with it where it is invalid."""
    warning: str = ""
    index: int | None = None
    line: int | None = None
    file: str = ""


class Summary(msgspec.Struct):
    """How many of each."""

    new: int = 0
    updated: int = 0
    blocked: int = 0
    refused: int = 0
    invalid: int = 0


class BatchResult(msgspec.Struct):
    """The answer to many items: one result each, in their order."""

    summary: Summary
    results: list[Result]


class Asked(msgspec.Struct):
    """Info hashes of which somebody wants to know whether they are worth sending."""

    info_hashes: Annotated[
        list[Annotated[str, Meta(max_length=64, extra_json_schema={"pattern": HASH_PATTERN})]], Meta(max_length=_MAX_ASKED)
    ]


class Unknown(msgspec.Struct):
    """Those that are neither stored nor blocked, as they were asked for."""

    unknown: list[str]


_KEY = Parameter(
    HEADER, Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY, pattern="^[ -~]*$")], "Sent again, the same answer comes", "header"
)
_USUAL = (
    Answer(409, "The same request is being answered right now"),
    Answer(422, f"The {HEADER} was sent with another request"),
)


class UploadParameters(msgspec.Struct):
    """What is said of uploaded files; a form may say it in fields."""

    source: SourceName = DEFAULT_SOURCE
    category: Annotated[str, Meta(max_length=100)] = ""


class IngestEndpoints:
    """Takes torrents from crawlers elsewhere, scripts and people."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._ingest: IngestParts = parts.ingest
        limits = parts.ingest.settings
        self._limits = limits
        self._pipeline = Pipeline(parts.ingest.found, limits.deadline_s)
        self._repeats = Repeats(parts.ingest.answers)
        self._files = TorrentFileReader(limits.max_file_bytes, parts.ingest.max_files, parts.ingest.info_limit_bytes)

    @describes(
        Operation(
            "Send one torrent",
            Answer(200, "What became of it, after the commit", Result),
            *_USUAL,
            tag="ingest",
            parameters=(_KEY,),
            body=Body(Item, detail="May be sent as gzip"),
        )
    )
    async def one(self) -> Response:
        """Answer POST /api/ingest."""
        _require(is_json(request.mimetype), JSON_TYPE)
        body = await self._body()
        entry = read_item(body, self._ingest.max_files)
        if entry.torrent is None:
            raise BadInput("The item cannot be taken", *entry.faults)
        outcomes, is_replayed = await self._outcomes([entry], body)
        return _answer(_results([entry], outcomes)[0], is_replayed=is_replayed)

    @describes(
        Operation(
            "Send many torrents",
            Answer(200, "What became of each, in their order; a bad one spoils no other", BatchResult),
            *_USUAL,
            tag="ingest",
            parameters=(_KEY,),
            body=Body(list[Item], content_types=(JSON_TYPE,), detail="Or `application/x-ndjson`, an item a line; both may be sent as gzip"),
        )
    )
    async def bulk(self) -> Response:
        """Answer POST /api/ingest/bulk."""
        _require(is_json(request.mimetype) or request.mimetype in LINE_TYPES, f"{JSON_TYPE} or application/x-ndjson")
        body = await self._body()
        entries = await read_batch(body, request.mimetype, self._limits.max_items, self._ingest.max_files)
        return await self._answer_all(entries, body)

    @describes(
        Operation(
            "Upload .torrent files",
            Answer(200, "What became of each", BatchResult),
            *_USUAL,
            tag="ingest",
            query=UploadParameters,
            parameters=(_KEY,),
            body=Body(None, content_types=(RAW_TYPE, FORM_TYPE), detail="One file as it is, or a form with any number of files"),
        )
    )
    async def file(self) -> Response:
        """Answer POST /api/ingest/file."""
        is_form = request.mimetype == FORM_TYPE
        _require(is_form or request.mimetype in {RAW_TYPE, "application/octet-stream"}, f"{RAW_TYPE} or {FORM_TYPE}")
        boundary = request.mimetype_params.get("boundary", "")
        if is_form and not 0 < len(boundary) <= 70:  # RFC 2046, 5.1.1
            raise BadInput("The Content-Type of a form must name its boundary")
        body = await read_body(self._limits.max_upload_bytes, gzip_allowed=True, gzip_ratio=self._limits.gzip_ratio)
        if is_form:
            uploads, fields = await read_form(body, boundary, self._limits.max_items)
        else:
            uploads, fields = [Upload("", body)], {}
        if not uploads:
            raise BadInput("The form holds no file")
        told = _told({**request.args.to_dict(), **fields})
        entries = [await self._files.entry(upload, told) for upload in uploads]
        return await self._answer_all(entries, body)

    @describes(
        Operation(
            "Which hashes are worth sending", Answer(200, "Those neither stored nor blocked", Unknown), tag="ingest", body=Body(Asked)
        )
    )
    async def unknown(self) -> Response:
        """Answer POST /api/ingest/unknown."""
        asked = await read_json(Asked, _ASKED_BYTES)
        hashes = {text: read_hash(text) for text in asked.info_hashes}
        if faults := [
            Fault("expected 40 or 64 hexadecimal digits", f"/info_hashes/{index}")
            for index, text in enumerate(asked.info_hashes)
            if hashes[text] is None
        ]:
            raise BadInput("Not all of these are info hashes", *faults[:_MAX_FAULTS])
        short = {text: InfoHash(found[:20]) for text, found in hashes.items() if found is not None}
        unknown = set(await self._parts.torrents.unknown(short.values()))
        return _json(Unknown([text for text in short if short[text] in unknown]))

    async def _body(self) -> bytes:
        return await read_body(self._limits.max_body_bytes, gzip_allowed=True, gzip_ratio=self._limits.gzip_ratio)

    async def _answer_all(self, entries: Sequence[Entry], body: bytes) -> Response:
        outcomes, is_replayed = await self._outcomes(entries, body)
        results = _results(entries, outcomes)
        summary = Summary()
        for index, result in enumerate(results):
            result.index = index
            setattr(summary, result.status, getattr(summary, result.status) + 1)
        return _answer(BatchResult(summary, results), is_replayed=is_replayed)

    async def _outcomes(self, entries: Sequence[Entry], body: bytes) -> tuple[tuple[Settled, ...], bool]:
        """The outcome of every entry that is a torrent, in order; and whether they are those of an earlier time."""
        torrents = [entry.torrent for entry in entries if entry.torrent is not None]
        address = f"{request.path}?{request.query_string.decode('latin-1')} {request.content_type}"
        key = RequestKey.of(request.headers.get(HEADER), g.principal, address, body)
        outcomes, is_replayed = await self._repeats.once(key, lambda: self._pipeline.settle(torrents))
        if len(outcomes) != len(torrents):  # kept by another version, which understood the request differently
            return await self._pipeline.settle(torrents), False
        return outcomes, is_replayed


def _results(entries: Sequence[Entry], outcomes: Sequence[Settled]) -> list[Result]:
    settled = iter(outcomes)
    return [_invalid(entry) if entry.torrent is None else _settled(entry, next(settled)) for entry in entries]


def _settled(entry: Entry, settled: Settled) -> Result:
    return Result(settled.outcome.value, entry.info_hash, settled.reason, warning=entry.warning, line=entry.line, file=entry.file_name)


def _invalid(entry: Entry) -> Result:
    places = tuple(Place(fault.detail, fault.pointer, fault.line) for fault in entry.faults)
    return Result("invalid", entry.info_hash, errors=places, warning=entry.warning, line=entry.line, file=entry.file_name)


def _told(fields: dict[str, str]) -> Told:
    source = fields.get("source") or DEFAULT_SOURCE
    if re.fullmatch(SOURCE_PATTERN, source) is None:
        raise BadInput("The field source must have 1 to 40 of the characters a-z 0-9 . _ -")
    return Told(source, fields.get("category", "")[:100] or None)


def _require(is_right: bool, types: str) -> None:
    if not is_right:
        raise UnsupportedMediaType(f"Send {types}")


def _answer(value: Result | BatchResult, *, is_replayed: bool) -> Response:
    response = _json(value)
    if is_replayed:
        response.headers[REPLAYED] = "true"
    return response


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), content_type=JSON_TYPE)
