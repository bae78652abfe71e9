"""Every button under a post or a whisper is pressed on the real desk, twice: it does what it says, once."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from channels.chat.blocks import escape
from rules.effects import Mail, OutboxEntry, Receipt
from rules.errors import PermanentDeliveryError
from rules.model import Address, EntryKind, Status
from rules.policy import ChatHabits, FormField
from tests.channels.slack_play import Play, a_play
from tests.loopback_slack import LoopbackSlack, Manifest

ROOT = Path(__file__).parents[2]
MANIFEST = Manifest.load(ROOT / "slack-manifest.yaml")
FORM = (FormField(name="laptop", label={"en": "Which laptop?"}, required=True),)
MALLORY = Address(email="mallory@evil.test")

Sets = Callable[[Play], Awaitable[None]]
Done = Callable[[Play], Any]


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        running.add_user("carl", "carl@customer.test")
        running.add_channel("help", ["ana", "carl"])
        yield running


# What stands there


def standing(slack: LoopbackSlack, user: str, action: str) -> tuple[str, str, str] | None:
    """The newest button of an action that somebody sees: its channel, its message and its own name."""
    found = None
    for message in everything(slack, user):
        for block in message.get("blocks", []):
            for element in block.get("elements", []):
                name = str(element.get("action_id", "")).removeprefix("deskbell:")
                if name == action or re.fullmatch(rf"{re.escape(action)}:\d+", name):
                    found = (message["channel"], message["ts"], f"deskbell:{name}")
    return found


def everything(slack: LoopbackSlack, user: str) -> list[dict[str, Any]]:
    """The replies in all threads that somebody sees, and what only they see."""
    seen: list[dict[str, Any]] = []
    for channel in ("support", "help", f"@{user}"):
        for root in slack.messages(channel):
            thread = slack.messages(channel, root["ts"]) if root.get("reply_count") else [root]
            seen += [{**message, "channel": channel} for message in thread]
    return sorted(seen, key=lambda one: float(one["ts"])) + slack.ephemerals(user)


def refused(play: Play) -> list[str]:
    with play.store.read() as store:
        tickets = range(1, store.counts().tickets + 1)
    return [entry.text for number in tickets for entry in play.journal(number) if entry.kind is EntryKind.REFUSED]


def story(play: Play) -> list[tuple[Any, ...]]:
    """All that happened to all tickets, but what was refused."""
    with play.store.read() as store:
        tickets = range(1, store.counts().tickets + 1)
    return [
        (entry.ticket, entry.kind, entry.text, entry.outbox_key)
        for number in tickets
        for entry in play.journal(number)
        if entry.kind is not EntryKind.REFUSED
    ]


# How each comes to stand there


async def mailed(play: Play) -> str:
    """Mei's printer is on fire; gives the ts of the card."""
    play.mail("The printer is on fire.")
    await play.slack.eventually(lambda: play.thread() and play.ticket().chat_thread and play.relay.mails)
    return str(play.thread()[0]["ts"])


async def said(play: Play, words: str = "It is the toner.", user: str = "ana") -> str:
    """Somebody answers in the thread; gives the ts of their words."""
    root = play.ticket().chat_thread.partition(":")[2]
    return str(play.slack.post(user, "support", words, root)["ts"])


async def held(play: Play) -> None:
    await mailed(play)
    await said(play)


async def explicit(play: Play) -> None:
    await held(play)


async def collided(play: Play) -> None:
    await mailed(play)
    await said(play, "On its way.", "ben")
    await play.slack.eventually(lambda: play.ticket().drafted == 1)
    await said(play, "Sold out.")


async def edited_late(play: Play) -> None:
    await mailed(play)
    ts = await said(play)
    await play.slack.eventually(lambda: play.ticket().drafted == 1)
    play.pass_the_hold()
    await play.slack.eventually(play.replies)
    await play.slack.eventually(lambda: play.ticket().replies == 1)
    play.slack.edit("ana", "support", ts, "It is the fuser.")


async def escalated(play: Play) -> None:
    await mailed(play)
    for _ in range(40):
        play.clock.advance(timedelta(hours=3))
        while play.desk.ring_due():
            continue
        if standing(play.slack, "ana", "taken"):
            break


