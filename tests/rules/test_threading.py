"""Which ticket a message belongs to: each kind of evidence with each kind of sender (complaints 30 to 42)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.model import Address, Authentication, Message, Status, Ticket
from rules.subjects import is_new_topic, plain_subject
from rules.threading import REFERENCE, SAME_MESSAGE, SUBJECT, evidence, judge, opens_new, same_house
from rules.tokens import message_id, reply_address
from tests.builders import MONDAY, a_message, a_ticket

SECRET = b"s" * 32
ALICE, BOB, STRANGER, STAFF = "alice@customer.test", "bob@elsewhere.test", "mallory@evil.test", "ana@example.com"
COLLEAGUE = "carol@customer.test"
TICKET = a_ticket(7, customer=Address(email=ALICE), participants=(Address(email=BOB),), subject="Printer")
TOKEN, OWN = "token:7", "own:7"
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
    assert joins(OWN, sender, in_reply_to=(OURS,)) is by_our_mail
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
    verdict = judge(message, {TOKEN: TICKET, OWN: TICKET}, SECRET, ())
    assert verdict.ticket is TICKET
    assert verdict.because[0] == "thread: the reply address for #7 is not signed by us"
    assert not joins(TOKEN, ALICE, recipients=(forged,))


def test_a_token_of_a_ticket_that_lives_on_in_another_still_joins() -> None:
    """Merged or followed: the old number's signature leads to the new ticket (complaint 31)."""
    living = a_ticket(9, customer=Address(email=ALICE))
    assert joins(TOKEN, ALICE, living, recipients=(TO_US,))


def test_the_strongest_evidence_comes_first() -> None:
    """Token before our own mail before another mail of the thread before subject; the first that joins decides."""
    other = a_ticket(8, customer=Address(email=ALICE))
    message = a_message(sender=Address(email=ALICE), recipients=(TO_US,), in_reply_to=(OURS,), subject="[#8] x")
    rest = {REFERENCE: other, SUBJECT: other}
    assert judge(message, {TOKEN: TICKET, **rest}, SECRET, ()).ticket is TICKET
    assert judge(message, {OWN: TICKET, **rest}, SECRET, ()).ticket is TICKET
    assert judge(message, {SUBJECT: other, REFERENCE: TICKET}, SECRET, ()).ticket is TICKET


def test_of_several_reply_addresses_the_newest_that_is_signed_decides() -> None:
    """Whoever answers two of our mails at once means the later one; a forged one does not count."""
    newer = a_ticket(8, customer=Address(email=ALICE))
    to_newer = reply_address(SECRET, "support@example.com", 8, ALICE)
    forged = f"support+9.{'a' * 16}@example.com"
    message = a_message(sender=Address(email=ALICE), recipients=(TO_US, to_newer, forged))
    found = {TOKEN: TICKET, "token:8": newer, "token:9": a_ticket(9, customer=Address(email=ALICE))}
    assert judge(message, found, SECRET, ()).ticket is newer


@pytest.mark.parametrize("sender", [STRANGER, "alice@home.test"])
def test_a_reply_address_in_another_hand_waits_for_a_person(sender: str) -> None:
    """It was forwarded, or stolen: staff see whose it was, and nothing joins (complaints 34, 35)."""
    verdict = judge(a_message(sender=Address(email=sender), recipients=(TO_US,)), {TOKEN: TICKET}, SECRET, (STAFF,))
    assert (verdict.ticket, verdict.related) == (None, TICKET)
    assert verdict.held == f"the signed reply address of #7 was made for somebody else ({ALICE})"


def test_a_reply_address_made_for_staff_is_nobody_elses() -> None:
    """The notification that an agent forwarded lets no stranger in."""
    theirs = reply_address(SECRET, "support@example.com", 7, STAFF, inside=True)
    used = {"recipients": (theirs,)}
    assert judge(a_message(sender=Address(email=STRANGER), **used), {TOKEN: TICKET}, SECRET, (STAFF,)).held
    verdict = judge(a_message(sender=Address(email=STAFF), **used), {TOKEN: TICKET}, SECRET, (STAFF,))
    assert (verdict.ticket, verdict.owner) == (TICKET, STAFF)


