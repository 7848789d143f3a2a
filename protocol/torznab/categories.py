"""The standard category tree of Newznab and Torznab: ids are wire format, names are what clients match on.

The union of Jackett's (TorznabCatType) and Prowlarr's (NewznabStandardCategory) lists. Clients look up "TV/HD" as well as 5040, so a
subcategory's full name always carries its parent's. Which torrent gets which category is catalog/categories.py's business.
"""

from collections.abc import Iterable
from enum import IntEnum

STANDARD_LIMIT = 100_000
"""Ids from here on belong to one site each; we use none and know none."""


class Category(IntEnum):
    """A category: an `int` for the wire, with its own `label`, its `full_name` and its `parent`."""

    label: str

    def __new__(cls, number: int, label: str) -> "Category":
        """Make a member that is its id and carries its label."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.label = label
        return member

    CONSOLE = 1000, "Console"
    CONSOLE_NDS = 1010, "NDS"
    CONSOLE_PSP = 1020, "PSP"
    CONSOLE_WII = 1030, "Wii"
    CONSOLE_XBOX = 1040, "XBox"
    CONSOLE_XBOX_360 = 1050, "XBox 360"
    CONSOLE_WIIWARE = 1060, "Wiiware"
    CONSOLE_XBOX_360_DLC = 1070, "XBox 360 DLC"
    CONSOLE_PS3 = 1080, "PS3"
    CONSOLE_OTHER = 1090, "Other"
    CONSOLE_3DS = 1110, "3DS"
    CONSOLE_PS_VITA = 1120, "PS Vita"
    CONSOLE_WIIU = 1130, "WiiU"
    CONSOLE_XBOX_ONE = 1140, "XBox One"
    CONSOLE_PS4 = 1180, "PS4"

    MOVIES = 2000, "Movies"
    MOVIES_FOREIGN = 2010, "Foreign"
    MOVIES_OTHER = 2020, "Other"
    MOVIES_SD = 2030, "SD"
    MOVIES_HD = 2040, "HD"
    MOVIES_UHD = 2045, "UHD"
    MOVIES_BLURAY = 2050, "BluRay"
    MOVIES_3D = 2060, "3D"
    MOVIES_DVD = 2070, "DVD"
    MOVIES_WEB_DL = 2080, "WEB-DL"
    MOVIES_X265 = 2090, "x265"

    AUDIO = 3000, "Audio"
    AUDIO_MP3 = 3010, "MP3"
    AUDIO_VIDEO = 3020, "Video"
    AUDIO_AUDIOBOOK = 3030, "Audiobook"
    AUDIO_LOSSLESS = 3040, "Lossless"
    AUDIO_OTHER = 3050, "Other"
    AUDIO_FOREIGN = 3060, "Foreign"

    PC = 4000, "PC"
    PC_0DAY = 4010, "0day"
    PC_ISO = 4020, "ISO"
    PC_MAC = 4030, "Mac"
    PC_MOBILE_OTHER = 4040, "Mobile-Other"
    PC_GAMES = 4050, "Games"
    PC_MOBILE_IOS = 4060, "Mobile-iOS"
    PC_MOBILE_ANDROID = 4070, "Mobile-Android"

    TV = 5000, "TV"
    TV_WEB_DL = 5010, "WEB-DL"
    TV_FOREIGN = 5020, "Foreign"
    TV_SD = 5030, "SD"
    TV_HD = 5040, "HD"
    TV_UHD = 5045, "UHD"
    TV_OTHER = 5050, "Other"
    TV_SPORT = 5060, "Sport"
    TV_ANIME = 5070, "Anime"
    TV_DOCUMENTARY = 5080, "Documentary"
    TV_X265 = 5090, "x265"

    XXX = 6000, "XXX"
    XXX_DVD = 6010, "DVD"
    XXX_WMV = 6020, "WMV"
    XXX_XVID = 6030, "XviD"
    XXX_X264 = 6040, "x264"
    XXX_UHD = 6045, "UHD"
    XXX_PACK = 6050, "Pack"
    XXX_IMAGESET = 6060, "ImageSet"
    XXX_OTHER = 6070, "Other"
    XXX_SD = 6080, "SD"
    XXX_WEB_DL = 6090, "WEB-DL"

    BOOKS = 7000, "Books"
    BOOKS_MAGS = 7010, "Mags"
    BOOKS_EBOOK = 7020, "EBook"
    BOOKS_COMICS = 7030, "Comics"
    BOOKS_TECHNICAL = 7040, "Technical"
    BOOKS_OTHER = 7050, "Other"
    BOOKS_FOREIGN = 7060, "Foreign"

    OTHER = 8000, "Other"
    OTHER_MISC = 8010, "Misc"
    OTHER_HASHED = 8020, "Hashed"

    @property
    def parent(self) -> "Category":
        """The top-level category; a top-level category is its own parent."""
        return _BY_ID[parent_id(self)]

    @property
    def is_top_level(self) -> bool:
        """True for Console, Movies, Audio, PC, TV, XXX, Books and Other."""
        return self % 1000 == 0

    @property
    def full_name(self) -> str:
        """As clients write it: "TV", "TV/HD"."""
        return self.label if self.is_top_level else f"{self.parent.label}/{self.label}"

    @property
    def subcategories(self) -> tuple["Category", ...]:
        """The categories below a top-level one, by id; empty for a subcategory."""
        return _SUBCATEGORIES.get(self, ())


def parent_id(category: int) -> int:
    """The top-level id of any standard id, known or not: 5040 -> 5000."""
    return category - category % 1000


def known_categories(ids: Iterable[int]) -> tuple[Category, ...]:
    """Those of `ids` that are in the tree, in the order given, none twice."""
    return tuple(dict.fromkeys(_BY_ID[number] for number in ids if number in _BY_ID))


def is_within(category: int, asked: Iterable[int]) -> bool:
    """Whether a search for `asked` matches `category`: asking for a parent matches all of its subcategories."""
    wanted = set(asked)
    return category in wanted or parent_id(category) in wanted


_BY_ID: dict[int, Category] = {int(category): category for category in Category}
TOP_LEVEL: tuple[Category, ...] = tuple(category for category in Category if category.is_top_level)
_SUBCATEGORIES: dict[int, tuple[Category, ...]] = {
    int(top): tuple(category for category in Category if not category.is_top_level and parent_id(category) == top) for top in TOP_LEVEL
}
