"""How long a server asks to be left alone: the header Retry-After (RFC 9110, 10.2.3)."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_LONGEST: Final = 20
"""Characters of digits; more is no number of seconds anybody means."""


def retry_after_s(headers: Mapping[str, str], unix_time: float) -> float | None:
    """Seconds from now; None: it asks for nothing, or for nothing one can read."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - unix_time)
