"""Every button, menu line, form and word of the table is tried on the real desk: each does what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from channels.chat.controls import CONTROLS, MENU, MORE, ROW, Control
from rules.model import Address, EntryKind, Status
from tests.channels.slack_play import Play, a_play
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")

FILLED: dict[str, dict[str, Any]] = {
    "reply": {"words": "A new one is on its way."},
    "resolve": {"text": "Changed the toner", "root_cause": "empty"},
    "assign": {"to": "ben", "reason": "knows printers"},
    "hold": {"day": "2030-05-01", "time": "09:30", "reason": "the part comes"},
    "follow_up": {"length": "3d"},
    "edit": {"priority": "P1", "reason": "the whole floor waits"},
    "note": {"note_text": "she sounds angry"},
    "merge": {"into": "1"},
    "split": {},
}
"""What is entered in each form."""

BEFORE = {"reopen": "resolve", "close": "resolve", "resume": "wait"}
"""What must have happened for a control to work."""


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


def place_of(play: Play, number: int) -> str:
    """The ts of a ticket's card."""
    return play.ticket(number).chat_thread.partition(":")[2]


async def a_ticket_with_a_card(play: Play) -> int:
    """Two mails of one customer make a ticket; gives its number."""
    number = ticket_count(play) + 1
    sender = f"c{number}@customer.test"
    address = play.desk.policy.mailboxes[0].address
    play.mail("The printer is on fire.", key=f"mail:{number}", message_id=f"<{number}@customer.test>",
              subject=f"Printer {number}", sender=an_address(sender), to=(an_address(address),))  # fmt: skip
    await play.slack.eventually(lambda: ticket_count(play) >= number and play.ticket(number).chat_thread)
    sent = await play.slack.eventually(lambda: [mail for mail in play.relay.mails if mail.to == (sender,)])
    play.mail("And the lamp is dark.", key=f"mail:{number}b", message_id=f"<{number}b@customer.test>",
              subject=sent[0].subject, sender=an_address(sender), in_reply_to=(sent[0].message_id,))  # fmt: skip
    assert play.ticket(number).received == 2
    return number


def an_address(email: str) -> Address:
    return Address(email=email, name="Mei Lin")


def ticket_count(play: Play) -> int:
    with play.store.read() as store:
        return store.counts().tickets


async def done(play: Play, number: int, version: int) -> None:
    """The ticket has changed, or words of staff were written down."""
    await play.slack.eventually(lambda: play.ticket(number).version > version)


async def filled_in(play: Play, form: str, values: dict[str, Any]) -> None:
    """Send in the form that is open; an answer is previewed first."""
    slack = play.slack
    modal = (await slack.eventually(lambda: slack.modals("ana")))[-1]
    assert modal["callback_id"] == f"deskbell:{form}"
    slack.submit("ana", values)
    if form == "reply":
        await slack.eventually(lambda: "quoted" in json.dumps(slack.modals("ana")[-1]["blocks"]).lower())
        slack.submit("ana", {})
    await slack.eventually(lambda: not slack.modals("ana"))


@pytest.mark.parametrize("place", [ROW, MENU, MORE])
async def test_everything_that_a_card_offers_is_done(slack: LoopbackSlack, place: str) -> None:
    async with a_play(slack) as play:
        await a_ticket_with_a_card(play)
        for row in (row for row in CONTROLS if row.offered == place):
            number = await a_ticket_with_a_card(play)
            root = place_of(play, number)
            if row.command in BEFORE:
                slack.slash("ana", "support", "/ticket", f"{BEFORE[row.command]} {number} done")
                await slack.eventually(partial(works, play, row, number))
            await slack.eventually(partial(offers, slack, root, place, row.action))
            version = play.ticket(number).version
            await press(play, root, number, place, row.action)
            if row.form:
                await filled_in(play, row.form, FILLED[row.form])
            await done(play, number, version)
            assert not refusals(play, number), row.command
    assert slack.misuse() == []


def works(play: Play, row: Control, number: int) -> bool:
    """Whether a control works on a ticket now."""
    return row.works(play.ticket(number))


