"""People ask for help in Slack with the real desk behind it: requests, direct words, reactions, shortcuts, forms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rules.model import EntryKind, Status
from rules.policy import ChatHabits, FormField
from tests.channels.slack_play import Play, a_play
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
FORM = (FormField(name="laptop", label={"en": "Which laptop?"}, required=True),)


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        running.add_user("carl", "carl@customer.test")
        running.add_user("dora", None)
        running.add_channel("help", ["ana", "carl", "dora"])
        running.add_channel("random", ["ana", "carl", "dora"])
        yield running


def chat(slack: LoopbackSlack, **habits: Any) -> ChatHabits:
    ours = slack.channel("support")["id"]
    return ChatHabits(channel=ours, requests=(slack.channel("help")["id"],), **habits)


def count(play: Play) -> int:
    with play.store.read() as store:
        return store.counts().tickets


def said(slack: LoopbackSlack, channel: str, root: str) -> list[str]:
    """What the bot says in a thread."""
    return [m.get("text", "") for m in slack.messages(channel, root) if m.get("bot_id") and m["ts"] != root]


def buttons(slack: LoopbackSlack, channel: str, root: str) -> list[tuple[str, dict[str, Any]]]:
    """The buttons under what the bot says in a thread: where they stand, and each."""
    found = []
    for message in slack.messages(channel, root):
        for block in message.get("blocks", []):
            found += [(message["ts"], element) for element in block.get("elements", []) if "action_id" in element]
    return found


async def swept(slack: LoopbackSlack, channel: str) -> None:
    """The desk has looked through the channel after it connected: what stands there then counts as known."""
    where = slack.channel(channel)["id"]
    looks = lambda: [c for c in slack.calls("conversations.history") if c["arguments"].get("channel") == where]  # noqa: E731 - read each time
    await slack.eventually(looks)


async def a_request(play: Play, text: str = "My laptop does not start.", user: str = "carl") -> str:
    """Somebody asks in #help and is answered; gives the ts of their words."""
    asked: str = play.slack.post(user, "help", text)["ts"]
    await play.slack.eventually(lambda: said(play.slack, "help", asked))
    return asked


