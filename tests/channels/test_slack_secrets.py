"""Who may see what in Slack, and what a restart, a late event or a server from elsewhere must not make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from channels.slack.hearing.asking import is_asked_in
from channels.slack.hearing.parse import Reacted, posted
from rules.model import Actor, Command, Resolution, Status
from rules.policy import ChatHabits, FormField
from tests.builders import MONDAY, a_ticket, an_entry
from tests.channels.slack_desk import ANA, FakeDesk, a_channel, a_policy, card_of
from tests.channels.slack_play import a_play
from tests.channels.test_slack_modals import a_card, shown
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
FORM = (FormField(name="staff_number", label={"en": "Staff number"}, required=True),)
FILL = "deskbell:open:details"


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        running.add_user("carl", "carl@customer.test")
        running.add_user("dora", None)
        running.add_channel("help", ["ana", "ben", "carl", "dora"])
        yield running


def buttons(slack: LoopbackSlack, root: str) -> dict[str, str]:
    """Under which message of a thread in #help each button stands."""
    found: dict[str, str] = {}
    for message in slack.messages("help", root):
        for block in message.get("blocks", []):
            found |= {one["action_id"]: message["ts"] for one in block.get("elements", []) if "action_id" in one}
    return found


async def test_what_somebody_filled_in_is_shown_to_them_and_to_staff_alone(slack: LoopbackSlack) -> None:
    """Everybody in a channel of requests can press the button in somebody's thread."""
    chat = ChatHabits(channel=slack.channel("support")["id"], requests=(slack.channel("help")["id"],))
    async with a_play(slack, chat=chat, forms={"other": FORM}) as play:
        root = str(slack.post("carl", "help", "Hm, something odd here.")["ts"])
        ts = str(await slack.eventually(lambda: buttons(slack, root).get(FILL)))
        carl = play.ticket().asker
        play.desk.obey(detail(carl, "E-4711", play.clock.now()))
        assert play.ticket().details == {"staff_number": "E-4711"}
        slack.click("dora", "help", ts, FILL)
        await slack.eventually(lambda: "who asked" in shown(slack, "dora"))
        assert "E-4711" not in json.dumps(slack.modals("dora"))
        for user in ("carl", "ana", "ben"):
            slack.click(user, "help", ts, FILL)
            await slack.eventually(partial(sees, slack, user))


def sees(slack: LoopbackSlack, user: str) -> bool:
    return "E-4711" in shown(slack, user)


def detail(user: str, value: str, at: datetime) -> Command:
    return Command(
        key="fill", name="detail", actor=Actor(name="Carl", user=user), at=at, ticket=1,
        args={"detail:staff_number": value},
    )  # fmt: skip


async def test_an_employee_who_opens_their_request_sees_no_word_that_was_not_told_to_them(
    slack: LoopbackSlack,
) -> None:
    desk = FakeDesk()
    done = replace(
        a_ticket(1), subject="My laptop", asker=slack.user("carl")["id"], asked_in="C0HELP:100.000001",
        status=Status.RESOLVED, resolved_at=MONDAY,
        resolution=Resolution(text="He had not plugged it in, again."),
    )  # fmt: skip
    desk.tickets = {1: done}
    async with a_channel(slack, desk):
        slack.open_home("carl")
        await slack.eventually(lambda: slack.home("carl"))
        slack.click_in_view("carl", "deskbell:home:show:1")
        modal = (await slack.eventually(lambda: slack.modals("carl")))[-1]
    assert "My laptop" in json.dumps(modal)
    assert "plugged" not in json.dumps(modal)


async def test_a_form_that_was_refused_is_carried_out_when_it_is_sent_in_again_after_a_restart(
    slack: LoopbackSlack,
) -> None:
    """The form stays on the screen while the desk restarts; a screen that says "sent" must not be wrong."""
    async with a_play(slack) as play:
        root = await a_card(play)
        option = json.dumps({"ticket": 1, "command": "open:more", "value": ""}, separators=(",", ":"))
        slack.click("ana", "support", root, "deskbell:menu", option)
        await slack.eventually(lambda: slack.modals("ana"))
        slack.submit("ana", {"choice": "open:merge"})
        await slack.eventually(lambda: slack.modals("ana")[-1]["callback_id"] == "deskbell:merge")
        slack.submit("ana", {"into": "99"})
        await slack.eventually(lambda: slack.modals("ana")[-1]["errors"])
        play.mail("The lamp too.", key="mail:2", message_id="<2@example.net>", subject="Lamp")
        slack.submit("ana", {"into": "2"})
        await slack.eventually(lambda: play.ticket().merged_into == 2)


