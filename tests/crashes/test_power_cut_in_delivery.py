"""The power goes at every step of delivering into a Maildir, store and Maildir on one disk: each mail lies there once.

The steps of a delivery are those of the outbox worker: claim (durable), send, settle. After the cut the next process
asks the Maildir about what was being sent, and sends only what surely is not there.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

from channels.mail.maildir import Maildir, file_name
from rules.effects import OutboxEntry, OutboxState
from rules.errors import StoreUnavailableError, TemporaryDeliveryError
from rules.model import Decision
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_ticket, an_outbox_entry
from tests.crashes.power_cut import ForgetfulDisk, PowerCutError

DATA, OUT = Path("/desk/data"), Path("/desk/outgoing")
MAILS = 3
LUCK = 4
"""How many throws of the dice each cut gets, after the one in which all that was not synced is lost."""


class Told:
    """Which effects the desk believed delivered, durably, before the power went."""

    def __init__(self) -> None:
        self.owed: set[str] = set()
        self.settled: set[str] = set()


def maildir(disk: ForgetfulDisk) -> Maildir:
    """The Maildir on that disk; a mail's bytes name its effect."""
    return Maildir(
        "mail:support", OUT, write=lambda mail: mail.message_id.encode() * 50, now=lambda: MONDAY, files=disk
    )


def owe(store: TinyDBStore, number: int, told: Told) -> None:
    """A ticket with its acknowledgement, in one commit; what an earlier day took in is not taken in again."""
    entry = an_outbox_entry(f"{number}:acknowledgement", lane=f"mail:{number}", ticket=number, channel="mail:support")
    with store.begin() as work:
        if work.seen(f"mail:{number}"):
            return
        work.record(f"mail:{number}", Decision(tickets=(a_ticket(number),), outbox=(entry,)))
        work.commit()
    told.owed.add(entry.key)


def settle(store: TinyDBStore, entry: OutboxEntry, told: Told) -> None:
    """The delivery is written down."""
    with store.begin() as work:
        work.settle(replace(entry, state=OutboxState.ACCEPTED, settled_at=MONDAY))
        work.commit()
    told.settled.add(entry.key)


def recover(store: TinyDBStore, out: Maildir, told: Told) -> None:
    """What a dead process was sending: settled when it lies there, owed again when it surely does not."""
    for entry in store.claimed():
        found = asyncio.run(out.find(entry))
        if found is None:
            with store.begin() as work:
                work.settle(replace(entry, state=OutboxState.QUEUED))
                work.commit()
        else:
            settle(store, entry, told)


def deliver(store: TinyDBStore, out: Maildir, told: Told) -> None:
    """Everything owed goes out."""
    for entry in store.claim(MONDAY):
        asyncio.run(out.send(entry))
        settle(store, entry, told)


def a_day(disk: ForgetfulDisk, told: Told) -> None:
    """Mails come in and their acknowledgements go out."""
    store, out = TinyDBStore(DATA, files=disk), maildir(disk)
    recover(store, out, told)
    for number in range(1, MAILS + 1):
        owe(store, number, told)
        deliver(store, out, told)
    store.close()


def until_dark(disk: ForgetfulDisk, told: Told) -> None:
    """A day that may end in the dark."""
    try:
        a_day(disk, told)
    except (PowerCutError, StoreUnavailableError, TemporaryDeliveryError):
        return


def after(disk: ForgetfulDisk, told: Told) -> None:
    """The next process makes up for it; then every effect ever owed lies in the Maildir once, whole."""
    store, out = TinyDBStore(DATA, files=disk), maildir(disk)
    already = Counter(disk.names(OUT / "new")) if told.settled else Counter()
    for key in told.settled:
        assert already[file_name(key)] == 1, f"{key} was settled, but its mail was lost"
    recover(store, out, told)
    deliver(store, out, told)
    with store.read() as look:
        owed = {entry.key: entry for entry in look.outbox()}
    assert told.owed <= set(owed)
    assert {entry.state for entry in owed.values()} <= {OutboxState.ACCEPTED}
    if owed:
        assert sorted(disk.names(OUT / "new")) == sorted(file_name(key) for key in owed)
        assert disk.names(OUT / "cur") == []
    assert list(store.verify()) == []
    store.close()


def steps() -> int:
    """How many steps there are to cut at."""
    disk = ForgetfulDisk()
    a_day(disk, Told())
    return len(disk.steps)


def test_each_mail_lies_in_the_maildir_once_wherever_the_power_goes() -> None:
    """Nothing owed is lost, nothing lies there twice, and what was settled was on the disk before it was settled."""
    total = steps()
    for cut_at in range(total):
        for throw in range(LUCK + 1):
            told, disk = Told(), ForgetfulDisk(cut_at=cut_at)
            until_dark(disk, told)
            after(disk.after_cut(random.Random(f"{cut_at}.{throw}") if throw else None), told)


def test_the_power_may_go_again_while_the_next_process_makes_up_for_it() -> None:
    """Recovery itself can be cut anywhere."""
    total, chance = steps(), random.Random(20261120)
    for cut_at in range(0, total, 3):
        told, disk = Told(), ForgetfulDisk(cut_at=cut_at)
        until_dark(disk, told)
        again = disk.after_cut(chance, cut_at=chance.randrange(40))
        until_dark(again, told)
        after(again.after_cut(chance), told)


def test_a_maildir_that_forgets_to_sync_its_folder_is_found_out() -> None:
    """The test can fail: without the sync of ``new``, a settled mail is gone after a cut."""

    class Forgetting(ForgetfulDisk):
        def sync_folder(self, folder: Path) -> None:
            if folder.name != "new":
                super().sync_folder(folder)

    told, disk = Told(), Forgetting()
    a_day(disk, told)
    try:
        after(disk.after_cut(), told)
    except AssertionError as lost:
        assert "its mail was lost" in str(lost)  # noqa: PT017 - the words are the point
    else:
        raise AssertionError("a settled mail that was not on the disk went unnoticed")
