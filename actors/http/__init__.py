"""Talking to servers of others over HTTP."""
