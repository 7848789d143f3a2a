"""Cross-site request forgery: another site makes a signed-in browser send something. Walked over every address that changes anything."""

import base64

import pytest

from tests.attacks.hostile import ELEMENT, PASSWORD
from tests.attacks.walk import addresses
from tests.fakes.browser import browsing

FOREIGN = (
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Referer": "OWN/account"},
    {"Origin": "OWN.evil.example"},
    {"Origin": "OWN@evil.example"},
    {"Origin": "http://localhost"},
    {"Origin": "ftp://127.0.0.1"},
    {"Origin": "OWN1"},
    {"Origin": "http://[::1"},
    {"Origin": ""},
    {"Origin": "http://evil.example, OWN"},
)


def own(site, headers: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("OWN", site.url) for name, value in headers.items()}


async def token_of(site, victim) -> str:
    page = await site.get("/account", headers={"Cookie": f"swx={victim.session}"})
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    assert token
    return token


async def test_nothing_that_changes_anything_is_done_for_another_site(site, victim, victim_parts):
    """Not even with the right token. Every disguise on one address of each kind, the plain ones on all."""
    token = await token_of(site, victim)
    for address in addresses(victim_parts):
        if address.method == "GET" or address.rule == "/setup":
            continue
        path = address.path({"info_hash": "00" * 20})
        for headers in FOREIGN if address.rule in {"/searches", "/api/v1/keys", "/api/ingest"} else FOREIGN[:4]:
            response = await site.client.request(
                address.method,
                path,
                headers={**own(site, headers), "Cookie": f"swx={victim.session}", "X-CSRF-Token": token},
                data={"csrf": token, "name": "x", "password": "y"},
            )
            assert response.status_code in {401, 403}, (address, headers, response.text)


async def test_being_our_own_page_is_not_enough_without_the_token(site, victim, victim_parts):
    """A hole in one page of ours, or a neighbour under the same name, still does not know it."""
    cookie = {"Cookie": f"swx={victim.session}", "Origin": site.url}
    others, right = "0" * 64, await token_of(site, victim)
    for address in addresses(victim_parts):
        if address.method == "GET" or address.rule in {"/setup", "/login"}:
            continue
        path = address.path({"info_hash": "00" * 20})
        for headers, fields in (
            ({}, {}),
            ({}, {"csrf": ""}),
            ({}, {"csrf": others}),
            ({"X-CSRF-Token": others}, {"csrf": right}),
            ({"X-CSRF-Token": ""}, {}),
        ):
            response = await site.client.request(address.method, path, headers={**cookie, **headers}, data=fields)
            assert response.status_code in {401, 403}, (address, headers, fields)


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/json", "application/x-www-form-urlencoded; charset=utf-7", ""]
)
async def test_another_kind_of_body_does_not_carry_the_token(site, victim, kind):
    """Forms of other sites can send three kinds of bodies without asking first."""
    token = await token_of(site, victim)
    body = f'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{token}\r\n--x--\r\n' if "multipart" in kind else f"csrf={token}"
    headers = {"Cookie": f"swx={victim.session}", "Origin": "http://evil.example", "Content-Type": kind}
    assert (await site.client.post("/searches", content=body, headers=headers)).status_code == 403


async def test_a_browser_that_knows_a_key_by_heart_is_no_tool_either(site, victim, victim_parts):
    """HTTP Basic: it sends the key along with everything, whoever starts it."""
    basic = "Basic " + base64.b64encode(f"me:{victim.keys['admin']}".encode()).decode()
    for address in addresses(victim_parts):
        if address.method != "GET" and address.rule not in {"/setup", "/login"}:
            for headers in FOREIGN[:5]:
                if {"Origin", "Sec-Fetch-Site"} & set(headers):
                    path = address.path({"info_hash": "00" * 20})
                    response = await site.get(path, method=address.method, headers={**own(site, headers), "Authorization": basic})
                    assert response.status_code == 403, (address, headers)


async def test_nobody_is_signed_in_by_another_site(site):
    """Login forgery: the victim would work, and leave traces, in the attacker's account."""
    for headers in FOREIGN:
        form = {"name": f"<{ELEMENT}>", "password": PASSWORD}
        response = await site.client.post("/login", data=form, headers=own(site, headers))
        assert response.status_code == 403, headers
        assert "set-cookie" not in response.headers


async def test_no_answer_is_for_scripts_of_other_sites(site, victim, victim_parts):
    """No CORS: neither for a simple request nor after asking first."""
    for address in addresses(victim_parts, "GET"):
        headers = {**address.credentials(victim), "Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE"}
        for method in ("GET", "OPTIONS"):
            response = await site.get(address.path({}), method=method, headers=headers)
            assert not [name for name in response.headers if name.startswith("access-control")]


async def test_the_token_is_another_one_in_every_session(site, victim):
    async with browsing(site.url) as browser:
        await browser.sign_in(f"<{ELEMENT}>", PASSWORD)
        page = await browser.open("/account")
        token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    assert len(token) == 64
    assert token != await token_of(site, victim)
