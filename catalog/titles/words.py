"""A name cut into words: what is wrapped round it comes off, what belongs together is joined ("H.264" -> "h264").

Every pattern here is linear: no nested repetition, bounded counts, and names have at most 255 characters.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from catalog.titles import lexicon

_JOINS: Final = tuple(
    (needles.split("|"), re.compile(pattern, re.IGNORECASE), replacement)
    for needles, pattern, replacement in (
        ("26", r"(?<![a-z0-9])([hx])[ ._-]?(26[456])(?![0-9])", r"\1\2"),
        ("web", r"(?<![a-z0-9])web[ ._-]?(dl|rip|hd|cap)(?![a-z])", r"WEB\1"),
        ("blu", r"(?<![a-z])blu[ ._-]?ray(?![a-z])", "BluRay"),
        ("rip|remux|scr", r"(?<![a-z])(bd|br|dvd|hdtv|tv|vod|vhs|cam|hd|dvb|sat)[ ._-](rip|remux|scr)(?![a-z])", r"\1\2"),
        ("dts", r"(?<![a-z])dts[ ._-]?(hd(?:[ ._-]?ma)?|x|es)(?![a-z])", r"DTS\1"),
        ("dts", r"(?<![a-z])dts(hdma|hd)[ ._-]ma(?![a-z])", r"DTSHDMA"),
        ("hdr10", r"(?<![a-z])hdr10(?:\+|plus)", "HDR10p"),
        ("dolby", r"(?<![a-z])dolby[ ._-]?vision(?![a-z])", "DV"),
        ("audio|sub", r"(?<![a-z])(dual|multi)[ ._-]?(audio|subs?)(?![a-z])", r"\1\2"),
        ("mpeg|vc|svt|hd|dvd|bd", r"(?<![a-z])(mpeg|vc|svt|hd|dvd|bd)[ ._-](2|4|1|av1|dvd|5|9|25|50)(?![a-z0-9.])", r"\1\2"),
        ("ac-3", r"(?<![a-z])(eac|ac)-3(?![0-9])", r"\g<1>3"),
        ("bit", r"(?<![a-z])(8|10|12)[ ._-]?bits?(?![a-z])", r"\1bit"),
        ("+", r"(?<![a-z0-9])(ddp|dd)\+", "DDP"),
        (
            "aac|ac3|dd|dts|truehd|flac|opus|pcm|atmos",
            r"(?<![a-z])(aac|e?ac3|ddpa?|dd|dts|dtshd|dtshdma|dtsx|truehd|flac|opus|lpcm|pcm|atmos)[ ._-]?([1-9])[ ._]([01])(?![0-9a-z])",
            r"\g<1>\2\3",
        ),
        (".0|.1", r"(?<![a-z0-9.])([1-9])\.([01])(?:ch)?(?![0-9a-z.])", r"ch\1\2"),
        (" e|.e|_e", r"(?<![a-z0-9])s(\d{1,2})[ ._](e\d{1,3})(?![a-z0-9])", r"S\1\2"),
        (" - s", r"(?<![a-z0-9])(s\d{1,2}) - (s\d{1,2})(?![a-z0-9])", r"\1-\2"),
        ("-s|- s", r"(?<![a-z0-9])s(\d{1,2})(e\d{1,3}) ?- ?s\1(?=e\d)", r"S\1\2-"),
        ("season", r"(?<![a-z0-9])season[ ._](\d{1,2})[ ._,-]{1,3}episode[ ._](\d{1,3})(?![a-z0-9])", r"S\1E\2"),
        ("season", r"(?<![a-z0-9])season[ ._](\d{1,2})(?=[ ._\[(](?![-&~]|to\b)|$)", r"S\1"),
    )
)
"""Pieces of text, one of which must be there; then what is looked for, and what is written instead.

