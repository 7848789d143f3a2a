"""Names from strangers, made fit to store and to show: valid Unicode, no control or bidi characters, no way out of a folder.

Peers and uploaders choose these bytes. What comes out is for eyes and for search, never a path on disk.
"""

import re
import unicodedata
from collections.abc import Sequence

_JOINERS = "\u200c\u200d"  # needed to write Persian, Indic scripts and emoji: the only format characters that stay
_TWO_HIGH_BYTES = re.compile(rb"[\x80-\xff]{2}")
_SEPARATORS = str.maketrans("/\\", "__")

# What the `encoding` key of .torrent files names in practice. A list of our own: Python's registry also knows codecs that
# are no character sets, and some that expand their input.
_CODECS = {
    "big5": "big5", "cp1251": "cp1251", "cp1252": "cp1252", "cp866": "cp866", "cp932": "cp932", "cp936": "gb18030",
    "euc-jp": "euc_jp", "euc-kr": "euc_kr", "gb18030": "gb18030", "gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252",
    "iso-8859-2": "iso8859_2", "iso-8859-15": "iso8859_15", "koi8-r": "koi8_r", "latin-1": "cp1252", "latin1": "cp1252",
    "shift-jis": "cp932", "shift_jis": "cp932", "sjis": "cp932", "windows-1250": "cp1250", "windows-1251": "cp1251",
    "windows-1252": "cp1252",
}  # fmt: skip


def display_text(raw: bytes, encoding: str | None = None) -> str:
    r"""`raw` as clean text.

    Bytes that are not UTF-8 are read by `encoding` where a .torrent file names one we know; else, where every non-ASCII byte
    stands alone as in "Am\xe9lie", as Windows-1252; else each bad byte becomes U+FFFD.
    """
    return clean_text(_decode(raw, encoding))


def clean_text(text: str) -> str:
    """Without control, bidi, surrogate and invisible characters; white space folded into single spaces."""
    if text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text  # the usual case, ten times cheaper
    return " ".join("".join(map(_clean_character, text)).split())


def display_path(parts: Sequence[bytes], encoding: str | None = None) -> str:
    """The parts joined by `/`; a part can neither climb (`..`) nor hold a separator."""
    shown = [part for raw in parts if (part := display_part(raw, encoding))]
    return "/".join(shown) or "_"


def display_part(raw: bytes, encoding: str | None = None) -> str:
    """One file or folder name; empty for those that name no child: "", "." and ".."."""
    part = display_text(raw, encoding)
    if part in {"", ".", ".."}:
        return ""
    return part.translate(_SEPARATORS) if "/" in part or "\\" in part else part


def _decode(raw: bytes, encoding: str | None) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    codec = _CODECS.get(encoding.strip().lower()) if encoding else None
    if codec is None:
        codec = "utf-8" if _TWO_HIGH_BYTES.search(raw) else "cp1252"
    return raw.decode(codec, "replace")


def _clean_character(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    match unicodedata.category(character):
        case "Cc" | "Zs" | "Zl" | "Zp":
            return " "
        case "Cf" | "Cs":
            return ""
        case _:  # private use and characters newer than this Python's tables
            return character
