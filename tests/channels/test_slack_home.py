"""The bot's Home tab: what needs somebody who answers, and what became of the requests of who only asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from channels.slack.app import SlackChannel
from rules.hours import Calendar
from rules.model import Address, Command, SlaClock, Span, Status, Target, Ticket
from rules.policy import Staff
from tests.builders import MONDAY, a_ticket
from tests.channels.slack_desk import ANA, BEN, FakeDesk, a_channel, a_policy
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
HOSTILE = "<!channel> *free* <https://evil.example|click> <@U0ANA> `x` :tada:"


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


def a_desk(*tickets: Ticket) -> FakeDesk:
    desk = FakeDesk()
    desk.tickets = {ticket.number: ticket for ticket in tickets}
    return desk


def due_in(number: int, minutes: int, **changes: Any) -> Ticket:
    """A ticket whose first response is due so many minutes after Monday's moment, of an hour allowed."""
    clock = SlaClock(
        target=Target.FIRST_RESPONSE, allowed=timedelta(hours=1), calendar="always",
        spans=(Span(started_at=MONDAY),), due_at=MONDAY + timedelta(minutes=minutes),
    )  # fmt: skip
    return replace(a_ticket(number), clocks=(clock,), **changes)


def at_home(
    slack: LoopbackSlack, desk: FakeDesk, ana: Staff | None = None
) -> AbstractAsyncContextManager[SlackChannel]:
    """The desk's Slack channel with one agent, whose calendar never closes."""
    always = {"always": Calendar(name="always", timezone=ZoneInfo("UTC"), hours={}, always=True)}
    staff = (ana or replace(ANA, slack=slack.user("ana")["id"]), BEN)
    return a_channel(slack, desk, policy=a_policy(staff=staff, calendars=always))


def rows(home: dict[str, Any]) -> list[str]:
    """The rows and captions that the tab shows."""
    return [block["text"]["text"] for block in home["blocks"] if block["type"] == "section"]


def buttons(home: dict[str, Any]) -> list[str]:
    return [block["accessory"]["text"]["text"] for block in home["blocks"] if "accessory" in block]


async def opened(slack: LoopbackSlack, user: str = "ana") -> dict[str, Any]:
    slack.open_home(user)
    home: dict[str, Any] = await slack.eventually(lambda: slack.home(user) or {})
    return home


def fast(channel: SlackChannel) -> None:
    """Publish after changes at once; five seconds would only make the test slow."""
    assert channel._listener is not None
    channel._listener.home._debounce_s = 0.01


async def test_staff_see_what_is_about_to_breach_then_theirs_then_what_nobody_has(slack: LoopbackSlack) -> None:
    desk = a_desk(
        due_in(1, 50), due_in(2, 40, assignee="ana"), due_in(3, 10, assignee="ben"), due_in(4, -5, assignee="ana"),
        replace(a_ticket(5), status=Status.CLOSED, assignee="ana"),
    )  # fmt: skip
    async with at_home(slack, desk):
        home = await opened(slack)
    shown = rows(home)
    assert [line.partition(" · ")[2].partition(" ")[0] for line in shown if "#" in line] == ["#4", "#3", "#2", "#1"]
    assert [line for line in shown if "#" not in line] == ["*About to breach*", "*Mine*", "*Unassigned*"]
    assert "Mine: 2" in json.dumps(home["blocks"])
    assert "Unassigned: 1" in json.dumps(home["blocks"])
    assert buttons(home) == ["Open", "Open", "Open", "Claim"]


async def test_a_ticket_is_claimed_from_the_home_tab(slack: LoopbackSlack) -> None:
    desk = a_desk(due_in(1, 50), due_in(2, 55))
    async with at_home(slack, desk):
        await opened(slack)
        click = slack.click_in_view("ana", "deskbell:claim:2")
        await slack.eventually(lambda: slack.delivery(click)["state"] == "confirmed")
    claimed = [command for command in desk.obeyed if command.name == "claim"]
    assert [(command.ticket, command.actor.staff) for command in claimed] == [(2, "ana")]


async def test_a_ticket_opens_in_its_thread_where_slack_tells_the_address(slack: LoopbackSlack) -> None:
    desk = a_desk(due_in(1, 50, assignee="ana"))
    root = slack.post("ana", "support", "the card")
    desk.has_card(desk.tickets[1], f"{slack.channel('support')['id']}:{root['ts']}")
    async with at_home(slack, desk):
        home = await opened(slack)
    (accessory,) = [block["accessory"] for block in home["blocks"] if "accessory" in block]
    assert root["ts"].replace(".", "") in accessory["url"]


async def test_without_an_address_the_card_is_shown_instead(slack: LoopbackSlack) -> None:
    desk = a_desk(due_in(1, 50, assignee="ana"))
    async with at_home(slack, desk):
        await opened(slack)
        slack.click_in_view("ana", "deskbell:home:show:1")
        modal = (await slack.eventually(lambda: slack.modals("ana")))[0]
    assert "#1" in json.dumps(modal["blocks"])


