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
    assert wrong == {}
    assert set(found) >= {mail.message_id for mail in load.mails if mail.taken}
    strays = [
        mail.message_id
        for mail in load.mails
        if mail.answers and mail.taken and found[mail.message_id] != found[mail.answers.message_id]
    ]
    assert strays == [], "mails that answer an earlier one lie in its ticket"


def check_effects(store: TinyDBStore, load: Load) -> None:
    """Each effect is owed once, each ticket has one acknowledgement, each reply that was promised is there once."""
    with store.read() as look:
        owed = [entry.key for entry in look.outbox()]
        tickets = [ticket.number for ticket in look.tickets()]
        replied = Counter(
            entry.text for number in tickets for entry in look.entries(number) if entry.kind is EntryKind.REPLIED
        )
    assert [key for key, times in Counter(owed).items() if times > 1] == []
    acknowledged = sorted(int(key.partition(":")[0]) for key in owed if key.endswith(":acknowledgement"))
    assert acknowledged == sorted(tickets)
    assert {text: times for text, times in replied.items() if times != 1} == {}
    assert [reply.text for reply in load.replies if reply.taken and not replied[reply.text]] == []
