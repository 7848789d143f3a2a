"""Text that is safe inside XML 1.0: names from the DHT hold arbitrary characters, and one illegal one makes a whole feed unreadable.

Documents here are built by joining escaped strings: a feed of 100 items is the web server's hot path, and a tree would cost it twice.
"""

import re
from html import escape

from protocol.display import clean_text

# Non-characters: XML 1.0 forbids U+FFFE and U+FFFF and discourages the others. Controls and surrogates are clean_text's part.
_NON_CHARACTERS = re.compile(f"[\ufdd0-\ufdef{''.join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))}]")

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def clean(text: str) -> str:
    """`text` on one line, without the characters that XML 1.0 forbids or discourages; may be empty."""
    # Python counts no non-character as printable, and the usual text has no other either: looking for them takes ten times as long.
    return clean_text(text if text.isprintable() else _NON_CHARACTERS.sub("", text))


def quoted(text: str) -> str:
    """`text` cleaned and escaped, fit for an element and for an attribute in either kind of quotes."""
    return escape(clean(text), quote=True)
