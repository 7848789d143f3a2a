"""Main parsers: what reads the names the fast rules refuse. One interface, so that back ends can be chosen.

guessit speaks its own words ("Blu-ray", "H.264"); this module says ours (catalog/model.ParsedTitle). It is slow (about 150 names/s) and its
time on hostile names grows fast, so the daemon runs it in worker processes (actors/name_worker.py) and only on cut names.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Protocol

from catalog.model import ParsedTitle

GUESSIT_PROPERTIES: Final = (
    "title",
    "year",
    "season",
    "episode",
    "screen_size",
    "video_codec",
    "source",
    "release_group",
    "date",
    "language",
)
"""Only what we store: 1.5 times as fast as everything. `language` costs 23 % of it and is worth it: without it guessit takes language words
into titles."""

_SOURCES: Final = {
    "Blu-ray": "bluray",
    "Ultra HD Blu-ray": "bluray",
    "Web": "web",
    "Video on Demand": "web",
    "HDTV": "tv",
    "Ultra HDTV": "tv",
    "Digital TV": "tv",
    "Analog HDTV": "tv",
    "TV": "tv",
    "Satellite": "tv",
    "Digital Master": "dm",
    "DVD": "dvd",
    "HD-DVD": "hddvd",
    "VHS": "vhs",
    "Camera": "cam",
    "HD Camera": "cam",
    "Telesync": "cam",
    "HD Telesync": "cam",
    "Telecine": "cam",
    "HD Telecine": "cam",
    "Workprint": "cam",
}
_CODECS: Final = {
    "H.264": "h264",
    "H.265": "h265",
    "H.263": "h263",
    "MPEG-2": "mpeg2",
    "DivX": "divx",
    "Xvid": "xvid",
    "VC-1": "vc1",
    "VP7": "vp7",
    "VP8": "vp8",
    "VP9": "vp9",
    "AV1": "av1",
    "RealVideo": "realvideo",
}


class MainParser(Protocol):
    """Reads any name; may be slow."""

    stage: str
    """The name of the back end, as `ParsedTitle.stage` gives it."""

    def parse(self, name: str) -> ParsedTitle:
        """Return what the sanitised, unwrapped name says; confidence is the cascade's to judge. Never raises for any text."""
        ...


class GuessitParser:
    """guessit with one options object; making it imports guessit (0.2 s) and builds its rules (0.2 s more)."""

    stage = "guessit"

    def __init__(self, properties: Sequence[str] = GUESSIT_PROPERTIES) -> None:
        """`properties` are guessit's; none: everything it knows, as `guessit` does by itself."""
        from guessit.api import GuessItApi, GuessitException  # noqa: PLC0415  # the import costs more than the rest of the program's

        self._api = GuessItApi()
        self._failure = GuessitException
        self._options: dict[str, Any] = {"includes": list(properties), "no_user_config": True}

    def parse(self, name: str) -> ParsedTitle:
        """Return guessit's reading in our words; an empty title where guessit fails (it raises on some names)."""
        try:
            found: Mapping[str, Any] = self._api.guessit(name, self._options)
        except self._failure:
            return ParsedTitle(title="")
        return ParsedTitle(
            title=_first_text(found.get("title")),
            year=_first_number(found.get("year")),
            seasons=_numbers(found.get("season")),
            episodes=_numbers(found.get("episode")),
            date=_as_date(found.get("date")),
            resolution=_first_text(found.get("screen_size")) or None,
            video_codec=_CODECS.get(_first_text(found.get("video_codec"))),
            source=_SOURCES.get(_first_text(found.get("source"))),
            group=_first_text(found.get("release_group")) or None,
            languages=_language_codes(found.get("language")),
            stage=self.stage,
        )


def _each(value: object) -> Iterable[object]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _first_text(value: object) -> str:
    return next((item for item in _each(value) if isinstance(item, str)), "")


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(dict.fromkeys(item for item in _each(value) if isinstance(item, int)))


def _first_number(value: object) -> int | None:
    return next(iter(_numbers(value)), None)


def _as_date(value: object) -> date | None:
    for item in _each(value):
        if isinstance(item, datetime):
            return item.date()
        if isinstance(item, date):
            return item
    return None


def _language_codes(value: object) -> tuple[str, ...]:
    """Return ISO 639-1 codes; "multiple" and "undetermined" have none and are left out."""
    codes: dict[str, None] = {}
    for item in _each(value):
        with contextlib.suppress(Exception):  # babelfish raises its own LanguageConvertError where a language has no two-letter code
            codes[str(getattr(item, "alpha2"))] = None  # noqa: B009  # babelfish languages are untyped
    return tuple(codes)
