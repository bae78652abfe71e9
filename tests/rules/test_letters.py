"""The mails a customer gets: worded in their language, addressed so that the answer finds its ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules import letters
from rules.effects import Mail, OutboxEntry
from rules.hours import parse_hours
from rules.model import Address, Status
from rules.policy import QuickLink
from rules.tokens import read_link, read_reply_address, read_return_address, signed_for
from rules.wording import gaps, moment, span
from tests.builders import MONDAY, a_clock, a_ticket
from tests.stage import a_policy

POLICY = a_policy()
EN, ZH = POLICY.wording.of("en"), POLICY.wording.of("zh-CN")


def mail(entry: OutboxEntry) -> Mail:
    assert isinstance(entry.content, Mail)
    return entry.content


def test_a_mail_is_addressed_so_that_its_answer_finds_the_ticket() -> None:
    """Signed Reply-To, the customer's own Message-ID answered, our own one fixed by the effect's name."""
    ticket = a_ticket(17, last_message_id="<c@x>", references=("<a@x>", "<c@x>"))
    found = mail(letters.acknowledgement(ticket, POLICY, MONDAY))
    assert (read_reply_address(found.reply_to) or (0, ""))[0] == 17
    assert (found.in_reply_to, found.references) == ("<c@x>", ("<a@x>", "<c@x>"))
    assert found.message_id == mail(letters.acknowledgement(ticket, POLICY, MONDAY + timedelta(days=1))).message_id
    assert found.subject == "Re: [#17] The printer on the third floor is on fire"


def test_a_mailbox_without_signed_replies_answers_from_its_address() -> None:
    """Where plus-addresses do not work, the other evidence must do."""
    box = replace(POLICY.mailboxes[0], signed_replies=False)
    found = mail(letters.acknowledgement(a_ticket(), replace(POLICY, mailboxes=(box,)), MONDAY))
    assert found.reply_to == box.address


def test_quick_links_are_those_that_fit() -> None:
    """By language and category; nothing is left of the paragraph when none fits (R-IN-3)."""
    links = (
        QuickLink(title="Reset it", url="https://a.test", language="en", category="access"),
        QuickLink(title="All", url="https://b.test"),
        QuickLink(title="重置", url="https://c.test", language="zh-CN", category="access"),
    )
    policy = replace(POLICY, quick_links=links)
    english = mail(letters.acknowledgement(a_ticket(category="access"), policy, MONDAY)).text
    assert "- Reset it: https://a.test\n- All: https://b.test" in english
    assert "c.test" not in english
    none = mail(
        letters.acknowledgement(a_ticket(category="other"), replace(POLICY, quick_links=links[:1]), MONDAY)
    ).text
    assert "These pages" not in none
    assert "\n\n\n" not in none


def test_a_level_that_promises_nothing_is_told_without_a_time() -> None:
    """As soon as possible; whether we are open is told by the desk's own hours."""
    text = mail(letters.acknowledgement(a_ticket(subject=""), POLICY, MONDAY + timedelta(hours=5))).text
    assert "as soon as possible" in text
    assert "(no subject)" in text
    assert "We are closed at the moment" in text


def test_the_promised_time_is_told_in_the_customers_zone() -> None:
    """Four hours from nine in London, for somebody in Shanghai."""
    ticket = a_ticket(clocks=(a_clock(),), timezone="Asia/Shanghai")
    assert "Mon 2 Mar 2026, 21:00 (UTC+8)" in mail(letters.acknowledgement(ticket, POLICY, MONDAY)).text


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Mei Lin", "Hello Mei Lin,"),
        ("", "Hello,"),
        ("Win at https://evil.test", "Hello,"),
        ("www.evil.test", "Hello,"),
        ("a@b.test", "Hello,"),
        ("<b>", "Hello,"),
        ("N" * 61, "Hello,"),
        ("{number}", "Hello {number},"),
    ],
)
def test_people_are_greeted_by_name_and_nothing_else_is(name: str, greeting: str) -> None:
    """A sender's name may be an advertisement; what is in braces stays as it is."""
    assert letters.greeting(a_ticket(customer=Address(email="a@b.test", name=name)), EN) == greeting


def test_hours_are_told_by_days_that_are_alike() -> None:
    """Mon-Fri together, Saturday by itself, Sunday not at all; round the clock in words."""
    week = {day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")} | {
        "sat": ["10:00-12:00"]
    }
    office = replace(POLICY.calendars["office"], hours=parse_hours(week))
    assert letters.hours_in_words(office, EN) == "Mon-Fri 09:00-12:00, 13:00-18:00; Sat 10:00-12:00 (Asia/Shanghai)"
    assert (
        letters.hours_in_words(office, ZH) == "周一至周五 09:00-12:00、13:00-18:00；周六 10:00-12:00（Asia/Shanghai）"
    )
    broken = replace(office, hours=parse_hours({"mon": ["09:00-12:00"], "wed": ["09:00-12:00"]}))
    assert letters.hours_in_words(broken, ZH) == "周一 09:00-12:00；周三 09:00-12:00（Asia/Shanghai）"
    assert letters.hours_in_words(POLICY.calendars["always"], EN) == "round the clock"