DISOWNED = Authentication(host="mx.example.com", dmarc="fail")


@pytest.mark.parametrize("sender", [ALICE, BOB, STAFF])
def test_a_mail_that_its_domain_disowns_waits_for_a_person_whatever_it_proves(sender: str) -> None:
    """On the address of a customer, a participant or staff (DMARC fail)."""
    strong = {"recipients": (TO_US,), "in_reply_to": (OURS,), "authentication": DISOWNED}
    verdict = judge(a_message(sender=Address(email=sender), **strong), {TOKEN: TICKET, OWN: TICKET}, SECRET, (STAFF,))
    assert (verdict.ticket, verdict.related, "DMARC fail" in verdict.held) == (None, TICKET, True)


def test_a_disowned_mail_without_a_ticket_waits_when_we_know_the_address() -> None:
    """Somebody writes in a customer's name: held; in a name nobody knows: a new ticket that nothing answers."""
    message = a_message(sender=Address(email=ALICE), authentication=DISOWNED)
    assert judge(message, {}, SECRET, (), known=True).held
    assert judge(message, {}, SECRET, (ALICE,)).held
    assert not judge(message, {}, SECRET, ()).held


def test_a_disowned_mail_is_no_colleagues() -> None:
    """The domain that makes a colleague is the very thing that was not proven."""
    fields = {"sender": Address(email=COLLEAGUE), "authentication": DISOWNED}
    assert judge(a_message(recipients=(TO_US,), **fields), {TOKEN: TICKET}, SECRET, ()).held
    assert judge(a_message(in_reply_to=(OURS,), **fields), {OWN: TICKET}, SECRET, ()).ticket is None


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


SENDERS = (ALICE, BOB, STRANGER, COLLEAGUE, STAFF, "")
FORGED = f"support+9.{'b' * 16}@example.com"
FOUND = {
    TOKEN: TICKET, "token:9": a_ticket(9), OWN: TICKET, REFERENCE: a_ticket(8), "reference:8": a_ticket(8),
    "reference:6": a_ticket(6, customer=Address(email=BOB)), SUBJECT: a_ticket(9),
}  # fmt: skip
IDS = (OURS, "<first@customer.test>", f"<9.acknowledgement.{'b' * 16}@example.com>", "<circular@list.test>")
parts = st.fixed_dictionaries(
    {
        "sender": st.sampled_from(SENDERS).map(lambda email: Address(email=email)),
        "recipients": st.lists(st.sampled_from([TO_US, FORGED, "support@example.com"]), max_size=5).map(tuple),
        "to": st.lists(st.sampled_from([TO_US, FORGED, STRANGER]), max_size=5).map(
            lambda emails: tuple(Address(email=email) for email in emails)
        ),
        "in_reply_to": st.lists(st.sampled_from(IDS), max_size=3).map(tuple),
        "references": st.lists(st.sampled_from(IDS), max_size=6).map(tuple),
        "subject": st.sampled_from(["Printer", "[#9] x", "Re: [#7] Printer"]),
        "authentication": st.sampled_from([Authentication(), DISOWNED]),
    }
)
some = st.lists(st.sampled_from(sorted(FOUND)), unique=True).map(lambda keys: {key: FOUND[key] for key in keys})


@given(parts, some, st.booleans(), st.randoms(use_true_random=False))
def test_the_verdict_is_a_function_of_the_evidence_only(
    fields: dict[str, Any], found: dict[str, Ticket], known: bool, chance: Random
) -> None:
    """The order and number of addresses and ids, and whatever else stands in mail and tickets, change nothing."""
    message = a_message(**fields)
    expected = judge(message, found, SECRET, (STAFF,), known=known)
    shuffled = [(key, found[key]) for key in found]
    chance.shuffle(shuffled)
    turned = {key: replace(ticket, priority="P1", subject=ticket.subject, received=9) for key, ticket in shuffled}
    again = judge(_turned(message, chance), turned, SECRET, (STAFF, STAFF), known=known)
    assert (again.ticket and again.ticket.number) == (expected.ticket and expected.ticket.number)
    assert (again.related and again.related.number) == (expected.related and expected.related.number)
    assert (again.held, again.owner, again.because) == (expected.held, expected.owner, expected.because)


