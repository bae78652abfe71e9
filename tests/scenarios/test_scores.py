"""What a customer answers to the survey by mail, and what only looks like an answer."""

from __future__ import annotations

import pytest

from rules.model import Status
from tests.stage import a_stage


@pytest.mark.parametrize(("words", "overall"), [("2 恢复太慢", 2), ("4 took a while but fine", 4), ("3: ok", 3)])
def test_an_answer_to_the_survey_itself_begins_with_the_score_whatever_follows(words: str, overall: int) -> None:
    """The customer was asked for a number; what stands behind it is the comment."""
    stage = a_stage()
    stage.mail()
    stage.reply("Done.")
    stage.command("resolve", "Replaced the toner.")
    stage.wait(minutes=1)
    stage.answer("yes")
    stage.wait(minutes=1)
    assert ".survey." in stage.mails(1)[-1].message_id
    stage.answer(words)
    score = stage.ticket().score
    assert score is not None
    assert score.overall == overall
    assert score.comment


def test_a_number_in_an_answer_to_another_mail_is_only_a_number() -> None:
    """ "5 users cannot log in" to an older mail of ours opens the ticket again."""
    stage = a_stage()
    stage.mail()
    stage.reply("Done.")
    answered = stage.mails(1)[-1]
    stage.command("resolve", "Replaced the toner.")
    stage.wait(minutes=1)
    stage.answer("yes")
    stage.wait(minutes=1)
    stage.mail("5 users cannot log in", in_reply_to=(answered.message_id,), subject=answered.subject)
    assert stage.ticket().score is None
    assert stage.status() is Status.OPEN
