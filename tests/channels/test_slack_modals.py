"""Forms on people's screens: opened in time, sent in once, asked again where it matters, and who else is writing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.window import Window
from channels.web.forms import SlackForms
from rules.model import Actor, EntryKind, Status
from tests.channels.slack_desk import BEN, FakeDesk, a_channel, card_of
from tests.channels.slack_play import Play, a_play
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


def shown(slack: LoopbackSlack, user: str) -> str:
    """Everything that the form on somebody's screen says; empty when there is none."""
    modals = slack.modals(user)
    return json.dumps(modals[-1]["blocks"], ensure_ascii=False) if modals else ""


async def a_card(play: Play) -> str:
    """Mei wrote; gives the ts of the card."""
    play.mail("The printer is on fire.")
    await play.slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
    return str(play.thread()[0]["ts"])


async def writes(slack: LoopbackSlack, user: str, root: str) -> None:
    """Somebody opens the form for an answer."""
    slack.click(user, "support", root, "deskbell:open:reply")
    await slack.eventually(lambda: slack.modals(user))


async def test_an_answer_is_previewed_sent_and_held(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        await writes(slack, "ana", root)
        slack.submit("ana", {"words": "A new one is on its way."})
        await slack.eventually(lambda: "mei.lin@example.net" in shown(slack, "ana") and "Quoted" in shown(slack, "ana"))
        assert play.journal()[-1].kind is not EntryKind.REPLIED
        previewed = shown(slack, "ana")
        slack.submit("ana", {})
        await slack.eventually(lambda: not slack.modals("ana"))
        await slack.eventually(lambda: any(entry.kind is EntryKind.REPLIED for entry in play.journal()))
        assert play.replies() == []
        play.pass_the_hold()
        (mail,) = await slack.eventually(play.replies)
        assert json.dumps(mail.text.strip(), ensure_ascii=False)[1:-1] in previewed
        assert (mail.subject in previewed, mail.quoted[0].text in previewed) == (True, True)
    assert slack.misuse() == []


async def test_an_answer_sent_in_twice_is_one_answer(slack: LoopbackSlack) -> None:
    """Somebody presses Send again because Slack was slow."""
    async with a_play(slack) as play:
        root = await a_card(play)
        await writes(slack, "ana", root)
        slack.submit("ana", {"words": "On its way."})
        await slack.eventually(lambda: "Quoted" in shown(slack, "ana"))
        sent = slack.submit("ana", {})
        await slack.eventually(lambda: not slack.modals("ana"))
        slack.repeat_event(sent)
        await slack.eventually(lambda: slack.under_way() == 0)
        assert sum(entry.kind is EntryKind.REPLIED for entry in play.journal()) == 1


async def test_two_who_write_at_once_see_each_other_until_one_stops(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        await writes(slack, "ana", root)
        assert "is writing" not in shown(slack, "ana")
        slack.click("ben", "support", root, "deskbell:open:reply")
        await slack.eventually(lambda: "Ana Silva is writing an answer too" in shown(slack, "ben"))
        await slack.eventually(lambda: f"{BEN.name} is writing an answer too" in shown(slack, "ana"))
        assert BEN.slack == ""  # known by his address alone, and named all the same
        slack.close_view("ana")
        await slack.eventually(lambda: "is writing" not in shown(slack, "ben"))
    assert slack.misuse() == []


async def test_somebody_on_the_console_page_and_somebody_in_slack_see_each_other(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        window, presence = Window(play.store), play.channel.presence
        page = SlackForms(play.desk, window, lambda: play.desk.policy, play.clock.now, presence)
        ben = Actor(name="Ben Okafor", staff="ben", via="console")
        await writes(slack, "ana", root)
        await slack.eventually(lambda: "Ana Silva" in json.dumps(page.open("reply", 1, "", ben)))
        page.writing("reply", 1, ben, ends=False)
        await slack.eventually(lambda: "Ben Okafor is writing" in shown(slack, "ana"))
        page.writing("reply", 1, ben, ends=True)
        await slack.eventually(lambda: "Ben Okafor is writing" not in shown(slack, "ana"))
    assert slack.misuse() == []


async def test_a_colleagues_answer_in_its_hold_is_seen_and_asked_about(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        await writes(slack, "ben", root)
        slack.post("ana", "support", "It is the toner.", root)
        await slack.eventually(lambda: any(entry.kind is EntryKind.REPLIED for entry in play.journal()))
        slack.submit("ben", {"words": "We look at it."})
        await slack.eventually(lambda: "An answer of Ana Silva leaves" in shown(slack, "ben"))
        slack.submit("ben", {})
        await slack.eventually(lambda: "Send it all the same" in shown(slack, "ben"))
        assert sum(entry.kind is EntryKind.REPLIED for entry in play.journal()) == 1
        slack.submit("ben", {"sure": ["sure"]})
        await slack.eventually(lambda: not slack.modals("ben"))
        assert sum(entry.kind is EntryKind.REPLIED for entry in play.journal()) == 2


async def test_a_refused_form_can_be_corrected_and_sent_in_again(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        option = json.dumps({"ticket": 1, "command": "open:more", "value": ""}, separators=(",", ":"))
        slack.click("ana", "support", root, "deskbell:menu", option)
        await slack.eventually(lambda: slack.modals("ana"))
        slack.submit("ana", {"choice": "open:merge"})
        await slack.eventually(lambda: slack.modals("ana")[-1]["callback_id"] == "deskbell:merge")
        slack.submit("ana", {"into": "99"})
        errors = await slack.eventually(lambda: slack.modals("ana")[-1]["errors"])
        assert list(errors) == ["into"]
        play.mail("The lamp too.", key="mail:2", message_id="<2@example.net>", subject="Lamp")
        slack.submit("ana", {"into": "2"})
        await slack.eventually(lambda: play.ticket().merged_into == 2)


async def test_staff_open_a_ticket_for_somebody_who_called_and_it_is_one(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        slack.slash("ana", "support", "/ticket", "new Lamp")
        await slack.eventually(lambda: slack.modals("ana"))
        assert '"initial_value": "Lamp"' in shown(slack, "ana")
        slack.submit("ana", {"for": "nobody", "subject": "Lamp", "request": "It is dark."})
        errors = await slack.eventually(lambda: slack.modals("ana")[-1]["errors"])
        assert list(errors) == ["for"]
        slack.submit("ana", {"for": "bo@customer.test", "subject": "Lamp", "request": "It is dark."})
        await slack.eventually(lambda: "#1" in shown(slack, "ana"))
        ticket = play.ticket()
        assert (ticket.customer.email, ticket.subject, ticket.status) == ("bo@customer.test", "Lamp", Status.NEW)
        (mail,) = await slack.eventually(lambda: [mail for mail in play.relay.mails if mail.automatic])
        assert mail.to == ("bo@customer.test",)
        assert play.journal()[0].text == "It is dark."
    assert slack.misuse() == []


async def test_a_form_is_opened_before_slack_is_asked_who_it_is_for(slack: LoopbackSlack) -> None:
    """A trigger lives three seconds, and users.info may take longer."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.fault("users.info", delay_s=1.5)
        slack.click("ben", "support", root, "deskbell:open:resolve")
        await slack.eventually(lambda: slack.modals("ben"), 1.0)
        order = [call["method"] for call in slack.calls() if call["method"] in ("views.open", "users.info")]
        assert order[0] == "views.open"


async def test_a_form_of_a_ticket_that_is_not_there_is_told_and_not_opened(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        del desk.tickets[7]
        slack.click("ana", "support", root, "deskbell:open:reply")
        whisper = (await slack.eventually(lambda: slack.ephemerals("ana")))[0]
        assert "not known any more" in whisper["text"]


async def test_an_old_trigger_is_told_to_whoever_pressed(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.fault("views.open", error="expired_trigger_id")
        slack.click("ana", "support", root, "deskbell:open:resolve")
        whisper = (await slack.eventually(lambda: slack.ephemerals("ana")))[0]
        assert "press the button again" in whisper["text"]


async def test_a_shortcut_opens_the_form_for_a_new_ticket(slack: LoopbackSlack) -> None:
    async with a_play(slack):
        slack.global_shortcut("ana", "ticket_new")
        modal: dict[str, Any] = (await slack.eventually(lambda: slack.modals("ana")))[-1]
        assert modal["callback_id"] == "deskbell:new"
        slack.global_shortcut("eve", "ticket_new")
        await slack.eventually(lambda: slack.modals("eve") and slack.modals("eve")[-1]["callback_id"] == "deskbell:new")
        assert '"for"' not in shown(slack, "eve")


async def test_an_employee_asks_by_the_form_and_is_answered_in_their_talk_with_the_bot(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        slack.global_shortcut("eve", "ticket_new")
        await slack.eventually(lambda: slack.modals("eve") and slack.modals("eve")[-1]["callback_id"] == "deskbell:new")
        slack.submit("eve", {"subject": "Lamp", "request": "It is dark."})
        await slack.eventually(lambda: "#1 is open. You find it on my Home tab." in shown(slack, "eve"))
        ticket = play.ticket()
        assert (ticket.subject, ticket.asker) == ("Lamp", slack.user("eve")["id"])
        assert ticket.asked_in.startswith("D")
    assert slack.misuse() == []


async def test_a_message_is_made_a_ticket_from_its_own_menu_once(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        said = slack.post("eve", "support", "My lamp is dark.")
        for _ in range(2):
            slack.message_shortcut("ana", "support", said["ts"], "ticket_from_message")
        await slack.eventually(lambda: len(slack.ephemerals("ana")) == 2)
        assert (play.ticket().asker, play.ticket().asked_in.rpartition(":")[2]) == (slack.user("eve")["id"], said["ts"])
        with play.store.read() as store:
            assert store.counts().tickets == 1


async def test_whoever_writes_sees_an_answer_that_a_colleague_types_in_the_thread(slack: LoopbackSlack) -> None:
    """With the next thing that happens to the ticket."""
    async with a_play(slack) as play:
        root = await a_card(play)
        await writes(slack, "ben", root)
        slack.post("ana", "support", "It is the toner.", root)
        await slack.eventually(lambda: any(entry.kind is EntryKind.REPLIED for entry in play.journal()))
        slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: "It is the toner." in shown(slack, "ben"))


async def test_the_card_of_a_request_in_chat_links_to_the_thread_where_it_was_asked(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        said = slack.post("eve", "support", "My lamp is dark.")
        slack.message_shortcut("ana", "support", said["ts"], "ticket_from_message")
        await slack.eventually(lambda: slack.ephemerals("ana") and play.ticket().chat_thread)
        card = slack.message("support", play.ticket().chat_thread.partition(":")[2])
        assert f"/p{said['ts'].replace('.', '')}" in json.dumps(card["blocks"])


async def test_somebody_who_is_no_staff_is_shown_nothing_of_a_ticket_and_can_do_nothing(slack: LoopbackSlack) -> None:
    """Whoever can see a button or type a command: the rules decide."""
    async with a_play(slack) as play:
        root = await a_card(play)
        for said in ("1 reply", "1 claim", "1", "why 1", "1 spam", "1 resolve done"):
            before = len(slack.ephemerals("eve"))
            slack.slash("eve", "support", "/ticket", said)
            await slack.eventually(partial(more_than, slack, before))
            assert "printer" not in json.dumps(slack.ephemerals("eve")[-1]).lower(), said
        assert slack.modals("eve") == []
        await writes(slack, "eve", root)
        slack.submit("eve", {"words": "Hello"})
        errors = await slack.eventually(lambda: slack.modals("eve")[-1]["errors"])
        assert "staff list" in errors["words"]
        assert (play.ticket().status, play.replies()) == (Status.NEW, [])


def more_than(slack: LoopbackSlack, before: int) -> bool:
    """Whether eve was told something more."""
    return len(slack.ephemerals("eve")) > before
