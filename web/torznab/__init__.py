"""Torznab over the search engine: endpoint (requests), translation (what the engine is asked), items (how a row is shown)."""
