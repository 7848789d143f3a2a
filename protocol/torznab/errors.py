"""Torznab's error answers: a code of the Newznab list, the HTTP status that goes with it, and a sentence.

Clients that ignore the body see the status, the others read either: so both always say the same.
"""

from enum import IntEnum

from protocol.errors import SwarmdexError
from protocol.torznab.xml import DECLARATION, quoted


class ErrorCode(IntEnum):
    """The codes in use here, each with its HTTP status."""

    http_status: int

    def __new__(cls, number: int, http_status: int) -> "ErrorCode":
        """Make a member that is its code and carries its HTTP status."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.http_status = http_status
        return member

    BAD_CREDENTIALS = 100, 401
    NOT_AUTHORISED = 102, 403
    MISSING_PARAMETER = 200, 400
    INCORRECT_PARAMETER = 201, 400
    NO_SUCH_FUNCTION = 202, 400
    FUNCTION_NOT_AVAILABLE = 203, 400
    NO_SUCH_ITEM = 300, 404
    REQUEST_LIMIT = 500, 429
    UNKNOWN = 900, 500
    DISABLED = 910, 503


REQUEST_LIMIT_REACHED = "Request limit reached"
"""Word for word what Sonarr, Radarr and Prowlarr compare with to tell a rate limit from a broken indexer."""


class TorznabError(SwarmdexError):
    """A Torznab request that cannot be answered; `str()` is the description the client gets to see."""

    def __init__(self, code: ErrorCode, description: str, *, http_status: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.http_status = code.http_status if http_status is None else http_status


def error_document(code: int, description: str) -> bytes:
    """The XML body of an error answer."""
    return f'{DECLARATION}<error code="{int(code)}" description="{quoted(description)}"/>\n'.encode()
