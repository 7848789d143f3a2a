"""What goes wrong with a request to somebody else's server.

    SwarmdexError
    └─ FetchFailed                no answer can be used; `url` is without credentials and query
       ├─ Unreachable             not now: no such name, no connection, broken off; try again later
       │  └─ TooSlow              not whole within the deadline
       ├─ MalformedAnswer         the answer breaks HTTP, or is packed in a way nobody asked for
       ├─ TooLarge                the body, unpacked, is over the limit
       ├─ TooManyRedirects        one leads to the next
       └─ Forbidden               we do not go there; trying again gives the same answer
          ├─ ForbiddenUrl         not http or https, no host, or a redirect that would hand our body to another host
          └─ ForbiddenAddress     the name leads to this machine, a private network or another place no stranger may send us to

What a caller asks is "try again?": `except Unreachable` answers it. HTTP statuses are no errors here: the caller knows what they mean.
"""

from protocol.errors import SwarmdexError


class FetchFailed(SwarmdexError):
    """No answer can be used."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


class Unreachable(FetchFailed):
    """The server cannot be reached now; later it may be."""


class TooSlow(Unreachable):
    """The whole answer, redirects included, did not arrive within the deadline."""


class MalformedAnswer(FetchFailed):
    """What came is not HTTP, or its body is damaged or packed in a way nobody asked for."""


class TooLarge(FetchFailed):
    """The body is larger than the limit, counted unpacked."""


class TooManyRedirects(FetchFailed):
    """The server sends us on and on."""


class Forbidden(FetchFailed):
    """We do not go there."""


class ForbiddenUrl(Forbidden):
    """The address is of a kind we do not follow."""


class ForbiddenAddress(Forbidden):
    """The host is, or resolves to, an address that no stranger may send us to."""


def words_of(error: BaseException) -> str:
    """The words nearest to the cause: httpcore's own errors often have none, as for a certificate that is not trusted."""
    words = type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        words = str(cause) or words
        cause = cause.__cause__ or cause.__context__
    return words
