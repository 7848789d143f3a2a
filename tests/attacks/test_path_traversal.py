"""Sonarr CVE-2026-30976: files served by a path of the caller's, without a key, and the keys with them. Here no path of a request reaches
the disk; whatever is put in the place of a name leads nowhere.
"""

from tests.attacks.hostile import HASHES
from tests.attacks.readers import assert_dressed
from tests.fakes.raw_http import connected, get

SECRET = b"root:"
CLIMBS = (
    "../../../../etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "..%5c..%5c..%5cetc%5cpasswd",
    "..\\..\\..\\etc\\passwd",
    "....//....//etc/passwd",
    "..%c0%af..%c0%afetc/passwd",
    "..%ef%bc%8f..%ef%bc%8fetc/passwd",
    "style.css%00.png",
    "style.css/",
    "style.css%2f..%2f..%2fapp.py",
    "style.css;/../app.py",
    "STYLE.CSS",
    "file:///etc/passwd",
    "C:\\Windows\\win.ini",
    "..",
    ".",
    "%2e%2e",
    "app.py",
    "../app.py",
    "..%2ftemplates%2fbase.html",
)
PLACES = {
    "/static/": "",
    "/static/css/": "",
    "/t/": "",
    "/api/download/": ".torrent",
    "/feeds/": "",
    "/torznab/": "/api",
    "/api/v1/torrents/": "",
    "/": "",
    "//": "",
}
"""What stands before the name, and behind it."""


async def test_no_path_leads_to_a_file(site, victim):
    for place, tail in PLACES.items():
        async with connected(site) as client:
            for climb in CLIMBS:
                answer = await client.ask(get(f"{place}{climb}{tail}", f"X-Api-Key: {victim.keys['admin']}"))
                assert answer.status in {400, 401, 404, 405}, (place, climb, answer.status)
                assert SECRET not in answer.body
                assert b"create_app" not in answer.body


async def test_a_file_is_found_by_its_exact_name_only(site):
    assert (await site.get("/static/style.css")).status_code == 200
    response = await site.get("/static/style.css%2e")
    assert response.status_code == 404
    assert_dressed(response)


async def test_downloads_are_named_by_their_hash(site, victim):
    """A name of the torrent's choosing would be a file name on the disk of whoever downloads."""
    for info_hash in HASHES.values():
        response = await site.get(f"/api/download/{info_hash}.torrent", apikey=victim.keys["search"])
        assert response.status_code == 302
        assert response.headers["location"].startswith(f"magnet:?xt=urn:btih:{info_hash}")
        assert "\n" not in response.headers["location"]
