"""Compares each mailbox on a server with its ledger: for ``deskbell reconcile`` and once a day by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.accounts import imap_settings
from bot.clock import Clock
from bot.desk import Desk
from bot.logins import Logins
from bot.roles import Roles, reader_of
from bot.settings import MailSettings
from channels.mail.imap_account import ImapAccount, ImapSettings
from channels.mail.imap_in import TROUBLE, ImapListener, Listing, list_folder
from rules.errors import ChannelError
from rules.model import Proof
from rules.reconciling import on_proof, prove
from storage.protocol import Store

Listings = Mapping[str, Callable[[], Listing]]
"""How to find out what lies in each mailbox, by its name."""

_EARLY = 6
"""The daily comparison is made after this hour of the desk's day, before the digests of the morning."""
_TRY_AGAIN = timedelta(hours=1)


def of_listeners(listeners: list[ImapListener]) -> Listings:
    """Over the lines that a running desk has open."""
    return {listener.name.removeprefix("imap:"): listener.listing for listener in listeners}


def of_accounts(boxes: tuple[MailSettings, ...], store: Store, logins: Logins | None = None) -> Listings:
    """Over lines of its own, for a desk that does not run; nothing on the server is changed."""
    tokens = logins.imap if logins else {}
    accounts = {box.name: imap_settings(box.imap, tokens.get(box.name)) for box in boxes if box.imap}
    return {name: partial(_look, name, replace(settings, after="keep"), store) for name, settings in accounts.items()}


def _look(name: str, settings: ImapSettings, store: Store) -> Listing:
    try:
        account = ImapAccount(settings)
        try:
            with store.read() as reader:
                known = reader.ledger(name, account.uid_validity)
            return list_folder(account, known)
        finally:
            account.close()
    except TROUBLE as problem:
        raise ChannelError(f"{settings.host}:{settings.port}: {problem}") from problem


def compare(store: Store, listings: Listings, clock: Clock) -> Iterator[Proof]:
    """Each mailbox against its ledger. A mailbox that cannot be reached has a ``problem`` and nothing else."""
    for name, listed in listings.items():
        try:
            listing = listed()
        except ChannelError as problem:
            yield Proof(mailbox=name, at=clock.now(), problem=str(problem)[:300])
            continue
        with store.read() as reader:
            lines = reader.ledger_lines(name).get(listing.uid_validity, {})
        outcomes = {uid: line.outcome for uid, line in lines.items()}
        yield prove(name, listing.uids, outcomes, listing.arrived, clock.now())


class DailyProof:
    """Makes the comparison once in each of the desk's days, and again an hour later while it cannot be made.

    Of several processes the one that reads a mailbox compares it, over the line that it has open anyway.
    """

    def __init__(self, desk: Desk, listings: Listings, clock: Clock, roles: Roles | None = None) -> None:
        self._desk = desk
        self._roles = roles or Roles(desk.store)
        self._listings = listings
        self._clock = clock

    def make_due(self) -> None:
        """Compare the mailboxes that are due. Called often, from a worker thread; does nothing most of the time."""
        ours = {name: listed for name, listed in self._listings.items() if self._roles.has(reader_of(name))}
        if not ours:
            return
        with self._desk.store.read() as reader:
            last = {proof.mailbox: proof for proof in reader.proofs()}
        now = self._clock.now()
        due = {name: listed for name, listed in ours.items() if self._is_due(last.get(name), now)}
        for proof in compare(self._desk.store, due, self._clock):
            decision = on_proof(proof, self._desk.policy, proof.at)
            self._desk.conclude(f"proof:{proof.mailbox}:{proof.at.isoformat()}", decision, "reconciled")

    def _is_due(self, last: Proof | None, now: datetime) -> bool:
        local = now.astimezone(ZoneInfo(self._desk.policy.timezone))
        if last is None:
            return True
        if last.problem:
            return abs(now - last.at) >= _TRY_AGAIN
        return local.hour >= _EARLY and last.at.astimezone(local.tzinfo).date() != local.date()
