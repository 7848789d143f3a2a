"""From the ids of a Torznab query to the works they number, or to the words beside them, or to nothing."""

from dataclasses import dataclass

from catalog.works import Medium, Work
from protocol.torznab.query import Function, TorznabQuery
from storage.works import Works

_MEDIA = {Function.TVSEARCH: (Medium.SERIES,), Function.MOVIE: (Medium.MOVIE,)}


@dataclass(frozen=True, slots=True)
class Resolved:
    """What the ids of a query come to."""

    works: tuple[Work, ...] = ()
    """Any of them may match; none: the ids say nothing, and the rest of the query decides."""
    reason: str = ""
    """Not empty: nothing can match, and why."""


def media_of(function: Function) -> tuple[Medium, ...]:
    """The media whose numbers a function takes."""
    return _MEDIA.get(function, tuple(Medium))


async def resolve_ids(works: Works, query: TorznabQuery) -> Resolved:
    """Look the ids up. Waits for our own tables only. Raises DatabaseUnavailable.

    An id that is unknown finds nothing: clients ask by words next. Where no number of its kind is held, it is not offered in the
    capabilities either, and is like one of a kind we do not know: alone it finds nothing, beside words it is ignored.
    """
    if not query.ids and not query.has_unsupported_id:
        return Resolved()
    media = media_of(query.function)
    if found := await works.resolve(query.ids, media):
        return Resolved(found)
    held = {authority for medium in media for authority in works.held(medium)}
    if any(given.authority in held for given in query.ids):
        return Resolved(reason="No work with this id is known here, and an id decides: clients ask again by words.")
    if query.text:
        return Resolved()
    return Resolved(reason="The request asks by id alone, and this index holds no ids of that kind.")
