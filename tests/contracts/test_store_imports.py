"""Old mail becomes the same history on every kind of store, and stays it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.importing import Importer, Item
from rules.effects import OutboxState
from rules.model import Status
from tests.contracts.desks import Desk
from tests.stage import Stage, a_policy

AT = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)


def archive() -> list[Item]:
    """Twelve conversations of a question, an answer from our address and a customer's last word."""
    items = []
    for number in range(12):
        alice, ours = f"alice{number}@customer.test", "support@example.com"
        people = ((alice, ours), (ours, alice), (alice, ours))
        for step, (sender, to) in enumerate(people):
            at = AT + timedelta(hours=number, minutes=step)
            refs = f"In-Reply-To: <{number}.{step - 1}@mail.test>\n" if step else ""
            raw = (
                f"From: {sender}\nTo: {to}\nSubject: Printer {number}\nMessage-ID: <{number}.{step}@mail.test>\n{refs}"
                f"Date: {at:%a, %d %b %Y %H:%M:%S} +0000\n\nWord {step}.\n"
            )
            items.append(Item(place=f"old.mbox:{number}.{step}", size=len(raw), raw=raw.encode()))
    return items


def test_an_archive_is_history_on_every_store(desk: Desk) -> None:
    """Batch by batch, with the store closed and opened, or killed, in between; nothing is doubled or owed."""
    items = archive()
    for part in (items[:20], items[20:]):
        Importer(Stage(policy=a_policy(), store=desk.store).desk).take(part, source="old.mbox")
        desk.again()

    stage = Stage(policy=a_policy(), store=desk.store)
    assert Importer(stage.desk).take(items, source="old.mbox")["counts"] == {"duplicate": 36}
    assert stage.count() == 12
    for number in range(1, 13):
        ticket = stage.ticket(number)
        assert (ticket.status, ticket.imported_from, ticket.replies) == (Status.CLOSED, "old.mbox", 1)
        assert ticket.opened_at == AT + timedelta(hours=number - 1)
        assert [entry.text for entry in stage.entries(number) if entry.message_key] == ["Word 0.", "Word 1.", "Word 2."]
    assert stage.owed(OutboxState) == []
    assert not stage.store.verify()


def test_a_customer_answers_old_mail_on_every_store(desk: Desk) -> None:
    """The ticket is found by the imported Message-ID; a new one is linked to it."""
    stage = Stage(policy=a_policy(), store=desk.store)
    Importer(stage.desk).take(archive(), source="old.mbox")
    stage = Stage(policy=a_policy(), store=desk.again())

    stage.mail("Again.", sender="alice3@customer.test", in_reply_to=("<3.1@mail.test>",), subject="Re: Printer 3")

    assert (stage.ticket(13).linked, stage.status(4)) == ((4,), Status.CLOSED)
