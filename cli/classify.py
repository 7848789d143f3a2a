"""`swarmdex classify`: names in, what they say out, line by line."""

from collections.abc import Iterable
from typing import Any, TextIO

from catalog.classify import classified_lines, classified_name


def classify_lines(names: Iterable[str], out: TextIO, *, as_json: bool) -> None:
    """Write a line for each name as soon as it is read."""
    lines = classified_lines(names) if as_json else (_in_words(classified_name(name.rstrip("\r\n"))) for name in names)
    for line in lines:
        out.write(line + "\n")
        out.flush()


def _in_words(said: dict[str, Any]) -> str:
    parts = [said["title"] or "?", said["kind"]]
    if said["year"]:
        parts.append(str(said["year"]))
    if said["seasons"]:
        parts.append("season " + ", ".join(map(str, said["seasons"])))
    if said["episodes"] or said["absolute_episodes"]:
        parts.append("episode " + ", ".join(map(str, said["episodes"] or said["absolute_episodes"])))
    parts += [str(said[field]) for field in ("date", "resolution", "source", "video_codec", "group") if said[field]]
    parts += said["languages"]
    return " | ".join(parts) + f"   ({said['stage']}, {said['confidence']:.0%} sure)"
