"""Reading what a request of the API asks for: parameters as the fields of a Struct, hashes, cursors."""

import base64
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
import msgspec.inspect
from msgspec import Meta, Struct
from quart import request
from werkzeug.exceptions import NotFound

from storage.search.engine import Order, Position
from web.errors import BadInput, Fault

T = TypeVar("T", bound=Struct)

HASH_PATTERN: Final = "^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$"
HashText = Annotated[str, Meta(pattern=HASH_PATTERN, description="40 hexadecimal digits, or the 64 of version 2")]
_LETTERS = (
    r"\u00c0-\u024f\u0391-\u03a1\u03a3-\u03ff\u0400-\u04ff\u05d0-\u05ea\u0620-\u064a\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3"
)
NAME_PATTERN: Final = f"^[!-~{_LETTERS}][ -~{_LETTERS}]*$"
"""What people call things: letters of many scripts, digits and signs, no control characters, no space at the beginning."""
LINE_PATTERN: Final = r"^[^\u0000-\u001f\u007f]+$"

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_FAULT: Final = re.compile(r"^(.*?)(?: - at `\$\.?([^`\[]*).*`)?$", re.DOTALL)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Int8 = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


def read_query(type_: type[T]) -> T:
    """The parameters in the address as a `type_`. Of what may be given once the first counts; names nobody knows are passed over.

    Raises:
        BadInput: a value is not as the field's type wants it; says which.
    """
    given: dict[str, Any] = {}
    for field in _fields_of(type_):
        values = request.args.getlist(field.name)
        if values:
            parts = [part for value in values for part in value.split(",")] if field.is_list else values[:1]
            read = [int(part) if field.is_number and _WHOLE.fullmatch(part) else part for part in parts]
            given[field.name] = read if field.is_list else read[0]
    try:
        return msgspec.convert(given, type_)
    except msgspec.ValidationError as error:
        matched = _FAULT.match(str(error))
        words, name = (matched[1], matched[2]) if matched is not None else (str(error), None)
        raise BadInput(f"{name or 'a parameter'}: {words}", Fault(words, parameter=name or "")) from None


class _Field(NamedTuple):
    name: str
    is_list: bool
    is_number: bool


@cache
def _fields_of(type_: type[Struct]) -> tuple[_Field, ...]:
    info = msgspec.inspect.type_info(type_)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101 - that is what a Struct is
    return tuple(_field(field.encode_name, field.type) for field in info.fields)


def _field(name: str, type_: msgspec.inspect.Type, *, is_list: bool = False) -> _Field:
    match type_:
        case msgspec.inspect.Metadata(type=inner):
            return _field(name, inner, is_list=is_list)
        case msgspec.inspect.UnionType(types=choices):
            return _field(name, next(choice for choice in choices if not isinstance(choice, msgspec.inspect.NoneType)), is_list=is_list)
        case msgspec.inspect.VarTupleType(item_type=item):
            return _field(name, item, is_list=True)
    return _Field(name, is_list, isinstance(type_, msgspec.inspect.IntType))


class _Cursor(Struct, frozen=True, array_like=True):
    """A Position, and which search it belongs to."""

    search: bytes
    order: Order
    id: _Int8
    first_seen: Annotated[int, Meta(ge=0, lt=1 << 57)]  # microseconds since 1970
    size: _Int8
    seeders: Annotated[int, Meta(ge=0, lt=1 << 31)]
    rank: Annotated[int, Meta(ge=0, le=9)]


def cursor_of(position: Position, search: object) -> str:
    """A position as text for clients. `search` stands for what was searched: the cursor is good for that alone."""
    since = (position.first_seen - _EPOCH) // timedelta(microseconds=1)
    cursor = _Cursor(_digest(search), position.order, position.id, since, max(0, position.size), max(0, position.seeders), position.rank)
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).rstrip(b"=").decode()


def read_cursor(text: str, search: object) -> Position:
    """The position that `cursor_of` made. Raises NotFound for anything else: such a page does not exist."""
    try:
        cursor = msgspec.msgpack.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), type=_Cursor)
    except (ValueError, msgspec.MsgspecError):
        raise NotFound("`after` must be the `next` of the page before") from None
    if cursor.search != _digest(search):
        raise NotFound("`after` belongs to another search: all but `limit` must be as for the page before")
    seen = _EPOCH + timedelta(microseconds=cursor.first_seen)
    return Position(cursor.order, cursor.id, seen, cursor.size, cursor.seeders, cursor.rank)


def _digest(search: object) -> bytes:
    return blake2b(msgspec.msgpack.encode(search, enc_hook=str), digest_size=6).digest()
