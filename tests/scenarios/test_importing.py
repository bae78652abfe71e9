"""What another desk left behind comes in: it is history with its own dates, and nobody hears a word of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.importing import Importer, Item
from rules.digest import figures
from rules.model import AuthorKind, EntryKind, Status, Target
from rules.periods import period_before
from rules.policy import Mailbox
from tests.scenarios.old_desks import ALICE, LONG_AGO, OURS, a_conversation, imported, nothing_owed, old_mail, today
from tests.stage import MONDAY, a_policy, a_stage


def test_an_old_conversation_is_one_closed_ticket_with_its_own_dates() -> None:
    """Our answer is a reply of staff, and the ticket ends with its last mail."""
    stage = a_stage()

    assert imported(stage, *a_conversation()) == {"opened": 1, "joined": 2}

    ticket = stage.ticket()
    assert (ticket.status, ticket.customer.email, ticket.imported_from) == (Status.CLOSED, ALICE, "old.mbox")
    assert (ticket.opened_at, ticket.closed_at) == (LONG_AGO, LONG_AGO + timedelta(days=7))
    assert (ticket.first_response_at, ticket.first_response_by) == (LONG_AGO + timedelta(hours=3), "ana")
    said = [(entry.kind, entry.author.kind, entry.text) for entry in stage.entries() if entry.message_key]
    assert said == [
        (EntryKind.RECEIVED, AuthorKind.CUSTOMER, "The printer is broken."),
        (EntryKind.REPLIED, AuthorKind.STAFF, "Please switch it on."),
        (EntryKind.RECEIVED, AuthorKind.CUSTOMER, "Now it works."),
    ]


def test_nobody_hears_of_old_mail_not_even_later() -> None:
    """No acknowledgement, card, ping, survey, timer or escalation, however long one waits."""
    stage = a_stage()
    imported(stage, *a_conversation(), old_mail("u", "URGENT: all is down, production stands still!"))

    assert nothing_owed(stage)
    stage.wait(days=30)
    assert stage.sent == []
    assert not stage.store.verify()


def test_the_journal_says_where_it_was_imported_from() -> None:
    """`why` tells the file and the place of each mail (law 6)."""
    stage = a_stage()
    imported(stage, *a_conversation())
    assert {f"imported from old.mbox:{at}" for at in range(3)} <= set(stage.reasons().splitlines())


def test_importing_the_same_again_adds_nothing() -> None:
    """Each mail has a key of its own, however often and in whichever order it comes."""
    stage = a_stage()
    imported(stage, *a_conversation())
    before = stage.ticket(), stage.entries()

    assert imported(stage, *reversed(a_conversation())) == {"duplicate": 3}
    assert (stage.ticket(), stage.entries()) == before


def test_a_mail_that_the_desk_received_itself_is_not_doubled() -> None:
    """Not even where the archive writes it with other line ends, or marks its From lines."""
    stage = a_stage()
    words = "Dear all,\n\nFrom now on it fails.\n"
    stage.mail(words, message_id="<live@mail.test>", subject="It fails")
    kept = old_mail("live", words.replace("\nFrom", "\n>From"), at=MONDAY, subject="It fails")

    assert imported(stage, kept) == {"duplicate": 1}
    assert (stage.count(), len(stage.entries(kind=EntryKind.RECEIVED))) == (1, 1)


def test_another_mail_with_a_message_id_that_came_before_is_kept() -> None:
    """Some programs use an id twice; other words are another mail (complaint 20)."""
    stage = a_stage()
    assert imported(stage, old_mail("q"), old_mail("q", "The scanner is broken, too.")) == {"opened": 1, "joined": 1}


def test_an_answer_that_stands_before_its_question_joins_it() -> None:
    """Where a clock was wrong, the archive's order is not that in which people wrote."""
    stage = a_stage()
    question, answer, _ = a_conversation()

    assert imported(stage, answer, question) == {"opened": 1, "joined": 1}
    ticket = stage.ticket()
    assert (ticket.customer.email, ticket.opened_at) == (ALICE, LONG_AGO)