def _turned(message: Message, chance: Random) -> Message:
    """The same evidence in another order, some of it twice, in another text of another time."""

    def turned(values: tuple[Any, ...]) -> tuple[Any, ...]:
        made = [*values, *values[:1]]
        chance.shuffle(made)
        return tuple(made)

    return replace(
        message, recipients=turned(message.recipients), to=turned(message.to), text="other", language="de",
        in_reply_to=turned(message.in_reply_to), references=turned(message.references), notes=("odd",),
    )  # fmt: skip


@given(parts, some)
def test_weak_evidence_never_lets_a_stranger_in(fields: dict[str, Any], found: dict[str, Ticket]) -> None:
    """Whatever ids, numbers and addresses a stranger puts together: without a key of their own, no ticket is theirs."""
    verdict = judge(a_message(**{**fields, "sender": Address(email=STRANGER)}), found, SECRET, (STAFF,))
    assert verdict.ticket is None


@given(parts, some, st.sampled_from([ALICE, BOB, COLLEAGUE, STAFF, STRANGER]))
def test_a_signed_reply_address_joins_or_waits(fields: dict[str, Any], found: dict[str, Ticket], sender: str) -> None:
    """It is never simply passed over (complaint 34)."""
    given_ = {**fields, "sender": Address(email=sender), "recipients": (*fields["recipients"], TO_US)}
    verdict = judge(a_message(**given_), {**found, TOKEN: TICKET}, SECRET, (STAFF,))
    assert verdict.ticket is TICKET or (verdict.held and verdict.related is TICKET)


def test_evidence_prefers_the_mail_that_is_answered_to_older_ones() -> None:
    """In-Reply-To first, then References from the newest to the oldest, each once."""
    named = evidence(a_message(in_reply_to=("<c>",), references=("<a>", "<b>", "<c>")))
    assert (named.answered, named.referred) == (("<c>",), ("<c>", "<b>", "<a>"))
    older = a_ticket(9, customer=Address(email=ALICE))
    message = a_message(sender=Address(email=ALICE), in_reply_to=("<c>",), references=("<a>",))
    assert judge(message, {REFERENCE: TICKET, "reference:9": older}, SECRET, ()).ticket is TICKET
    assert judge(message, {"reference:7": TICKET, "reference:9": older}, SECRET, ()).ticket is older


@pytest.mark.parametrize(
    ("subject", "plain"),
    [
        ("Re: [#7] Printer", "Printer"),
        ("AW: WG: Re: Printer", "Printer"),
        ("回复：转发: 打印机", "打印机"),
        ("Re[2]: Printer", "Printer"),
        ("RE : Printer", "Printer"),
        ("Ynt: İlt: Yazıcı", "Yazıcı"),
        ("Отв: Пересл: Принтер", "Принтер"),
        ("Re(3)： 打印机", "打印机"),
        ("תגובה: מדפסת", "מדפסת"),
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


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ("Printer", "Re: [#7] Printer", False),
        ("Printer on floor 3 is broken", "AW: The printer is broken again", False),
        ("Printer on floor 3 is broken", "Invoice 4711 for March", True),
        ("Printer", "", False),
        ("", "Invoice", False),
        ("Printer", "Re:", False),
        ("打印机无法打印", "回复：打印机还是无法打印", False),
        ("打印机无法打印", "申请新的笔记本电脑", True),
        ("プリンターが動きません", "返信: プリンター", False),
        ("Printer", "[EXTERNAL] Re: Printer", False),
        ("Order 12", "Order 13", False),
    ],
)
def test_a_wholly_new_subject_shares_hardly_a_word(before: str, now: str, new: bool) -> None:
    """Marks, numbers and gateways' tags do not count; an empty subject tells nothing (complaint 39)."""
    assert is_new_topic(before, now) is new


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
        ("yahoo.com.br", "yahoo.com.br", False),
        ("vip.163.com", "vip.163.com", False),
        ("", "", False),
        ("a.test", "b.test", False),
    ],
)
def test_a_house_is_a_domain_that_is_not_everybodys(one: str, other: str, same: bool) -> None:
    """A provider's domain says nothing about an employer."""
    assert same_house(one, other) is same
