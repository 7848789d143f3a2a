"""The first API key: made and shown once, when a new index starts for the first time."""

from cli.options import say
from storage.accounts import Accounts


async def ensure_first_key(accounts: Accounts) -> None:
    """Make a key and print it, unless there is one already."""
    if await accounts.count_keys():
        return
    key = await accounts.create_key("first", frozenset({"search"}))
    say(
        "\n  Your first API key, for Torznab and the JSON API. It is shown this once:\n"
        f"\n      {key.text}\n"
        "\n  Make more with: swarmdex keys create --name sonarr\n"
    )
