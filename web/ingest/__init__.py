"""Torrents from elsewhere: one, many, as .torrent files, and which of many are worth sending."""