async def test_a_request_is_answered_in_its_thread_and_confirmed_there(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        root = await a_request(play)
        assert "#1" in said(slack, "help", root)[0]
        assert play.ticket().customer.email == "carl@customer.test"
        await slack.eventually(lambda: play.ticket().chat_thread)
        card = play.ticket().chat_thread.partition(":")[2]
        slack.post("ana", "support", "Press the power key for ten seconds.", card)
        await slack.eventually(lambda: play.ticket().drafted == 1)
        play.pass_the_hold()
        await slack.eventually(lambda: any("ten seconds" in text for text in said(slack, "help", root)))
        await slack.eventually(lambda: play.ticket().replies == 1)

        slack.post("carl", "help", "It still beeps", root)
        await slack.eventually(lambda: any("It still beeps" in json.dumps(m) for m in slack.messages("support", card)))
        assert count(play) == 1

        await _resolve(play, card)
        confirm = [(ts, one) for ts, one in buttons(slack, "help", root) if one["action_id"] == "deskbell:confirm"]
        slack.click("dora", "help", confirm[0][0], "deskbell:confirm")
        await slack.eventually(lambda: slack.ephemerals("dora"))
        assert play.ticket().status is Status.RESOLVED
        slack.click("carl", "help", confirm[0][0], "deskbell:confirm")
        await slack.eventually(lambda: play.ticket().status is Status.CLOSED)
        assert play.relay.mails == []


async def _resolve(play: Play, card: str) -> None:
    slack = play.slack
    slack.click("ana", "support", card, "deskbell:open:resolve")
    await slack.eventually(lambda: slack.modals("ana"))
    slack.submit("ana", {"text": "A new battery", "root_cause": "old"})
    await slack.eventually(lambda: play.ticket().status is Status.RESOLVED)
    play.pass_the_hold()
    root = play.ticket().asked_in.partition(":")[2]
    await slack.eventually(
        lambda: any(one["action_id"] == "deskbell:confirm" for _, one in buttons(slack, "help", root))
    )


async def test_answers_come_by_mail_too_when_the_asker_presses_so(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        root = await a_request(play)
        ts = next(ts for ts, one in buttons(slack, "help", root) if one["action_id"] == "deskbell:by_mail")
        slack.click("carl", "help", ts, "deskbell:by_mail")
        await slack.eventually(lambda: play.ticket().by_mail)


async def test_words_of_staff_in_the_askers_thread_are_the_answer(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        root = await a_request(play)
        slack.post("ana", "help", "Press F2 while it starts.", root)
        await slack.eventually(lambda: play.ticket().first_response_by == "ana")
        card = play.ticket().chat_thread.partition(":")[2]
        await slack.eventually(lambda: any("Press F2" in json.dumps(m) for m in slack.messages("support", card)))
        assert len(said(slack, "help", root)) == 1


async def test_edited_and_deleted_words_are_told_to_staff(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        root = await a_request(play)
        slack.edit("carl", "help", root, "My blue laptop does not start.")
        await slack.eventually(lambda: EntryKind.EDITED in [entry.kind for entry in play.journal()])
        more = slack.post("carl", "help", "never mind", root)["ts"]
        await slack.eventually(lambda: play.ticket().received == 2)
        slack.delete("carl", "help", more)
        await slack.eventually(lambda: EntryKind.UNSAID in [entry.kind for entry in play.journal()])


async def test_direct_words_are_a_request_and_who_has_no_address_is_answered_all_the_same(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        first = slack.post("dora", "@dora", "How do I book a room?")["ts"]
        await slack.eventually(lambda: said(slack, "@dora", first))
        ticket = play.ticket()
        assert not ticket.customer.takes_mail
        assert str(ticket.customer) == "Dora"
        slack.post("dora", "@dora", "for ten people")
        await slack.eventually(lambda: play.ticket().received == 2)
        assert count(play) == 1


async def test_a_file_of_an_asker_reaches_staff(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        slack.upload("carl", "help", "photo.png", b"\x89PNG" + b"x" * 30_000, "Look at this")
        await slack.eventually(lambda: count(play) == 1)
        (words,) = [entry for entry in play.journal() if entry.kind is EntryKind.RECEIVED]
        assert [(file.filename, file.size) for file in words.attachments] == [("photo.png", 30_004)]
        await slack.eventually(lambda: len(slack.files()) == 2)


async def test_a_reaction_of_staff_opens_a_ticket_for_the_author_once(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        top = slack.post("carl", "random", "Who knows printers?")["ts"]
        asked = slack.post("dora", "random", "Mine is on fire <!here>", top)["ts"]
        slack.react("ana", "random", asked, "ticket")
        await slack.eventually(lambda: said(slack, "random", top))
        ticket = play.ticket()
        assert str(ticket.customer) == "Dora"
        assert ticket.asked_in.endswith(f":{top}")
        assert "Who knows printers?" in play.journal()[0].quoted_text
        await slack.eventually(lambda: any("#1" in json.dumps(m) for m in slack.ephemerals("ana")))
        slack.react("ana", "random", top, "ticket")
        await slack.eventually(lambda: len(slack.ephemerals("ana")) == 2)
        assert count(play) == 1


async def test_who_is_not_staff_makes_a_ticket_of_their_own_words_only(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        hers = slack.post("dora", "random", "The door is locked.")["ts"]
        slack.react("carl", "random", hers, "ticket")
        await slack.eventually(lambda: slack.ephemerals("carl"))
        assert count(play) == 0
        slack.react("dora", "random", hers, "ticket")
        await slack.eventually(lambda: said(slack, "random", hers))
        assert count(play) == 1


async def test_a_robots_message_is_asked_about_by_who_makes_the_ticket(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        alert = slack.other_bot_post("help", "disk full on db-1")["ts"]
        await swept(slack, "help")
        slack.react("ana", "help", alert, "ticket")
        await slack.eventually(lambda: count(play) == 1)
        assert play.ticket().asker == slack.user("ana")["id"]
        assert play.ticket().subject == "disk full on db-1"


async def test_the_shortcut_on_a_message_does_as_the_reaction(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        hers = slack.post("dora", "random", "The door is locked.")["ts"]
        slack.message_shortcut("ana", "random", hers, "ticket_from_message")
        await slack.eventually(lambda: said(slack, "random", hers))
        assert str(play.ticket().customer) == "Dora"


async def test_the_form_of_who_only_asks_opens_a_ticket_answered_in_what_they_say_to_the_bot(
    slack: LoopbackSlack,
) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        slack.global_shortcut("carl", "ticket_new")
        await slack.eventually(lambda: [view for view in slack.modals("carl") if view["callback_id"] == "deskbell:new"])
        await slack.eventually(lambda: any(b.get("block_id") == "request" for b in slack.modals("carl")[-1]["blocks"]))
        slack.submit("carl", {"subject": "A new chair", "request": "Mine is broken."})
        await slack.eventually(lambda: count(play) == 1)
        ticket = play.ticket()
        assert (ticket.subject, ticket.asker) == ("A new chair", slack.user("carl")["id"])
        root = ticket.asked_in.partition(":")[2]
        await slack.eventually(lambda: said(slack, "@carl", root))


async def test_what_the_category_needs_is_filled_in_by_who_asked(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack), forms={"other": FORM}) as play:
        root = await a_request(play, "Hm, something odd here.")
        if play.ticket().category != "other":
            pytest.fail(f"the rules call it {play.ticket().category}")
        fill = "deskbell:open:details"
        await slack.eventually(lambda: any(one["action_id"] == fill for _, one in buttons(slack, "help", root)))
        ts = next(ts for ts, one in buttons(slack, "help", root) if one["action_id"] == fill)
        slack.click("carl", "help", ts, fill)
        modal = (await slack.eventually(lambda: slack.modals("carl")))[-1]
        field = next(b["element"]["action_id"] for b in modal["blocks"] if b["type"] == "input")
        slack.submit("carl", {field: "the blue one"})
        await slack.eventually(lambda: play.ticket().details == {"laptop": "the blue one"})


async def test_robots_and_words_elsewhere_open_nothing(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack, direct_requests=False)) as play:
        slack.other_bot_post("help", "I am a robot")
        slack.post("carl", "random", "Lunch?")
        slack.post("carl", "@carl", "Hello?")
        await a_request(play)
        assert count(play) == 1


async def test_who_calls_the_bot_elsewhere_is_told_how_to_ask(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        slack.post("carl", "random", "@deskbell my laptop does not start")
        (told,) = await slack.eventually(lambda: slack.ephemerals("carl"))
        assert ":ticket:" in told["text"]
        assert count(play) == 0


async def test_an_order_of_staff_in_the_askers_thread_is_no_answer_to_them(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=chat(slack)) as play:
        root = await a_request(play)
        slack.post("ana", "help", "@deskbell claim", root)
        await slack.eventually(lambda: play.ticket().assignee == "ana")
        assert play.ticket().replies == 0