def test_a_new_subject_below_an_old_conversation_is_a_ticket_of_its_own() -> None:
    """Whoever answers the last mail to ask something new asks something new (complaint 39)."""
    stage = a_stage()
    new = old_mail("n", "How much is a licence?", subject="Prices of licences", answers="q")
    assert imported(stage, old_mail("q"), new) == {"opened": 2}


def test_a_strangers_answer_does_not_join() -> None:
    """Whoever takes no part in a conversation opens a ticket, also in the past (complaint 30)."""
    stage = a_stage()
    forged = old_mail("f", "Send it to me, please.", sender="mallory@evil.test", answers="q")
    assert imported(stage, old_mail("q"), forged) == {"opened": 2}


def test_a_number_of_another_desk_in_the_subject_leads_nowhere() -> None:
    """[#1] was ticket 1 of the old desk."""
    stage = a_stage()
    stage.mail()
    assert imported(stage, old_mail("q", subject="Re: [#1] The printer")) == {"opened": 1}


def test_our_own_first_mail_opens_the_ticket_of_whom_it_went_to() -> None:
    """The customer's answer to it joins."""
    stage = a_stage()
    first = old_mail("a", "Your licence ends soon.", sender=f"Acme <{OURS}>", to=f"Alice <{ALICE}>", subject="Licence")
    answer = old_mail("q", "We renew it.", subject="Re: Licence", at=LONG_AGO + timedelta(days=1), answers="a")

    assert imported(stage, first, answer) == {"opened": 1, "joined": 1}
    assert (stage.ticket().customer.email, stage.ticket().replies) == (ALICE, 1)


def test_what_stayed_in_the_house_and_what_machines_wrote_opens_nothing() -> None:
    """It is kept, as raw mail, and counted."""
    stage = a_stage()
    inside = old_mail("i", sender=f"Acme <{OURS}>", to="ana@example.com")
    absent = old_mail("o", "I am away until Monday.", headers="Auto-Submitted: auto-replied", subject="Out of office")

    assert imported(stage, inside, absent) == {"own": 1, "automatic": 1}
    assert stage.count() == 0


def test_damaged_mail_is_kept_raw_and_told_with_its_place() -> None:
    """It never ends the run, and is tried again with the next one."""
    stage = a_stage()
    garbage, good = b"\x00\xff\x00 no header at all", old_mail("q")
    items = [Item(place=f"old.mbox:{at}", size=9, raw=raw) for at, raw in enumerate((garbage, good))]

    for expected in ({"damaged": 1, "opened": 1}, {"damaged": 1, "duplicate": 1}):
        told = Importer(stage.desk).take(items, source="old.mbox")
        assert told["counts"] == expected
        assert [line["place"] for line in told["damaged"]] == ["old.mbox:0"]
    assert not stage.store.verify()


def test_mail_without_a_date_is_as_old_as_its_place_says() -> None:
    """It never counts as today's."""
    stage = a_stage()
    item = Item(place="old.mbox:0", size=9, raw=old_mail("q", at=None), around_at=LONG_AGO)
    Importer(stage.desk).take([item], source="old.mbox")
    assert stage.ticket().opened_at == LONG_AGO


def test_an_automatic_answer_of_ours_is_no_first_response() -> None:
    """What the old desk acknowledged is shown, and is no reply of staff."""
    stage = a_stage()
    thanks = old_mail("k", "We have your mail.", sender=f"Acme <{OURS}>", to=ALICE, answers="q",
                      headers="Auto-Submitted: auto-replied")  # fmt: skip
    assert imported(stage, old_mail("q"), thanks) == {"opened": 1, "joined": 1}
    assert (stage.ticket().replies, stage.ticket().first_response_at) == (0, None)
    assert [entry.author.kind for entry in stage.entries(kind=EntryKind.AUTOMATIC)] == [AuthorKind.ROBOT]