async def test_many_tickets_are_shown_page_by_page(slack: LoopbackSlack) -> None:
    desk = a_desk(*(due_in(number, 50 + number) for number in range(1, 121)))
    async with at_home(slack, desk):
        home = await opened(slack)
        assert len(home["blocks"]) <= 100
        assert "Page 1 of 6" in json.dumps(home["blocks"])
        slack.click_in_view("ana", "deskbell:home:page:on")
        await slack.eventually(lambda: "Page 2 of 6" in json.dumps(slack.home("ana")))
        second = rows(slack.home("ana") or {})
    assert "#21 " in second[1]
    assert "#40 " in second[-1]


async def test_a_filter_keeps_only_what_fits_and_begins_at_the_first_page(slack: LoopbackSlack) -> None:
    urgent = replace(due_in(7, 90), priority="P1")
    desk = a_desk(*(due_in(number, 60 + number) for number in range(10, 60)), urgent)
    async with at_home(slack, desk):
        await opened(slack)
        slack.click_in_view("ana", "deskbell:home:page:on")
        await slack.eventually(lambda: "Page 2 of 3" in json.dumps(slack.home("ana")))
        slack.click_in_view("ana", "deskbell:home:priority", "P1")
        await slack.eventually(lambda: len(rows(slack.home("ana") or {})) == 2)
        shown = rows(slack.home("ana") or {})
    assert "#7 " in shown[1]


async def test_the_tab_follows_changes_once_and_only_where_it_shows_something_else(slack: LoopbackSlack) -> None:
    desk = a_desk(due_in(1, 50))
    async with at_home(slack, desk) as channel:
        fast(channel)
        await opened(slack)
        published = len(slack.calls("views.publish"))
        for _ in range(20):
            channel.changed()
        desk.tickets[2] = due_in(2, 55)
        await slack.eventually(lambda: len(rows(slack.home("ana") or {})) == 3)
        channel.changed()
        slack.open_home("ben")
        await slack.eventually(lambda: slack.home("ben"))
    ana = [one for one in slack.calls("views.publish") if one["arguments"]["user_id"] == slack.user("ana")["id"]]
    assert len(ana) - published <= 2


async def test_a_tab_that_somebody_else_published_meanwhile_is_published_again(slack: LoopbackSlack) -> None:
    desk = a_desk(due_in(1, 50))
    async with at_home(slack, desk) as channel:
        fast(channel)
        await opened(slack)
        slack.fault("views.publish", error="hash_conflict")
        desk.tickets[2] = due_in(2, 55)
        channel.changed()
        await slack.eventually(lambda: len(rows(slack.home("ana") or {})) == 3)


async def test_employees_see_their_own_requests_and_nobody_elses(slack: LoopbackSlack) -> None:
    slack.add_user("carol", "carol@example.com")
    carol = slack.user("carol")["id"]
    desk = a_desk(
        replace(a_ticket(1), subject="My laptop", asker=carol),
        replace(a_ticket(2), subject="By mail", customer=Address(email="carol@example.com", name="Carol")),
        replace(a_ticket(3), subject="A secret of somebody else"),
    )
    async with at_home(slack, desk):
        home = await opened(slack, "carol")
    told = json.dumps(home["blocks"])
    assert "My laptop" in told
    assert "By mail" in told
    assert "secret" not in told
    assert "deskbell:open:new" in told
    assert "deskbell:claim" not in told


async def test_a_customers_words_are_shown_letter_by_letter(slack: LoopbackSlack) -> None:
    evil = replace(
        due_in(1, 50), subject=HOSTILE * 20, customer=Address(email="e@example.net", name=HOSTILE), category=HOSTILE
    )
    async with at_home(slack, a_desk(evil)):
        home = await opened(slack)
    for block in home["blocks"]:
        text = block.get("text", {})
        assert text.get("type") != "mrkdwn" or "evil" not in text["text"]
        assert len(text.get("text", "")) <= 3000


async def test_the_tab_speaks_the_language_of_who_opens_it(slack: LoopbackSlack) -> None:
    chinese = replace(ANA, slack=slack.user("ana")["id"], language="zh-CN")
    async with at_home(slack, a_desk(due_in(1, 50)), chinese):
        home = await opened(slack)
    assert "未分配" in json.dumps(home["blocks"], ensure_ascii=False)


async def test_nobody_is_asked_twice_for_a_claim_that_was_delivered_twice(slack: LoopbackSlack) -> None:
    desk = a_desk(due_in(1, 50))
    async with at_home(slack, desk):
        await opened(slack)
        click = slack.click_in_view("ana", "deskbell:claim:1")
        await slack.eventually(lambda: slack.delivery(click)["state"] == "confirmed")
        slack.repeat_event(click)
        await slack.eventually(lambda: len(desk.asked) == 2)
    obeyed: list[Command] = [command for command in desk.obeyed if command.name == "claim"]
    assert len(obeyed) == 1
