"""Torznab (the 1.3 draft over Newznab): queries in, XML out."""
