"""XML injection: names, queries and error descriptions that try to become elements of a feed, of the capabilities or of an error.

Every document is read with a strict parser, as clients do: one that is not well-formed is lost on all of them. And a document of ours
must neither hold nor need a declaration (XXE), so that nobody's parser is tempted.
"""

from urllib.parse import quote

from lxml import etree

from tests.attacks.hostile import ELEMENT, PAYLOADS, UNSTORABLE
from tests.attacks.readers import assert_harmless, assert_one_of_each
from tests.fakes.website import TORZNAB

TRICKS = {**PAYLOADS, **UNSTORABLE}
KNOWN = {
    "title", "guid", "link", "comments", "pubDate", "size", "category", "enclosure", "description", "author", f"{TORZNAB}attr",
}  # fmt: skip


async def test_every_item_is_one_item_with_the_elements_of_one(site):
    items = await site.items(t="search", limit="100")
    assert len(items) >= len(PAYLOADS) - 1  # a name of nothing but odd characters is left out
    for item in items:
        assert_one_of_each(item)
        assert {child.tag for child in item} <= KNOWN
        names = [attribute.get("name") for attribute in item.findall(f"{TORZNAB}attr")]
        for once in ("infohash", "size", "magneturl"):
            assert names.count(once) == 1


async def test_a_name_comes_out_of_the_parser_as_it_was_said(site):
    titles = await site.titles(t="search", limit="100")
    for trick in ("script", "attribute", "single quotes", "closes what is open", "comment", "cdata", "entity", "item", "template"):
        assert f"{PAYLOADS[trick]} Sintel" in titles


async def test_nothing_that_is_asked_breaks_an_answer(site, victim):
    for trick, payload in TRICKS.items():
        text = quote(payload, safe="", errors="surrogatepass")
        for parameter in ("q", "t", "cat", "imdbid", "season", "offset"):
            others = {"t": "tvsearch", "apikey": victim.keys["search"]}
            query = "&".join([f"{parameter}={text}", *(f"{name}={value}" for name, value in others.items() if name != parameter)])
            response = await site.get(f"/api?{query}")
            assert response.status_code < 500, (trick, parameter)
            assert_harmless(response)
            etree.fromstring(response.content)


async def test_errors_describe_and_nothing_else(site):
    response = await site.get("/api", t=f'"/><{ELEMENT}', apikey=site.key)
    error = etree.fromstring(response.content)
    assert error.tag == "error"
    assert not len(error)
    assert set(error.attrib) == {"code", "description"}


async def test_parameter_names_do_not_get_in_either(site):
    for path in ("/api", "/torznab/api", "/torznab/nothing/api", "/feeds/999", "/api/nothing", "/torznab/<x>"):
        response = await site.get(f"{path}?%3C{ELEMENT}%3E=1&t=search&a%00b=2&%22=3&apikey={site.key}")
        assert_harmless(response)
        etree.fromstring(response.content)
