"""What a desk owes after any crash: each mail it confirmed is one ticket entry, each effect is owed once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from rules.effects import Mail, OutboxEntry
from rules.model import EntryKind
from storage.protocol import Reader, Store
from tests.crashes.crowd import Crowd
from tests.crashes.loader import Load


def received(store: Store) -> dict[str, list[int]]:
    """For each Message-ID the tickets whose journal has it, once for each entry."""
    found = defaultdict(list)
    with store.read() as look:
        for ticket in look.tickets():
            for entry in look.entries(ticket.number):
                if entry.kind is EntryKind.RECEIVED:
                    found[entry.message_id].append(ticket.number)
    return found


def check_mails(store: Store, load: Load) -> None:
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


def check_effects(store: Store, load: Load) -> None:
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


def check_requests(look: Reader, crowd: Crowd) -> None:
    """Numbers run without gaps; each request is one ticket with its mails once, in the order they were taken."""
    tickets = [ticket.number for ticket in look.tickets()]
    assert tickets == list(range(1, len(tickets) + 1))
    found = [
        tuple(entry.message_id for entry in look.entries(number) if entry.kind is EntryKind.RECEIVED)
        for number in tickets
    ]
    assert sorted(found) == sorted(tuple(talk.mails) for talk in crowd.talks)


def check_replies(look: Reader, crowd: Crowd) -> None:
    """What staff said is there once and in order; what a desk died over is there once or not at all."""
    said: dict[int, list[str]] = defaultdict(list)
    doubtful = {reply.text for reply in crowd.replies if not reply.taken}
    for reply in crowd.replies:
        if reply.taken:
            said[reply.ticket].append(reply.text)
    for number in {reply.ticket for reply in crowd.replies}:
        there = [entry.text for entry in look.entries(number) if entry.kind is EntryKind.REPLIED]
        assert len(there) == len(set(there)), there
        assert [text for text in there if text not in doubtful] == said[number]


def check_owed(look: Reader) -> list[OutboxEntry]:
    """Each effect is owed once and each ticket has one acknowledgement; gives the mails, in the order recorded."""
    owed = look.outbox()
    assert twice(entry.key for entry in owed) == []
    acknowledged = {entry.key for entry in owed if entry.key.endswith(":acknowledgement")}
    assert acknowledged == {f"{ticket.number}:acknowledgement" for ticket in look.tickets()}
    return [entry for entry in owed if isinstance(entry.content, Mail)]


def check_order(owed: Sequence[OutboxEntry], arrived: Sequence[str]) -> None:
    """The mails of each ticket arrived in the order in which they were owed."""
    place = {name: number for number, name in enumerate(arrived)}
    lanes: dict[str, list[int]] = defaultdict(list)
    for entry in owed:
        if message_id(entry) in place:
            lanes[entry.lane].append(place[message_id(entry)])
    assert {lane: places for lane, places in lanes.items() if places != sorted(places)} == {}


def message_id(entry: OutboxEntry) -> str:
    """The Message-ID that a mail of the outbox has had since it was first owed."""
    assert isinstance(entry.content, Mail)
    return entry.content.message_id


def twice(names: Iterable[str]) -> list[str]:
    """What is there more than once."""
    return [name for name, times in Counter(names).items() if times > 1]
