"""The Quart-Trio app: Torznab, the JSON API, health and the pages."""
