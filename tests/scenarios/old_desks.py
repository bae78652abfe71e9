"""What other desks left behind: old mail, old tickets, and a look at who heard of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.importing import Importer, Item
from rules.digest import figures
from rules.figures import Figures
from rules.periods import period_before
from tests.stage import MONDAY, Stage

ALICE, OURS = "alice@customer.test", "support@example.com"
LONG_AGO = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)


def old_mail(
    name: str,
    text: str = "The printer is broken.",
    *,
    sender: str = f"Alice <{ALICE}>",
    to: str = OURS,
    subject: str = "The printer",
    at: datetime | None = LONG_AGO,
    answers: str = "",
    headers: str = "",
) -> bytes:
    """A mail as it lies in an archive."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <{name}@mail.test>"]
    lines += [f"Date: {at:%a, %d %b %Y %H:%M:%S} +0000"] if at else []
    lines += [f"In-Reply-To: <{answers}@mail.test>", f"References: <{answers}@mail.test>"] if answers else []
    lines += [headers] if headers else []
    return "\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", text, ""]).encode()


def imported(stage: Stage, *raws: bytes, mailbox: str = "") -> dict[str, int]:
    """Import mails in this order; what became of them, counted."""
    items = [Item(place=f"old.mbox:{at}", size=len(raw), raw=raw) for at, raw in enumerate(raws)]
    told: dict[str, Any] = Importer(stage.desk).take(items, source="old.mbox", mailbox=mailbox)
    return dict(told["counts"])


def a_conversation() -> list[bytes]:
    """A question, the answer from our address, and the customer's thanks a week later."""
    return [
        old_mail("q"),
        old_mail("a", "Please switch it on.", sender=f"Ana <{OURS}>", to=ALICE, subject="Re: The printer",
                 at=LONG_AGO + timedelta(hours=3), answers="q"),
        old_mail("t", "Now it works.", subject="Re: The printer", at=LONG_AGO + timedelta(days=7), answers="a"),
    ]  # fmt: skip


def nothing_owed(stage: Stage) -> bool:
    """Whether nobody was, is or will be told anything."""
    with stage.store.read() as store:
        return not store.outbox() and store.next_due_at() is None


def today(stage: Stage) -> Figures:
    """Yesterday's figures, as they are told on Tuesday."""
    now = MONDAY + timedelta(days=1)
    with stage.store.read() as store:
        return figures(store.tickets(), period_before("day", now, stage.policy.timezone), stage.policy, now)
