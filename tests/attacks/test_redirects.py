"""Prowlarr's open redirect (2026-03): `returnUrl` went unchecked. Our `next` names a path on this instance, or nothing."""

from urllib.parse import quote, urljoin, urlsplit

from tests.attacks.hostile import ELEMENT, PASSWORD
from tests.fakes.browser import browsing

ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    "\t//evil.example/",
    " //evil.example/",
    "http:evil.example",
    "http:/evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "@evil.example",
    ".evil.example",
    "evil.example",
    "/%0d%0aLocation: https://evil.example/",
    "/\r\nLocation: https://evil.example/",
    "/..//evil.example/",
    "/.//evil.example/",
    "/;@evil.example/",
    "/\u2028/evil.example",
    "/\u3000\uff0f\uff0fevil.example",
    "/\u00a0/evil.example",
    "/\ud800",
    "/" + "a" * 5000,
)


def leads_away(base: str, location: str) -> bool:
    """As browsers read it: they take backslashes for slashes, and leave out tabs and line ends."""
    seen = location.replace("\\", "/").replace("\t", "").replace("\r", "").replace("\n", "").strip()
    return urlsplit(urljoin(base, seen)).netloc != urlsplit(base).netloc


async def test_signing_in_leads_nowhere_else(site, monkeypatch):
    monkeypatch.setattr("web.auth.limits.TRIES_PER_NETWORK", 10 * len(ELSEWHERE))
    async with browsing(site.url) as browser:
        for wanted in ELSEWHERE:
            text = wanted.encode("utf-8", "replace").decode()
            response = await browser.post("/login", name=f"<{ELEMENT}>", password=PASSWORD, next=text)
            assert response.status_code == 303, (wanted, response.text)
            assert not leads_away(site.url, response.headers["location"]), wanted
            assert "\n" not in response.headers["location"]
            browser.client.cookies.clear()
            page = await browser.open("/login?next=" + quote(wanted, errors="surrogatepass"))
            assert page.status_code == 200, wanted


async def test_being_led_to_sign_in_does_not_lead_on_elsewhere(site):
    async with browsing(site.url) as browser:
        for path in ("//evil.example/", "/%5cevil.example/", "/%2f%2fevil.example/", "/keys//evil.example", "/%09/evil.example"):
            response = await browser.client.get(f"{site.url}{path}")
            assert response.status_code in {303, 400, 404}, path
            assert not leads_away(site.url, response.headers.get("location", "/")), path