@pytest.mark.parametrize(("url", "linked"), [("", False), ("https://desk.example.com/", True)])
def test_links_to_pages_are_there_when_pages_are(url: str, linked: bool) -> None:
    """Signed for the ticket, the purpose and the round; without a public address there is none."""
    policy = replace(POLICY, public_url=url)
    ticket = a_ticket(17, rounds=2, status=Status.RESOLVED)
    confirm = mail(letters.resolved(ticket, policy, "Done.", MONDAY, "Ana")).text
    survey = mail(letters.survey(ticket, policy, MONDAY)).text
    assert ("https://desk.example.com/r/" in confirm) is linked
    if linked:
        tokens = [text.partition("/r/")[2].split()[0] for text in (confirm, survey)]
        assert [read_link(policy.secret, token) for token in tokens] == [(17, "confirm", 2), (17, "survey", 2)]


def test_a_reminder_to_answer_offers_nothing_to_confirm() -> None:
    """Only what is resolved can be confirmed; waiting takes words."""
    policy = replace(POLICY, public_url="https://desk.example.com")
    for status, linked in ((Status.WAITING, False), (Status.RESOLVED, True)):
        ticket = a_ticket(status=status, rounds=1)
        entry = letters.reminder(ticket, policy, MONDAY, "r:1", f"{status}_reminder", timedelta(hours=32))
        assert ("/r/" in mail(entry).text) is linked
        assert "4 working days" in mail(entry).text


def test_a_mail_to_staff_has_one_line_of_subject() -> None:
    """Whatever a customer put into it, and however long."""
    entry = letters.to_staff(
        POLICY, key="k", to="tom@example.com", subject="a\r\nBcc: b" + "x" * 500, text="t", at=MONDAY
    )
    assert mail(entry).subject.startswith("a Bcc: b")
    assert len(mail(entry).subject) == 200


def test_a_mail_to_staff_about_a_ticket_can_be_answered_from_their_own_mail_client() -> None:
    """Its Reply-To is signed for that person alone, and a line says what an answer does."""
    entry = letters.to_staff(POLICY, key="17:k", to="ana@example.com", subject="s", text="t\n", at=MONDAY, ticket=17)
    number, given = read_reply_address(mail(entry).reply_to) or (0, "")
    assert (number, signed_for(POLICY.secret, number, given, ["bo@example.com", "ana@example.com"], inside=True)) == (
        17,
        "ana@example.com",
    )
    assert mail(entry).text == f"t\n\n{EN.say('staff_answer_hint')}\n"


@pytest.mark.parametrize(("to", "ticket"), [("somebody@else.test", 17), ("ana@example.com", None)])
def test_a_mail_that_answers_nothing_offers_no_answer(to: str, ticket: int | None) -> None:
    """Nobody outside the staff list speaks for the desk, and a digest is about no ticket."""
    entry = letters.to_staff(POLICY, key="k:1", to=to, subject="s", text="t\n", at=MONDAY, ticket=ticket)
    assert (mail(entry).reply_to, mail(entry).text) == ("", "t\n")


def test_a_bounce_names_the_mail_it_is_about() -> None:
    """Every mail has a return address of its own, for customers as for staff."""
    to_staff = letters.to_staff(POLICY, key="17:k", to="ana@example.com", subject="s", text="t", at=MONDAY)
    for entry in (letters.acknowledgement(a_ticket(17), POLICY, MONDAY), to_staff):
        assert read_return_address(POLICY.secret, mail(entry).return_path) == entry.key


def test_where_plus_addresses_do_not_work_bounces_come_to_the_plain_one() -> None:
    """The other evidence must do."""
    policy = replace(POLICY, mailboxes=(replace(POLICY.mailboxes[0], signed_replies=False),))
    assert mail(letters.acknowledgement(a_ticket(17), policy, MONDAY)).return_path == ""


def test_a_text_is_never_read_as_a_template() -> None:
    """Braces in what customers and staff write stay braces."""
    entry = letters.resolved(a_ticket(), POLICY, "Set {path} and {{x}} {0}.", MONDAY, "{name}")
    assert "Set {path} and {{x}} {0}." in mail(entry).text


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Asia/Shanghai", "Mon 2 Mar 2026, 17:00 (UTC+8)"),
        ("Asia/Kolkata", "Mon 2 Mar 2026, 14:30 (UTC+5:30)"),
        ("America/St_Johns", "Mon 2 Mar 2026, 05:30 (UTC-3:30)"),
        ("UTC", "Mon 2 Mar 2026, 09:00 (UTC+0)"),
    ],
)
def test_a_moment_says_its_distance_from_utc(zone: str, told: str) -> None:
    """So that nobody has to guess."""
    assert moment(EN, MONDAY, zone) == told


@pytest.mark.parametrize(
    ("minutes", "told"), [(0, "0 min"), (0.4, "0 min"), (59, "59 min"), (60, "1 h"), (150, "2 h 30 min"), (-5, "0 min")]
)
def test_a_length_of_time_is_told_to_the_minute(minutes: float, told: str) -> None:
    """Hours and minutes, nothing negative."""
    assert span(EN, timedelta(minutes=minutes)) == told


def test_gaps_are_found_and_broken_braces_told() -> None:
    """What a translation must keep."""
    assert gaps("{a} and {{b}} and {c}") == {"a", "c"}
    with pytest.raises(ValueError, match=r"expected '}'"):
        gaps("{a")
