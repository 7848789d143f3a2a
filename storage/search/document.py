"""What is searched of a torrent: its words and facts as one PostgreSQL text-search vector, in PostgreSQL's binary form.

Three classes of lexemes share one GIN index (docs/schema.md):
- words of the name, with positions, weight A where the parsed title has them too, else B;
- words of the files and other forms of words, without positions: found, but ranked below;
- facts, which begin with `#` as no word can: `#2040` category, `#k1` kind, `#y2010` year, `#s1` season, `#s1e2` episode of a season,
  `#e2` episode, `#a5` absolute episode, `#d20171110` date. The store adds `#w` and `#w7` where a torrent holds work 7
  (storage/works.py).
storage/search/tsquery.py asks for the same lexemes.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from catalog.categories import categories_of
from catalog.model import ClassifiedTorrent, File, Kind, ParsedTitle
from catalog.titles.cascade import PARSED
from catalog.tokens import MAX_WORDS, essential, is_unspaced, variants, words

MAX_FILE_WORDS = 40
"""Words taken from file names beyond those of the name: enough to find a pack by one of its parts, small in the index."""
MAX_FILES_READ = 50
MAX_FILES_LENGTH = 4000
"""Characters of their paths together."""
MAX_FILE_WORDS_READ = 500
MAX_EPISODES = 100
"""Episodes of one torrent that can be found by number; packs of more are found by season."""

KIND_NUMBERS = {kind: number for number, kind in enumerate(Kind)}
KINDS = tuple(Kind)

_ACCESSORIES = frozenset(
    words(
        "cover covers idx jpeg jpg md5 nfo png proof readme release rarbg sample samples screens screenshot screenshots sfv srt sub subs "
        "subtitles txt url www com"
    )
)
"""Words of files that come with everything: nobody looks for them, and together they would be a tenth of the index."""
_UNPARSED = ParsedTitle(title="")
_NO_POSITION = "\0\0\0"  # the end of the lexeme, then a 16-bit count of positions
# The rest of a lexeme with one position, by position: end, count 1, weight (2 bits: A is 3, B 2) and position (14 bits).
_AT_A = [b"\0\0\1" + (3 << 14 | position).to_bytes(2) for position in range(2 * MAX_WORDS + 2)]
_AT_B = [b"\0\0\1" + (2 << 14 | position).to_bytes(2) for position in range(2 * MAX_WORDS + 2)]


@dataclass(frozen=True, slots=True)
class Document:
    """The searchable form of one torrent."""

    tsv: bytes
    """As PostgreSQL's tsvectorrecv() reads it."""
    title_words: int
    """Different essential words of the parsed title."""


def document(torrent: ClassifiedTorrent) -> Document:
    """Build it. A torrent whose files are known from before must bring them, or it is no longer found by them."""
    name = torrent.torrent.name
    parsed = torrent.parsed if torrent.parsed.confidence >= PARSED else _UNPARSED
    name_words = words(name)
    title_words = words(parsed.title)
    others = set(variants(name))
    others.update(_episode_words(parsed))
    others.update(_facts(torrent.kind, parsed, categories_of(torrent)))
    others.difference_update(name_words, title_words)
    others.update(_file_words(torrent.torrent.files, {*name_words, *title_words}))
    lexemes = [_NO_POSITION.join(others).encode(), b"\0\0\0"] if others else []
    lexemes += _placed(name_words, title_words)
    count = len(others) + len(set(name_words).union(title_words))
    return Document(count.to_bytes(4) + b"".join(lexemes), len(set(essential(title_words))))


def _facts(kind: Kind, parsed: ParsedTitle, categories: Iterable[int]) -> Iterable[str]:
    """The lexemes of what is known about the torrent, apart from its words."""
    for category in categories:
        yield f"#{category:d}"
        if category < 100_000:
            yield f"#{category - category % 1000:d}"
    yield f"#k{KIND_NUMBERS[kind]}"
    if parsed.year is not None:
        yield f"#y{parsed.year}"
    if parsed.date is not None:
        yield f"#d{parsed.date:%Y%m%d}"
    episodes = parsed.episodes[:MAX_EPISODES]
    for season in parsed.seasons[:MAX_EPISODES]:
        yield f"#s{season}"
    # Episodes of several seasons in one name do not say which belongs to which: each is findable under each.
    for season in parsed.seasons[:3]:
        for episode in episodes:
            yield f"#s{season}e{episode}"
    for episode in episodes:
        yield f"#e{episode}"
    for episode in parsed.absolute_episodes[:MAX_EPISODES]:
        yield f"#a{episode}"


def _episode_words(parsed: ParsedTitle) -> Iterable[str]:
    """How people write seasons and episodes, whatever the name writes: "1x02" is found as "s01e02" and as "02"."""
    for season in parsed.seasons[:10]:
        yield f"s{season:02d}"
        for episode in parsed.episodes[:10]:
            yield f"s{season:02d}e{episode:02d}"
    for episode in (*parsed.episodes[:10], *parsed.absolute_episodes[:10]):
        yield f"{episode:02d}"
        yield str(episode)


def _file_words(files: Sequence[File], seen: Container[str]) -> list[str]:
    """New words of the file names, without numbers and single letters, as many as are kept."""
    paths = "/".join([file.path for file in files[:MAX_FILES_READ]])
    found = dict.fromkeys(words(paths, MAX_FILE_WORDS_READ, MAX_FILES_LENGTH))
    new = [word for word in found if word not in seen and word not in _ACCESSORIES and len(word) > 1 and not word.isdecimal()]
    return new[:MAX_FILE_WORDS]


def _placed(name_words: Sequence[str], title_words: Sequence[str]) -> Iterable[bytes]:
    """Lexemes with positions: the name's words, then those only the parsed title has."""
    title = set(title_words)
    placed: dict[str, bytes | list[int]] = {}
    for position, word in enumerate(name_words, 1):
        before = placed.get(word)
        if before is None:
            placed[word] = (_AT_A if word in title else _AT_B)[position]
        elif isinstance(before, list):
            before.append(position)
        else:
            placed[word] = [int.from_bytes(before[3:]) & 0x3FFF, position]
    start = len(name_words) + 2  # a gap: no phrase reaches over it
    for position, word in enumerate(title_words, start):
        if word not in placed:
            placed[word] = _AT_A[position]
    for word, rest in placed.items():
        yield word.encode() + (rest if isinstance(rest, bytes) else _several(rest, 3 if word in title else 2))


def _several(positions: Sequence[int], weight: int) -> bytes:
    return b"\0" + len(positions).to_bytes(2) + b"".join((weight << 14 | position).to_bytes(2) for position in positions)


def operand(word: str) -> str:
    """A word as tsquery has it. One character of a script without spaces is indexed only as the first of a pair, or alone."""
    return f"'{word}':*" if len(word) == 1 and is_unspaced(word) else f"'{word}'"
