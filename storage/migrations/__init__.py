"""Numbered SQL files and the order they run in."""
