"""The token that lets the first administrator in: whoever can read the log or the data folder may set the instance up."""

import base64
import hmac
import os
import secrets
from pathlib import Path

FILE_NAME = "setup-token"
"""In the data folder."""
_BYTES = 15  # 24 letters and digits of base32


class SetupToken:
    """Made anew at each start while there is no administrator, and gone once there is one."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._text = ""

    def __repr__(self) -> str:
        return "SetupToken()"

    @property
    def is_issued(self) -> bool:
        """Whether it waits to be used."""
        return bool(self._text)

    def issue(self) -> str:
        """Make the token and leave it in its file, for its owner alone."""
        letters = base64.b32encode(secrets.token_bytes(_BYTES)).decode()
        self._text = "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
        if self._file is not None:
            self._file.unlink(missing_ok=True)  # whoever made it before keeps no open end of the new one
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(self._text + "\n")
        return self._text

    def matches(self, text: str) -> bool:
        """Whether somebody has read it; case, dashes and spaces do not matter. False while none is issued."""
        return self.is_issued and hmac.compare_digest(_plain(text).encode("utf-8", "replace"), _plain(self._text).encode())

    def spend(self) -> None:
        """It has done its work: forget it, and remove the file."""
        self._text = ""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def _plain(text: str) -> str:
    return "".join(text.split()).replace("-", "").upper()
