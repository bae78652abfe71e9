"""The console's server: who gets in, what it shows, and what it passes on to the desk."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import ClientSession

from channels.web.channel import WebChannel
from channels.web.protocol import Health
from rules.errors import ChannelError, ConfigError
from tests.builders import MONDAY, a_ticket, an_outbox_entry
from tests.channels.web_desk import TOKEN, SmallDesk, a_browser, a_post, the_console, the_web


@pytest.fixture
def desk() -> SmallDesk:
    """A desk with one ticket."""
    made = SmallDesk()
    made.add(a_ticket(1))
    return made


# ---- who gets in ------------------------------------------------------------------------------


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "192.168.1.5:8080", "[::]:8080", "desk.example.com:8080"])
def test_an_address_that_others_can_reach_is_refused(desk: SmallDesk, listen: str) -> None:
    """There is no sign-in yet, so the console stays on this machine."""
    with pytest.raises(ConfigError, match="no sign-in yet"):
        WebChannel(
            listen=listen, token=TOKEN, hearing=desk, window=desk, policy=lambda: desk.policy, now=desk.now,
            executor=None, health=lambda: desk.health,  # type: ignore[arg-type] # never reached
        )  # fmt: skip


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1:", "127.0.0.1:99999", "localhost:http"])
def test_an_address_that_makes_no_sense_is_refused_with_an_example(desk: SmallDesk, listen: str) -> None:
    """One clear sentence says how to write it."""
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:8080"):
        WebChannel(
            listen=listen, token=TOKEN, hearing=desk, window=desk, policy=lambda: desk.policy, now=desk.now,
            executor=None, health=lambda: desk.health,  # type: ignore[arg-type] # never reached
        )  # fmt: skip


async def test_a_taken_port_is_told_in_one_sentence(desk: SmallDesk) -> None:
    """Another program on the port is the owner's to sort out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ChannelError, match=f"127.0.0.1:{port} cannot be listened on"):
            async with the_web(desk, listen=f"127.0.0.1:{port}"):
                pass


async def test_the_printed_link_signs_a_browser_in_and_its_token_leaves_the_address(desk: SmallDesk) -> None:
    """The token is exchanged for a cookie that scripts cannot read and that is not the token."""
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        async with client.get(web.link, allow_redirects=False) as response:
            cookie = response.headers["Set-Cookie"]
            assert (response.status, response.headers["Location"]) == (303, "/")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        async with client.get("/") as response:
            page = await response.text()
        assert response.status == 200
        assert TOKEN not in page
        assert 'id="composer"' in page


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=%ff%00", f"?token={TOKEN}x"])
async def test_without_the_right_token_there_is_only_a_word_on_where_the_link_is(desk: SmallDesk, query: str) -> None:
    """Nothing is told but where to look."""
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client, client.get(f"/{query}") as response:
        assert response.status == 401
        assert "printed in the terminal" in await response.text()
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/api/session", "/api/channel", "/api/ticket/1", "/api/events"])
async def test_a_stranger_learns_nothing(desk: SmallDesk, path: str) -> None:
    """Without the cookie every question is refused."""
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client, client.get(path) as response:
        assert response.status == 401
        assert "Mei" not in await response.text()


async def test_the_cookie_of_another_desk_does_not_open_this_one(desk: SmallDesk) -> None:
    """The cookie is bound to the token that it was given for."""
    async with the_web(desk) as web, a_browser(web) as client:
        cookies = {cookie.key: cookie.value for cookie in client.cookie_jar}
    async with (
        the_web(desk, token="another", listen=f"127.0.0.1:{web.address[1]}") as other,
        a_browser(other, signed_in=False) as client,
        client.get("/api/channel", cookies=cookies) as response,
    ):
        assert response.status == 401


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "localhost:99999", "127.0.0.1.evil.example", "", "[", "desk.example.com"],
)
@pytest.mark.parametrize("path", ["/", "/api/channel", f"/?token={TOKEN}"])
async def test_another_host_name_gets_nothing(desk: SmallDesk, host: str, path: str) -> None:
    """A name of somebody else that is made to point here (DNS rebinding) does not reach the console."""
    async with (
        the_console(desk, public_url="https://desk.example.com/x") as client,
        client.get(path, headers={"Host": host}, allow_redirects=False) as response,
    ):
        assert response.status == 421
        assert "Set-Cookie" not in response.headers


async def test_the_public_name_reaches_customers_pages_and_the_health_check_only(desk: SmallDesk) -> None:
    """The console stays on this machine's own names."""
    async with the_web(desk, public_url="https://Desk.example.com") as web, a_browser(web) as client:
        answers = {}
        for path in ("/healthz", "/r/x", "/static/customer.css", "/api/session"):
            async with client.get(path, headers={"Host": "desk.example.com"}) as response:
                answers[path] = response.status
    assert answers == {"/healthz": 200, "/r/x": 404, "/static/customer.css": 200, "/api/session": 421}


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/api/channel", "/static/app.js", "/r/x", "/nothing", "/?token=wrong"]
)
async def test_every_answer_carries_the_protecting_headers(desk: SmallDesk, path: str) -> None:
    """Also errors, also files."""
    async with the_console(desk) as client, client.get(path) as response:
        headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "aiohttp" not in headers["Server"]


