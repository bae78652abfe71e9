"""Machines write: absences, bounces, robots, ourselves, and loops (complaints 23 to 29)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.conditions import compile_condition
from rules.effects import OutboxState
from rules.matching import Rule
from rules.model import AutomaticVerdict, Bounce, EntryKind, Status
from rules.tokens import return_address
from tests.stage import Stage, a_policy, a_stage

ALICE = "alice@customer.test"
DAEMON = "mailer-daemon@customer.test"


def automatic(kind: str) -> AutomaticVerdict:
    return AutomaticVerdict(is_automatic=True, kind=kind, may_answer=False, because=(f"it is {kind}",))


def opened() -> Stage:
    stage = a_stage()
    stage.mail()
    return stage


def bounce(stage: Stage, recipient: str, *, original: str, permanent: bool = True, **fields: object) -> str:
    report = Bounce(
        recipient=recipient, status="5.1.1" if permanent else "4.2.2", permanent=permanent,
        original_message_id=original,
    )  # fmt: skip
    return stage.mail(
        "Undelivered", sender=DAEMON, subject="Undelivered Mail Returned to Sender", automatic=automatic("bounce"),
        bounces=(report,), **fields,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["bounce", "out_of_office", "read_receipt", "challenge", "own"])
def test_machine_mail_without_a_ticket_opens_none_and_gets_no_answer(kind: str) -> None:
    """It is kept and counted, and that is all."""
    stage = a_stage()
    assert stage.mail(automatic=automatic(kind)) == f"automatic:{kind}"
    assert (stage.count(), stage.sent) == (0, [])


@pytest.mark.parametrize("kind", ["list", "notification"])
def test_a_robot_that_reports_a_fault_opens_a_ticket_without_an_answer(kind: str) -> None:
    """A monitoring system's alarm is a request; it is never answered automatically (RFC 3834)."""
    stage = a_stage()
    assert stage.mail(sender="noreply@monitor.test", automatic=automatic(kind)) == "opened"
    assert stage.mails() == []
    assert f"{kind} mail is never answered automatically" in stage.reasons()


def no_ticket_of(condition: str) -> tuple[Rule, ...]:
    """A rule of the owner that wants no ticket of such mail, before the shipped ones."""
    rule = Rule(name="newsletters", when=compile_condition(condition), then={"ticket": "no"}, words={})
    return (rule, *a_policy().rules)


def test_the_owner_can_want_no_tickets_of_newsletters() -> None:
    """They are kept and counted; an alarm of a monitoring system still opens one."""
    stage = a_stage(rules=no_ticket_of('kind == "list" && !subject.mentions(["outage"])'))
    assert stage.mail(automatic=automatic("list"), subject="Our news of March") == "automatic:list"
    assert (stage.count(), stage.sent) == (0, [])
    assert stage.mail(automatic=automatic("list"), subject="Outage of the cluster") == "opened"
    assert stage.mail(automatic=automatic("notification")) == "opened"


def test_no_rule_drops_what_a_person_wrote() -> None:
    """A careless condition costs no customer their ticket; the journal says what the rule wanted."""
    stage = a_stage(rules=no_ticket_of('subject.mentions(["printer"])'))
    assert stage.mail(subject="The printer is broken") == "opened"
    assert "a person wrote; rule newsletters wanted none" in stage.reasons()
    assert len(stage.mails()) == 1


def test_a_robots_answer_on_a_ticket_is_told_and_moves_nothing() -> None:
    """It is not the customer who writes, and the robot is nobody to answer."""
    stage = opened()
    stage.reply("Which one?", then="wait")
    assert (
        stage.answer("Ticket received.", sender="noreply@customer.test", automatic=automatic("notification"))
        == "joined"
    )
    assert (stage.status(), stage.ticket().participants) == (Status.WAITING, ())


def test_our_own_mail_that_comes_back_is_nothing() -> None:
    """Neither by address nor with a plus-part do we answer ourselves (complaint 24)."""
    stage = a_stage()
    assert stage.mail(sender="support@example.com") == "own"
    assert stage.mail(sender="help+1.abc@example.com") == "own"
    assert stage.count() == 0


