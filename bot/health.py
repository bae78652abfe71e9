"""How the desk is, part by part, for ``/healthz``: no personal data, an answer in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.clock import Clock, told_of
from bot.contact import Contact
from channels.web.protocol import Health
from rules.effects import OutboxState
from rules.errors import StoreAwayError, StoreError
from storage.protocol import Store

WARNINGS = ("certificate:", "token:", "silent:", "set_aside", "clock", "backup")
"""Alarms that do not make the desk unwell: nothing is broken yet, or nobody knows."""

LATE = timedelta(minutes=2)
"""A due timer that has not rung for so long means that the scheduler is stuck."""


class Doctor:
    """Asks every part how it is; ``parts`` gives ``ok`` or what is wrong, in a few words, by name.

    ``contact`` knows what is wrong with the way to the database, and is told what is found out here.
    """

    def __init__(
        self, store: Store, clock: Clock, parts: Callable[[], Mapping[str, str]], contact: Contact | None = None
    ) -> None:
        self._contact = contact or Contact(clock)
        self._store = store
        self._clock = clock
        self._parts = parts

    def __call__(self) -> Health:
        """How the desk is now."""
        checks = {"store": self._ask_store()} | dict(self._parts())
        if told := told_of(self._clock):
            checks["clock"] = told
        if not checks["store"].startswith(("fails", "away")):
            checks |= self._stand() | self._beats() | self._unknown()
        return Health(well=all(told.startswith(("ok", "warning")) for told in checks.values()), checks=checks)

    def _stand(self) -> dict[str, str]:
        """The alarms that stand; one about what is still to come is a warning."""
        with self._store.read() as store:
            alarms = store.alarms()
        told = {alarm.key: "warning" if alarm.key.startswith(WARNINGS) else "alarm" for alarm in alarms}
        return {f"alarm {alarm.key}": f"{told[alarm.key]} since {_utc(alarm.raised_at)}" for alarm in alarms}

    def _unknown(self) -> dict[str, str]:
        """What may have been delivered or not, if there is any: it waits for a person's word."""
        with self._store.read() as store:
            count = len(store.outbox(states=(OutboxState.UNCERTAIN,)))
        return {"outbox": f"warning: {count} uncertain, see deskbell outbox list"} if count else {}

    def _beats(self) -> dict[str, str]:
        """How long the last mail of the desk to itself took, by mailbox."""
        with self._store.read() as store:
            beats = store.heartbeats()
        return {
            f"probe {beat.mailbox}": f"ok, {beat.took.total_seconds():.0f} s at {_utc(beat.back_at)}"
            for beat in beats
            if beat.back_at is not None and beat.took is not None
        }

    def _ask_store(self) -> str:
        if away := self._contact.told:
            return away
        try:
            with self._store.read() as store:
                due_at = store.next_due_at()
        except StoreAwayError as problem:
            self._contact.lost(problem)
            return self._contact.told
        except StoreError as problem:
            return f"fails: {type(problem).__name__}"
        if self._store.snapshot_problem:
            return "no snapshot could be written; is the disk full?"
        late = due_at is not None and self._clock.now() - due_at > LATE
        return "timers are late" if late else "ok"


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%MZ}"
