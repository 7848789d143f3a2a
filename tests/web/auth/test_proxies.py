"""What proxies in front say about the caller."""

import pytest

from config.settings import HttpSettings
from storage.accounts import Accounts
from storage.database import Database
from tests.fakes.browser import browsing
from tests.fakes.website import parts_over, serving
from web.auth.caller import network_of, parsed_address

PHRASE = "correct horse battery"
OURS = HttpSettings(bind="127.0.0.1:0", trusted_proxies=("127.0.0.1",), allowed_hosts=("index.example",))
FORWARDED = {
    "X-Forwarded-For": "6.6.6.6, 203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "index.example",
    "Origin": "https://index.example",
}


async def test_behind_our_own_proxy_the_cookie_is_for_https_alone(database: Database, accounts: Accounts) -> None:
    await accounts.create_first_admin("boss", PHRASE)
    async with serving(parts_over(database, OURS, accounts=accounts)) as site:
        answer = await site.client.post("/login", data={"name": "boss", "password": PHRASE}, headers=FORWARDED)
        assert answer.status_code == 303
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-swx=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} == set(cookie.split("; ")[1:])
        (session,) = await accounts.sessions()
        assert session.address == "203.0.113.7"  # the right-most entry: the only one the proxy vouches for
        text = cookie.partition("=")[2].partition(";")[0]
        for name, status in (("__Host-swx", 200), ("swx", 401)):
            headers = {**FORWARDED, "Cookie": f"{name}={text}"}
            assert (await site.client.get("/account", headers=headers)).status_code == status


async def test_a_stranger_who_says_the_same_is_not_believed(database: Database, accounts: Accounts) -> None:
    await accounts.create_first_admin("boss", PHRASE)
    settings = HttpSettings(bind="127.0.0.1:0", trusted_proxies=("192.0.2.0/24",), allowed_hosts=("index.example",))
    async with serving(parts_over(database, settings, accounts=accounts)) as site:
        headers = {**FORWARDED, "Origin": site.url}
        answer = await site.client.post("/login", data={"name": "boss", "password": PHRASE}, headers=headers)
        assert "Strict-Transport-Security" not in answer.headers
        assert answer.headers["Set-Cookie"].startswith("swx=")
        (session,) = await accounts.sessions()
        assert session.address == "127.0.0.1"


async def test_only_a_name_of_ours_is_taken_over(database: Database, accounts: Accounts) -> None:
    key = (await accounts.create_key("feeds", ["search"])).text
    async with serving(parts_over(database, OURS, accounts=accounts), key) as site:
        for host, shown in (
            ("index.example", "https://index.example/"),
            ("evil.example", f"https://127.0.0.1:{site.url.rpartition(':')[2]}/"),
        ):
            headers = {"X-Forwarded-Host": host, "X-Forwarded-Proto": "https"}
            feed = await site.get("/api", headers=headers, t="search", apikey=key)
            assert f"<link>{shown}</link>" in feed.text


async def test_behind_a_proxy_that_rewrites_the_name_the_public_url_says_who_we_are(database: Database, accounts: Accounts) -> None:
    await accounts.create_first_admin("boss", PHRASE)
    settings = HttpSettings(bind="127.0.0.1:0", public_url="https://index.example/swarm")
    async with serving(parts_over(database, settings, accounts=accounts)) as site, browsing(site.url) as browser:
        for origin, status in (("https://index.example", 303), ("http://index.example", 403), ("https://index.example:8443", 403)):
            form = {"name": "boss", "password": PHRASE}
            assert (await browser.client.post("/login", data=form, headers={"Origin": origin})).status_code == status


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("<script>", None),
    ],
)
def test_addresses_are_read_as_proxies_write_them(text: str, address: str | None) -> None:
    found = parsed_address(text)
    assert (str(found) if found is not None else None) == address


def test_who_has_one_ipv6_address_has_the_network() -> None:
    assert network_of("2001:db8:0:1::1") == network_of("2001:db8:0:1:ffff::2") != network_of("2001:db8:0:2::1")
    assert network_of("203.0.113.7") == "203.0.113.7"
    assert network_of("nonsense") == "nonsense"
