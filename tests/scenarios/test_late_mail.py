"""After an outage: mail that lay on the server for hours is taken in at its real time, and nobody is flooded.

Complaint 5 and idea 14 of the complaints: 200 mails of different age give one summary, at most one mail for each
customer, and clocks that start as the owner wants.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.desk import Desk
from channels.chat.cards import card
from rules.digest import figures
from rules.effects import Mail, Post
from rules.lateness import SUMMARY
from rules.message import Authentication, AutomaticVerdict
from rules.model import EntryKind, Status, Target
from rules.periods import period_before
from storage.tinydb_store import TinyDBStore
from tests.stage import MONDAY, Stage, a_policy, a_stage

HOUR = timedelta(hours=1)
URGENT: dict[str, Any] = {"subject": "URGENT", "text": "Production ERP is down, nobody can work."}


def late(stage: Stage, text: str = "The printer is broken.", *, hours: float = 6, **fields: Any) -> str:
    """A mail that lay on our server for some hours before the desk could get it."""
    return stage.mail(text, arrived_at=stage.clock.at - timedelta(hours=hours), **fields)


def wanting(late_sla: str) -> Stage:
    policy = a_policy()
    return Stage(policy=replace(policy, habits=replace(policy.habits, late_sla=late_sla)))


def summaries(stage: Stage) -> list[str]:
    """What was said in the channel about late mail."""
    return [
        entry.content.text
        for entry in stage.sent
        if isinstance(entry.content, Post) and entry.key.startswith(f"{SUMMARY}:")
    ]


def automatic_mails(stage: Stage) -> Counter[str]:
    """How many automatic mails went to each customer."""
    staff = {person.email for person in stage.policy.staff}
    return Counter(to for mail in stage.mails() if mail.automatic for to in mail.to if to not in staff)


def calls(stage: Stage) -> list[Post]:
    """Lines that call somebody or everybody."""
    return [post for post in stage.posts() if post.mentions or (post.broadcast and post.ticket)]


def escalations(stage: Stage) -> Counter[str]:
    """How many steps of each clock rang: ``17:first_response``."""
    keys = (entry.key.split(":") for entry in stage.sent if isinstance(entry.content, Post))
    return Counter(f"{key[0]}:{key[2]}" for key in keys if len(key) > 2 and key[1] == "escalation")


def an_outage(stage: Stage, mails: int = 200, customers: int = 60, apart: float = 0.1) -> dict[int, datetime]:
    """Mails of different age, so many hours apart, come in without order; gives the real time of each new ticket."""
    came: dict[int, datetime] = {}
    for n in range(mails):
        before = stage.count()
        hours = 1.5 + (n * 37 % mails) * apart
        at = stage.clock.at - timedelta(hours=hours)
        who = n % customers
        late(stage, f"Request {n} about the {who}th machine", hours=hours, sender=f"c{who}@firm{who}.test")
        if stage.count() > before:
            came[before + 1] = at
    return came


def test_a_morning_after_an_outage_is_one_summary_and_one_mail_for_each_customer() -> None:
    """200 mails of 60 customers: 200 cards, one line in the channel, 60 apologies, and nobody is called."""
    stage = a_stage()
    came = an_outage(stage)
    stage.wait(minutes=5)
    assert len(came) == stage.count() == 200
    assert len(summaries(stage)) == 1
    assert "200" in summaries(stage)[0]
    assert "21 h" in summaries(stage)[0]
    mails = automatic_mails(stage)
    assert (len(mails), set(mails.values())) == (60, {1})
    assert calls(stage) == []
    with stage.store.read() as store:
        assert {ticket.number: ticket.opened_at for ticket in store.tickets()} == came


def test_the_clocks_of_late_requests_start_when_the_desk_got_them() -> None:
    """As shipped (`late_sla: import`): nothing is due before its time, and no ladder rings at once."""
    stage = a_stage()
    an_outage(stage, mails=40, customers=40)
    with stage.store.read() as store:
        starts = {clock.spans[0].started_at for ticket in store.tickets() for clock in ticket.clocks}
    assert starts == {MONDAY}
    stage.wait(minutes=10)
    assert escalations(stage) == Counter()
    assert stage.reasons(1).count("late: ") == 1


def test_the_clocks_of_late_requests_can_start_when_they_arrived() -> None:
    """`late_sla: arrival`: overdue at once and said so, by one step for each clock and not by all that are past."""
    stage = wanting("arrival")
    came = an_outage(stage, mails=40, customers=40, apart=2)
    with stage.store.read() as store:
        starts = {ticket.number: ticket.clocks[0].spans[0].started_at for ticket in store.tickets()}
    assert starts == came
    stage.wait(minutes=10)
    rang = escalations(stage)
    assert rang
    assert set(rang.values()) == {1}


def test_a_late_p1_whose_ladder_is_past_calls_the_last_of_it_once() -> None:
    """Six hours late with clocks from its arrival: the director for each clock, then nobody until asked again."""
    stage = wanting("arrival")
    late(stage, **URGENT)
    stage.wait(minutes=30)
    assert stage.ticket().priority == "P1"
    assert escalations(stage) == Counter({"1:first_response": 1, "1:resolution": 1})
    assert {post.mentions for post in calls(stage)} == {("zhao",)}
    clock = stage.ticket().clock(Target.FIRST_RESPONSE)
    assert clock is not None
    assert clock.breached_at == MONDAY - 6 * HOUR + timedelta(minutes=15)


def test_a_late_p1_climbs_its_ladder_like_any_other() -> None:
    """With clocks from when we got it, its responsible is called after eleven minutes (R-SLA-3)."""
    stage = a_stage()
    late(stage, **URGENT)
    stage.wait(minutes=12)
    assert escalations(stage) == Counter({"1:first_response": 1})
    assert "Urgent: 1 (P1 #1)" in summaries(stage)[0]


def test_a_customers_first_late_mail_gets_an_apology_and_the_next_ones_nothing() -> None:
    stage = a_stage()
    late(stage, "The printer is broken.")
    late(stage, "And so is the scanner.", hours=5)
    (mail,) = stage.mails_to("alice@customer.test")
    assert "reached us only now" in mail.text
    assert "#1" in mail.text
    assert "one is enough" in stage.reasons(2)
    assert stage.entries(2, EntryKind.NOT_ACKNOWLEDGED)
    assert stage.entries(2, EntryKind.ACKNOWLEDGED) == []


def test_the_apology_names_the_customers_time_in_their_language() -> None:
    """Six hours before 10:00 in Shanghai is four in the morning."""
    stage = a_stage()
    late(stage, "打印机坏了，请帮忙看一下。", subject="打印机坏了", language="zh-CN")
    (mail,) = stage.mails_to("alice@customer.test")
    assert "04:00" in mail.text
    assert "深表歉意" in mail.text


def test_an_apology_promises_nothing_that_is_past() -> None:
    """Clocks from its arrival are over; the mail says as soon as possible, and no time that was."""
    stage = wanting("arrival")
    late(stage, hours=72)
    (mail,) = stage.mails_to("alice@customer.test")
    assert "as soon as possible" in mail.text


def test_a_mail_in_time_gets_its_usual_answer_after_an_apology() -> None:
    """The apology holds back only what else came late."""
    stage = a_stage()
    late(stage)
    stage.wait(minutes=30)
    stage.mail("Something else: the door does not open.", subject="The door")
    texts = [mail.text for mail in stage.mails_to("alice@customer.test")]
    assert ["reached us only now" in text for text in texts] == [True, False]


def test_another_outage_a_day_later_gets_another_apology() -> None:
    stage = a_stage()
    late(stage)
    stage.wait(hours=25)
    late(stage, "The door does not open.", subject="The door")
    assert len([mail for mail in stage.mails(2) if "reached us only now" in mail.text]) == 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"automatic": AutomaticVerdict(is_automatic=True, kind="notification", may_answer=False)},
                     id="a machine"),
        pytest.param({"automatic": AutomaticVerdict(may_answer=False, because=("it lay in the mailbox before",))},
                     id="taken in silently at the first connection"),
        pytest.param({"authentication": Authentication(host="mx", dmarc="fail")}, id="disowned by its domain"),
    ],
)  # fmt: skip
def test_who_never_gets_an_automatic_answer_gets_no_apology(fields: dict[str, Any]) -> None:
    stage = a_stage()
    late(stage, **fields)
    assert automatic_mails(stage) == Counter()


def test_a_late_answer_moves_its_ticket_and_calls_nobody() -> None:
    """It reopens what was resolved, is shown as late, and nothing is mailed for it."""
    stage = a_stage()
    stage.mail()
    stage.command("claim")
    stage.reply("Restarted it.")
    stage.command("resolve", "Restarted the spooler.", now="yes")
    stage.wait(hours=7)
    assert stage.status() is Status.RESOLVED
    mails, posts = len(stage.mails()), len(stage.posts())
    stage.answer("It is broken again, please look once more.", arrived_at=stage.clock.at - 6 * HOUR)
    assert stage.status() is Status.OPEN
    assert len(stage.mails()) == mails
    told = stage.posts(1)[-2:]
    assert "arrived 6 h late" in told[0].text
    assert all(post.mentions == () and not post.broadcast for post in stage.posts()[posts:])
    stage.wait(minutes=3)
    assert "Replies: 1 (P3 #1)" in summaries(stage)[0]


def test_a_late_score_is_taken_without_a_mail_of_thanks() -> None:
    stage = a_stage()
    stage.mail()
    stage.reply("Restarted it.")
    stage.command("resolve", "Restarted the spooler.", now="yes")
    stage.answer("yes")
    stage.wait(minutes=1)
    survey = next(mail for mail in stage.mails(1) if "survey" in mail.message_id)
    mails = len(stage.mails())
    stage.wait(hours=7)
    at = stage.clock.at - 6 * HOUR
    stage.mail("5", in_reply_to=(survey.message_id,), subject=survey.subject, arrived_at=at)
    score = stage.ticket().score
    assert score is not None
    assert score.overall == 5
    assert len(stage.mails()) == mails


def test_journal_and_card_tell_the_real_time() -> None:
    """Opened at six hours ago, received now, and the card says how late."""
    stage = a_stage()
    late(stage)
    (entry,) = stage.entries(kind=EntryKind.RECEIVED)
    assert (entry.at, entry.arrived_at) == (MONDAY, MONDAY - 6 * HOUR)
    assert "late: it reached our mail server at 2026-03-01 20:00 UTC and the desk 6 h 0 min later" in entry.because
    assert stage.ticket().opened_at == MONDAY - 6 * HOUR
    shown = card(stage.ticket(), policy=stage.policy, opening=entry, last=None, now=MONDAY)
    assert "arrived 6 h late" in str(shown.blocks)


def test_mail_in_time_is_told_as_ever() -> None:
    """An hour is the usual way of mail: no word of it, no summary, its usual answer."""
    stage = a_stage()
    late(stage, hours=1)
    stage.wait(minutes=5)
    assert stage.ticket().opened_at == MONDAY
    assert "late" not in stage.reasons()
    assert summaries(stage) == []
    assert "only now" not in stage.mails_to("alice@customer.test")[0].text


def test_what_comes_late_after_the_summary_is_told_in_another_one() -> None:
    """Each summary counts what came since its own first mail, and names it once."""
    stage = a_stage()
    late(stage, hours=3)
    stage.wait(minutes=1)
    late(stage, hours=4, sender="bob@other.test")
    stage.wait(minutes=10)
    late(stage, hours=5, sender="carol@third.test")
    stage.wait(minutes=10)
    first, second = summaries(stage)
    assert "New tickets: 2 (P3 #1, #2)" in first
    assert "New tickets: 1 (P3 #3)" in second


def test_a_restart_between_mail_and_summary_neither_loses_nor_doubles_it(tmp_path: Path) -> None:
    """Read again from the disk: one summary of both mails, and the customer had their apology before."""
    stage = Stage(policy=a_policy(), store=TinyDBStore(tmp_path))
    late(stage)
    stage.clock.at += timedelta(minutes=1)
    for _ in range(3):
        stage.store.close()
        stage.store = TinyDBStore(tmp_path)
        stage.desk = Desk(stage.store, stage.policy, stage.clock, lambda tickets: None)
        stage.desk.start()
        stage.desk.ring_due()
        stage.deliver()
        if stage.count() == 1:
            late(stage, "The door does not open.", subject="The door")
        stage.clock.at += timedelta(hours=2)
    stage.store.close()
    assert len(summaries(stage)) == 1
    assert "New tickets: 2 (P3 #1, #2)" in summaries(stage)[0]
    assert automatic_mails(stage) == Counter({"alice@customer.test": 1})


def test_a_digest_counts_late_requests_on_the_day_they_came() -> None:
    """Monday's mail that came on Tuesday belongs to Monday's figures."""
    stage = a_stage()
    stage.wait(days=1)
    late(stage, hours=20)
    zone = stage.policy.timezone
    stage.wait(days=1)
    tuesday = period_before("day", stage.clock.at, zone)
    monday = period_before("day", stage.clock.at - timedelta(days=1), zone)
    tickets = (stage.ticket(),)
    opened = [figures(tickets, period, stage.policy, stage.clock.at).volume.opened for period in (monday, tuesday)]
    assert opened == [1, 0]


_MAILS = st.lists(
    st.tuples(
        st.sampled_from(["ana@a.test", "bo@b.test", "cy@c.test"]),
        st.sampled_from(["new", "answer", "thanks"]),
        st.floats(min_value=1.1, max_value=90),
        st.integers(min_value=0, max_value=50),
    ),
    max_size=14,
)


@settings(max_examples=30, deadline=None)
@given(_MAILS)
def test_no_customer_gets_more_than_one_automatic_mail_in_whatever_order_late_mails_come(
    mails: list[tuple[str, str, float, int]],
) -> None:
    stage = a_stage()
    for n, (sender, kind, hours, pause) in enumerate(mails):
        ours = [mail for mail in stage.mails() if sender in mail.to]
        if kind == "new" or not ours:
            late(stage, f"Request {n}", hours=hours, sender=sender, subject=f"Matter {n}")
        else:
            words = "Thank you!" if kind == "thanks" else f"More about it: {n}"
            late(stage, words, hours=hours, sender=sender, subject=ours[-1].subject, in_reply_to=(ours[-1].message_id,))
        stage.clock.at += timedelta(seconds=pause)
        stage.desk.ring_due()
        stage.deliver()
    stage.wait(minutes=10)
    assert all(count == 1 for count in automatic_mails(stage).values())
    assert set(automatic_mails(stage)) == {sender for sender, *_ in mails}
    assert calls(stage) == []
    heard = sum(_counted(text) for text in summaries(stage))
    assert heard == len(mails)


def _counted(text: str) -> int:
    """How many mails a summary says came late."""
    return int(text.partition("late: ")[2].partition(" ")[0])


def test_a_summary_is_worded_with_the_urgent_ones_first() -> None:
    stage = a_stage()
    late(stage, sender="bob@other.test")
    late(stage, hours=30, sender="carol@third.test", **URGENT)
    late(stage, hours=60, sender="dan@fourth.test")
    stage.wait(minutes=3)
    assert summaries(stage) == [
        "Mail that arrived late: 3 (the oldest by 2 d).\nUrgent: 1 (P1 #2)\nNew tickets: 3 (P1 #2, P3 #1, #3)"
    ]
    assert all(isinstance(mail, Mail) for mail in stage.mails())
