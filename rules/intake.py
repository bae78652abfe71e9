"""A message comes in: which ticket it belongs to, whether it opens one, and what the customer hears at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules.identities import named, one_line
from rules.joining import also_received, join, settles
from rules.machine_mail import NO_TICKET, take_machine_mail
from rules.model import Decision, Message, Situation
from rules.opening import open_ticket
from rules.policy import Policy
from rules.threading import Verdict, judge, opens_new

_LONGEST_SUBJECT = 300


def on_message(message: Message, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """Decide what one message changes (R-IN-1, -2, -3, -6)."""
    if policy.is_own(message.sender.email):
        return Decision(because=("sender: one of our own addresses, so nobody asks anything",), outcome="own")
    staff = (person.email for person in policy.staff)
    verdict = judge(message, situation.candidates, policy.secret, staff)
    ticket = verdict.ticket
    message = replace(message, subject=one_line(message.subject, _LONGEST_SUBJECT), sender=named(message.sender))
    if ticket is not None and verdict.same_message:
        return also_received(message, ticket, verdict, situation, policy, now)
    if message.automatic.is_automatic and message.automatic.kind in NO_TICKET:
        return take_machine_mail(message, ticket, verdict, situation, policy, now)
    if ticket is None:
        return open_ticket(message, verdict, situation, policy, now)
    fresh = opens_new(ticket, message, now, policy.habits.reopen_within)
    if fresh and not settles(ticket, message):
        because = (*verdict.because, f"thread: {fresh}, so it opens a new, linked one")
        follows = Verdict(related=ticket, related_why=fresh, follows=True, because=because)
        return open_ticket(message, follows, situation, policy, now)
    return join(message, ticket, verdict, situation, policy, now)
