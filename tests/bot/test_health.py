"""How the desk says that it is well, or what is wrong."""

from __future__ import annotations

from datetime import timedelta

from bot.health import LATE, Doctor
from rules.effects import OutboxState
from rules.errors import StoreUnavailableError
from rules.model import Decision
from storage.memory import MemoryStore
from tests.builders import a_timer, an_outbox_entry
from tests.stage import MONDAY, HandClock


def a_doctor(store: MemoryStore, clock: HandClock | None = None, **parts: str) -> Doctor:
    return Doctor(store, clock or HandClock(), lambda: parts)


def test_a_desk_that_works_is_well() -> None:
    health = a_doctor(MemoryStore(), imap="ok")()

    assert health.well
    assert health.checks == {"store": "ok", "imap": "ok"}


def test_a_mailbox_that_cannot_be_reached_is_not_well() -> None:
    health = a_doctor(MemoryStore(), imap="unreachable")()

    assert not health.well
    assert health.checks["imap"] == "unreachable"


def test_what_may_have_arrived_is_a_warning_until_a_person_has_decided() -> None:
    """Nobody is told of it otherwise who does not look into the outbox; the desk itself is well."""
    store = MemoryStore()
    with store.begin() as work:
        work.record("owes", Decision(outbox=(an_outbox_entry("1:reply", state=OutboxState.UNCERTAIN),)))
        work.commit()

    health = a_doctor(store)()

    assert health.well
    assert health.checks["outbox"] == "warning: 1 uncertain, see deskbell outbox list"


def test_a_timer_that_should_have_rung_means_that_the_scheduler_is_stuck() -> None:
    store, clock = MemoryStore(), HandClock()
    with store.begin() as work:
        work.record("timer", Decision(timers=(a_timer("1:due", due_at=MONDAY),)))
        work.commit()

    clock.at = MONDAY + LATE
    assert a_doctor(store, clock)().well
    clock.at += timedelta(seconds=1)
    assert a_doctor(store, clock)().checks == {"store": "timers are late"}


def test_a_snapshot_that_failed_is_told() -> None:
    store = MemoryStore()
    store.snapshot_problem = "No space left on device"

    assert "no snapshot" in a_doctor(store)().checks["store"]


def test_a_store_that_takes_nothing_more_is_told_without_its_details() -> None:
    class Broken(MemoryStore):
        def _check(self) -> None:
            raise StoreUnavailableError("/srv/desk/data: no space")

    health = a_doctor(Broken())()

    assert not health.well
    assert health.checks == {"store": "fails: StoreUnavailableError"}
