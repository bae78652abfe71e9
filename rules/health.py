"""What is known of the desk's own health: mailboxes proven, alarms that stand, heartbeats of the mailboxes.

Everything here is frozen data. Times are aware UTC datetimes and end in ``_at``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One mailbox compared with its ledger: each message on the server explained, or named as not (complaint 1).

    ``counts`` says how many were what; ``unexplained`` are UIDs under the present UIDVALIDITY. ``problem`` says why the
    comparison could not be made.
    """

    mailbox: str
    at: datetime
    on_server: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    unexplained: tuple[int, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something about the desk itself that staff must know: a silent mailbox, a password that expires (complaint 6).

    It stands from ``raised_at`` until it is over; ``told_at`` is when staff last heard of it.
    """

    key: str
    raised_at: datetime
    problem: str
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What shows that a mailbox lives: when it last brought a mail, and the mails that the desk sends to itself.

    ``heard_at`` is when a mail that was no probe last came, and may be some minutes old. ``pending`` is when those
    probes were sent that did not come back yet, oldest first; ``back_at`` is when one last did, after ``took``.
    """

    mailbox: str
    heard_at: datetime | None = None
    pending: tuple[datetime, ...] = ()
    back_at: datetime | None = None
    took: timedelta | None = None
