import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from protocol.torznab.errors import ErrorCode, error_document
from protocol.torznab.feed import MAGNET_TYPE, Channel, FeedItem, feed_document, rfc_1123
from protocol.torznab.xml import clean

NOW = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)
TORZNAB = "{http://torznab.com/schemas/2015/feed}"
NEWZNAB = "{http://www.newznab.com/DTD/2010/feeds/attributes/}"
HASH = "08ada5a7a6183aae1e09d831df6748d566095a10"
CHANNEL = Channel("swarmdex", "all torrents", "http://127.0.0.1:3333/", "http://127.0.0.1:3333/api?t=search")
SINTEL = FeedItem(
    info_hash=HASH,
    title="Sintel.2010.1080p.WEB.x264",
    size=129_302_391,
    published=datetime(2026, 11, 4, 8, 5, 9, tzinfo=UTC),
    categories=(2000, 2040),
    magnet=f"magnet:?xt=urn:btih:{HASH}&dn=Sintel.2010.1080p.WEB.x264&xl=129302391",
    details_url=f"http://127.0.0.1:3333/t/{HASH}",
    file_count=11,
    attributes=(("year", 2010), ("resolution", "1080p")),
)


def items_of(*items: FeedItem, total: int | None = None) -> list:
    document = feed_document(CHANNEL, items, offset=0, total=len(items) if total is None else total, now=NOW)
    return etree.fromstring(document).findall("channel/item")


def attributes_of(item) -> list[tuple[str, str]]:
    return [(attr.get("name"), attr.get("value")) for attr in item.findall(f"{TORZNAB}attr")]


def test_26_an_empty_feed_is_a_well_formed_channel_with_a_total_of_0():
    channel = etree.fromstring(feed_document(CHANNEL, [], offset=0, total=0, now=NOW)).find("channel")
    assert channel.findtext("title") == "swarmdex"
    assert channel.find(f"{NEWZNAB}response").attrib == {"offset": "0", "total": "0"}
    assert channel.findall("item") == []


def test_27_an_item_holds_each_element_once():
    (item,) = items_of(SINTEL)
    for name in ("title", "guid", "link", "pubDate", "size", "comments"):
        assert len(item.findall(name)) == 1, name
    assert len(item.findall("enclosure")) == 1


def test_28_29_guid_and_its_neighbours_carry_no_attributes():
    (item,) = items_of(SINTEL)
    for name in ("guid", "title", "link", "size", "pubDate", "category"):
        assert dict(item.find(name).attrib) == {}
    assert item.findtext("guid") == HASH


def test_30_the_date_has_a_numeric_zone_and_the_right_weekday():
    assert rfc_1123(SINTEL.published, now=NOW) == "Wed, 04 Nov 2026 08:05:09 +0000"


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))])))
def test_30_any_date_is_legible_and_neither_in_the_future_nor_before_1990(moment):
    text = rfc_1123(moment, now=NOW)
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000", text)
    read = datetime.strptime(text, "%a, %d %b %Y %H:%M:%S %z")
    assert read.strftime("%a") == text[:3]
    assert datetime(1990, 1, 1, tzinfo=UTC) <= read <= NOW


def test_31_the_size_stands_in_element_attribute_and_enclosure():
    (item,) = items_of(SINTEL)
    assert item.findtext("size") == item.find("enclosure").get("length") == dict(attributes_of(item))["size"] == "129302391"


def test_32_33_categories_are_numbers_and_equal_the_attributes():
    (item,) = items_of(SINTEL)
    texts = [category.text for category in item.findall("category")]
    assert texts == ["2000", "2040"]
    assert [value for name, value in attributes_of(item) if name == "category"] == texts


def test_34_35_the_enclosure_is_a_magnet_link_with_the_hash_of_the_item():
    (item,) = items_of(SINTEL)
    enclosure = item.find("enclosure")
    assert enclosure.get("type") == MAGNET_TYPE
    assert item.findtext("link") == enclosure.get("url") == dict(attributes_of(item))["magneturl"] == SINTEL.magnet
    assert dict(attributes_of(item))["infohash"] == HASH


def test_36_attributes_are_written_with_the_literal_prefix():
    document = feed_document(CHANNEL, [SINTEL], offset=0, total=1, now=NOW).decode()
    assert 'xmlns:torznab="http://torznab.com/schemas/2015/feed"' in document
    assert '<torznab:attr name="infohash"' in document


def test_37_an_unknown_swarm_is_left_out_rather_than_called_0():
    (item,) = items_of(SINTEL)
    assert {"seeders", "leechers", "peers"}.isdisjoint(dict(attributes_of(item)))


def test_37_a_known_swarm_is_sent_with_leechers_before_peers():
    (item,) = items_of(replace(SINTEL, seeders=7, leechers=0))
    names = [name for name, _ in attributes_of(item)]
    assert names.index("leechers") < names.index("peers")
    assert dict(attributes_of(item))["peers"] == "7"
    (half,) = items_of(replace(SINTEL, seeders=7))
    assert "peers" not in dict(attributes_of(half))


def test_40_a_public_swarm_has_no_ratio_to_keep():
    (item,) = items_of(SINTEL)
    attributes = dict(attributes_of(item))
    assert (attributes["downloadvolumefactor"], attributes["uploadvolumefactor"]) == ("0", "1")
    assert {"minimumratio", "minimumseedtime"}.isdisjoint(attributes)


@given(
    st.text(alphabet=st.characters(exclude_categories=[])),
    st.text(alphabet="\x00\x08\x1b\x7f\x9f&<>\"']]>\ud800\udfff\ufffe\uffff\u202e é🎬א"),
)
def test_41_any_name_makes_a_well_formed_feed_with_a_clean_title(name, nasty):
    for title in (name, nasty, name + nasty):
        items = items_of(replace(SINTEL, title=title, details_url=f"http://h/{title}", attributes=(("x", title),)))
        if not clean(title):
            assert items == []
            continue
        assert items[0].findtext("title") == clean(title)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\ufffe\uffff]", items[0].findtext("title"))


def test_31_an_item_of_unknown_size_is_left_out():
    assert len(items_of(replace(SINTEL, size=0), SINTEL)) == 1


def test_42_an_item_without_a_legible_title_is_left_out():
    assert items_of(replace(SINTEL, title=" \x00\u202e\ufffe "), SINTEL)[0].findtext("title") == SINTEL.title
    assert len(items_of(replace(SINTEL, title="\x1b"), SINTEL)) == 1


def test_an_error_document_names_code_and_description():
    root = etree.fromstring(error_document(ErrorCode.INCORRECT_PARAMETER, 'bad <cat> & "more"\x00'))
    assert root.tag == "error"
    assert root.attrib == {"code": "201", "description": 'bad <cat> & "more"'}
