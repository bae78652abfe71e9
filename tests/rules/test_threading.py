"""Which ticket a message belongs to: each kind of evidence with each kind of sender (complaints 30 to 42)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.model import Address, Status, Ticket
from rules.threading import (
    REFERENCE,
    SAME_MESSAGE,
    SUBJECT,
    TOKEN,
    evidence,
    judge,
    opens_new,
    plain_subject,
    same_house,
)
from rules.tokens import message_id, reply_address
from tests.builders import MONDAY, a_message, a_ticket

SECRET = b"s" * 32
ALICE, BOB, STRANGER, STAFF = "alice@customer.test", "bob@elsewhere.test", "mallory@evil.test", "ana@example.com"
COLLEAGUE = "carol@customer.test"
TICKET = a_ticket(7, customer=Address(email=ALICE), participants=(Address(email=BOB),), subject="Printer")
OURS = message_id(SECRET, "7:acknowledgement", "example.com")
TO_US = reply_address(SECRET, "support@example.com", 7, ALICE)


def joins(kind: str, sender: str, ticket: Ticket = TICKET, **fields: Any) -> bool:
    message = a_message(sender=Address(email=sender), **fields)
    return judge(message, {kind: ticket}, SECRET, (STAFF,)).ticket is ticket


@pytest.mark.parametrize(
    ("sender", "by_token", "by_our_mail", "by_other_mail", "by_subject"),
    [
        (ALICE, True, True, True, True),
        (BOB, True, True, True, True),
        (STAFF, True, True, True, True),
        (COLLEAGUE, True, True, False, False),
        (STRANGER, False, False, False, False),
        ("", False, False, False, False),
    ],
)
def test_who_joins_by_which_evidence(
    sender: str, by_token: bool, by_our_mail: bool, by_other_mail: bool, by_subject: bool
) -> None:
    """The signed address, an answer to our mail, an answer to another mail of the thread, the number in the subject."""
    assert joins(TOKEN, sender, recipients=(TO_US,)) is by_token
    assert joins(REFERENCE, sender, in_reply_to=(OURS,)) is by_our_mail
    assert joins(REFERENCE, sender, references=("<first@customer.test>",)) is by_other_mail
    assert joins(SUBJECT, sender, subject="Re: [#7] Printer") is by_subject


def test_a_token_made_for_the_sender_joins_whoever_they_are() -> None:
    """A mail that was sent to somebody is their proof."""
    theirs = reply_address(SECRET, "support@example.com", 7, STRANGER)
    assert joins(TOKEN, STRANGER, recipients=(theirs,))


@pytest.mark.parametrize("signature", ["a" * 16, "7" * 16])
def test_a_forged_token_joins_nobody_but_leaves_other_evidence(signature: str) -> None:
    """A made-up signature is told as such; the customer still joins by what else they have."""
    forged = f"support+7.{signature}@example.com"
    message = a_message(sender=Address(email=ALICE), recipients=(forged,), in_reply_to=(OURS,))
    verdict = judge(message, {TOKEN: TICKET, REFERENCE: TICKET}, SECRET, ())
    assert verdict.ticket is TICKET
    assert verdict.because[0] == "thread: the reply address for #7 is not signed by us"
    assert not joins(TOKEN, ALICE, recipients=(forged,))


def test_a_token_of_a_ticket_that_lives_on_in_another_still_joins() -> None:
    """Merged or followed: the old number's signature leads to the new ticket (complaint 31)."""
    living = a_ticket(9, customer=Address(email=ALICE))
    assert joins(TOKEN, ALICE, living, recipients=(TO_US,))


def test_the_strongest_evidence_comes_first() -> None:
    """Token before reference before subject; the first that joins decides."""
    other = a_ticket(8, customer=Address(email=ALICE))
    message = a_message(sender=Address(email=ALICE), recipients=(TO_US,), in_reply_to=(OURS,), subject="[#8] x")
    assert judge(message, {TOKEN: TICKET, REFERENCE: other, SUBJECT: other}, SECRET, ()).ticket is TICKET
    assert judge(message, {SUBJECT: other, REFERENCE: TICKET}, SECRET, ()).ticket is TICKET


def test_a_stranger_is_shown_what_their_mail_may_be_related_to_and_why() -> None:
    """The first evidence that did not suffice names the ticket and the reason."""
    message = a_message(sender=Address(email=STRANGER), subject="[#7] Printer")
    verdict = judge(message, {SUBJECT: TICKET}, SECRET, ())
    assert (verdict.ticket, verdict.related) == (None, TICKET)
    assert verdict.related_why == "its subject names #7, but a stranger's word does not join a ticket"
    assert verdict.because[-1] == "thread: nothing proves that it belongs to a ticket, so it opens a new one"


