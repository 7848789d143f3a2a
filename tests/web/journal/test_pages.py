from typing import TYPE_CHECKING
from urllib.parse import quote

from lxml import html

from storage.accounts import Accounts
from storage.database import Database
from tests.fakes.passwords import cheap_passwords
from tests.fakes.website import parts_over, serving

if TYPE_CHECKING:
    from tests.web.journal.conftest import Desk

SCRIPT = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>"""
WICKED = SCRIPT + "\u202egnp.exe"


async def test_the_list_shows_what_was_asked_and_what_came_of_it(desk: "Desk") -> None:
    await desk.ask(t="tvsearch", q="hillbillies", season="1")
    await desk.ask(t="search", q="nosferatu")
    await desk.ask(t="search", cat="abc")
    page = html.fromstring((await desk.page()).text)
    rows = [" ".join(row.text_content().split()) for row in page.xpath("//table//tbody/tr")]
    assert "400error 201" in rows[0]
    assert "/api?apikey=…&t=search&cat=abc" in rows[0]
    assert "nothing" in rows[1]
    assert "TV, words “hillbillies”, season 1" in rows[2]
    assert "6 of 6" in rows[2]
    assert "sonarrSonarr/4.0" in rows[2]


async def test_the_detail_shows_the_funnel_with_bars(desk: "Desk") -> None:
    await desk.ask(t="tvsearch", q="hillbillies", season="3", ep="7", cat="5000")
    page = html.fromstring((await desk.page("/1")).text)
    rows = page.xpath("//table[@class='funnel']/tbody/tr")
    names = [row.findtext("th").strip() for row in rows]
    assert names == ["index", "categories", "words", "season", "episode"]
    assert [row.get("class") for row in rows] == [None, None, None, None, "emptied"]
    bars = [int(bar.get("value")) for bar in page.xpath("//meter")]
    assert (bars[0], bars[-1]) == (100, 0)
    assert bars == sorted(bars, reverse=True)
    assert "but none of them with episode 7" in page.xpath("string(//ul[@class='hints'])")


async def test_hostile_agents_and_parameters_are_text(desk: "Desk") -> None:
    await desk.ask(SCRIPT, t="search", q=WICKED, **{WICKED: WICKED})
    await desk.site.get(f"/torznab/{quote(WICKED, safe='')}/api", t="search")
    for path in ("", "/1"):
        text = (await desk.page(path)).text
        page = html.fromstring(text)
        assert page.xpath("//script | //img[@onerror] | //*[@onerror]") == []
        assert "\u202e" not in text
        assert "&lt;script&gt;" in text


async def test_replay_from_the_page_leads_to_the_new_request(desk: "Desk") -> None:
    await desk.ask(t="search", q="nosferatu")
    pressed = await desk.press_replay(1)
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/torznab/requests/2")
    page = html.fromstring((await desk.page("/2")).text)
    assert "replay of request 1" in page.text_content()


async def test_replay_needs_the_token_of_the_page(desk: "Desk") -> None:
    await desk.ask(t="search", q="nosferatu")
    assert (await desk.page("/1/replay", method="POST", Origin=desk.site.url)).status_code == 403
    assert (await desk.page("/1/replay", method="POST", Origin="https://elsewhere.example")).status_code == 403
    token = html.fromstring((await desk.page("/1")).text).xpath("//form[contains(@action, 'replay')]/input[@name='csrf']/@value")[0]
    headers = {"Cookie": f"swx={desk.session}", "Origin": desk.site.url, "Content-Type": "application/x-www-form-urlencoded"}
    pressed = await desk.site.client.post("/torznab/requests/1/replay", content=f"csrf={token}", headers=headers)
    assert pressed.status_code == 303


async def test_strangers_are_sent_to_sign_in_and_requests_that_are_gone_are_said_to_be(desk: "Desk") -> None:
    stranger = await desk.site.get("/torznab/requests", headers={"Accept": "text/html"})
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/login?next=%2Ftorznab%2Frequests")
    assert (await desk.site.get("/torznab/requests", apikey=desk.site.key)).status_code == 403
    gone = await desk.page("/77")
    assert (gone.status_code, gone.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_before_anybody_asked_the_page_says_what_to_do_and_an_empty_index_is_named(database: Database) -> None:
    accounts = Accounts(database, passwords=cheap_passwords())
    user = await accounts.create_user("ada", "correct horse", is_admin=True)
    session = await accounts.open_session(user.id)
    async with serving(parts_over(database, accounts=accounts)) as site:
        text = (await site.get("/torznab/requests", headers={"Cookie": f"swx={session.text}"})).text
    assert "No client has asked yet" in text
    assert "The index is empty" in text
