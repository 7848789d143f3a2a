"""Searches that people saved, and their feeds."""
