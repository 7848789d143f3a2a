"""What a new index shows the person who started it: the first API key, once, and the token to set up an account, until there is one."""

from cli.options import say
from storage.accounts import Accounts
from web.auth.setup_token import SetupToken


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


async def offer_setup(accounts: Accounts, token: SetupToken, url: str) -> None:
    """Print a token for the page that makes the first administrator, as long as there is none."""
    if await accounts.has_admin():
        token.spend()  # the file of an earlier start, if somebody was made administrator on the command line since
    elif not token.is_issued:  # the database may have been restarted
        say(f"  No account is set up yet: {url}/setup makes one, with the token {token.issue()}\n")
