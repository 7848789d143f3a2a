"""What a file list says, counted once: bytes per group of extensions, numbered videos, chapters. kinds.py weighs it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from catalog.model import File
from catalog.titles import lexicon

_SMALL_IMAGE_BYTES: Final = 1_000_000
_MOST_FILES: Final = 2000
_MOST_NAMES: Final = 300
"""Names that patterns look at; in a larger torrent the others look like them."""
_LONGEST_NAME: Final = 150
_GROUPS: Final = ("video", "audio", "audiobook", "ebook", "comic", "game", "software", "archive", "image")
_GROUP_OF: Final = {
    **{extension: group for group in reversed(_GROUPS) for extension in lexicon.EXTENSIONS[group]},
    **dict.fromkeys(lexicon.EXTENSIONS["ignored"], "ignored"),
    "pkg": "software",  # macOS installers and PlayStation packages
}
_NUMBERED: Final = re.compile(
    r"(?<![a-z0-9])(?:s\d{1,2}[ ._-]?e\d{1,3}|\d{1,2}x\d{2}(?!\d)|(?:episode|ep|e)[ ._-]?\d{1,3}(?!\d))", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"(?<!\d)(\d{1,3})(?![\dpiPI])")
_FANSUB: Final = re.compile(r"^\[[^\[\]]{2,30}\][ _.]?.{2,150}?[ _.]?-?[ _.]?\d{1,4}")
_SPOKEN: Final = re.compile(r"(?<![a-z])(?:chapter|chap|ch|kapitel|book|part)[ ._-]?\d{1,3}|audiobook|unabridged|librivox", re.IGNORECASE)
_GAME_NAMES: Final = frozenset({"steam_api.dll", "steam_api64.dll", "unityplayer.dll", "eboot.bin", "param.sfo"})
_GAME_EXTENSIONS: Final = frozenset({"pak", "wad", "pck", "pbp"})
_GAME_PARTS: Final = re.compile(r"(?:fg|setup)-\w{1,3}\.bin")
_PROGRAMS: Final = frozenset({"exe", "msi", "dmg", "apk", "deb", "rpm", "appimage", "ipa"})
_LOSSY: Final = frozenset({"mp3", "m4a", "ogg", "opus", "aac", "wma"})
_DISC_VIDEO: Final = re.compile(r"(?:^|/)(VIDEO_TS|BDMV)/", re.IGNORECASE)
_SOURCE_OF_DISC: Final = {"video_ts": "dvd", "bdmv": "bluray"}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Counts over the files that matter: samples, text files and small pictures do not."""

    significant_bytes: int
    group_bytes: dict[str, int]
    videos: int
    numbered_videos: int
    """Videos with S01E02, 1x02, "ep 2" in their names."""
    consecutive_videos: int
    """Videos whose names carry numbers that follow each other."""
    fansub_videos: int
    audios: int
    spoken_audio: int
    """Audio files named as chapters."""
    largest_audio_bytes: int
    has_lossy_audio: bool
    images: int
    has_game_files: bool
    has_program: bool

    def share(self, group: str) -> float:
        """The part of the significant bytes that belongs to a group of extensions, 0 to 1."""
        return self.group_bytes.get(group, 0) / self.significant_bytes if self.significant_bytes else 0.0


def extension_of(path: str) -> str:
    """Return a path's extension in lower case without the dot; empty when it has none."""
    name = _name(path)
    dot = name.rfind(".")
    return name[dot + 1 :].lower() if dot > 0 else ""


def group_of(path: str) -> str:
    """Return the group of extensions a file belongs to ("video", "audio", ...), or "unknown" or "ignored"."""
    return _GROUP_OF.get(extension_of(path), "unknown")


def disc_source(path: str) -> str | None:
    """Return "dvd" or "bluray" for a file in the folders of such a disc."""
    disc = _DISC_VIDEO.search(path)
    return _SOURCE_OF_DISC[disc[1].lower()] if disc is not None else None


def file_facts(files: Sequence[File]) -> FileFacts:
    """Count what kinds need to know; at most the first 2,000 files are looked at."""
    grouped: dict[str, list[File]] = {}
    for file in files[:_MOST_FILES]:
        group = group_of(file.path)
        if group != "ignored" and not _is_aside(file, group):
            grouped.setdefault(group, []).append(file)
    group_bytes = {group: sum(file.size for file in members) for group, members in grouped.items()}
    videos = [_shortened(file) for file in grouped.get("video", [])[:_MOST_NAMES]]
    is_disc = any(_DISC_VIDEO.search(file.path) for file in grouped.get("video", [])[:_MOST_NAMES])
    audios = grouped.get("audio", [])
    return FileFacts(
        significant_bytes=sum(group_bytes.values()),
        group_bytes=group_bytes,
        videos=len(grouped.get("video", ())),
        numbered_videos=0 if is_disc else sum(1 for name in videos if _NUMBERED.search(name)),
        consecutive_videos=0 if is_disc else _consecutive(videos),
        fansub_videos=sum(1 for name in videos if _FANSUB.match(name)),
        audios=len(audios),
        spoken_audio=sum(1 for file in audios[:_MOST_NAMES] if _SPOKEN.search(_shortened(file))),
        largest_audio_bytes=max((file.size for file in audios), default=0),
        has_lossy_audio=any(extension_of(file.path) in _LOSSY for file in audios),
        images=len(grouped.get("image", ())),
        has_game_files=any(_is_game_file(file) for members in grouped.values() for file in members),
        has_program=any(extension_of(file.path) in _PROGRAMS for file in grouped.get("software", ())),
    )


def _name(path: str) -> str:
    return path[path.rfind("/") + 1 :]


def _shortened(file: File) -> str:
    """A file's name as patterns see it: of a hostile one only its beginning and its extension."""
    name = _name(file.path)
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + name[-8:]


def _is_game_file(file: File) -> bool:
    name = _name(file.path).lower()
    return (
        name in _GAME_NAMES or extension_of(name) in _GAME_EXTENSIONS or (name.endswith(".bin") and _GAME_PARTS.fullmatch(name) is not None)
    )


def _is_aside(file: File, group: str) -> bool:
    """Samples, covers and padding weigh nothing."""
    lower = file.path.lower()
    if group == "image":
        return file.size < _SMALL_IMAGE_BYTES and "cover" in lower
    return (group == "video" and "sample" in lower and file.size < 300_000_000) or ".pad/" in lower or "_padding_file_" in lower


def _consecutive(names: Sequence[str]) -> int:
    """Return how many names stand in the longest run of numbers, where each name gives the first number it holds."""
    numbers: set[int] = set()
    for name in names:
        found = _NUMBER.findall(name.rpartition(".")[0])
        if found:
            numbers.add(int(found[0]))
    longest = 0
    for number in numbers:
        if number - 1 not in numbers:
            end = number
            while end + 1 in numbers:
                end += 1
            longest = max(longest, end - number + 1)
    return longest
