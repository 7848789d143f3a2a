"""The words of release names: what a token says about resolution, codec, source, sound, language and edition.

One table for the fast rules, for what guessit leaves open, and for kinds. Keys are lower case, as `words.joined` leaves them
("WEB-DL" is "webdl", "H.264" is "h264").
"""

import re
from typing import Final


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text, for tables too long to quote each word."""
    return frozenset(words.split())


RESOLUTIONS: Final = {
    **{f"{lines}{scan}": f"{lines}{scan}" for lines in (480, 576, 1080) for scan in "pi"},
    **{f"{lines}p": f"{lines}p" for lines in (240, 360, 432, 540, 720, 1440, 2160, 4320)},
    "4k": "2160p",
    "8k": "4320p",
    "4k60": "2160p",
}
WIDTH_BY_HEIGHT: Final = re.compile(r"(\d{3,4})x(\d{3,4})")
"""1920x1080; also 720x404 and the like, which are 480 lines of a DVD cropped."""

VIDEO_CODECS: Final = {
    **dict.fromkeys(("x264", "h264", "avc", "avc1", "x264a"), "h264"),
    **dict.fromkeys(("x265", "h265", "hevc", "hevc10"), "h265"),
    **dict.fromkeys(("x266", "h266", "vvc"), "h266"),
    "av1": "av1",
    "svtav1": "av1",
    "vp8": "vp8",
    "vp9": "vp9",
    "theora": "theora",
    "xvid": "xvid",
    "divx": "divx",
    "mpeg2": "mpeg2",
    "mpeg4": "mpeg4",
    "vc1": "vc1",
}

SOURCES: Final = {
    **dict.fromkeys(
        ("bluray", "bdrip", "brrip", "bdremux", "bdmv", "bd25", "bd50", "bd66", "bd100", "uhdbd", "bdiso", "mbluray"), "bluray"
    ),
    **dict.fromkeys(("webdl", "webrip", "webhd", "webcap", "vodrip", "webdlrip", "ddc"), "web"),
    **dict.fromkeys(("hdtv", "pdtv", "sdtv", "dsr", "dsrip", "satrip", "tvrip", "hdtvrip", "dtvrip", "dvbrip", "uhdtv", "iptvrip"), "tv"),
    **dict.fromkeys(("dvdrip", "dvd5", "dvd9", "dvdr", "dvdscr", "dvdremux", "dvdfull"), "dvd"),
    **dict.fromkeys(("camrip", "hdcam", "telesync", "hdts", "hqcam", "telecine", "hdtc", "workprint", "predvd"), "cam"),
    "vhsrip": "vhs",
    "laserdisc": "laserdisc",
    "hddvd": "hddvd",
    "hddvdrip": "hddvd",
}
SHORT_SOURCES: Final = {"web": "web", "bd": "bluray", "dvd": "dvd", "cam": "cam", "ts": "cam", "tc": "cam", "vhs": "vhs", "dvb": "tv"}
"""Words that also stand in titles: they count only among other technical words."""

SOUND: Final = word_set(
    "aac ac3 eac3 dd ddp dda ddpa dts dtshd dtshdma dtsx dtses truehd atmos flac mp3 mp2 opus vorbis ogg lpcm pcm alac "
    "dualaudio dual multiaudio 2ch 6ch 8ch mono stereo ma heaac qaac"
)
SOUND_WITH_CHANNELS: Final = re.compile(r"(?:aac|e?ac3|ddpa?|dd|dts|dtshd|dtshdma|dtsx|truehd|flac|opus|lpcm|pcm|atmos|ma|ch)[1-9][01]")

EDITIONS: Final = word_set(
    "proper repack repack2 repack3 rerip real internal limited extended unrated uncut remastered restored restoration colorized colourised "
    "dc theatrical imax criterion retail readnfo nfo festival anniversary uncensored dirfix nfofix"
)
"""They follow the year in ordinary names and stand in titles too."""

PICTURE: Final = word_set(
    "hdr hdr10 hdr10p hdr10plus dv dovi sdr hlg 10bit 8bit 12bit hi10p hi10 remux hybrid 3d hsbs sbs hou 60fps 50fps 30fps 25fps 24fps "
    "dl ws fs ntsc pal uhd fhd fullhd hq hdrip rip complete subbed dubbed dub subs sub esub esubs msubs multisub multisubs softsub "
    "softsubs 120fps hardsub hardsubs multi multilang batch hfr upscaled upscale ai"
)

SERVICES: Final = word_set(
    "amzn nf dsnp hmax atvp hulu pcok itunes pmtp stan crav iplayer roku tubi mubi vimeo youtube yt red pbs arte cr adn itv"
)

LANGUAGES: Final = {
    **dict.fromkeys(("english", "eng"), "en"),
    **dict.fromkeys(("french", "truefrench", "vostfr", "vff", "vfq", "subfrench", "francais"), "fr"),
    **dict.fromkeys(("german", "deutsch", "ger"), "de"),
    **dict.fromkeys(("italian", "ita", "italiano"), "it"),
    **dict.fromkeys(("spanish", "espanol", "español", "castellano", "latino", "spa"), "es"),
    **dict.fromkeys(("portuguese", "dublado", "legendado"), "pt"),
    **dict.fromkeys(("russian", "rus"), "ru"),
    **dict.fromkeys(("ukrainian", "ukr"), "uk"),
    **dict.fromkeys(("japanese", "jpn", "jap"), "ja"),
    **dict.fromkeys(("korean", "kor"), "ko"),
    **dict.fromkeys(("chinese", "mandarin", "cantonese"), "zh"),
    **dict.fromkeys(("polish", "pldub", "plsub", "polski", "lektor"), "pl"),
    **dict.fromkeys(("dutch", "flemish"), "nl"),
    **dict.fromkeys(("swedish", "swe"), "sv"),
    **dict.fromkeys(("norwegian", "norsk"), "no"),
    **dict.fromkeys(("danish", "dansk"), "da"),
    **dict.fromkeys(("finnish", "suomi"), "fi"),
    **dict.fromkeys(("czech", "cze"), "cs"),
    **dict.fromkeys(("hungarian", "hun"), "hu"),
    "hindi": "hi",
    "tamil": "ta",
    "telugu": "te",
    "turkish": "tr",
    "greek": "el",
    "hebrew": "he",
    "arabic": "ar",
    "thai": "th",
    "vietnamese": "vi",
    "romanian": "ro",
    "bulgarian": "bg",
    "croatian": "hr",
    "serbian": "sr",
}

EXTENSIONS: Final = {
    "video": word_set("mkv mp4 avi m4v mov wmv mpg mpeg ts m2ts webm flv vob ogv divx rmvb rm 3gp asf mts m2v"),
    "audio": word_set("mp3 flac m4a ogg opus wav ape alac aac wma aiff aif dsf dff wv mka mpc tta"),
    "audiobook": frozenset({"m4b", "aax", "aaxc"}),
    "ebook": word_set("epub mobi azw azw3 azw4 pdf djvu fb2 lit prc kfx chm"),
    "comic": word_set("cbz cbr cb7 cbt"),
    "game": word_set("nsp xci nsz wbfs rvz gcm cia 3ds nds gba gbc gb nes sfc smc n64 z64 chd pkg vpk wad pbp cso xex"),
    "software": word_set("exe msi dmg pkg deb rpm apk ipa appimage iso img msix jar xpi qcow2 vdi vmdk ova whl run flatpak snap xz"),
    "archive": word_set("zip rar 7z tar gz tgz bz2 zst"),
    "image": word_set("jpg jpeg png gif webp bmp tif tiff avif jxl"),
    "ignored": word_set(
        "nfo txt url sfv md5 sha1 sha256 torrent html htm lnk srt ass ssa sub idx vtt sup log cue m3u m3u8 par2 diz db ini"
    ),
}

AUDIO_FORMATS: Final = word_set(
    "flac mp3 alac ape wav aiff ogg vorbis opus m4a aac dsd sacd 320kbps 256kbps 192kbps 128kbps 320 v0 vbr cbr lossless vinyl"
)
"""Words that say "music" when no video word stands beside them."""
BOOK_FORMATS: Final = word_set("epub mobi azw3 pdf djvu fb2 ebook ebooks")
COMIC_FORMATS: Final = frozenset({"cbz", "cbr", "cb7"})
SCENE_MEDIA: Final = word_set("web cd cdr cds cdm cdep vinyl lp ep flac mp3 dvda sacd 2cd 3cd 2lp bootleg promo reissue remastered advance")
"""What stands before the year in "Artist-Album-CD-2007-GRP"."""
AUDIOBOOK_WORDS: Final = frozenset({"audiobook", "audiobooks", "unabridged", "abridged", "m4b", "librivox", "narrated"})
PLATFORM_WORDS: Final = word_set(
    "nintendo nsw nsp xci ps1 psx ps2 ps3 ps4 ps5 psp psv psvita xbox xbox360 x360 wiiu nds 3ds gba gbc snes n64 gamecube dreamcast gog "
    "fitgirl dodi steamrip codex skidrow razor1911 tenoke flt hoodlum eboot romset roms"
)
"""Consoles, and groups that release games and nothing else."""
SYSTEM_WORDS: Final = word_set(
    "amd64 x86_64 i386 i686 arm64 armhf aarch64 x64 x86 win32 win64 windows macos osx linux android portable setup installer netinst "
    "livecd desktop source src iso appimage multilingual crack keygen"
)


def technical(word: str) -> bool:
    """Whether a lower-case word is one that release names put behind the title; short and ambiguous ones included."""
    return (
        word in RESOLUTIONS
        or word in VIDEO_CODECS
        or word in SOURCES
        or word in SHORT_SOURCES
        or word in SOUND
        or word in PICTURE
        or word in EDITIONS
        or word in SERVICES
        or word in LANGUAGES
        or SOUND_WITH_CHANNELS.fullmatch(word) is not None
        or resolution_of(word) is not None
    )


def facts_of(word: str) -> list[tuple[str, str]]:
    """Return what a lower-case word says as (field of ParsedTitle, value): resolution, video_codec or source; usually nothing."""
    facts = (
        ("resolution", resolution_of(word)),
        ("video_codec", VIDEO_CODECS.get(word)),
        ("source", SOURCES.get(word) or SHORT_SOURCES.get(word)),
    )
    return [(name, value) for name, value in facts if value is not None]


def resolution_of(word: str) -> str | None:
    """Return "1080p" for "1080p", "1920x1080" and the like; None for any other word."""
    known = RESOLUTIONS.get(word)
    if known is not None or "x" not in word:
        return known
    size = WIDTH_BY_HEIGHT.fullmatch(word)
    if size is None:
        return None
    width, height = int(size[1]), int(size[2])
    for least_width, least_height, name in _FRAME_SIZES:
        if width >= least_width or height >= least_height:
            return name
    return None


_FRAME_SIZES: Final = ((3800, 2000, "2160p"), (1900, 1000, "1080p"), (1200, 700, "720p"), (1000, 560, "576p"), (600, 380, "480p"))
