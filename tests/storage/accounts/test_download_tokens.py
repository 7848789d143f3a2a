import hashlib
from datetime import UTC, datetime, timedelta

from storage.accounts import Accounts, download_token
from storage.database import Database

SINTEL, BUNNY = (hashlib.sha1(name, usedforsecurity=False).digest() for name in (b"Sintel", b"Big Buck Bunny"))


async def test_a_token_opens_its_torrent_and_no_other(database: Database) -> None:
    accounts = Accounts(database)
    key = await accounts.create_key("sonarr", ["search"])
    token = download_token(key.text, SINTEL)
    found = await accounts.check_download_token(token, SINTEL)
    assert found is not None
    assert (found.id, found.name) == (key.info.id, "sonarr")
    assert await accounts.check_download_token(token, BUNNY) is None


async def test_the_key_is_not_in_its_token_and_two_keys_have_two(database: Database) -> None:
    accounts = Accounts(database)
    one, other = await accounts.create_key("one", ["search"]), await accounts.create_key("other", ["search"])
    token = download_token(one.text, SINTEL)
    assert one.text[8:] not in token
    assert token.isascii() and token.isalnum()  # noqa: PT018  (what every client's URL escaping leaves alone)
    mixed = other.text[:8] + token[8:]
    assert await accounts.check_download_token(mixed, SINTEL) is None


async def test_it_ends_with_its_key(database: Database) -> None:
    accounts = Accounts(database)
    key = await accounts.create_key("sonarr", ["search"])
    late = await accounts.create_key("late", ["search"], expires=datetime.now(UTC) - timedelta(seconds=1))
    token = download_token(key.text, SINTEL)
    await accounts.revoke_key(key.info.id)
    assert await accounts.check_download_token(token, SINTEL) is None
    assert await accounts.check_download_token(download_token(late.text, SINTEL), SINTEL) is None


async def test_what_looks_like_no_token_is_none(database: Database) -> None:
    accounts = Accounts(database)
    key = await accounts.create_key("sonarr", ["search"])
    token = download_token(key.text, SINTEL)
    for text in ("", key.text, token[:-1], token + "0", token.upper(), "zzzzzzzz" + token[8:], token[:8] + "0" * 32, "\0" * 40):
        assert await accounts.check_download_token(text, SINTEL) is None
