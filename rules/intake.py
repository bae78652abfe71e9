"""A message comes in: which ticket it belongs to, whether it opens one, and what the customer hears at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules import probing
from rules.asking import on_said
from rules.draft import CHAT
from rules.forwarding import is_forward, opening_of, ordered
from rules.holding import hold
from rules.identities import author_of, named, one_line
from rules.joining import also_received, join, settles
from rules.machine_mail import opens_nothing, take_machine_mail
from rules.model import AuthorKind, Decision, Message, Situation, Ticket
from rules.opening import open_ticket
from rules.policy import Policy
from rules.threading import Verdict, judge, opens_new

_LONGEST_SUBJECT = 300
_NO_PROBE = "probe: marked as a mail of the desk to itself, but not one that is awaited, so taken as any other"


def on_message(message: Message, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """Decide what one message changes (R-IN-1, -2, -3, -6)."""
    if message.channel == CHAT:
        return on_said(message, situation, policy, now)
    if message.probe:
        back = probing.on_back(message, situation.heartbeat, policy, now)
        if back is not None:
            return back
        message = replace(message, notes=(*message.notes, _NO_PROBE))
    if policy.is_own(message.sender.email):
        because = (*message.notes, "sender: one of our own addresses, so nobody asks anything")
        return Decision(because=because, outcome="own")
    staff = (person.email for person in policy.staff)
    verdict = judge(message, situation.candidates, policy.secret, staff, known=situation.sender_known)
    ticket = verdict.ticket
    message = tidy(message)
    if ticket is not None and verdict.same_message:
        return also_received(message, ticket, verdict, situation, policy, now)
    if opens_nothing(message, situation):
        return take_machine_mail(message, ticket, verdict, situation, policy, now)
    if verdict.held:
        return _held(message, verdict, situation, policy, now)
    if is_forward(message, policy) and (ticket is None or ordered(message, policy)):
        asked, how = opening_of(message, policy)
        return open_ticket(tidy(asked), verdict, situation, policy, now, how)
    if ticket is None:
        return open_ticket(message, verdict, situation, policy, now)
    return on_known_message(message, ticket, verdict, situation, policy, now)


def tidy(message: Message) -> Message:
    """The message with a subject and a sender's name of decent length, each on one line."""
    subject, sender = one_line(message.subject, _LONGEST_SUBJECT), named(message.sender)
    if subject == message.subject and sender is message.sender:
        return message
    return replace(message, subject=subject, sender=sender)


def on_known_message(
    message: Message, ticket: Ticket, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """A message that belongs to a ticket joins it, or goes on with it under a new number (R-CO-2)."""
    fresh = opens_new(ticket, message, now, policy.habits.reopen_within)
    if author_of(message, ticket, policy).kind is AuthorKind.STAFF:
        # A colleague's word about a ticket that was done is no request of theirs.
        fresh = None
    if fresh and not settles(ticket, message):
        because = (*verdict.because, f"thread: {fresh}, so it opens a new, linked one")
        follows = Verdict(related=ticket, related_why=fresh, follows=True, because=because)
        return open_ticket(message, follows, situation, policy, now)
    return join(message, ticket, verdict, situation, policy, now)


def _held(message: Message, verdict: Verdict, situation: Situation, policy: Policy, now: datetime) -> Decision:
    if situation.waits is not None:
        because = (*verdict.because, "thread: the same mail at another of our addresses waits already")
        return Decision(because=because, outcome="also_received")
    return hold(message, verdict, policy, now)