Looking for a piece takes a hundredth of the time of looking for the pattern, and few names have more than three of them.
"""

SEPARATORS: Final = re.compile(r"[ ._]+")
VERSION: Final = re.compile(r"(?:(?<![a-z0-9.])|(?<=\.)(?=v))v?\d{1,4}(?:\.\d{1,5}){1,3}(?![a-z0-9]|\.\d)", re.IGNORECASE)
"""A program's version, "13.1.0" or "v1.2"; also what only looks like one: a date, "5.1"."""
_EXTENSION: Final = re.compile(r"\.([A-Za-z0-9]{2,8})$")
_ADVERT_PREFIX: Final = re.compile(
    r"^[\[({ ]{0,2}(?:https?://)?(?:www\.[a-z0-9-]{1,60}\.[a-z]{2,10}|[a-z0-9-]{3,40}\.(?:com|org|net|info|tv|me|to|cc))"
    r"[\])} ]{0,2}[ ._-]{1,4}(?=\S)",
    re.IGNORECASE,
)
_ADVERT_SUFFIX: Final = re.compile(
    r"[ ._-]{0,3}(?:[\[({](?:www\.)?(?:rarbg|eztv|ettv|tgx|rartv|[a-z0-9-]{2,30}\.(?:com|org|net|info|re|it|io|to|cc|se|is))[\])}]"
    r"|[ _-]www\.[a-z0-9-]{1,60}\.[a-z]{2,10})$",
    re.IGNORECASE,
)
_REVISION: Final = re.compile(r"(?<![a-z0-9])(s\d{1,2}e\d{1,3})v\d(?![a-z0-9])", re.IGNORECASE)
"""S01E03v2, a corrected release; guessit does not know it."""
_RUSSIAN_SEASON: Final = re.compile(r"(?<!\w)(\d{1,2})(?:-?й)? сезон(?!\w)", re.IGNORECASE)
_RUSSIAN_EPISODES: Final = re.compile(r"(?<!\w)(\d{1,3})(?:-(\d{1,3}))? сери[ия](?: из \d{1,3})?(?!\w)", re.IGNORECASE)
_CHECKSUM: Final = re.compile(r"[ ._]{0,2}[\[(][0-9A-Fa-f]{8}[\])]")
_WIDE_BRACKETS: Final = str.maketrans("【】「」『』［］（）〔〕", "[][][][]()[]")
_ALSO_WORDS: Final = lexicon.word_set("run snap sub log db ini rm lit pkg idx source mpc ai")
_KNOWN_EXTENSIONS: Final[frozenset[str]] = frozenset[str]().union(*lexicon.EXTENSIONS.values()) - _ALSO_WORDS
"""Extensions that a whole name may end in; Logan's.Run is no installer."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A name without what is wrapped round it."""

    text: str
    extension: str
    """Lower case, without the dot; empty when the name ends in no extension we know."""
    has_checksum: bool
    """True for a CRC32 in brackets, an anime habit."""


@lru_cache(maxsize=64)  # a name comes by twice at once: to be read, and for its kind
def unwrapped(name: str) -> Unwrapped:
    """Take advertising, a file extension and a CRC32 off a sanitised name."""
    text = name.translate(_WIDE_BRACKETS)
    text, extension = split_extension(text)
    shorter = _ADVERT_PREFIX.sub("", text)
    if shorter.endswith(("]", ")", "}")) or "www." in shorter.lower():
        shorter = _ADVERT_SUFFIX.sub("", shorter)
    bare = _CHECKSUM.sub("", shorter) if "[" in shorter or "(" in shorter else shorter
    return Unwrapped(_in_usual_words(bare).strip() or text, extension, has_checksum=bare != shorter)


def _in_usual_words(text: str) -> str:
    """Write seasons and episodes as parsers know them: "2 сезон: 1-8 серии из 8" as "S2 E1-E8"."""
    text = _REVISION.sub(r"\1", text)
    if text.isascii():
        return text
    return _RUSSIAN_EPISODES.sub(_as_episodes, _RUSSIAN_SEASON.sub(lambda season: f"S{int(season[1]):02}", text))


def _as_episodes(match: re.Match[str]) -> str:
    last = f"-E{int(match[2]):02}" if match[2] else ""
    return f"E{int(match[1]):02}{last}"


def split_extension(name: str) -> tuple[str, str]:
    """Return the name without a known extension, and that extension in lower case (or empty)."""
    match = _EXTENSION.search(name)
    if match is None or match.start() == 0 or match[1].lower() not in _KNOWN_EXTENSIONS or match[1] == "TS":  # TS is telesync, .ts a stream
        return name, ""
    bare = name[: match.start()]
    return bare.removesuffix(".tar") or bare, match[1].lower()


@lru_cache(maxsize=64)
def joined(text: str) -> str:
    """Return `text` with the parts of technical words joined: "WEB-DL" to "WEBDL", "DDP5.1" to "DDP51", "S01 E02" to "S01E02"."""
    lower = text.lower()
    is_plain = text.isascii()  # elsewhere a letter may stand for another: a long s for an s
    for needles, pattern, replacement in _JOINS:
        if is_plain:
            for needle in needles:  # any() would take three times as long
                if needle in lower:
                    break
            else:
                continue
        joint = pattern.sub(replacement, text)
        if joint != text:
            text, lower = joint, joint.lower()
    return text


def as_title(text: str) -> str:
    """Return words of a name as a title: dots and underscores as spaces, edges trimmed."""
    return " ".join(SEPARATORS.split(text)).strip(" -_.,~")
