"""What staff hear when something about the desk itself is wrong, stays wrong, and is well again (complaint 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from rules.alarms import AGAIN, Finding, on_watch, relay_key
from rules.effects import Mail, Post
from rules.model import Decision
from tests.builders import MONDAY
from tests.stage import a_policy

POLICY = a_policy()
MINUTE = timedelta(minutes=1)


def unread(**changes: object) -> Finding:
    """Nobody could look into the support mailbox for twelve minutes."""
    facts = {"mailbox": "support", "time": 12 * MINUTE, "problem": "login refused"}
    return replace(Finding(key="mailbox:support", kind="mailbox_unread", facts=facts), **changes)  # type: ignore[arg-type] # a test's changes


def posts(decision: Decision) -> list[str]:
    return [owed.content.text for owed in decision.outbox if isinstance(owed.content, Post)]


def mails(decision: Decision) -> list[Mail]:
    return [owed.content for owed in decision.outbox if isinstance(owed.content, Mail)]


def test_a_mailbox_that_cannot_be_read_is_told_in_chat_and_by_mail() -> None:
    """Each lead hears it in their own language; the channel hears it before anything else waits."""
    decision = on_watch([unread()], [], POLICY, MONDAY)
    (alarm,) = decision.alarms
    assert (alarm.key, alarm.raised_at, alarm.told_at) == ("mailbox:support", MONDAY, MONDAY)
    assert posts(decision) == [alarm.problem]
    assert "12 min" in alarm.problem
    assert "login refused" in alarm.problem
    (mail,) = mails(decision)
    assert mail.to == ("mei@example.com",)
    assert "12 分钟" in mail.subject
    assert {owed.urgency for owed in decision.outbox} == {0}


def test_an_alarm_that_stands_is_told_again_once_a_day() -> None:
    """Also after a restart, which knows it only from what is on file."""
    standing = on_watch([unread()], [], POLICY, MONDAY).alarms
    soon = on_watch([unread()], standing, POLICY, MONDAY + AGAIN - MINUTE)
    assert (soon.alarms, soon.outbox, soon.over) == ((), (), ())
    later = on_watch([unread()], standing, POLICY, MONDAY + AGAIN)
    (again,) = later.alarms
    assert (again.raised_at, again.told_at) == (MONDAY, MONDAY + AGAIN)
    assert posts(later)[0].startswith("Still so, for 24 h:")
    assert len(mails(later)) == 1


def test_when_it_is_well_again_chat_and_mail_say_after_how_long() -> None:
    """Nobody must guess whether an alarm of this morning still holds."""
    standing = on_watch([unread()], [], POLICY, MONDAY).alarms
    decision = on_watch([Finding(key="mailbox:support")], standing, POLICY, MONDAY + 130 * MINUTE)
    assert decision.over == ("mailbox:support",)
    assert posts(decision)[0].startswith("Recovered after 2 h 10 min")
    assert "2 小时 10 分钟" in mails(decision)[0].subject


def test_what_nobody_can_tell_neither_raises_nor_ends_an_alarm() -> None:
    """Right after a start the mailbox was not looked at yet."""
    standing = on_watch([unread()], [], POLICY, MONDAY).alarms
    unknown = Finding(key="mailbox:support", known=False)
    assert on_watch([unknown], standing, POLICY, MONDAY + 2 * AGAIN) == Decision(outcome="watched")
    assert on_watch([unknown], [], POLICY, MONDAY) == Decision(outcome="watched")


def test_an_alarm_about_a_mailbox_that_is_gone_ends_without_a_word() -> None:
    """It was taken out of the configuration; that is no recovery."""
    standing = on_watch([unread()], [], POLICY, MONDAY).alarms
    decision = on_watch([], standing, POLICY, MONDAY + MINUTE)
    assert (decision.over, decision.outbox) == (("mailbox:support",), ())


def test_what_is_broken_does_not_carry_the_news_of_it() -> None:
    """A relay that takes nothing is told in chat alone; a chat that is away by mail, and in chat once back."""
    facts: dict[str, str | timedelta] = {"mailbox": "support", "time": 16 * MINUTE, "n": "3", "problem": "451 later"}
    relay = on_watch([Finding(key=relay_key("support"), kind="relay", facts=facts)], [], POLICY, MONDAY)
    assert (len(posts(relay)), len(mails(relay))) == (1, 0)
    chat = on_watch([Finding(key="chat", kind="chat", facts={"time": 6 * MINUTE})], [], POLICY, MONDAY)
    assert (len(posts(chat)), len(mails(chat))) == (0, 1)
    back = on_watch([Finding(key="chat")], chat.alarms, POLICY, MONDAY + MINUTE)
    assert (len(posts(back)), len(mails(back))) == (1, 1)


def test_a_certificate_is_told_when_each_warning_is_due_and_not_each_day() -> None:
    """Fourteen, seven and one day before it expires."""
    due_at = MONDAY - timedelta(days=3)

    def warning() -> Finding:
        return Finding(
            key="certificate:x", kind="certificate", facts={"place": "x", "days": "11"}, due_at=due_at
        )  # fmt: skip

    standing = on_watch([warning()], [], POLICY, MONDAY).alarms
    assert on_watch([warning()], standing, POLICY, MONDAY + 3 * AGAIN).outbox == ()
    due_at = MONDAY + 4 * AGAIN
    assert on_watch([warning()], standing, POLICY, MONDAY + 4 * AGAIN).outbox


def test_each_telling_has_a_name_of_its_own() -> None:
    """Law 5: an alarm that comes back next week is told again, a redelivered one is not."""
    standing = on_watch([unread()], [], POLICY, MONDAY).alarms
    decisions = [
        on_watch([unread()], [], POLICY, MONDAY),
        on_watch([unread()], standing, POLICY, MONDAY + 2 * AGAIN),
        on_watch([Finding(key="mailbox:support")], standing, POLICY, MONDAY + 3 * AGAIN),
        on_watch([unread()], [], POLICY, MONDAY + 7 * AGAIN),
    ]
    keys = [owed.key for decision in decisions for owed in decision.outbox]
    assert len(keys) == len(set(keys)) == 8


def test_the_subject_of_an_alarm_says_what_is_wrong_and_the_mail_why() -> None:
    """On a phone a login's error message hides which mailbox it is about."""
    policy = replace(POLICY, staff=tuple(replace(person, language="en") for person in POLICY.staff))
    finding = unread(facts={"mailbox": "support", "time": 12 * MINUTE, "problem": "a.b:993 refused; code 7"})
    raised = on_watch([finding], [], policy, MONDAY)
    (mail,) = mails(raised)
    assert mail.subject == "The mailbox support could not be looked at for 12 min"
    assert "a.b:993 refused; code 7. Mail waits" in mail.text
    over = on_watch([Finding(key="mailbox:support")], raised.alarms, policy, MONDAY + MINUTE)
    (well,) = mails(over)
    assert well.subject == "Recovered after 1 min: The mailbox support could not be looked at for 12 min"