def test_a_staff_members_mail_to_the_customer_is_a_reply_and_one_to_colleagues_a_note() -> None:
    """Whom it went to decides (complaint 33)."""
    stage = a_stage()
    reply = old_mail("r", "It is mended.", sender="ana@example.com", to=f"{ALICE}, {OURS}", answers="q")
    note = old_mail("n", "What a day.", sender="ana@example.com", to=OURS, answers="q")
    imported(stage, old_mail("q"), reply, note)
    said = [(entry.kind, entry.author.key) for entry in stage.entries() if entry.message_key][1:]
    assert said == [(EntryKind.REPLIED, "ana"), (EntryKind.NOTED, "ana")]


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), MONDAY + timedelta(days=400)])
def test_a_date_that_cannot_be_is_not_believed(at: datetime) -> None:
    """A machine without a clock writes 1970, one with a wrong clock writes next year."""
    stage = a_stage()
    item = Item(place="old.mbox:0", size=9, raw=old_mail("q", at=at), around_at=LONG_AGO)
    Importer(stage.desk).take([item], source="old.mbox")
    assert stage.ticket().opened_at == LONG_AGO


def test_mail_of_two_mailboxes_goes_to_the_one_it_was_sent_to() -> None:
    """Unless one is named for all."""
    first, *_ = a_policy().mailboxes
    sales = Mailbox(name="sales", address="sales@example.com")
    stage = a_stage(mailboxes=(first, sales))
    imported(stage, old_mail("q", to="Sales <sales@example.com>"), old_mail("r", to="x@lists.test"))
    imported(stage, old_mail("s"), mailbox="sales")
    assert [stage.ticket(number).mailbox for number in (1, 2, 3)] == ["sales", first.name, "sales"]


def test_history_counts_when_it_happened_and_not_today() -> None:
    """Yesterday's digest has nothing of it, that of its own day has it all."""
    stage = a_stage()
    imported(stage, *a_conversation())

    assert today(stage).volume.opened == today(stage).volume.closed == today(stage).backlog.total == 0
    with stage.store.read() as store:
        then = period_before("day", LONG_AGO + timedelta(days=1), stage.policy.timezone)
        assert figures(store.tickets(), then, stage.policy, MONDAY).volume.opened == 1


def test_an_answer_to_imported_mail_soon_after_opens_its_ticket_again_with_clocks() -> None:
    """Whoever writes again is promised an answer like everybody else."""
    stage = a_stage()
    recent = MONDAY - timedelta(days=2)
    imported(stage, old_mail("q", at=recent))
    assert stage.ticket().clocks == ()

    assert stage.mail("It is broken again.", in_reply_to=("<q@mail.test>",), subject="Re: The printer") == "joined"

    ticket = stage.ticket()
    assert ticket.status is Status.OPEN
    assert {clock.target: clock.spans[0].started_at for clock in ticket.clocks} == dict.fromkeys(Target, MONDAY)
    assert "card" in {entry.key.split(":")[1] for entry in stage.sent}


def test_an_answer_to_imported_mail_of_long_ago_opens_a_new_linked_one() -> None:
    """As for any ticket that was closed long ago (R-CO-2)."""
    stage = a_stage()
    imported(stage, *a_conversation())

    stage.mail("It is broken again.", in_reply_to=("<t@mail.test>",), subject="Re: The printer")

    assert (stage.status(1), stage.status(2), stage.ticket(2).linked) == (Status.CLOSED, Status.NEW, (1,))
    assert len(stage.mails_to(ALICE)) == 1


def test_history_of_a_ticket_of_today_is_added_and_changes_nothing_else() -> None:
    """Old mail of a conversation that goes on is shown in it; its clocks and its state stay."""
    stage = a_stage()
    stage.mail("Any news?", in_reply_to=("<q@mail.test>",), subject="Re: The printer", sender=ALICE)
    before, sent = stage.ticket(), len(stage.sent)

    assert imported(stage, old_mail("q")) == {"joined": 1}

    assert stage.ticket() == before
    assert [entry.text for entry in stage.entries(kind=EntryKind.RECEIVED)] == ["Any news?", "The printer is broken."]
    stage.deliver()
    assert len(stage.sent) == sent
