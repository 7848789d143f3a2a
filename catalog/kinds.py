"""What a torrent is, by scored evidence: each sign adds weight to one kind, the heaviest wins, and the list says why.

Signs: the share of bytes per group of file extensions, the number of files, the shape of file names, words of the name, what the name was
parsed to, and the category a site gave. A name alone is not enough ("author - work" and "artist - album" look alike), so its confidence
stays lower until files are known.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from catalog.evidence import FileFacts, file_facts
from catalog.model import File, Kind, ParsedTitle
from catalog.site_categories import kind_of_site_category
from catalog.titles import lexicon
from catalog.titles.sanitise import parseable
from catalog.titles.words import VERSION, joined, unwrapped

_VIDEO_KINDS: Final = (Kind.ADULT, Kind.ANIME, Kind.TV, Kind.MOVIE)
_BYTES_WEIGHT: Final = 4.0
_SITE_WEIGHT: Final = 5.0
_DECIDED: Final = 1.0
"""Less weight than this decides nothing: the kind is "other"."""
_NAME_ONLY: Final = 0.8
"""Confidence is multiplied by this while no file list is known."""

_KIND_OF_GROUP: Final = {
    "audio": Kind.MUSIC,
    "audiobook": Kind.AUDIOBOOK,
    "ebook": Kind.EBOOK,
    "comic": Kind.COMIC,
    "game": Kind.GAME,
    "software": Kind.SOFTWARE,
}
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_FANSUB: Final = re.compile(r"^[\[【][^\[\]【】]{2,30}[\]】] ?.{2,150}? ?(?:-|–|第) ?\d{1,4}(?:v\d)?(?:話|话|集)?(?:[ _.\[(]|$)")
_FANSUB_NUMBER: Final = re.compile(r"^\[[^\[\]]{2,30}\][ _][^\[\]()]{2,150}[ _]\[?\d{2,3}(?:v\d|-\d{2,3})?\]?[ _]?[\[(]")
_FANSUB_RELEASE: Final = re.compile(
    r"^\[[^\[\]]{2,30}\][ _][^\[\]]{2,150}[\[(][^\[\]()]{0,40}(?:\d{3,4}p|BD|DVD|Batch)[^\[\]()]{0,40}[\])]"
)
_FANSUB_BRACKETS: Final = re.compile(r"^\[[^\[\]]{2,30}\] ?\[[^\[\]]{2,80}\] ?\[第?\d{1,4}(?:v\d)?[话話集]?\]")
_SCENE_MUSIC: Final = re.compile(rf"[^ ]{{5,150}}-(?:{'|'.join(sorted(lexicon.SCENE_MEDIA))})-(?:19|20)\d\d-\w{{2,20}}", re.IGNORECASE)
_SERIES: Final = re.compile(
    r"\bcomplete[ ._](?:tv[ ._])?(?:series|seasons?)\b|\b(?:first|second|third|fourth|fifth|final)[ ._]season\b", re.IGNORECASE
)
_KANA: Final = re.compile(r"[\u3041-\u30ff]")
_TITLE_AND_YEAR: Final = re.compile(r"(?:(?! - )[^()\[\]]){1,120} \(\d{4}\)")
_ISSUE: Final = re.compile(r"(?:#|\bNo\.? ?|\bv(?:ol)?\.? ?)\d{1,3}\b|\b\d{3} \((?:18|19|20)\d\d\)", re.IGNORECASE)

_SOME_GAMES: Final = lexicon.word_set("switch repack vita rune rom wii nes plaza reloaded empress")
_MUSIC: Final = (
    lexicon.word_set(
        "discography ost soundtrack album albums ep lp mixtape remixes vinyl flac mp3 alac 320kbps cdrip hi-res 24bit lossless"
    )
    | lexicon.AUDIO_FORMATS
)
_COMICS: Final = lexicon.word_set("comic comics manga tankobon cbz cbr c2c digital-empire")
_BOOKS: Final = lexicon.BOOK_FORMATS | lexicon.word_set("ebook ebooks novel novels textbook magazine isbn retail")
_ADULT: Final = frozenset({"xxx", "hentai", "jav", "uncensored-jav", "18+", "nsfw"})
_VIDEO_WORDS: Final = lexicon.SOURCES.keys() | lexicon.VIDEO_CODECS.keys()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sign, the kind it speaks for, and how loudly."""

    kind: Kind
    weight: float
    reason: str


