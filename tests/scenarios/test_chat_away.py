"""Chat is away: whoever a line would have called reads it by mail within a minute, once, and can answer there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.degraded import WORKSPACE, Degraded
from rules.effects import FIRST_TRY, Mail, OutboxEntry, OutboxState, Post
from rules.fallback import MOST
from rules.model import Decision
from tests.builders import an_outbox_entry
from tests.stage import MONDAY, Stage, a_policy

CHANNEL = "C0SUPPORT"


@dataclass(frozen=True)
class Away:
    """Nothing can be said there, since then."""

    since_at: datetime = MONDAY
    problem: str = "Slack cannot be reached."


@dataclass
class Office(Stage):
    """A desk whose chat can be taken away."""

    troubles: dict[str, Away] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.degraded = Degraded(self.desk, self.clock)

    def deliver(self) -> None:
        """Send what may be sent; nothing goes to a chat that is away."""
        rooms: Mapping[str, int] = {"chat": 0} if self.troubles else {}
        while claimed := self.store.claim(self.clock.at, rooms=rooms):
            for entry in claimed:
                self.sent.append(entry)
                receipt = f"{CHANNEL}:{len(self.sent)}.1" if entry.channel == "chat" else "250 ok"
                self.desk.settle(
                    [replace(entry, state=OutboxState.ACCEPTED, receipt=receipt, settled_at=self.clock.at)]
                )

    def passes(self, seconds: int) -> None:
        """Time goes by, and every five seconds somebody looks."""
        for _ in range(seconds // 5):
            self.clock.at += timedelta(seconds=5)
            self.desk.ring_due()
            self.deliver()
            self.degraded.look(self.troubles, None, ())
            self.deliver()

    def goes_away(self, where: str = WORKSPACE) -> None:
        self.troubles = {where: Away(self.clock.at)}

    def comes_back(self) -> None:
        self.troubles = {}
        self.degraded.back()
        self.deliver()

    def subjects(self, address: str) -> list[str]:
        """Of the mails that came in place of chat."""
        mails = [entry.content for entry in self.sent if ":by_mail:" in entry.key]
        return [mail.subject for mail in mails if isinstance(mail, Mail) and address in mail.to]


@pytest.fixture
def office() -> Office:
    policy = a_policy()
    return Office(policy=replace(policy, chat=replace(policy.chat, channel=CHANNEL)))


def test_a_new_ticket_reaches_the_leads_by_mail_with_the_customers_words(office: Office) -> None:
    office.goes_away()
    office.mail("Nothing works.\nReally nothing.", subject="Help")
    office.passes(40)
    assert office.subjects("mei@example.com") == [], "chat has 45 seconds"
    office.passes(10)
    (mail,) = (mail for mail in office.mails_to("mei@example.com"))
    assert mail.subject.startswith("[#1]")
    assert "Help" in mail.subject
    assert "Mei Lin" in mail.text
    assert "邮件" in mail.text, "Mei reads Chinese"
    assert mail.quoted[0].text == "Nothing works.\nReally nothing."
    assert "+" in mail.reply_to, "it is answered to an address that is signed for the reader"
    office.passes(300)
    assert len(office.subjects("mei@example.com")) == 1


def test_the_customers_answer_reaches_the_assignee_and_nobody_else(office: Office) -> None:
    office.mail("Nothing works.")
    office.command("claim", by="ana")
    office.goes_away()
    office.answer("It got worse.")
    office.passes(50)
    assert len(office.subjects("ana@example.com")) == 1
    assert office.subjects("mei@example.com") == []
    assert office.mails_to("ana@example.com")[-1].quoted[0].text.startswith("It got worse.")


def test_an_assignee_answers_the_mail_and_the_customer_gets_it(office: Office) -> None:
    office.mail("Nothing works.")
    office.command("claim", by="ana")
    office.goes_away()
    office.answer("It got worse.")
    office.passes(50)
    asked = office.mails_to("ana@example.com")[-1]
    office.mail(
        "A technician is on the way.", sender="ana@example.com", in_reply_to=(asked.message_id,),
        recipients=(asked.reply_to,), subject=f"Re: {asked.subject}",
    )  # fmt: skip
    office.passes(30)
    told = [mail for mail in office.mails_to("alice@customer.test") if not mail.automatic]
    assert ["A technician is on the way." in mail.text for mail in told] == [True]


def test_a_p1_rings_by_mail_within_a_minute_of_when_it_was_to_ring(office: Office) -> None:
    office.goes_away()
    office.mail("Production ERP is down, nobody can work.", subject="URGENT")
    office.passes(60 * 12)
    rang = next(entry for entry in office.owed([OutboxState.QUEUED]) if ":escalation:" in entry.key)
    mailed = [entry for entry in office.sent if entry.key.startswith(f"{rang.key}:by_mail:")]
    assert isinstance(rang.content, Post)
    assert {entry.key.rpartition(":")[2] for entry in mailed} == set(rang.content.mentions)
    assert all(entry.due_at - rang.due_at <= timedelta(seconds=50) for entry in mailed)


def test_a_step_that_is_mailed_anyway_is_not_mailed_twice(office: Office) -> None:
    """The lead's step rings by chat and by mail: chat being away adds no second mail."""
    office.goes_away()
    office.mail("Production ERP is down, nobody can work.", subject="URGENT")
    office.passes(60 * 26)
    steps = [entry.key for entry in office.sent if ":escalation:first_response:2:" in entry.key]
    assert [key.rpartition(":")[2] for key in steps] == ["mei"]
    assert not any(":by_mail:" in key for key in steps)