def test_a_bounced_reply_is_told_to_the_responsible() -> None:
    """ "Did not reach": the thread calls the assignee; no ticket is opened, nothing moves (complaint 29)."""
    stage = opened()
    stage.command("claim")
    stage.reply("On it.")
    assert bounce(stage, ALICE, original=stage.mails(1)[-1].message_id) == "automatic:bounce"
    told = stage.posts(1)[-1]
    assert told.text == "A mail of #1 did not reach alice@customer.test: there is no such address (5.1.1)"
    assert (told.mark, told.mentions) == ("failed", ("ana",))
    assert stage.count() == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.1.1", "there is no such address (5.1.1)"),
        ("5.2.1", "their mailbox takes no mail (5.2.1)"),
        ("5.2.2", "their mailbox is full (5.2.2)"),
        ("5.3.4", "it was too large for them (5.3.4)"),
        ("5.4.4", "their mail server could not be reached (5.4.4)"),
        ("5.4.1", "their mail server refused it (5.4.1)"),
        ("5.7.1", "their mail server refused it as spam or by its rules (5.7.1)"),
        ("5.0.0", "their mail server refused it (5.0.0)"),
        ("", "their mail server refused it"),
    ],
)
def test_a_bounce_says_in_words_what_its_code_means(status: str, words: str) -> None:
    """Nobody at a desk knows the numbers of RFC 3463 by heart; its thread has no word of a ticket that it opens."""
    stage = opened()
    original = stage.mails(1)[-1].message_id
    report = Bounce(recipient=ALICE, status=status, permanent=True, original_message_id=original)
    stage.mail("Undelivered", sender=DAEMON, automatic=automatic("bounce"), bounces=(report,))
    assert stage.posts(1)[-1].text == f"A mail of #1 did not reach {ALICE}: {words}"
    assert not any("opens a new one" in reason for reason in stage.entries(1)[-1].because)


def test_an_absence_is_shown_in_words() -> None:
    """The grey line is for people: no name of ours for its kind stands in it."""
    stage = opened()
    stage.answer("I am away until Monday.", automatic=automatic("out_of_office"))
    assert stage.posts(1)[-1].text == "Automatic mail from Mei Lin (out of office); nothing changed"


def test_a_bounce_with_nobody_responsible_goes_to_the_channel() -> None:
    """Every bounce is told, the second like the first."""
    stage = opened()
    original = stage.mails(1)[-1].message_id
    bounce(stage, ALICE, original=original)
    bounce(stage, ALICE, original=original)
    assert [post.broadcast for post in stage.posts(1) if post.mark == "failed"] == [True, True]


def test_a_bounce_known_by_what_it_answers_finds_its_ticket() -> None:
    """Some servers name the returned mail only in References."""
    stage = opened()
    original = stage.mails(1)[-1].message_id
    assert bounce(stage, ALICE, original="", references=(original,)) == "automatic:bounce"
    assert stage.posts(1)[-1].mark == "failed"


def test_a_bounced_mail_to_staff_is_told_as_well() -> None:
    """An escalation that did not reach the lead must not look as if it had."""
    stage = a_stage()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    stage.wait(minutes=30)
    original = stage.mails_to("mei@example.com")[0].message_id
    bounce(stage, "mei@example.com", original=original)
    assert "did not reach mei@example.com" in stage.posts(1)[-1].text


def test_a_bounce_about_somebody_unknown_or_a_delay_is_a_grey_line() -> None:
    """A forged report names nobody we wrote to; a delay is no failure."""
    stage = opened()
    original = stage.mails(1)[-1].message_id
    bounce(stage, "victim@else.test", original=original)
    bounce(stage, ALICE, original=original, permanent=False)
    assert [post.mark for post in stage.posts(1)] == ["automatic", "automatic"]
    assert len(stage.entries(kind=EntryKind.AUTOMATIC)) == 2


def test_whoever_wrote_the_lost_reply_is_called_whoever_has_the_ticket_now() -> None:
    """Mei wrote it, Ana took over; the mail that came back is Mei's (complaint 29)."""
    stage = opened()
    stage.reply("On it.", by="mei")
    stage.command("claim", by="ana")
    bounce(stage, ALICE, original=stage.mails(1)[-1].message_id)
    assert stage.posts(1)[-1].mentions == ("mei",)


def test_a_bounce_to_the_return_address_of_a_mail_needs_no_copy_of_it() -> None:
    """The address names the mail, and only whoever handled that mail knows it; who a mailbox passes it to is named."""
    stage = opened()
    stage.reply("On it.")
    address = return_address(stage.policy.secret, "support@example.com", "1:reply:1")
    outcome = bounce(stage, "alice.home@elsewhere.test", original="", recipients=(address,))
    assert outcome == "automatic:bounce"
    assert (
        stage.posts(1)[-1].text
        == "A mail of #1 did not reach alice.home@elsewhere.test: there is no such address (5.1.1)"
    )
    assert stage.entries(kind=EntryKind.AUTOMATIC)[-1].outbox_key == "1:reply:1"


def test_a_forged_return_address_is_nothing() -> None:
    """Nobody can make up a bounce of a mail that they do not have."""
    stage = opened()
    stage.reply("On it.")
    before = len(stage.posts(1))
    bounce(stage, ALICE, original="", recipients=("support+b.1.reply.1.aaaaaaaaaaaaaaaa@example.com",))
    assert len(stage.posts(1)) == before
    assert stage.entries(kind=EntryKind.AUTOMATIC) == []