@dataclass(frozen=True, slots=True)
class KindDecision:
    """The kind, how sure we are (0 to 1), and all the signs, heaviest first."""

    kind: Kind
    confidence: float
    evidence: tuple[Evidence, ...]


def decide_kind(name: str, parsed: ParsedTitle, files: Sequence[File] = (), site_category: str | None = None) -> KindDecision:
    """Weigh every sign; `files` may be empty when nothing is known of them."""
    facts = file_facts(files)
    evidence = _name_evidence(parseable(name), parsed)
    evidence += _site_evidence(site_category)
    video_kind = _heaviest_of(_VIDEO_KINDS, evidence + _video_file_evidence(facts)) or Kind.MOVIE
    evidence += _byte_evidence(facts, video_kind, evidence)
    if facts.videos:
        evidence += _video_file_evidence(facts)
    return _decide(evidence, has_files=facts.significant_bytes > 0)


def _decide(evidence: list[Evidence], *, has_files: bool) -> KindDecision:
    totals: dict[Kind, float] = {}
    for sign in evidence:
        totals[sign.kind] = totals.get(sign.kind, 0.0) + sign.weight
    ranked = sorted(totals.items(), key=lambda item: item[1], reverse=True)
    ordered = tuple(sorted(evidence, key=lambda sign: sign.weight, reverse=True))
    if not ranked or ranked[0][1] < _DECIDED:
        return KindDecision(Kind.OTHER, 0.3, ordered)
    best = ranked[0][1]
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    confidence = best / (best + second + 0.5) * (1.0 if has_files else _NAME_ONLY)
    return KindDecision(ranked[0][0], round(confidence, 3), ordered)


def _heaviest_of(kinds: Sequence[Kind], evidence: Sequence[Evidence]) -> Kind | None:
    """Return the kind among `kinds` with the most weight; earlier ones win ties; None when none has any."""
    weights = dict.fromkeys(kinds, 0.0)
    for sign in evidence:
        if sign.kind in weights:
            weights[sign.kind] += sign.weight
    best = max(weights, key=weights.__getitem__)
    return best if weights[best] > 0 else None


def _site_evidence(site_category: str | None) -> list[Evidence]:
    kind = kind_of_site_category(site_category) if site_category else None
    return [Evidence(kind, _SITE_WEIGHT, f"the site's category is {site_category}")] if kind is not None else []


def _name_evidence(name: str, parsed: ParsedTitle) -> list[Evidence]:
    bare = unwrapped(name)
    words = frozenset(match[0].lower() for match in _WORD.finditer(joined(bare.text)))
    has_video = _speaks_of_video(parsed, words)
    return [
        *_parsed_evidence(parsed, words, bare.text),
        *_series_evidence(parsed, words, bare.text),
        *_anime_evidence(bare.text, bare.has_checksum),
        *_word_evidence(words - {"ep"} if parsed.episodes else words, bare.text, has_video=has_video),
        *_version_evidence(parsed, bare.text, has_video=has_video),
        *_extension_evidence(bare.extension, parsed),
    ]


def _speaks_of_video(parsed: ParsedTitle, words: frozenset[str]) -> bool:
    """The rules are sure of a source even where its word is short ("WEB", "TS"); the main parser takes it from titles too."""
    is_surely_released = parsed.stage == "rules" and parsed.source is not None
    return is_surely_released or parsed.resolution is not None or parsed.video_codec is not None or not words.isdisjoint(_VIDEO_WORDS)


