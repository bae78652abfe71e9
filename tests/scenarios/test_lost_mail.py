"""A mail that failed, or may have: staff see it at once and decide with one click, which counts once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.desk import Desk
from rules.effects import Mail, OutboxEntry, OutboxState, Post
from rules.model import EntryKind
from tests.stage import Stage, a_stage

REPLY = "1:reply:1"


def a_stage_on_which_the_reply_ends(state: OutboxState) -> Stage:
    """The first try of the reply ends like that; whatever is sent later arrives."""
    stage = a_stage()
    stage.mail("The printer is on fire.")
    stage.fate = lambda entry: state if entry.key == REPLY and entry.attempts == 1 else OutboxState.ACCEPTED
    stage.reply("Have you tried water?")
    return stage


def the_reply(stage: Stage) -> OutboxEntry:
    (found,) = [entry for entry in stage.owed(tuple(OutboxState)) if entry.key == REPLY]
    return found


def tried(stage: Stage) -> list[Mail]:
    return [entry.content for entry in stage.sent if entry.key == REPLY and isinstance(entry.content, Mail)]


def the_card(stage: Stage) -> Post:
    return next(post for post in stage.posts(1) if any(button.command == "resend" for button in post.buttons))


@pytest.mark.parametrize("state", [OutboxState.UNCERTAIN, OutboxState.FAILED])
def test_a_lost_reply_asks_its_author(state: OutboxState) -> None:
    """Two buttons that name the mail; nothing is sent again by itself."""
    stage = a_stage_on_which_the_reply_ends(state)
    stage.wait(days=3)
    card = the_card(stage)
    assert [(button.command, button.value) for button in card.buttons] == [("resend", REPLY), ("leave", REPLY)]
    assert card.mentions == ("ana",)
    assert "550 no such user" in card.text
    assert (tried(stage), the_reply(stage).state) == ([], state)


@pytest.mark.parametrize("state", [OutboxState.UNCERTAIN, OutboxState.FAILED])
def test_one_click_sends_it_again_and_a_second_one_does_nothing(state: OutboxState) -> None:
    """The mail is the same to the letter, with its Message-ID, and the customer counts as answered once it is taken."""
    stage = a_stage_on_which_the_reply_ends(state)
    before = the_reply(stage)
    assert stage.ticket().first_response_at is None
    first, second = (stage.command("resend", by=by, value=REPLY) for by in ("ana", "tom"))
    assert first.refusal is None
    assert second.refusal is not None
    assert second.refusal.code == "not_lost"
    assert tried(stage) == [before.content]
    assert stage.ticket().first_response_by == "ana"
    assert [entry.author.key for entry in stage.entries(kind=EntryKind.CHANGED)] == ["ana"]


def test_both_clicks_at_once_send_it_once() -> None:
    """Before the mail has left, it waits for nobody any more."""
    stage = a_stage_on_which_the_reply_ends(OutboxState.UNCERTAIN)
    deliver, stage.deliver = stage.deliver, lambda: None  # type: ignore[method-assign] # two clicks before anything leaves
    stage.command("resend", value=REPLY)
    again = stage.command("resend", value=REPLY)
    deliver()
    assert again.refusal is not None
    assert len(tried(stage)) == 1


def test_left_is_left() -> None:
    """Whoever knows that it arrived says so, and no later click sends it."""
    stage = a_stage_on_which_the_reply_ends(OutboxState.UNCERTAIN)
    assert stage.command("leave", value=REPLY).refusal is None
    assert stage.command("resend", value=REPLY).refusal is not None
    stage.wait(days=3)
    assert (tried(stage), the_reply(stage).state) == ([], OutboxState.WITHDRAWN)


@pytest.mark.parametrize("value", ["", "1:reply:9", "1:acknowledgement", "nobody:owes"])
def test_what_is_not_lost_is_not_sent_again(value: str) -> None:
    """A made-up name does nothing, nor does that of a mail that arrived."""
    stage = a_stage_on_which_the_reply_ends(OutboxState.UNCERTAIN)
    before = len(stage.mails())
    answer = stage.command("resend", value=value)
    assert answer.refusal is not None
    assert len(stage.mails()) == before


def test_a_mail_that_fails_again_asks_again() -> None:
    """Each failure has a card of its own."""
    stage = a_stage_on_which_the_reply_ends(OutboxState.FAILED)
    stage.fate = lambda entry: OutboxState.FAILED if entry.key == REPLY else OutboxState.ACCEPTED
    stage.command("resend", value=REPLY)
    assert len([post for post in stage.posts(1) if post.buttons and post.buttons[0].command == "resend"]) == 2


def test_the_command_line_does_the_same() -> None:
    """One place decides, whichever way the word comes."""
    stage = a_stage_on_which_the_reply_ends(OutboxState.UNCERTAIN)
    assert stage.desk.choose(REPLY, OutboxState.QUEUED, "the command line") is not None
    assert stage.desk.choose(REPLY, OutboxState.QUEUED, "the command line") is None
    stage.deliver()
    assert len(tried(stage)) == 1


def test_a_mail_that_not_everybody_got_is_told_in_the_thread() -> None:
    """The relay took it for one and refused another; nobody would know."""
    stage = a_stage()
    stage.mail("The printer is on fire.")
    stage.command("reply", "Have you tried water?", now="1")
    stage.desk = Desk(stage.store, stage.policy, stage.clock, lambda tickets: None)
    entry = the_reply(stage)
    stage.desk.settle([replace(entry, problem="not taken for bo@customer.test: 550 5.1.1 no such user")])
    stage.deliver()
    assert any("bo@customer.test: 550 5.1.1" in post.text for post in stage.posts(1))
