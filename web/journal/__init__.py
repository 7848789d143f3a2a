"""The last Torznab requests, and why those that found nothing found nothing."""
