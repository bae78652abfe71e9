"""A desk that is killed while it takes mail from an IMAP mailbox takes every message once, and moves only what it has.

Complaints 1 and 2: what is new is told from the ledger, never from the Seen flag.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import pytest

from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.crashes.places import Place
from tests.crashes.promises import received
from tests.crashes.written import Written
from tests.end_to_end.dovecot import a_mailbox
from tests.end_to_end.parts import DeskProcess, letter, mails_in, until

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
KILLS = 40 if SOAK else 5
HANDLED = "Handled"
A_KILL = 6
"""Mails that arrive in the mailbox before each kill."""


@pytest.mark.timeout(900 if SOAK else 300)
def test_a_desk_killed_while_it_reads_a_mailbox_takes_every_message_once(place: Place) -> None:
    """What was moved away is in the journal; what was not is there after the restart; nothing is taken twice."""
    imap = a_mailbox()
    imap.start()
    try:
        with imap.client() as mailbox:
            mailbox.create_folder(HANDLED)
        with place.desk({"IMAP": PASSWORD}, mail=a_mailbox_at(imap)) as desk:
            names = kill_again_and_again(place, desk, imap)
            desk.start()
            until(lambda: moved(imap) == names, "the whole mailbox to be moved", within_s=60, every_s=0.2)
            place.settle(place.written())
            assert desk.stop() == 0
            assert desk.command("verify").code == 0
            with place.kept() as store:
                found = received(store)
            assert found.keys() == names
            assert {name: tickets for name, tickets in found.items() if len(tickets) != 1} == {}
            assert len(mails_in(desk.maildir)) == len(names)
    finally:
        imap.stop()


def kill_again_and_again(place: Place, desk: DeskProcess, imap: ImapServer) -> set[str]:
    """Kill the desk over mail that has arrived, until a kill fell between commit and move; gives all Message-IDs."""
    chance = random.Random(20260322)
    written = place.written()
    fell: Counter[bool] = Counter()
    names: set[str] = set()
    while fell.total() < KILLS or (not fell[True] and fell.total() < 3 * KILLS):
        numbers = range(len(names) + 1, len(names) + A_KILL + 1)
        imap.deliver(*map(question, numbers))
        enough = len(names) + chance.randint(0, A_KILL - 1)
        names |= set(map(message_id, numbers))
        desk.start()
        until_some_are_taken(written, enough)
        desk.kill()
        fell[fell_between(imap, written)] += 1
    assert fell[True], "no kill fell between commit and move"
    return names


def a_mailbox_at(imap: ImapServer) -> dict[str, Any]:
    """A desk's mailbox that is read there; what the desk has is moved."""
    mailbox = {
        "host": "127.0.0.1", "port": imap.port, "tls": False, "username": USER, "password": {"env": "IMAP"},
        "first_run": "all", "move_to": HANDLED,
    }  # fmt: skip
    return {"smtp_in": None, "imap": mailbox}


def question(number: int) -> bytes:
    """A customer's mail in the mailbox."""
    sender = f"customer{number}@example.org"
    return letter(sender, f"Question {number}", "Please help.", message_id=message_id(number))


def message_id(number: int) -> str:
    """Its Message-ID."""
    return f"<imap-{number}@example.org>"


def until_some_are_taken(written: Written, more_than: int) -> None:
    """Return when the desk's journal has more messages than these."""

    def taken() -> bool:
        written.read_on()
        return len(written.message_ids) > more_than

    until(taken, "the desk to take mails", every_s=0.002)


def moved(imap: ImapServer) -> set[str]:
    """The messages that were moved away, as those that the desk has."""
    with imap.client() as mailbox:
        mailbox.select_folder(HANDLED, readonly=True)
        uids = mailbox.search()
        found = mailbox.fetch(uids, ["ENVELOPE"]) if uids else {}
        names = [found[uid][b"ENVELOPE"].message_id.decode() for uid in uids]
    assert len(names) == len(set(names))
    return set(names)


def fell_between(imap: ImapServer, written: Written) -> bool:
    """Whether the kill fell between commit and move; nothing is moved that the journal does not have."""
    written.read_on()
    gone = moved(imap)
    assert gone <= written.message_ids
    return gone < written.message_ids