def test_a_bounce_of_the_customers_own_mail_is_not_about_ours() -> None:
    """A report that names Alice's request says nothing about what we sent her."""
    stage = opened()
    assert bounce(stage, ALICE, original="<1@customer.test>") == "automatic:bounce"
    assert [post.mark for post in stage.posts(1)] == []


def test_the_third_delay_on_a_ticket_calls_whoever_wrote() -> None:
    """The first two are quiet lines: the mail is still on its way (complaint 29)."""
    stage = opened()
    stage.reply("On it.")
    original = stage.mails(1)[-1].message_id
    for _ in range(4):
        bounce(stage, ALICE, original=original, permanent=False)
        stage.wait(hours=1)
    marks = [(post.mark, post.mentions) for post in stage.posts(1)[-4:]]
    assert marks == [("automatic", ()), ("automatic", ()), ("failed", ("ana",)), ("automatic", ())]


def test_a_bounce_makes_no_mail() -> None:
    """However many mails come back, nothing is sent for it but lines in chat."""
    stage = opened()
    original = stage.mails(1)[-1].message_id
    sent = len(stage.mails())
    for _ in range(5):
        bounce(stage, ALICE, original=original)
        bounce(stage, DAEMON, original="<unknown@else.test>")
    assert len(stage.mails()) == sent
    assert stage.owed([OutboxState.QUEUED]) == []


def test_a_digest_that_came_back_is_told_in_the_channel() -> None:
    """It belongs to no ticket, and its reader believes that all is quiet."""
    stage = a_stage()
    stage.desk.start()
    stage.mail()
    stage.wait(days=1)
    digest = next(mail for mail in stage.mails() if "<digest." in mail.message_id)
    bounce(stage, digest.to[0], original=digest.message_id)
    assert digest.to[0] in stage.posts()[-1].text


def test_a_complaint_about_our_mail_is_told_in_its_thread() -> None:
    """Somebody pressed the spam button: no ticket of its own, no answer, but whoever writes there should know."""
    stage = opened()
    stage.command("claim")
    stage.reply("On it.")
    verdict = replace(automatic("notification"), because=("the content is a report (feedback-report)",))
    original = stage.mails(1)[-1].message_id
    outcome = stage.mail("A complaint.", sender="fbl@provider.test", automatic=verdict, returned=original)
    assert (outcome, stage.count()) == ("automatic:complaint", 1)
    assert "marked it as spam" in stage.posts(1)[-1].text
    assert stage.mail("A complaint.", sender="fbl@provider.test", automatic=verdict, returned="<x@y>") == (
        "automatic:notification"
    )
    assert stage.count() == 1


def test_a_customers_language_is_not_learnt_from_a_machine() -> None:
    """Her newsletter is in Chinese; she is still answered in her own words."""
    stage = opened()
    stage.mail("最新消息", subject="新闻", language="zh-CN", automatic=automatic("list"))
    with stage.store.read() as store:
        customer = store.customer(ALICE)
    assert customer is not None
    assert customer.language == "en"


def test_an_absence_neither_moves_a_clock_nor_ends_the_silence() -> None:
    """Whoever is away has not answered: the reminder comes when it would have come (complaint 25)."""
    with_note, without = opened(), opened()
    for stage in (with_note, without):
        stage.reply("Which printer is it?", then="wait")
    with_note.answer("I am away.", automatic=automatic("out_of_office"))
    assert with_note.timers() == without.timers()
    assert with_note.ticket().clocks == without.ticket().clocks


def test_an_absence_note_reopens_nothing() -> None:
    """An out-of-office answer to the survey leaves the ticket closed (complaint 25)."""
    stage = opened()
    stage.command("resolve", "Done.", now="yes")
    stage.answer("Yes")
    stage.wait(seconds=1)
    stage.answer("I am away.", automatic=automatic("out_of_office"))
    assert (stage.status(), stage.ticket().reopened, stage.ticket().score) == (Status.CLOSED, 0, None)


def test_a_rule_can_say_that_nobody_is_acknowledged() -> None:
    """The journal says that a rule said so."""
    first = a_policy().rules[0]
    quiet = replace(first, name="quiet", when=_Always(), then={"acknowledge": "no"})
    stage = a_stage(rules=(quiet,))
    stage.mail()
    assert stage.mails() == []
    assert "not acknowledged: a rule says so" in stage.reasons()


class _Always:
    """A condition that holds."""

    text = "true"

    def failing(self, facts: object) -> str | None:
        return None

    def evidence(self, facts: object) -> str:
        return "true"