def test_the_same_mail_at_another_address_needs_no_other_proof() -> None:
    """Whoever sent it: it is the very mail that opened the ticket."""
    verdict = judge(a_message(sender=Address(email=STRANGER)), {SAME_MESSAGE: TICKET}, SECRET, ())
    assert (verdict.ticket, verdict.same_message) == (TICKET, True)


addresses = st.permutations([TO_US, "support@example.com", "sales@example.com", f"support+9.{'b' * 16}@example.com"])
candidates = st.permutations([(TOKEN, TICKET), (REFERENCE, a_ticket(8)), (SUBJECT, a_ticket(9))])


@given(addresses, candidates, st.sampled_from([ALICE, BOB, STRANGER, COLLEAGUE, STAFF]))
def test_the_verdict_is_a_function_of_the_evidence_only(
    recipients: list[str], found: list[tuple[str, Ticket]], sender: str
) -> None:
    """In whatever order recipients and candidates come, and whether they stand in the envelope or in the headers."""
    fields = {"sender": Address(email=sender), "in_reply_to": (OURS,), "subject": "[#9] x"}
    usual = a_message(recipients=tuple(sorted(recipients)), **fields)
    turned = a_message(recipients=(), to=tuple(Address(email=one) for one in recipients), **fields)
    expected = judge(usual, dict(sorted(found)), SECRET, (STAFF,))
    assert judge(turned, dict(found), SECRET, (STAFF,)) == expected
    assert evidence(turned).token_numbers == evidence(usual).token_numbers == (7, 9)


def test_evidence_prefers_the_mail_that_is_answered_to_older_ones() -> None:
    """In-Reply-To first, then References from the newest to the oldest, each once."""
    message = a_message(in_reply_to=("<c>",), references=("<a>", "<b>", "<c>"))
    assert evidence(message).message_keys == ("mid:<c>", "mid:<b>", "mid:<a>")


@pytest.mark.parametrize(
    ("subject", "plain"),
    [
        ("Re: [#7] Printer", "Printer"),
        ("AW: WG: Re: Printer", "Printer"),
        ("回复：转发: 打印机", "打印机"),
        ("Re[2]: Printer", "Printer"),
        ("RE : Printer", "Printer"),
        ("Printer: broken", "Printer: broken"),
        ("Regarding: Printer", "Regarding: Printer"),
        ("  Re:\r\n Printer\tbroken ", "Printer broken"),
        ("Re: Re: Re:", ""),
        ("", ""),
    ],
)
def test_a_subject_is_compared_without_its_prefixes(subject: str, plain: str) -> None:
    """Reply and forward marks of many languages and our number are no part of it."""
    assert plain_subject(subject) == plain


@given(st.text(max_size=60))
def test_a_plain_subject_stays_plain(subject: str) -> None:
    """Once is enough, and the result is one line."""
    once = plain_subject(subject)
    assert plain_subject(once) == once
    assert "\n" not in once


CLOSED = a_ticket(7, status=Status.CLOSED, closed_at=MONDAY, subject="Printer")
TWO_WEEKS = timedelta(days=14)


@pytest.mark.parametrize(
    ("days", "subject", "new"),
    [
        (1, "Re: [#7] Printer", False),
        (1, "[EXTERNAL] Re: Printer", False),
        (1, "", False),
        (1, "Re: New laptop", True),
        (14, "Re: Printer", False),
        (14.01, "Re: Printer", True),
    ],
)
def test_what_a_reply_to_a_closed_ticket_opens(days: float, subject: str, new: bool) -> None:
    """Within 14 days and about the same, the ticket; later or about something else, a new one (R-CO-2)."""
    reason = opens_new(CLOSED, a_message(subject=subject), MONDAY + timedelta(days=days), TWO_WEEKS)
    assert (reason is not None) is new


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.CLOSED])
def test_a_ticket_that_is_not_closed_takes_every_reply(status: Status) -> None:
    """However old it is and whatever its subject."""
    ticket = a_ticket(7, status=status, subject="Printer")
    assert opens_new(ticket, a_message(subject="Re: New laptop"), MONDAY + timedelta(days=400), TWO_WEEKS) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("customer.test", "customer.test", True),
        ("gmail.com", "gmail.com", False),
        ("", "", False),
        ("a.test", "b.test", False),
    ],
)
def test_a_house_is_a_domain_that_is_not_everybodys(one: str, other: str, same: bool) -> None:
    """A provider's domain says nothing about an employer."""
    assert same_house(one, other) is same
