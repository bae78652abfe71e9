"""The pages behind customers' links: shown as often as you like, answered once, and only by sending the form."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import ClientSession

from rules.errors import StoreUnavailableError
from rules.model import Address, Refusal, Status
from rules.tokens import link_token
from tests.builders import a_ticket
from tests.channels.web_desk import SmallDesk, a_browser, the_web


@pytest.fixture
def desk() -> SmallDesk:
    """A desk that has resolved ticket 1 once."""
    made = SmallDesk()
    made.add(a_ticket(1, status=Status.RESOLVED, rounds=1))
    return made


def link(desk: SmallDesk, purpose: str, round_: int = 1, ticket: int = 1) -> str:
    """The path that stands in a mail."""
    return f"/r/{link_token(desk.policy.secret, ticket, purpose, round_)}"


async def get(client: ClientSession, path: str, **headers: str) -> tuple[int, str]:
    """Open a page."""
    async with client.get(path, headers=headers) as response:
        return response.status, await response.text()


async def post(client: ClientSession, path: str, **form: str) -> tuple[int, str]:
    """Send its form."""
    async with client.post(path, data=form) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("purpose", ["confirm", "survey"])
async def test_a_mail_scanner_that_opens_every_link_changes_nothing(desk: SmallDesk, purpose: str) -> None:
    """Looking is never an answer, however often and with whatever in the link (complaint 79)."""
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        for query in ("", "?score=1", "?answer=yes", "?overall=1&answer=no"):
            status, page = await get(client, link(desk, purpose) + query)
            assert (status, "<form" in page) == (200, True)
            async with client.head(link(desk, purpose) + query) as response:
                assert response.status == 200
    assert desk.commands == []


@pytest.mark.parametrize(
    ("answer", "name", "said"), [("yes", "confirm", "Thank you"), ("no", "not_solved", "Your request is open again")]
)
async def test_the_customer_says_whether_it_is_solved(desk: SmallDesk, answer: str, name: str, said: str) -> None:
    """The command carries the customer and a key of the link, so that a second click is the same click."""
    path = link(desk, "confirm")
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        for _ in range(2):
            status, page = await post(client, path, answer=answer, comment=" It hums\r\nagain ")
            assert status == 200
            assert said in page
            assert "<form" not in page
    (command,) = desk.commands
    assert (command.key, command.name, command.ticket) == (f"page:{path[3:]}:{name}", name, 1)
    assert (command.actor.staff, command.actor.via) == (None, "page")
    assert command.text == "It hums\nagain"


async def test_an_answer_that_was_refused_before_is_not_thanked_for_the_second_time(desk: SmallDesk) -> None:
    """The desk knows the click, but it never took effect."""
    path = link(desk, "confirm")
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        await post(client, path, answer="yes")
        desk.found[1] = replace(desk.found[1], status=Status.OPEN, confirmed_at=None)
        status, page = await post(client, path, answer="yes")
    assert status == 404
    assert "Thank you" not in page


async def test_the_survey_is_answered_with_one_number_or_with_all(desk: SmallDesk) -> None:
    """Questions left out stay unanswered (R-CO-3)."""
    desk.add(a_ticket(2, status=Status.CLOSED, rounds=1))
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        await post(client, link(desk, "survey"), overall="4")
        full = {"overall": "5", "solved": "5", "attitude": "4", "communication": "3", "comment": "谢谢"}
        status, page = await post(client, link(desk, "survey", ticket=2), **full)
    assert status == 200
    assert "Your answer helps us" in page
    first, second = desk.commands
    assert {k: v for k, v in first.args.items() if v} == {"round": "1", "overall": "4"}
    assert dict(second.args) == {"round": "1", **full}
    assert first.name == second.name == "score"


async def test_a_score_in_the_link_is_only_chosen_beforehand(desk: SmallDesk) -> None:
    """One click in the mail and one on the page."""
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        _, page = await get(client, link(desk, "survey") + "?score=4")
        _, odd = await get(client, link(desk, "survey") + '?score=4"><script>')
    assert page.count(" checked") == 1
    assert 'name="overall" value="4" checked' in page
    assert " checked" not in odd
    assert "<script" not in odd


@pytest.mark.parametrize(
    ("purpose", "form", "said"),
    [
        ("confirm", {}, "choose one of the two"),
        ("confirm", {"answer": "maybe"}, "choose one of the two"),
        ("survey", {"solved": "5", "comment": "Nice & <b>quick</b>"}, "choose a number for the first question"),
        ("survey", {"overall": "6"}, "choose a number for the first question"),
    ],
)
async def test_a_form_without_its_answer_is_shown_again(
    desk: SmallDesk, purpose: str, form: dict[str, str], said: str
) -> None:
    """What was already filled in is kept, and nothing is recorded."""
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        status, page = await post(client, link(desk, purpose), **form)
    assert status == 400
    assert said in page
    assert ("Nice &amp; &lt;b&gt;quick&lt;/b&gt;" in page) == ("comment" in form)
    assert desk.commands == []


async def test_unknown_forged_old_and_useless_links_all_look_alike(desk: SmallDesk) -> None:
    """Nobody learns which tickets there are, nor why a link does not work."""
    good = link(desk, "confirm")
    forged = good[:-1] + ("a" if good[-1] != "a" else "b")
    other_desk = f"/r/{link_token(b'another secret', 1, 'confirm', 1)}"
    bad = [
        "/r/x", "/r/1-confirm-1-", forged, other_desk, link(desk, "confirm", 0), link(desk, "confirm", 2),
        link(desk, "export"), link(desk, "confirm", ticket=99), "/r/" + "9" * 500, "/r/%00",
    ]  # fmt: skip
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        shown = {await get(client, path) for path in bad}
        sent = {await post(client, path, answer="yes", overall="5") for path in bad}
        desk.refusal = Refusal(code="move", text="This ticket is open.")
        sent.add(await post(client, good, answer="yes"))
    assert shown == sent
    ((status, page),) = shown
    assert status == 404
    assert "This link does not work any more" in page
    assert desk.commands == []


async def test_the_page_speaks_the_customers_language(desk: SmallDesk) -> None:
    """As the mails do; a link that leads nowhere goes by the browser's wish."""
    desk.found[1] = replace(desk.found[1], language="zh-CN")
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        _, page = await get(client, link(desk, "confirm"))
        _, gone = await get(client, "/r/x", **{"Accept-Language": "zh-TW,zh;q=0.9"})
        _, odd = await get(client, "/r/x", **{"Accept-Language": "<script>"})
    assert '<html lang="zh-CN">' in page
    assert "您的问题解决了吗？" in page
    assert "此链接已失效" in gone
    assert "This link does not work any more" in odd


