import re

from lxml import etree

from protocol.torznab.caps import Capabilities, caps_document
from protocol.torznab.categories import Category

PLAIN = Capabilities("swarmdex", "0.1.0", "http://127.0.0.1:3333/")


def caps(capabilities: Capabilities = PLAIN):
    return etree.fromstring(caps_document(capabilities))


def parameters_of(root, element: str) -> list[str]:
    return root.find(f"searching/{element}").get("supportedParams").split(",")


def test_10_11_limits_and_server_are_there():
    root = caps()
    assert root.tag == "caps"
    assert root.find("limits").attrib == {"default": "100", "max": "100"}
    assert root.find("server").get("title") == "swarmdex"
    assert root.find("server").get("version") == "0.1.0"


def test_12_13_every_search_is_there_with_clean_parameters():
    searching = caps().find("searching")
    assert [search.tag for search in searching] == ["search", "tv-search", "movie-search", "music-search", "audio-search", "book-search"]
    for search in searching:
        assert search.get("available") == "yes"
        assert re.fullmatch(r"q(,[a-z]+)*", search.get("supportedParams"))
        assert {"cat", "limit", "offset", "apikey"}.isdisjoint(search.get("supportedParams").split(","))


def test_14_15_ids_are_offered_only_where_they_can_be_resolved():
    assert parameters_of(caps(), "tv-search") == ["q", "season", "ep"]
    every = frozenset({"imdb", "tmdb", "tvdb"})
    enriched = caps(Capabilities("swarmdex", "0.1.0", "http://x/", series_ids=every, movie_ids=every))
    assert parameters_of(enriched, "tv-search") == ["q", "season", "ep", "tvdbid", "imdbid", "tmdbid"]
    assert parameters_of(enriched, "movie-search") == ["q", "year", "imdbid", "tmdbid"]
    assert parameters_of(enriched, "search") == ["q"]
    films = caps(Capabilities("swarmdex", "0.1.0", "http://x/", movie_ids=frozenset({"imdb"})))
    assert parameters_of(films, "tv-search") == ["q", "season", "ep"]
    assert parameters_of(films, "movie-search") == ["q", "year", "imdbid"]


def test_an_address_without_adult_content_does_not_list_its_categories():
    root = caps(Capabilities("swarmdex", "0.1.0", "http://x/", is_adult=False))
    assert root.find("categories/category[@id='6000']") is None
    assert root.find("categories/category[@id='7000']") is not None


def test_14_music_is_asked_for_by_artist_and_album_under_both_names():
    for element in ("audio-search", "music-search"):
        assert {"q", "artist", "album", "year", "label", "track"} == set(parameters_of(caps(), element))


def test_16_17_18_the_whole_category_tree_is_there():
    root = caps()
    ids = {int(element.get("id")) for element in root.iterfind("categories//*")}
    assert ids == {int(category) for category in Category}
    assert root.find("categories/category[@name='TV']/subcat[@id='5040']").get("name") == "TV/HD"
    assert {2000, 2010, 2020, 2030, 2040, 2045, 2050, 2060, 3000, 3010, 3030, 3040, 5000, 5030, 5040, 5045, 5070} <= ids
