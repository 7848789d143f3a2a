"""Bodies that are too long, too slow, too deep or broken."""

import gzip
import random
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from quart import Response
from quart_trio import QuartTrio
from trio.testing import MockClock
from werkzeug.exceptions import HTTPException

from web.bodies import read_body, read_json
from web.errors import BadInput
from web.json_text import MAX_NESTING, decoded, nesting_fault

NOISE = random.Random(1).randbytes(300_000)


class Film(msgspec.Struct):
    title: str
    years: list[int] = []


def app_that(read: Callable[[], object]) -> QuartTrio:
    """Answers what `read` gives, or what it says is wrong."""
    app = QuartTrio(__name__)

    @app.post("/")
    async def answer() -> Response:
        try:
            value = await read()  # type: ignore[misc]
        except HTTPException as error:
            faults = [fault.pointer or fault.detail for fault in getattr(error, "faults", ())]
            return Response(f"{error.description} {faults}", status=error.code, headers=error.get_headers())
        return Response(value if isinstance(value, bytes) else repr(value))

    return app


async def post(read: Callable[[], object], chunks: Iterable[bytes], *, pause_s: float = 0.0, **headers: str) -> tuple[int, bytes]:
    """Send a body in pieces, `pause_s` before each; status and body of the answer."""
    waiting = iter([*chunks, None])
    answered: list[Any] = []

    async def receive() -> Any:
        await trio.sleep(pause_s)
        chunk = next(waiting, ...)
        if chunk is ...:
            await trio.sleep_forever()
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: Any) -> None:
        answered.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "http_version": "1.1", "asgi": {}, "method": "POST", "scheme": "http", "path": "/", "raw_path": b"/"}
    await app_that(read)({**scope, "query_string": b"", "root_path": "", "headers": named, "extensions": {}}, receive, send)  # type: ignore[arg-type]
    return answered[0]["status"], b"".join(message.get("body", b"") for message in answered[1:])


async def plain() -> bytes:
    return await read_body(200_000)


async def packed() -> bytes:
    return await read_body(400_000, gzip_allowed=True)


async def test_a_body_within_the_limit_comes_whole() -> None:
    assert await post(plain, [NOISE[:100_000], b"", NOISE[100_000:200_000]]) == (200, NOISE[:200_000])


async def test_a_body_over_the_limit_is_refused_announced_or_not() -> None:
    assert (await post(plain, [NOISE[:200_001]], content_length="200001"))[0] == 413
    assert (await post(plain, [NOISE[:100_001], NOISE[:100_000]]))[0] == 413


async def test_gzip_is_unpacked_in_one_member_or_several() -> None:
    one = gzip.compress(NOISE)
    assert await post(packed, [one[:7], one[7:100_000], one[100_000:]], content_encoding="gzip") == (200, NOISE)
    several = b"".join(gzip.compress(NOISE[start : start + 60_000]) for start in range(0, len(NOISE), 60_000))
    assert await post(packed, [several[:61_000], several[61_000:]], content_encoding="x-gzip") == (200, NOISE)
    assert await post(packed, [gzip.compress(b"") * 3 + gzip.compress(b"end")], content_encoding="gzip") == (200, b"end")


async def test_gzip_counts_as_what_comes_out() -> None:
    assert (await post(packed, [gzip.compress(NOISE + NOISE)], content_encoding="gzip"))[0] == 413


async def test_a_gzip_bomb_is_refused_before_it_unfolds() -> None:
    bomb = gzip.compress(bytes(100_000_000))

    async def read() -> bytes:
        return await read_body(1 << 30, gzip_allowed=True)

    status, words = await post(read, [bomb[:5000], bomb[5000:]], content_encoding="gzip")
    assert status == 413
    assert b"100 fold" in words


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(NOISE)[:-5], gzip.compress(b"a") + b"junk", b"", gzip.compress(b"") * 2500, zlib.compress(b"a")],
    ids=["no gzip", "cut off", "followed by junk", "empty", "thousands of members", "zlib"],
)
async def test_a_damaged_gzip_stream_is_refused(body: bytes) -> None:
    assert (await post(packed, [body], content_encoding="gzip"))[0] == 400


async def test_other_codings_are_refused_with_those_that_are_read() -> None:
    assert (await post(packed, [b""], content_encoding="br"))[0] == 415
    assert (await post(plain, [gzip.compress(b"a")], content_encoding="gzip"))[0] == 415


async def test_an_idle_body_ends_in_408_and_a_slow_one_does_not(autojump_clock: MockClock) -> None:
    assert (await post(plain, [b"a", b"b"], pause_s=30))[0] == 408
    assert (await post(plain, [b"a"] * 1000, pause_s=1))[0] == 408, "a byte a second is an attack"
    assert (await post(plain, [NOISE[:40_000]] * 5, pause_s=5))[0] == 200


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"title": 1}', "/title"),
        (b'{"title": "Sintel", "years": [2010, "2011"]}', "/years/1"),
        (b'{"years": []}', "title"),
        (b"[]", "array"),
        (b"", "not JSON"),
        (b'{"title": "Sintel"', "not JSON"),
        (b'{"title": "Sin\xfftel"}', "UTF-8"),
        (b'{"title": "Sintel", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested"),
        (b'{"title": "Sintel", "x": ' + b"[" * 5000, "nested"),
    ],
)
async def test_wrong_json_is_told_with_its_place(body: bytes, place: str) -> None:
    async def read() -> Film:
        return await read_json(Film)

    status, words = await post(read, [body], content_type="application/json")
    assert status == 400
    assert place in words.decode()


async def test_json_must_say_so_or_nothing() -> None:
    async def read() -> Film:
        return await read_json(Film)

    body = [b'{"title": "Sintel"}']
    for mimetype in ("application/json", "application/json; charset=utf-8", "application/vnd.swarmdex+json"):
        assert (await post(read, body, content_type=mimetype))[0] == 200
    assert (await post(read, body))[0] == 200
    for mimetype in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        assert (await post(read, body, content_type=mimetype))[0] == 415
    assert (await post(read, [b'{"title": "', b"S" * 70_000, b'"}']))[0] == 413


def test_the_line_of_a_syntax_error_is_told() -> None:
    with pytest.raises(BadInput) as caught:
        decoded(b'{\n "title": "Sintel",\n "years" 3\n}', Film)
    (fault,) = caught.value.faults
    assert (fault.line, "column" in fault.detail) == (3, True)


def test_nesting_is_what_stands_outside_of_strings() -> None:
    assert nesting_fault(b"[" * MAX_NESTING + b"]" * MAX_NESTING) is None
    assert nesting_fault(b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1)) is not None
    assert nesting_fault(b'{"[": "' + b"[" * 1000 + b'\\"' + b"{" * 1000 + b'"}') is None
    assert nesting_fault(b"[" + b'{"a":[]},' * 1000 + b"{}]") is None
    assert nesting_fault(b"[{" * 500_000) is not None
    assert nesting_fault(b"[" * 4_000_000) is not None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=200,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(values, st.integers(0, 2 * MAX_NESTING))
def test_nesting_is_judged_as_a_walk_would(value: object, more: int) -> None:
    for _ in range(more):
        value = [value]
    assert (nesting_fault(msgspec.json.encode(value)) is None) == (depth(value) <= MAX_NESTING)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_bad_input(body: bytes) -> None:
    with suppress(BadInput):
        assert isinstance(decoded(body, Film), Film)
