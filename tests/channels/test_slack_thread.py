"""The thread protocol through Slack, with the real desk behind it: ✉️, words to the bot, two who answer at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rules.model import EntryKind
from rules.policy import ChatHabits
from tests.channels.slack_play import MANIFEST, Play, a_play
from tests.loopback_slack import LoopbackSlack

PATIENCE_S = 15.0


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


async def a_thread(slack: LoopbackSlack, play: Play) -> str:
    """A customer's mail has its card; gives the thread under it."""
    play.mail("The printer is on fire.")
    await slack.eventually(lambda: play.thread() and play.ticket().chat_thread, PATIENCE_S)
    return str(play.thread()[0]["ts"])


def whispered(slack: LoopbackSlack, user: str, words: str) -> list[dict[str, Any]]:
    """What one person was told, and nobody else."""
    return [seen for seen in slack.ephemerals(user) if words in seen["text"]]


async def test_in_explicit_mode_an_envelope_sends_and_its_removal_keeps_inside(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=ChatHabits(replies="explicit")) as play:
        root = await a_thread(slack, play)
        said = slack.post("ana", "support", "A new one is on its way.", root)
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["memo"], PATIENCE_S)
        await slack.eventually(lambda: whispered(slack, "ana", "Kept inside"), PATIENCE_S)
        slack.react("ana", "support", said["ts"], "envelope")
        await slack.eventually(lambda: "hourglass_flowing_sand" in play.reactions(said["ts"]), PATIENCE_S)
        slack.unreact("ana", "support", said["ts"], "envelope")
        await slack.eventually(lambda: "lock" in play.reactions(said["ts"]), PATIENCE_S)
        slack.react("ana", "support", said["ts"], "envelope")
        await slack.eventually(
            lambda: sum(entry.kind is EntryKind.REPLIED for entry in play.journal()) == 2, PATIENCE_S
        )
        assert play.replies() == []
        play.pass_the_hold()
        await slack.eventually(lambda: len(play.replies()) == 1, PATIENCE_S)
        assert "A new one is on its way." in play.replies()[0].text


async def test_somebody_elses_envelope_sends_nothing_and_offers_the_form(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=ChatHabits(replies="explicit")) as play:
        root = await a_thread(slack, play)
        said = slack.post("ana", "support", "A new one is on its way.", root)
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["memo"], PATIENCE_S)
        slack.react("ben", "support", said["ts"], "envelope")
        await slack.eventually(lambda: whispered(slack, "ben", "These are the words of Ana Silva"), PATIENCE_S)
        offer = whispered(slack, "ben", "These are the words of Ana Silva")[0]
        slack.click("ben", "support", offer["ts"], "deskbell:open:reply")
        await slack.eventually(lambda: slack.modals("ben"), PATIENCE_S)


async def test_what_the_bot_is_told_is_done_and_never_mailed(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_thread(slack, play)
        slack.post("ana", "support", "@deskbell assign @ben because he knows printers", root)
        await slack.eventually(lambda: play.ticket().assignee == "ben", PATIENCE_S)
        order = slack.post("ana", "support", "@deskbell priority P2 because it smokes", root)
        await slack.eventually(lambda: play.ticket().priority == "P2", PATIENCE_S)
        slack.edit("ana", "support", order["ts"], "@deskbell priority P1 because it burns")
        slack.edit("ana", "support", order["ts"], "priority P1, I meant")
        slack.post("ana", "support", "@deskbell clame", root)
        await slack.eventually(lambda: whispered(slack, "ana", "claim"), PATIENCE_S)
        slack.post("ana", "support", "@deskbell send It is repaired.", root)
        await slack.eventually(lambda: whispered(slack, "ana", "Goes to"), PATIENCE_S)
        play.pass_the_hold()
        await slack.eventually(lambda: play.replies(), PATIENCE_S)
        assert [mail.text.splitlines()[0] for mail in play.replies()] == ["It is repaired."]
        assert play.ticket().priority == "P2"


async def test_the_second_of_two_who_answer_at_once_is_asked_in_the_thread(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_thread(slack, play)
        first = slack.post("ana", "support", "A new one is on its way.", root)
        await slack.eventually(lambda: play.reactions(first["ts"]) == ["hourglass_flowing_sand"], PATIENCE_S)
        second = slack.post("ben", "support", "Please switch it off.", root)
        await slack.eventually(lambda: play.reactions(second["ts"]) == ["question"], PATIENCE_S)
        question = await slack.eventually(
            lambda: next((line for line in play.thread() if "Send them all the same?" in line["text"]), None),
            PATIENCE_S,
        )
        assert question is not None
        assert f"<@{slack.user('ben')['id']}>" in question["text"]
        slack.click("ben", "support", question["ts"], "deskbell:send")
        await slack.eventually(lambda: "hourglass_flowing_sand" in play.reactions(second["ts"]), PATIENCE_S)
        play.pass_the_hold()
        await slack.eventually(lambda: len(play.replies()) == 2, PATIENCE_S)


async def test_an_edit_after_sending_offers_a_correction(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_thread(slack, play)
        said = slack.post("ana", "support", "It costs 10.", root)
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["hourglass_flowing_sand"], PATIENCE_S)
        play.pass_the_hold()
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["email"], PATIENCE_S)
        slack.edit("ana", "support", said["ts"], "It costs 100.")
        offer = (await slack.eventually(lambda: whispered(slack, "ana", "Already sent"), PATIENCE_S))[0]
        slack.click("ana", "support", offer["ts"], "deskbell:correct")
        await slack.eventually(lambda: "hourglass_flowing_sand" in play.reactions(said["ts"]), PATIENCE_S)
        play.pass_the_hold()
        await slack.eventually(lambda: len(play.replies()) == 2, PATIENCE_S)
        assert play.replies()[1].text.startswith("Correction to our last message:\n\nIt costs 100.")