# ---- what it shows ----------------------------------------------------------------------------


async def test_the_channel_shows_cards_with_the_latest_activity_first_a_page_at_a_time(desk: SmallDesk) -> None:
    """Three tickets, two a page; the cursor leads to the rest and then there is no more."""
    desk.add(a_ticket(2, updated_at=MONDAY + timedelta(hours=2)))
    desk.add(a_ticket(3, updated_at=MONDAY))
    async with the_console(desk) as client:
        async with client.get("/api/channel", params={"limit": "2"}) as response:
            first = await response.json()
        async with client.get("/api/channel", params={"limit": "2", "before": first["before"]}) as response:
            second = await response.json()
    assert [ticket["number"] for ticket in first["tickets"]] == [2, 3]
    assert [ticket["number"] for ticket in second["tickets"]] == [1]
    assert second["before"] is None
    assert first["tickets"][0]["card"]["blocks"][0]["type"] == "header"


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=999999999", "before=x", "before=2026-03-02T09:00_1"])
async def test_an_odd_question_shows_the_beginning(desk: SmallDesk, query: str) -> None:
    """A cursor or limit that makes no sense is no error."""
    async with the_console(desk) as client, client.get(f"/api/channel?{query}") as response:
        assert [ticket["number"] for ticket in (await response.json())["tickets"]] == [1]


async def test_a_ticket_comes_with_its_card_and_thread(desk: SmallDesk) -> None:
    """The same Block Kit as in the channel, and the posts."""
    desk.add(a_ticket(7), outbox=[a_post(7)])
    async with the_console(desk) as client, client.get("/api/ticket/7") as response:
        found = await response.json()
    assert found["card"]["blocks"]
    assert [line["key"] for line in found["thread"]] == ["post:7:post:1"]


async def test_an_unknown_ticket_is_told_in_words(desk: SmallDesk) -> None:
    """A mistyped number is no crash."""
    async with the_console(desk) as client, client.get("/api/ticket/99") as response:
        assert response.status == 404
        assert (await response.json())["refusal"]["text"] == "There is no such ticket."


async def test_the_session_names_staff_but_no_addresses(desk: SmallDesk) -> None:
    """What the page needs: who can be acted as, and where a first mail goes."""
    async with the_console(desk) as client, client.get("/api/session") as response:
        body = await response.json()
    assert [person["key"] for person in body["staff"]] == ["ana", "ben"]
    assert body["people"] == {"U0ANA": "Ana Silva", "UCONSOLE1": "Ben Okafor"}
    assert (body["intake"], body["address"]) == ("127.0.0.1:2525", "support@example.com")
    assert "ana@example.com" not in json.dumps(body)


# ---- news and health --------------------------------------------------------------------------


async def news(client: ClientSession, wanted: int) -> list[str]:
    """The data of the first ``wanted`` events."""
    found: list[str] = []
    async with client.get("/api/events") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        async for line in response.content:
            if line.startswith(b"data: "):
                found.append(line[6:].decode().strip())
            if len(found) == wanted:
                break
    return found


async def test_an_open_page_hears_of_a_change_at_once(desk: SmallDesk) -> None:
    """A chat effect is shown by waking the pages; the receipt names it the same whenever it is asked for."""
    owed = an_outbox_entry("1:card:2", ticket=1, channel="chat")
    async with the_web(desk) as web, a_browser(web) as client:
        hearing = asyncio.create_task(news(client, 2))
        deadline = asyncio.get_running_loop().time() + 10
        while not hearing.done():
            assert asyncio.get_running_loop().time() < deadline
            receipt = await web.send(owed)
            await asyncio.sleep(0.02)
        assert await hearing == ["{}", '{"ticket": 1}']
        found = await web.find(owed)
    assert receipt.text == found.text == "console:1:card:2"


async def test_stopping_lets_open_pages_go(desk: SmallDesk) -> None:
    """The desk does not wait for somebody to close a browser."""
    async with the_web(desk) as web, a_browser(web) as client:
        async with client.get("/api/events") as response:
            await response.content.readline()
            started = asyncio.get_running_loop().time()
            await web.stop()
            await response.content.read()
        assert asyncio.get_running_loop().time() - started < 3


async def test_health_is_told_to_anybody_and_by_its_status(desk: SmallDesk) -> None:
    """200 when all is well, 503 otherwise, no cookie needed, nobody's data in it."""
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        async with client.get("/healthz") as response:
            assert (response.status, (await response.json())["status"]) == (200, "ok")
        desk.health = Health(well=False, checks={"store": "ok", "delivery": "3 uncertain"})
        async with client.get("/healthz") as response:
            assert response.status == 503
            assert (await response.json())["checks"]["delivery"] == "3 uncertain"


async def test_a_ticket_changed_elsewhere_is_shown_when_asked_again(desk: SmallDesk) -> None:
    """The page is a view of the store; it keeps no state of its own."""
    async with the_console(desk) as client:
        desk.found[1] = replace(desk.found[1], assignee="ben")
        async with client.get("/api/ticket/1") as response:
            found = await response.json()
    assert found["assignee"] == "ben"
    assert "Ben Okafor" in json.dumps(found["card"])