async def test_a_subject_that_wants_to_be_markup_is_shown_as_text(desk: SmallDesk) -> None:
    """Nothing of a mail becomes part of the page."""
    subject = '</p><script>alert(1)</script><img src=x onerror="alert(1)">{{ 7*7 }}{number}'
    desk.found[1] = replace(desk.found[1], subject=subject, customer=Address(email="a@example.net", name="<b>"))
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        _, page = await get(client, link(desk, "confirm"))
    assert "<script" not in page
    assert "<img" not in page
    assert "{{ 7*7 }}{number}" in page


async def test_an_answer_that_could_not_be_saved_is_said_to_be_unsaved(desk: SmallDesk) -> None:
    """Thanks only when it is on disk (law 4)."""
    desk.failure = StoreUnavailableError("disk full")
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client:
        status, page = await post(client, link(desk, "confirm"), answer="yes")
    assert status == 503
    assert "could not be saved" in page


async def test_the_staff_cookie_is_not_needed_and_the_page_has_no_script(desk: SmallDesk) -> None:
    """It works in any mail client's browser; the policy forbids scripts altogether."""
    path = link(desk, "survey")
    async with the_web(desk) as web, a_browser(web, signed_in=False) as client, client.get(path) as response:
        policy, page = response.headers["Content-Security-Policy"], await response.text()
    assert "script-src" not in policy
    assert "<script" not in page