def test_when_chat_is_back_all_that_was_said_stands_there_in_order(office: Office) -> None:
    office.mail("Nothing works.")
    office.command("claim", by="ana")
    office.goes_away()
    office.answer("It got worse.")
    office.command("note", "He is right.", by="ana")
    office.answer("Hello?")
    office.passes(3600)
    waiting = [entry.key for entry in office.owed([OutboxState.QUEUED]) if entry.lane == "chat:1"]
    before = len(office.sent)
    office.comes_back()
    assert [entry.key for entry in office.sent[before:] if entry.lane == "chat:1"] == waiting
    assert len(office.effects()) == len(set(office.effects()))
    assert office.owed([OutboxState.QUEUED, OutboxState.FAILED, OutboxState.UNCERTAIN]) == []


def test_what_waits_for_its_next_try_goes_at_once_when_chat_is_back(office: Office) -> None:
    office.mail("Nothing works.")
    later = office.clock.at + timedelta(seconds=50)
    meta = {FIRST_TRY: office.clock.at.isoformat(), "owed_at": office.clock.at.isoformat()}
    tried = an_outbox_entry("post:1", channel="chat", lane="chat", ticket=None, due_at=later, meta=meta)
    held = replace(tried, key="post:2", lane="other", due_at=later, meta={})
    _owe(office, tried, held)
    office.comes_back()
    assert "post:1" in office.effects()
    assert "post:2" not in office.effects(), "it was never tried, so it waits for another reason"


def test_only_the_channel_that_is_closed_goes_by_mail(office: Office) -> None:
    """Another channel that is only busy is waited for; what is urgent there is mailed all the same."""
    office.mail("Nothing works.")
    office.command("claim", by="ana")
    office.goes_away("C0OTHER")
    office.answer("It got worse.")
    office.passes(120)
    assert office.subjects("ana@example.com") == []
    office.goes_away(CHANNEL)
    office.passes(10)
    assert len(office.subjects("ana@example.com")) == 1


def test_many_calls_of_one_person_become_one_mail(office: Office) -> None:
    office.goes_away()
    for number in range(25):
        office.mail("Nothing works.", sender=f"customer{number}@customer.test", subject=f"Case {number}")
    office.passes(50)
    mine = office.mails_to("mei@example.com")
    assert len(mine) == MOST
    assert "16" in mine[-1].subject
    assert all(f"Case {number}" in mine[-1].text for number in range(MOST - 1, 25))
    office.mail("Nothing works.", sender="late@customer.test", subject="Case late")
    office.passes(50)
    assert len(office.mails_to("mei@example.com")) == MOST, "the next list comes a minute later"
    office.passes(15)
    assert "Case late" in office.mails_to("mei@example.com")[-1].text
    office.passes(600)
    assert len(office.mails_to("mei@example.com")) == MOST + 1


def test_news_that_calls_nobody_is_mailed_to_nobody(office: Office) -> None:
    office.mail("Nothing works.")
    office.command("claim", by="ana")
    office.goes_away()
    office.command("wait", by="ana")
    office.command("note", "He called.", by="ana")
    office.passes(120)
    assert office.subjects("ana@example.com") == []
    assert office.subjects("mei@example.com") == []


def test_an_alarm_is_mailed_once_by_itself(office: Office) -> None:
    """Alarms are told to the leads by mail whatever chat does."""
    office.goes_away()
    post = an_outbox_entry(
        "alarm:disk:1:raised", channel="chat", lane="chat", ticket=None, urgency=0, content=Post(text="full")
    )
    mail = an_outbox_entry("alarm:disk:1:raised:mei", ticket=None, due_at=office.clock.at)
    _owe(office, replace(post, due_at=office.clock.at), mail)
    office.passes(120)
    assert [entry.key for entry in office.sent if entry.key.startswith("alarm")] == ["alarm:disk:1:raised:mei"]


def test_a_restart_in_the_middle_mails_nobody_again(office: Office) -> None:
    office.goes_away()
    for number in range(12):
        office.mail("Nothing works.", sender=f"customer{number}@customer.test")
    office.passes(50)
    count = len(office.mails_to("mei@example.com"))
    office.degraded = Degraded(office.desk, office.clock)
    office.passes(300)
    assert len(office.mails_to("mei@example.com")) == count


def test_a_chat_that_takes_what_it_gets_costs_no_look_at_the_outbox(office: Office) -> None:
    office.mail("Nothing works.")
    office.passes(600)
    assert office.degraded.look({}, None, ("gone",)) == frozenset()
    before = office.effects()
    office.passes(60)
    assert office.effects() == before


def _owe(office: Office, *entries: OutboxEntry) -> None:
    office.desk.conclude(f"owe:{entries[0].key}", Decision(outbox=entries), "owed")
