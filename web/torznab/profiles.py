"""Torznab profiles: addresses with habits of their own, and what these make of what a client asks.

What a client says itself wins over a profile's categories and order. Minimum seeders, minimum age and "no adult content" always hold:
somebody who points a client at a profile wants them to, whatever the client may ask.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from werkzeug.exceptions import NotFound

from config.settings import TorznabProfile
from protocol.torznab.categories import is_within
from protocol.torznab.query import TorznabQuery
from storage.search.engine import Order, SearchQuery
from web.form import kinds_shown


def profile_of(profiles: Mapping[str, TorznabProfile], name: str | None) -> TorznabProfile | None:
    """The profile of an address; None where the address is of none. Raises NotFound (404)."""
    if name is None:
        return None
    if name not in profiles:
        raise NotFound("There is no Torznab profile of that name: write [torznab.profiles.<name>] into the settings")
    return profiles[name]


def narrowed(wanted: SearchQuery, query: TorznabQuery, profile: TorznabProfile, now: datetime) -> SearchQuery:
    """What the engine is asked for `query` at a profile's address, instead of `wanted`."""
    wanted = replace(wanted, kinds=frozenset() if profile.adult else kinds_shown(None))
    if profile.categories and not query.names_categories:
        wanted = replace(wanted, categories=_both(profile.categories, query.categories))
    if profile.min_seeders:
        wanted = replace(wanted, min_seeders=profile.min_seeders)
    if profile.min_age_hours:
        latest = now - timedelta(hours=profile.min_age_hours)
        wanted = replace(wanted, seen_before=min(latest, wanted.seen_before or latest))
    if profile.sort and query.sort is None:
        wanted = replace(wanted, order=Order(profile.sort))
    return wanted


def _both(habit: tuple[int, ...], own: tuple[int, ...]) -> tuple[int, ...]:
    """The profile's categories as far as the function searches them (none means all), else the function's own."""
    if not own:
        return habit
    inside = (*(category for category in habit if is_within(category, own)), *(category for category in own if is_within(category, habit)))
    return tuple(dict.fromkeys(inside)) or own