def _parsed_evidence(parsed: ParsedTitle, words: frozenset[str], text: str) -> list[Evidence]:
    found: list[Evidence] = []
    has_video = _speaks_of_video(parsed, words)
    if parsed.seasons and parsed.stage != "none":
        found.append(Evidence(Kind.TV, 2.5 if parsed.episodes or has_video else 1.5, "the name has a season"))
    elif parsed.episodes:
        found.append(Evidence(Kind.TV, 1.8 if has_video else 1.0, "the name has an episode"))
    elif parsed.absolute_episodes and has_video:
        found.append(Evidence(Kind.TV, 1.0, "the name has an episode number"))
    if parsed.date is not None and (has_video or parsed.source is not None):
        found.append(Evidence(Kind.TV, 1.6, "the name has a date of broadcast"))
    if has_video and parsed.year is not None and not (parsed.seasons or parsed.episodes or parsed.date):
        found.append(Evidence(Kind.MOVIE, 2.0, "the name has a year and words of video"))
    elif has_video and not (parsed.seasons or parsed.episodes or parsed.absolute_episodes or parsed.date):
        found.append(Evidence(Kind.MOVIE, 1.2, "the name has words of video and no episode"))
    elif parsed.year is not None and "dvd" in words and VERSION.search(text) is None:
        found.append(Evidence(Kind.MOVIE, 2.0, "the name has a year and a DVD"))
    elif parsed.year is not None and _TITLE_AND_YEAR.fullmatch(text) is not None:
        found.append(Evidence(Kind.MOVIE, 1.0, "the name is a title and a year"))
    return found


def _series_evidence(parsed: ParsedTitle, words: frozenset[str], text: str) -> list[Evidence]:
    """Signs of television in names without a number."""
    if parsed.seasons or parsed.episodes or parsed.date is not None:
        return []
    if _SERIES.search(text):
        return [Evidence(Kind.TV, 2.2 if _speaks_of_video(parsed, words) else 1.2, "the name says that it is a series")]
    if parsed.source == "tv" and parsed.year is None:
        return [Evidence(Kind.TV, 1.3, "recorded from television, and no year")]
    return []


def _anime_evidence(text: str, has_checksum: bool) -> list[Evidence]:
    found: list[Evidence] = []
    if _FANSUB.match(text) or _FANSUB_BRACKETS.match(text) or _FANSUB_NUMBER.match(text):
        found.append(Evidence(Kind.ANIME, 2.7, "named as fansub groups name an episode"))
    elif _FANSUB_RELEASE.match(text):
        found.append(Evidence(Kind.ANIME, 2.6, "named as fansub groups name a release"))
    if has_checksum:
        found.append(Evidence(Kind.ANIME, 1.0, "a CRC32 in the name"))
    if _KANA.search(text):
        found.append(Evidence(Kind.ANIME, 0.6, "kana in the name"))
    return found


def _word_evidence(words: frozenset[str], text: str, *, has_video: bool) -> list[Evidence]:
    found: list[Evidence] = []

    def note(kind: Kind, weight: float, matching: frozenset[str], what: str) -> None:
        if matching:
            found.append(Evidence(kind, weight, f"{what}: {', '.join(sorted(matching)[:4])}"))

    note(Kind.ADULT, 4.0, words & _ADULT, "words of adult content")
    if has_video:
        return found
    spoken = words & lexicon.AUDIOBOOK_WORDS
    note(Kind.AUDIOBOOK, 3.5, spoken, "words of audiobooks")
    if not spoken:
        note(Kind.MUSIC, 2.0, words & _MUSIC, "words of music")
        note(Kind.EBOOK, 2.0, words & _BOOKS, "words of books")
    if _SCENE_MUSIC.fullmatch(text):
        found.append(Evidence(Kind.MUSIC, 2.0, "named as music is by the scene"))
    note(Kind.COMIC, 2.2, words & _COMICS, "words of comics")
    note(Kind.GAME, 3.0, words & lexicon.PLATFORM_WORDS, "words of games")
    note(Kind.GAME, 0.8, words & _SOME_GAMES, "words some games carry")
    note(Kind.SOFTWARE, 1.5, words & lexicon.SYSTEM_WORDS, "words of software")
    if _ISSUE.search(text):
        found.append(Evidence(Kind.COMIC, 0.4, "an issue or volume number"))
    return found


def _version_evidence(parsed: ParsedTitle, text: str, *, has_video: bool) -> list[Evidence]:
    if has_video or parsed.date is not None or VERSION.search(text) is None:  # a date looks like a version
        return []
    return [Evidence(Kind.SOFTWARE, 1.0, "a version number")]


