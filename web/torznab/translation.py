"""From a Torznab query to what the search engine is asked."""

import re
from datetime import datetime, timedelta

from catalog.works import Work
from protocol.torznab.query import Sort, TorznabQuery
from storage.search.engine import Order, SearchQuery
from web.form import kinds_shown

_ORDERS = {
    Sort.POSTED: Order.NEWEST,
    Sort.POSTED_ASCENDING: Order.OLDEST,
    Sort.SIZE: Order.SIZE,
    Sort.SIZE_ASCENDING: Order.SMALLEST,
    Sort.STATS: Order.SEEDERS,
    Sort.STATS_ASCENDING: Order.FEWEST_SEEDERS,
    Sort.FILES: Order.MOST_FILES,
    Sort.FILES_ASCENDING: Order.FEWEST_FILES,
    Sort.NAME: Order.NAME_BACKWARDS,
    Sort.NAME_ASCENDING: Order.NAME,
}
# In the engine's language these exclude words and quote phrases; in a client's q they are punctuation.
_OPERATORS = re.compile(r'["“”„]|(?<!\w)-+')


def search_query(query: TorznabQuery, now: datetime, works: tuple[Work, ...] = ()) -> SearchQuery:
    """What the engine is asked for a Torznab query whose ids are of these works: then they decide, and its words only rank."""
    text = _OPERATORS.sub(" ", query.text).strip() or query.text  # a text of nothing but punctuation finds nothing, rather than all
    order = _ORDERS[query.sort] if query.sort is not None else Order.RELEVANCE if text else Order.NEWEST
    return SearchQuery(
        text="" if works else text,
        rank_text=text if works else "",
        works=works,
        kinds=frozenset() if query.categories else kinds_shown(None),  # adult: for those who name its categories
        categories=query.categories,
        season=query.season,
        episode=query.episode,
        air_date=query.air_date,
        air_year=query.air_year,
        absolute_episode=query.absolute_episode,
        year=None if works else query.year,  # of a film the work knows it, give or take one; names may lack it
        min_size=query.min_size,
        max_size=query.max_size,
        seen_after=_days_before(now, query.max_age_days),
        seen_before=_days_before(now, query.min_age_days),
        order=order,
        limit=max(1, query.limit),
        offset=query.offset,
    )


def _days_before(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=min(days, 36_500))
