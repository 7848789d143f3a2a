"""Reads answers as their readers would, and asserts that nothing in them came from the attacker but text."""

import json
import re
from typing import Any

import httpx
from lxml import etree, html

from tests.attacks.hostile import ATTRIBUTE, ELEMENT

_HARMLESS_LINK = re.compile(r"(/(?![/\\])|#|\?|magnet:\?xt=urn:bt|https?://(localhost|127\.0\.0\.1)[:/])")
_LINKS = {"href", "src", "action", "formaction", "poster", "data", "background", "cite", "longdesc", "manifest", "ping", "xlink:href"}
_NEVER = {"iframe", "object", "embed", "base", "applet", "frame", "portal", "marquee", "math", "template", "noscript", "foreignobject"}
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def assert_harmless(response: httpx.Response) -> None:
    """Whatever it is: page, feed, JSON, error or redirect."""
    assert_dressed(response)
    kind = response.headers["content-type"].partition(";")[0]
    if kind == "text/html":
        _assert_harmless_page(response.text)
    elif kind in {"application/xml", "application/rss+xml"}:
        _assert_harmless_xml(response.content)
    elif kind in {"application/json", "application/problem+json"} and response.content:
        json.loads(response.content.decode("utf-8", "strict"))
    else:
        assert kind in {"text/plain", "text/css", "image/svg+xml", "application/x-bittorrent", "text/javascript"}, kind
        assert ELEMENT not in response.text


def assert_dressed(response: httpx.Response) -> None:
    """The headers that make browsers careful, on every answer."""
    for name, value in _SECURITY.items():
        assert response.headers.get(name) == value, (response.request.url, response.status_code, name)
    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:"} & set(policy.get("script-src", "").split())
    assert "unsafe" not in response.headers["content-security-policy"]
    assert "planted" not in response.headers.get("set-cookie", "")
    for name in ("access-control-allow-origin", "server", "x-powered-by"):
        assert name not in response.headers


def _assert_harmless_page(text: str) -> None:
    for element in html.fromstring(text).iter():
        if not isinstance(element.tag, str):
            assert ELEMENT not in str(element.text), "a comment came from the attacker"
            continue
        assert element.tag not in _NEVER, element.tag
        assert ELEMENT not in element.tag
        if element.tag in {"script", "style"}:
            assert not (element.text or "").strip(), "code in the page"
        if element.tag == "meta":
            assert not element.get("http-equiv")
        for name, value in element.attrib.items():
            assert not name.startswith("on"), (element.tag, name)
            assert ATTRIBUTE not in name
            assert name != "style"
            if name in _LINKS:
                assert _HARMLESS_LINK.match(value), (element.tag, name, value)
    _assert_straight(text)


def _assert_harmless_xml(body: bytes) -> None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    tree = etree.ElementTree(etree.fromstring(body, parser))
    assert not tree.docinfo.doctype
    for element in tree.iter():
        assert isinstance(element.tag, str), "a comment or an instruction came from the attacker"
        assert ELEMENT not in element.tag
        for name in element.attrib:
            assert ATTRIBUTE not in str(name)
    for item in tree.iter("item"):
        assert_one_of_each(item)
    _assert_straight(body.decode())


def _assert_straight(text: str) -> None:
    """Nothing in it moves a cursor or turns the text around."""
    found = _ODD.search(text)
    assert found is None, text[max(0, found.start() - 200) : found.end() + 50]


def assert_one_of_each(item: Any) -> None:
    """An item is not two, and its links lead where they should."""
    for name in ("title", "guid", "link", "comments", "pubDate", "size", "enclosure"):
        assert len(item.findall(name)) == 1, name
    assert re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", item.findtext("guid"))
    for link in (item.findtext("link"), item.findtext("comments"), item.find("enclosure").get("url")):
        assert _HARMLESS_LINK.match(link), link
