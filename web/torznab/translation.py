"""From a Torznab query to what the search engine is asked."""

import re
from datetime import datetime, timedelta

from protocol.torznab.query import Sort, TorznabQuery
from storage.search.engine import Order, SearchQuery
from web.form import kinds_shown

_ORDERS = {Sort.POSTED: Order.NEWEST, Sort.SIZE: Order.SIZE, Sort.STATS: Order.SEEDERS}
# In the engine's language these exclude words and quote phrases; in a client's q they are punctuation.
_OPERATORS = re.compile(r'["“”„]|(?<!\w)-+')


def search_query(query: TorznabQuery, now: datetime) -> SearchQuery:
    """What the engine is asked for a Torznab query."""
    text = _OPERATORS.sub(" ", query.text).strip() or query.text  # a text of nothing but punctuation finds nothing, rather than all
    order = _ORDERS[query.sort] if query.sort is not None else Order.RELEVANCE if text else Order.NEWEST
    return SearchQuery(
        text=text,
        kinds=frozenset() if query.categories else kinds_shown(None),  # adult: for those who name its categories
        categories=query.categories,
        season=query.season,
        episode=query.episode,
        air_date=query.air_date,
        air_year=query.air_year,
        absolute_episode=query.absolute_episode,
        year=query.year,
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
