"""Names from peers, uploaders and sites on our pages: stored and reflected cross-site scripting, on every address there is.

Answers are read by a parser, and no element, attribute or link in them may come from the attacker. A name must not turn the text
around it either (bidi), nor end a header.
"""

from urllib.parse import quote

from tests.attacks.hostile import HASHES, PAYLOADS, UNSTORABLE
from tests.attacks.readers import assert_harmless
from tests.attacks.walk import addresses

TRICKS = {**PAYLOADS, **UNSTORABLE}
WORDY = ("/", "/api", "/api/v1/search", "/login")
SHARP = ("closes what is open", "attribute", "item", "bidi", "nul")
PARAMETERS = ("q", "kind", "sort", "page", "next", "t", "cat", "extended", "limit", "offset", "done", "error", "name", "imdbid", "cursor")


def escaped(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


async def test_no_stored_name_becomes_markup_on_any_page_feed_or_answer(site, victim, victim_parts):
    for payload in PAYLOADS.values():  # the journal of Torznab requests keeps what was asked, and by what
        agent = "".join(character for character in payload if character.isascii() and character.isprintable())[:500].strip()
        await site.get(f"/api?t=search&q={escaped(payload)}", headers={"User-Agent": agent, "X-Api-Key": victim.keys["search"]})
    for address in addresses(victim_parts, "GET"):
        for trick in HASHES if "info_hash" in address.arguments else ("script",):
            values = {"info_hash": HASHES[trick], "name": "style.css", "number": str(victim.saved)}
            response = await site.get(address.path(values), headers=address.credentials(victim), t="search")
            assert response.status_code < 500, (address, trick)
            assert_harmless(response)


async def test_nothing_that_is_asked_comes_back_as_markup(site, victim, victim_parts):
    """Every trick on the addresses that answer in words of their own; on all the others those that break out of markup."""
    for address in addresses(victim_parts, "GET"):
        path = address.path({"info_hash": HASHES["script"], "number": str(victim.saved)})
        for trick in TRICKS if address.rule in WORDY else SHARP:
            payload = escaped(TRICKS[trick])
            everything = "&".join(f"{name}={payload}" for name in PARAMETERS)
            for query in (everything, f"t=search&q={payload}") if address.rule in WORDY else (everything,):
                response = await site.get(f"{path}?{query}", headers=address.credentials(victim))
                assert response.status_code < 500, (address, query)
                assert_harmless(response)


async def test_no_path_comes_back_as_markup(site, victim, victim_parts):
    for trick in SHARP:
        for address in addresses(victim_parts):
            if address.arguments:
                path = address.path(dict.fromkeys(address.arguments, TRICKS[trick]))
                headers = {**address.credentials(victim), "Origin": site.url}
                response = await site.get(path, method=address.method, headers=headers)
                assert 400 <= response.status_code < 500, (address, response.status_code)
                assert_harmless(response)
        for start in ("/", "/api/", "/api/v1/", "/feeds/", "/torznab/", "/static/"):
            assert_harmless(await site.get(start + escaped(TRICKS[trick])))
