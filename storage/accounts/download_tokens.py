"""Tokens for links: each opens the .torrent file of one torrent, for whoever holds the link, as long as the key lives that it was made for.

Clients fetch what a feed links to without any header of ours, and pass such links on. A link with the key in it would give the key away;
the token gives away one file. It is the key's id and a keyed hash (HMAC-SHA256) of the info hash under what is stored of the key's
secret, so nothing has to be kept, and revoking the key ends its links.
"""

import hmac
import re
from hashlib import sha256

from storage.accounts.keys import KEY_COLUMNS, KEY_ID_LENGTH, KeyInfo, digest_of, key_info
from storage.database import Connection, Database

_PURPOSE = b"swarmdex: download this torrent\0"  # the same secret is never used for two things
_HASH_LENGTH = 32
_TOKEN = re.compile(rf"[0-9A-Za-z]{{{KEY_ID_LENGTH}}}[0-9a-f]{{{_HASH_LENGTH}}}", re.ASCII)


def download_token(key: str, info_hash: bytes) -> str:
    """The token for `info_hash` that belongs to an API key, by the key's text."""
    return key[:KEY_ID_LENGTH] + _keyed_hash(digest_of(key), info_hash)


class DownloadTokens:
    """Checks tokens; they are kept nowhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_download_token(self, token: str, info_hash: bytes) -> KeyInfo | None:
        """The key whose token for `info_hash` this is; None for anything else, or if the key is revoked or has expired."""
        if not _TOKEN.fullmatch(token):
            return None
        info, digest = await self._database.run(lambda connection: _find_good(connection, token[:KEY_ID_LENGTH]))
        # Compared whether or not there is such a key: how long it takes tells nothing.
        is_right = hmac.compare_digest(_keyed_hash(digest, info_hash), token[KEY_ID_LENGTH:])
        return info if is_right else None


def _find_good(connection: Connection, key_id: str) -> tuple[KeyInfo | None, bytes]:
    """The key of this id and its digest, if it is good; else None and a digest that is nobody's."""
    statement = f"""
        SELECT {KEY_COLUMNS}, secret_sha256 FROM api_key
        WHERE id = %s AND revoked IS NULL AND (expires IS NULL OR expires > now())
    """  # noqa: S608 - a constant
    row = connection.execute(statement, (key_id,)).fetchone()
    return (None, bytes(32)) if row is None else (key_info(row), row[-1])


def _keyed_hash(digest: bytes, info_hash: bytes) -> str:
    return hmac.digest(digest, _PURPOSE + info_hash, sha256).hex()[:_HASH_LENGTH]
