"""When to try a delivery again: backoff with jitter, and when to give up. A decision, not an action."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST = timedelta(seconds=5)
FIRST_IN_CHAT = timedelta(seconds=1)
LONGEST = timedelta(minutes=30)
"""How long a mail waits between two tries at most."""

LONGEST_IN_CHAT = timedelta(minutes=1)
"""Chat is for what is wanted now, so it is asked again sooner."""

GIVE_UP_AFTER = timedelta(days=2)
"""Wall time after which an effect that could not be delivered is told to staff as failed."""


def next_try(
    now: datetime,
    attempts: int,
    first_due_at: datetime,
    jitter: float,
    retry_after: timedelta | None = None,
    longest: timedelta = LONGEST,
    first: timedelta = FIRST,
) -> datetime | None:
    """When to try again after ``attempts`` tries, or ``None`` to give up.

    The wait doubles from 5 s (``first``) to 30 min (``longest``), and is spread by ``jitter`` (0 to 1) over its second
    half, so that many failures at once do not come back at once. A time named by the other side is respected if it is
    longer.
    """
    if now - first_due_at > GIVE_UP_AFTER:
        return None
    doublings: int = 2 ** min(max(attempts, 1) - 1, 20)
    wait = min(first * doublings, longest)
    spread = wait * (0.5 + jitter / 2)
    return now + max(spread, retry_after or timedelta())
