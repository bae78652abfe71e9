"""What a desk owes after any crash: each mail it confirmed is one ticket entry, each effect is owed once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from rules.model import EntryKind
from storage.tinydb_store import TinyDBStore
from tests.crashes.loader import Load
from tests.end_to_end.parts import DeskProcess


@contextmanager
def kept(desk: DeskProcess) -> Iterator[TinyDBStore]:
    """The store of a desk that has ended, to look into; nothing is written."""
    store = TinyDBStore(desk.data)
    try:
        yield store
    finally:
        store.abandon()


def received(store: TinyDBStore) -> dict[str, list[int]]:
    """For each Message-ID the tickets whose journal has it, once for each entry."""
    found = defaultdict(list)
    with store.read() as look:
        for ticket in look.tickets():
            for entry in look.entries(ticket.number):
                if entry.kind is EntryKind.RECEIVED:
                    found[entry.message_id].append(ticket.number)
    return found


def check_mails(store: TinyDBStore, load: Load) -> None:
    """What was answered 250 is there exactly once, what was not at most once, answers where they belong."""
    found = received(store)
    wrong = {
        mail.message_id: found[mail.message_id]
        for mail in load.mails
        if len(found[mail.message_id]) != 1 and (mail.taken or found[mail.message_id])
    }
    assert wrong == {}, f"mails in none or several entries, with their tickets: {wrong}"
    strays = [
        mail.message_id
        for mail in load.mails
        if mail.answers and mail.taken and found[mail.message_id] != found[mail.answers.message_id]
    ]
    assert strays == [], f"mails that answer an earlier one and do not lie in its ticket: {strays}"


def check_effects(store: TinyDBStore, load: Load) -> None:
    """Each effect is owed once, each ticket has one acknowledgement, each reply that was promised is there once."""
    with store.read() as look:
        owed = [entry.key for entry in look.outbox()]
        tickets = [ticket.number for ticket in look.tickets()]
        replied = Counter(
            entry.text for number in tickets for entry in look.entries(number) if entry.kind is EntryKind.REPLIED
        )
    assert len(owed) == len(set(owed)), "an effect is owed twice"
    acknowledged = sorted(int(key.partition(":")[0]) for key in owed if key.endswith(":acknowledgement"))
    assert acknowledged == sorted(tickets), "each ticket has one acknowledgement"
    twice = [text for text, times in replied.items() if times != 1]
    assert twice == [], f"replies of staff that are there twice: {twice}"
    lost = [reply.text for reply in load.replies if reply.taken and not replied[reply.text]]
    assert lost == [], f"replies of staff that were promised and are not there: {lost}"
