"""Names as attackers choose them, made safe: to parse in bounded time, to store, to show.

Control, format and bidi characters, lone surrogates and noncharacters go; every kind of white space becomes one space; what remains is in
NFC. A name is cut before a parser sees it, because guessit's time grows faster than the length (docs/titles.md).
"""

import unicodedata

PARSED_LENGTH = 255
"""Characters a parser gets to see: at most 0.54 s of CPU in guessit for the worst name we know, 11 s at four times the length."""

SHOWN_LENGTH = 1024
"""Characters of a name that are kept and shown; longest names that people give stay below 300."""

PATH_LENGTH = 1024
"""Characters of a file's path that are kept."""

_SPACES = frozenset({"Zs", "Zl", "Zp"})
_LINE_CONTROLS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x85")
_REMOVED = frozenset({"Cc", "Cf", "Cs"})
_CUT_BEFORE_NORMALISING = 4
"""NFC shortens a name at most this much per character kept; cutting first keeps a 100 kB name from costing 100 kB of work."""


def displayed(text: str, limit: int = SHOWN_LENGTH) -> str:
    """Return `text` safe to store, to show and to write into XML, cut to `limit` characters; empty if nothing readable is left."""
    text = text[: limit * _CUT_BEFORE_NORMALISING]
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():  # printable text has nothing to remove: no control, format, surrogate, or space but the usual one
        # What is removed may have stood between a letter and its accent, so that they meet only now.
        text = unicodedata.normalize("NFC", "".join(map(_cleaned, text)))
    return " ".join(text.split())[:limit].rstrip()


def displayed_path(path: str) -> str:
    """Return a file's path safe to store and show; its parts stay separated by `/`, empty parts vanish."""
    if len(path) <= PATH_LENGTH and path.isascii() and path.isprintable() and "//" not in path:
        return path
    parts = (displayed(part, PATH_LENGTH) for part in path[: PATH_LENGTH * _CUT_BEFORE_NORMALISING].split("/"))
    return "/".join(part for part in parts if part)[:PATH_LENGTH]


def parseable(name: str) -> str:
    """Return `name` as parsers get it: displayed form, cut to 255 characters."""
    return displayed(name, PARSED_LENGTH)


def _cleaned(character: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACES or character in _LINE_CONTROLS:
        return " "
    if category in _REMOVED or _is_noncharacter(ord(character)):
        return ""
    return character


def _is_noncharacter(code: int) -> bool:
    """Tell the 66 code points that are no characters and never will be (XML 1.0 bars U+FFFE and U+FFFF)."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
