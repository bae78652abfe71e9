"""What every store keeps about the desk's own health: alarms stand until they are over, heartbeats are replaced."""

from __future__ import annotations

from datetime import timedelta

from rules.model import Alarm, Heartbeat
from tests.builders import MONDAY
from tests.contracts.desks import Desk, reader

HOUR = timedelta(hours=1)


def test_alarms_stand_until_they_are_over(desk: Desk) -> None:
    """A restart neither loses nor raises one."""
    first = Alarm(key="mailbox:support", raised_at=MONDAY, problem="no answer", told_at=MONDAY)
    second = Alarm(key="disk", raised_at=MONDAY + HOUR, problem="3 MB left")
    desk.record("raised", alarms=(second, first))
    desk.again()
    assert list(reader(desk).alarms()) == [first, second]
    desk.record("over", over=("mailbox:support", "never raised"))
    desk.again()
    assert list(reader(desk).alarms()) == [second]


def test_the_last_heartbeat_of_a_mailbox_is_the_one_that_counts(desk: Desk) -> None:
    """By mailbox, whatever was known before."""
    sales = Heartbeat(mailbox="sales", heard_at=MONDAY)
    support = Heartbeat(mailbox="support", pending=(MONDAY, MONDAY + HOUR))
    desk.record("first", heartbeats=(support, sales))
    back = Heartbeat(mailbox="support", heard_at=MONDAY, back_at=MONDAY + HOUR, took=timedelta(seconds=4))
    desk.record("second", heartbeats=(back,))
    desk.again()
    assert list(reader(desk).heartbeats()) == [sales, back]
