"""Torznab over the search engine.

endpoint: a request and its answer; ids: from numbers to works; profiles: addresses with habits; translation: what the engine is asked;
items: what a row says in a feed; written: feeds that are asked for again.
"""