def more_than(slack: LoopbackSlack, before: int) -> bool:
    """Whether ana was told something more."""
    return len(slack.ephemerals("ana")) > before


def refusals(play: Play, number: int) -> list[str]:
    """What the desk refused about a ticket."""
    return [entry.text for entry in play.journal(number) if entry.kind is EntryKind.REFUSED]


def offers(slack: LoopbackSlack, root: str, place: str, action: str) -> bool:
    """Whether the card offers an action now."""
    elements = [one for block in slack.message("support", root)["blocks"] for one in block.get("elements", [])]
    lines = [json.loads(option["value"]) for one in elements for option in one.get("options", [])]
    names = {str(one.get("action_id")).removeprefix("deskbell:") for one in elements}
    return place == MORE or action in names | {str(line.get("command")) for line in lines}


async def press(play: Play, root: str, number: int, place: str, action: str) -> None:
    """Press a button of a card, choose a line of its menu, or choose in the form behind the last one."""
    slack = play.slack
    if place == ROW:
        value = json.dumps({"ticket": number, "value": "P1"}, separators=(",", ":")) if action == "priority" else None
        slack.click("ana", "support", root, f"deskbell:{action}", value)
        return
    wanted = action if place == MENU else "open:more"
    option = json.dumps({"ticket": number, "command": wanted, "value": ""}, separators=(",", ":"))
    slack.click("ana", "support", root, "deskbell:menu", option)
    if place == MORE:
        await slack.eventually(lambda: slack.modals("ana"))
        slack.submit("ana", {"choice": action})
        name = action.removeprefix("open:")
        if name != action:
            await slack.eventually(lambda: slack.modals("ana")[-1]["callback_id"] == f"deskbell:{name}")


SAID: dict[str, str] = {
    "claim": "", "reply": "on its way", "priority": "P1 because", "resolve": "done", "assign": "ben", "wait": "",
    "hold": "3d", "follow_up": "2d", "note": "angry", "merge": "1", "split": "last", "spam": "", "category": "",
    "close": "", "reopen": "", "resume": "", "taken": "", "snooze": "",
}  # fmt: skip
"""What is said behind the word of each command."""


async def test_every_word_that_needs_no_post_is_obeyed_after_slash_ticket(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        await a_ticket_with_a_card(play)
        spoken = [row for row in CONTROLS if row.words and row.command in SAID]
        for row in spoken:
            number = await a_ticket_with_a_card(play)
            if row.command in BEFORE:
                slack.slash("ana", "support", "/ticket", f"{BEFORE[row.command]} {number} done")
                await slack.eventually(partial(works, play, row, number))
            version = play.ticket(number).version
            behind = play.desk.policy.categories[-1] if row.command == "category" else SAID[row.command]
            if row.command == "category" and play.ticket(number).category == behind:
                behind = play.desk.policy.categories[0]
            slack.slash("ana", "support", "/ticket", f"{number} {row.words[0]} {behind}".strip())
            await done(play, number, version)
            assert not refusals(play, number), row.command
    assert slack.misuse() == []


async def test_what_only_tells_is_told_to_whoever_asks_and_changes_nothing(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        await a_ticket_with_a_card(play)
        version = play.ticket().version
        for said, told in (
            ("help", "认领"), ("", "claim"), ("why 1", "PRIORITY"), ("1 why", "#1"), ("1", "Printer 1"),
            ("mine", ""), ("search printer", "#1"), ("frobnicate", "no word I know"), ("claim", "/ticket 123 claim"),
            ("77", "77"), ("1 clame", "Did you mean"),
        ):  # fmt: skip
            before = len(slack.ephemerals("ana"))
            slack.slash("ana", "support", "/ticket", said)
            await slack.eventually(partial(more_than, slack, before))
            shown = json.dumps(slack.ephemerals("ana")[-1], ensure_ascii=False)
            assert told.lower() in shown.lower(), said
        assert play.ticket().version == version
        assert play.ticket().status is Status.NEW
    assert slack.misuse() == []
