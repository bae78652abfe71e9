"""One input's work on the desk's state: questions, changes, and all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from rules.effects import OutboxEntry, OutboxState, owed_again
from rules.errors import ConflictError
from rules.model import (
    Decision,
    Heard,
    Origin,
    Quarantined,
    Ticket,
)
from storage.reading import StateReader
from storage.state import Kept, State


class Keeper(Protocol):
    """The store behind a unit of work."""

    def seal(self) -> int:
        """Put what was changed in line for the disk; gives the number of the last commit in line."""

    def undone(self) -> None:
        """All that was changed was put back."""

    def free(self) -> None:
        """Let the next unit of work begin."""

    def finish(self, commit: int) -> None:
        """Return when this commit and all before it are durable, or when the caller waits for several at once."""


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The due time of an effect that waits for nothing."""


class Work(StateReader):
    """One input's work. What is recorded is seen by its own questions at once, and undone if it is not committed."""

    def __init__(self, state: State, keeper: Keeper) -> None:
        super().__init__(state)
        self._keeper = keeper
        self._open = True

    def next_number(self) -> int:
        """The number the next ticket gets."""
        return self._state.tickets.last_id + 1

    def record(self, key: str, decision: Decision, *, raw: bytes = b"", origin: Origin | None = None) -> None:
        """Write down a whole decision under its input's dedupe key."""
        self._check_open()
        self._check_versions(decision.tickets)
        before = len(self._state.log)
        try:
            self._write(decision)
            self._take_in(key, raw or None, origin, decision.outcome)
        except BaseException:
            self._state.log.undo(before)
            raise

    def keep(self, key: str, raw: bytes) -> None:
        """Keep bytes under a key; a key that is known keeps the bytes it has."""
        self._check_open()
        if self._state.kept.id_of(key) is None:
            self._state.kept.put(Kept(key=key, place=self._state.blobs.keep(raw)))

    def hear(self, heard: Heard) -> None:
        """Write down what was heard in chat, to be taken in later."""
        self._check_open()
        self._state.seen.add(heard.key)
        self._state.inbox.put(heard)

    def take_in(self, key: str) -> None:
        """What was heard under this key has been taken in."""
        self._check_open()
        row_id = self._state.inbox.id_of(key)
        if row_id is not None:
            self._state.inbox.remove(row_id)

    def account(self, origin: Origin, outcome: str) -> None:
        """Add a line to the mailbox ledger."""
        self._check_open()
        self._state.ledger.account(origin, outcome)

    def settle(self, entry: OutboxEntry) -> None:
        """Replace an outbox entry by what became of it. Raises KeyError for an effect that is not owed."""
        self._check_open()
        if self._state.outbox.id_of(entry.key) is None:
            raise KeyError(entry.key)
        self._state.outbox.put(entry)

    def quarantine(self, held: Quarantined, raw: bytes) -> None:
        """Keep a message that could not be decided on."""
        self._check_open()
        self._state.quarantine.put(held)
        self._take_in(held.key, raw, held.origin, "quarantined")

    def release(self, key: str) -> None:
        """Take a message out of quarantine and forget its dedupe key; its raw bytes stay.

        Raises KeyError when it is not there.
        """
        self._check_open()
        row_id = self._state.quarantine.id_of(key)
        if row_id is None:
            raise KeyError(key)
        self._state.quarantine.remove(row_id)
        self._state.seen.forget(key)

    def take_due(self, now: datetime, limit: int, rooms: Mapping[str, int] | None = None) -> Sequence[OutboxEntry]:
        """Mark due entries as ``sending``, one more attempt each."""
        taken = []
        for row_id in self._state.lanes.claimable(now, limit, rooms):
            entry = self._state.outbox.get(row_id)
            if entry is not None:
                taken.append(replace(entry, state=OutboxState.SENDING, attempts=entry.attempts + 1))
        for entry in taken:
            self._state.outbox.put(entry)
        return tuple(taken)

    def commit(self) -> None:
        """Make all of it durable, or none of it."""
        self._check_open()
        try:
            commit = self._keeper.seal()
        except BaseException:
            self.leave()
            raise
        self._open = False
        self._state.settle()
        self._keeper.free()
        self._keeper.finish(commit)

    def leave(self) -> None:
        """End without commit: nothing of it stays. Does nothing after a commit."""
        if self._open:
            self._open = False
            try:
                self._state.undo()
                self._keeper.undone()
            finally:
                self._keeper.free()

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError("This unit of work is over; begin another one")

    def _check_versions(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            stored = self._state.tickets.rows.glimpse(ticket.number)
            version = stored.version if stored is not None else 0
            if ticket.version != version:
                raise ConflictError(
                    f"Ticket {ticket.number} was changed meanwhile (version {version}, decided on {ticket.version}); "
                    "run the unit of work again"
                )

    def _write(self, decision: Decision) -> None:
        state = self._state
        for ticket in decision.tickets:
            state.tickets.put(replace(ticket, version=ticket.version + 1), ticket.number)
        for line in decision.journal:
            state.entries.put(line)
        self._withdraw(decision.withdraw)
        self._hasten(decision.hasten)
        self._choose(decision)
        for owed in decision.outbox:
            if state.outbox.id_of(owed.key) is None:
                state.outbox.put(owed)
        self._set_timers(decision)
        for link in decision.links:
            if state.links.id_of(link.key) is None:
                state.links.put(link)
        for customer in decision.customers:
            state.customers.put(customer)
        for tally in decision.tallies:
            state.tallies.put(tally)
        self._hold(decision)
        self._watch(decision)

    def _watch(self, decision: Decision) -> None:
        state = self._state
        for proof in decision.proofs:
            state.proofs.put(proof)
        for beat in decision.heartbeats:
            state.heartbeats.put(beat)
        for alarm in decision.alarms:
            state.alarms.put(alarm)
        for cursor in decision.cursors:
            state.cursors.put(cursor)
        for key in decision.over:
            row_id = state.alarms.id_of(key)
            if row_id is not None:
                state.alarms.remove(row_id)

    def _hold(self, decision: Decision) -> None:
        quarantine = self._state.quarantine
        for held in decision.held:
            quarantine.put(held)
        for key in decision.released:
            row_id = quarantine.id_of(key)
            if row_id is not None:
                quarantine.remove(row_id)

    def _set_timers(self, decision: Decision) -> None:
        timers = self._state.timers
        for key in decision.cancel_timers:
            row_id = timers.id_of(key)
            if row_id is not None:
                timers.remove(row_id)
        for timer in decision.timers:
            timers.put(timer)

    def _withdraw(self, keys: Sequence[str]) -> None:
        for key in keys:
            owed = self._state.outbox.find(key)
            if owed is not None and owed.state is OutboxState.QUEUED:
                self._state.outbox.put(replace(owed, state=OutboxState.WITHDRAWN))

    def _hasten(self, keys: Sequence[str]) -> None:
        for key in keys:
            owed = self._state.outbox.find(key)
            if owed is not None and owed.state is OutboxState.QUEUED:
                self._state.outbox.put(replace(owed, due_at=EARLIEST))

    def _choose(self, decision: Decision) -> None:
        """What a person said of effects that failed or are uncertain; one that is neither stays as it is."""
        for key in (*decision.requeue, *decision.drop):
            owed = self._state.outbox.find(key)
            if owed is not None and owed.state in (OutboxState.FAILED, OutboxState.UNCERTAIN):
                again = key in decision.requeue
                chosen = owed_again(owed, EARLIEST) if again else replace(owed, state=OutboxState.WITHDRAWN)
                self._state.outbox.put(chosen)

    def _take_in(self, key: str, raw: bytes | None, origin: Origin | None, outcome: str) -> None:
        self._state.seen.add(key)
        if raw is not None:
            self.keep(key, raw)
        if origin is not None:
            self._state.ledger.account(origin, outcome)