async def lost(play: Play) -> None:
    deliver = play.relay.send

    async def refuse(entry: OutboxEntry) -> Receipt:
        if isinstance(entry.content, Mail) and not entry.content.automatic and entry.attempts <= 1:
            raise PermanentDeliveryError("550 no such user")
        return await deliver(entry)

    play.relay.send = refuse  # type: ignore[method-assign]  # the relay refuses one mail
    await held(play)
    await play.slack.eventually(lambda: play.ticket().drafted == 1)
    play.pass_the_hold()


async def looped(play: Play) -> None:
    robot = Address(email="bob@away.test")
    for number in range(5):
        play.mail(
            "We have your mail and will see to it.", key=f"mail:{number}", subject="Thank you", sender=robot,
            message_id=f"<{number}@away.test>",
        )  # fmt: skip
        play.clock.advance(timedelta(seconds=2))


async def waits(play: Play) -> None:
    await mailed(play)
    ours = play.relay.mails[0]
    play.mail(
        "Send me the file.", key="mail:stolen", sender=MALLORY, recipients=(ours.reply_to,), subject=ours.subject,
        to=(Address(email=ours.reply_to),), in_reply_to=(ours.message_id,), message_id="<stolen@evil.test>",
    )  # fmt: skip


async def asked_twice(play: Play) -> None:
    await mailed(play)
    play.mail("It still burns.", key="mail:2", message_id="<2@example.net>")


async def another_topic(play: Play) -> None:
    await mailed(play)
    ours = play.relay.mails[0].message_id
    play.mail(
        "The cellar is full of water.", key="mail:2", message_id="<2@example.net>", in_reply_to=(ours,),
        subject="Water in the cellar of our second house",
    )  # fmt: skip


async def thanked(play: Play) -> None:
    root = await mailed(play)
    play.slack.slash("ana", "support", "/ticket", "1 resolve done")
    await play.slack.eventually(lambda: play.ticket().status is Status.RESOLVED)
    play.pass_the_hold()
    await play.slack.eventually(lambda: len(play.relay.mails) == 2)
    play.slack.slash("ana", "support", "/ticket", "1 close")
    await play.slack.eventually(lambda: play.ticket().status is Status.CLOSED)
    last = play.relay.mails[-1].message_id
    play.mail("Thank you!", key="mail:3", message_id="<3@example.net>", in_reply_to=(last,), subject="Re: printer")
    assert root


async def requested(play: Play) -> None:
    play.slack.post("carl", "help", "My laptop makes odd noises, hm.")
    await play.slack.eventually(lambda: play.slack.messages("help")[0].get("reply_count"))


async def solved_for_asker(play: Play) -> None:
    await requested(play)
    await play.slack.eventually(lambda: play.ticket().chat_thread)
    play.slack.slash("ana", "support", "/ticket", "1 resolve A new fan")
    await play.slack.eventually(lambda: play.ticket().status is Status.RESOLVED)
    play.pass_the_hold()


async def surveyed(play: Play) -> None:
    await solved_for_asker(play)
    await play.slack.eventually(lambda: standing(play.slack, "carl", "confirm"))
    channel, ts, name = standing(play.slack, "carl", "confirm") or ("", "", "")
    play.slack.click("carl", channel, ts, name)
    await play.slack.eventually(lambda: play.ticket().status is Status.CLOSED)
    play.clock.advance(timedelta(days=1))
    while play.desk.ring_due():
        continue


async def asked_again(play: Play) -> None:
    for words in ("My laptop makes odd noises.", "The coffee machine is broken."):
        play.slack.post("carl", "@carl", words)
        await play.slack.eventually(lambda words=words: any(words in t.subject for t in tickets(play)))  # type: ignore[misc]  # a default binds the loop's words
        play.clock.advance(timedelta(minutes=30))


def is_told(slack: LoopbackSlack, user: str, text: str) -> bool:
    return any(text in str(message.get("text")) for message in everything(slack, user))


def tickets(play: Play) -> list[Any]:
    with play.store.read() as store:
        return [store.ticket(number) for number in range(1, store.counts().tickets + 1)]


def kinds(play: Play, number: int = 1) -> list[EntryKind]:
    return [entry.kind for entry in play.journal(number)]


def form_of(play: Play, user: str, name: str) -> bool:
    modals = play.slack.modals(user)
    return bool(modals) and bool(modals[-1]["callback_id"] == f"deskbell:{name}")