def _extension_evidence(extension: str, parsed: ParsedTitle) -> list[Evidence]:
    """What the extension at the end of the name says: such a torrent is usually that one file."""
    if not extension:
        return []
    for group, kind in _KIND_OF_GROUP.items():
        if extension in lexicon.EXTENSIONS[group]:
            return [Evidence(kind, 2.5, f"the name ends in .{extension}")]
    if extension == "txt":
        return [Evidence(Kind.EBOOK, 1.2, "the name ends in .txt")]
    if extension in lexicon.EXTENSIONS["video"] and not (parsed.seasons or parsed.episodes or parsed.absolute_episodes):
        return [Evidence(Kind.MOVIE, 1.1, f"the name ends in .{extension}")]
    return []


def _byte_evidence(facts: FileFacts, video_kind: Kind, named: Sequence[Evidence]) -> list[Evidence]:
    """What most of the bytes are; disc images and archives say little, so they back what the name says."""
    found: list[Evidence] = []
    audio, programs = _audio_evidence(facts), _program_evidence(facts)
    for group in ("video", *_KIND_OF_GROUP):
        share = facts.share(group)
        if share <= 0.1:
            continue
        match group:
            case "video":
                kind = video_kind
            case "audio":
                kind = _heaviest_of((Kind.AUDIOBOOK, Kind.MUSIC), [*named, *audio]) or Kind.MUSIC
            case "software":
                kind = _heaviest_of((Kind.GAME, Kind.SOFTWARE, *_VIDEO_KINDS), [*named, *programs]) or Kind.SOFTWARE
            case _:
                kind = _KIND_OF_GROUP[group]
        found.append(Evidence(kind, round(_BYTES_WEIGHT * share, 2), f"{share:.0%} of the bytes are {group}"))
    return [*found, *audio, *programs, *_opaque_evidence(facts, named)]


def _video_file_evidence(facts: FileFacts) -> list[Evidence]:
    found: list[Evidence] = []
    if facts.numbered_videos >= 2:
        found.append(Evidence(Kind.TV, 2.2, f"{facts.numbered_videos} videos are numbered as episodes"))
    elif facts.consecutive_videos >= 3:
        found.append(Evidence(Kind.TV, 1.6, f"{facts.consecutive_videos} videos carry consecutive numbers"))
    if facts.fansub_videos >= max(1, facts.videos // 2):
        found.append(Evidence(Kind.ANIME, 3.0, "the videos are named as fansub groups name them"))
    return found


def _audio_evidence(facts: FileFacts) -> list[Evidence]:
    if facts.spoken_audio >= 3 and facts.spoken_audio * 2 >= facts.audios:
        return [Evidence(Kind.AUDIOBOOK, 2.5, "audio files are chapters")]
    if facts.audios >= 3:
        return [Evidence(Kind.MUSIC, 1.0, f"{facts.audios} audio files")]
    if facts.audios and facts.largest_audio_bytes > 150_000_000 and facts.has_lossy_audio:
        return [Evidence(Kind.AUDIOBOOK, 1.2, "one very long audio file")]
    return []


def _program_evidence(facts: FileFacts) -> list[Evidence]:
    found: list[Evidence] = []
    if facts.has_game_files:
        found.append(Evidence(Kind.GAME, 2.5, "files of a game"))
    if facts.has_program and not facts.has_game_files:
        found.append(Evidence(Kind.SOFTWARE, 1.0, "an installer or program"))
    return found


def _opaque_evidence(facts: FileFacts, named: Sequence[Evidence]) -> list[Evidence]:
    """Archives and pictures: weak signs of their own."""
    found: list[Evidence] = []
    if facts.share("archive") > 0.5:
        backed = _heaviest_of([kind for kind in Kind if kind is not Kind.OTHER], named)
        if backed is not None:
            found.append(Evidence(backed, 1.0, "archives, and the name says so"))
    if facts.share("image") > 0.7 and facts.images >= 15:
        found.append(Evidence(Kind.COMIC, 1.5, f"{facts.images} pictures"))
    return found