async def test_an_emoji_that_was_taken_away_again_orders_nothing_whatever_is_told_first(slack: LoopbackSlack) -> None:
    """In explicit mode an ✉️ that stands no more must send nothing."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        assert channel._listener is not None
        inbox = channel._listener.inbox
        where = {"team": slack.team_id, "channel": slack.channel("support")["id"], "ts": root}
        put = Reacted(key="put", user=slack.user("ana")["id"], emoji="eyes", at="2000000000.000100", **where)
        taken = replace(put, key="taken", added=False, at="2000000001.000100")
        await inbox.hear(taken)
        await slack.eventually(lambda: inbox.idle)
        await inbox.hear(put)
        await slack.eventually(lambda: inbox.idle)
        assert desk.obeyed == []


async def test_a_message_in_no_thread_is_not_taken_for_deleted_where_slack_has_no_thread_of_it(
    slack: LoopbackSlack,
) -> None:
    """Some servers tell such a message in the channel's history alone."""
    async with a_channel(slack, FakeDesk()) as channel:
        assert channel._sweep is not None
        where, ts = slack.channel("help")["id"], slack.post("carl", "help", "And my mouse, too.")["ts"]
        for refusal in ("thread_not_found", "message_not_found"):
            slack.fault("conversations.replies", times=1, error=refusal)
            found = await channel._sweep.reads.message(where, ts)
            assert [message["ts"] for message in found] == [ts]
        slack.delete("carl", "help", ts)
        slack.fault("conversations.replies", times=1, error="thread_not_found")
        assert await channel._sweep.reads.message(where, ts) == []


async def test_the_thread_of_a_card_that_was_posted_anew_is_never_taken_for_that_of_who_asked(
    slack: LoopbackSlack,
) -> None:
    """Staff go on talking below the old card; nothing of it is an answer that the asker has seen already."""
    desk = FakeDesk()
    desk.tickets = {7: replace(a_ticket(7), asked_in="C0HELP:100.000001", chat_thread="C0SUPPORT:900.000001")}
    desk.journal = {7: (replace(an_entry(7), place="C0HELP:150.000001"),)}
    async with a_channel(slack, desk) as channel:
        assert channel._listener is not None
        door = channel._listener._door
        assert not await is_asked_in(door, 7, "C0SUPPORT:500.000001")
        assert not await is_asked_in(door, 7, "C0SUPPORT:900.000001")
        assert await is_asked_in(door, 7, "C0HELP:100.000001")
        assert await is_asked_in(door, 7, "C0HELP:150.000001")
        desk.tickets[7] = replace(desk.tickets[7], also_asked_in={"C0HELP:300.000001": ""}, linked=(8,))
        desk.tickets[8] = replace(a_ticket(8), asked_in="C0HELP:400.000001", merged_into=7)
        assert await is_asked_in(door, 7, "C0HELP:300.000001")
        assert await is_asked_in(door, 7, "C0HELP:400.000001")


async def test_a_word_below_a_new_card_is_taken_in_where_no_event_says_whose_thread_it_is(
    slack: LoopbackSlack,
) -> None:
    """The desk does not know yet where the card lies, and some servers do not tell who began a thread."""
    desk, chat = FakeDesk(), ChatHabits(channel=slack.channel("support")["id"])
    staff = (replace(ANA, slack=slack.user("ana")["id"]),)
    async with a_channel(slack, desk, policy=a_policy(chat=chat, staff=staff)) as channel:
        root = await card_of(slack, desk, channel)
        place = f"{slack.channel('support')['id']}:{root}"
        desk.threads.pop(place, None)
        assert channel._listener is not None
        said = posted(
            {"ts": "2000000000.000100", "thread_ts": root, "user": slack.user("ana")["id"], "text": "On its way."},
            slack.channel("support")["id"], slack.team_id,
        )  # fmt: skip
        assert said is not None
        await channel._listener.inbox.hear(said)
        await slack.eventually(lambda: [(one.name, one.ticket) for one in desk.obeyed] == [("say", 7)])


async def test_the_bot_tells_in_a_thread_why_and_not_only_of_what(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        slack.post("ana", "support", "@deskbell why", root)
        told = await slack.eventually(lambda: slack.ephemerals("ana"))
        assert "classified" in json.dumps(told[-1])