CASES: dict[str, tuple[str, Sets, str, Done]] = {
    "send_now": ("ana", held, "send_now", lambda play: play.replies()),
    "withdraw": ("ana", held, "withdraw", lambda play: EntryKind.WITHDRAWN in kinds(play)),
    "open:reply": ("ana", held, "open:reply", lambda play: form_of(play, "ana", "reply")),
    "send": ("ana", explicit, "send", lambda play: play.ticket().drafted == 1),
    "send anyway": ("ana", collided, "send", lambda play: play.ticket().drafted == 2),
    "keep inside": ("ana", collided, "withdraw", lambda play: EntryKind.WITHDRAWN in kinds(play)),
    "correct": ("ana", edited_late, "correct", lambda play: play.ticket().drafted == 2),
    "taken": ("ana", escalated, "taken", lambda play: play.ticket().taken_by == "ana"),
    "snooze": ("ana", escalated, "snooze", lambda play: play.ticket().snoozed_until_at),
    "resend": ("ana", lost, "resend", lambda play: play.replies()),
    "leave": ("ana", lost, "leave", lambda play: "1:reply:1 withdrawn" in [e.text for e in play.journal()]),
    "unblock": ("ana", looped, "unblock", lambda play: told_of(play, "unblock")),
    "block": ("ana", looped, "block", lambda play: told_of(play, "block")),
    "admit": ("ana", waits, "admit", lambda play: play.ticket().received == 2),
    "separate": ("ana", waits, "separate", lambda play: len(tickets(play)) == 2),
    "merge": ("ana", asked_twice, "merge", lambda play: play.ticket(2).merged_into == 1),
    "split": ("ana", another_topic, "split", lambda play: len(tickets(play)) == 2),
    "reopen": ("ana", thanked, "reopen", lambda play: play.ticket().status is Status.OPEN),
    "by_mail": ("carl", requested, "by_mail", lambda play: play.ticket().by_mail),
    "open:details": ("carl", requested, "open:details", lambda play: form_of(play, "carl", "details")),
    "confirm": ("carl", solved_for_asker, "confirm", lambda play: play.ticket().status is Status.CLOSED),
    "not_solved": ("carl", solved_for_asker, "not_solved", lambda play: play.ticket().status is Status.OPEN),
    "score": ("carl", surveyed, "score", lambda play: play.ticket().score is not None),
    "belongs": ("carl", asked_again, "belongs", lambda play: play.ticket(2).merged_into == 1),
}
"""Who presses, how the button comes to stand there, its action, and what it comes to."""


def told_of(play: Play, name: str) -> bool:
    """Whether the channel is told that somebody decided about automatic mail."""
    return standing(play.slack, "ana", name) is None and "Ana" in json.dumps(everything(play.slack, "ana"))


def habits(slack: LoopbackSlack, case: str) -> ChatHabits:
    ours = slack.channel("support")["id"]
    chat = ChatHabits(channel=ours, requests=(slack.channel("help")["id"],), answers_by_mail="ask")
    chat = replace(chat, burst=timedelta()) if case == "belongs" else chat
    return replace(chat, replies="explicit") if case == "send" else chat


@pytest.mark.parametrize("case", CASES)
async def test_a_button_under_a_post_does_what_it_says_and_does_it_once(slack: LoopbackSlack, case: str) -> None:
    """Pressed twice at once, as people do: the second press says that it is done, or does nothing."""
    user, before, action, done = CASES[case]
    async with a_play(slack, chat=habits(slack, case), forms=dict.fromkeys(("other", "hardware"), FORM)) as play:
        await before(play)
        place = await slack.eventually(lambda: standing(slack, user, action))
        assert place is not None
        already = Counter(story(play))
        clicks = [slack.click(user, *place) for _ in range(2)]
        await slack.eventually(lambda: done(play))
        await slack.eventually(lambda: all(slack.delivery(click)["state"] == "confirmed" for click in clicks))
        news = Counter(story(play)) - already
        assert [line for line, times in news.items() if times > 1] == [], "something is done twice"
        assert len(refused(play)) <= 1
        for text in map(escape, refused(play)):
            await slack.eventually(partial(is_told, slack, user, text))
    assert slack.misuse() == []


def test_every_button_that_the_rules_offer_is_pressed_here() -> None:
    pattern = re.compile(r'Button\(command="([\w:]+)"')
    offered = {name for path in (ROOT / "rules").glob("*.py") for name in pattern.findall(path.read_text())}
    assert offered == {action for _, _, action, _ in CASES.values()}
