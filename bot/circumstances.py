"""What must be known before a command or a kept message is decided on: read from the store, and from raw mail again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.chat_words import words_from
from channels.mail.parse import parse
from rules import decide, loops, splitting
from rules.draft import CHAT
from rules.forwarding import unwrapped
from rules.merging import goal_of
from rules.model import Command, Message, Quarantined, Situation
from rules.policy import Policy
from rules.quoting import LAST_LINES
from storage import counting, situations
from storage.chat_situations import for_chat
from storage.protocol import UnitOfWork
from storage.recollection import recalled_for_staff

ReadAgain = Callable[[Policy, Quarantined, bytes], Message]
"""Gives a message that was kept as it was first received, for a second look."""

ABOUT_WORDS = frozenset({"say", "send", "correct", "withdraw"})
"""Commands about words in chat, however old; they are decided from all that was said on the ticket."""

ABOUT_HELD_MAIL = frozenset({"admit", "separate"})


def read_again(policy: Policy, held: Quarantined, raw: bytes) -> Message:
    """A mail as it was first received, under the key that it had then."""
    if held.channel == CHAT:
        return words_from(raw)
    own = [address for box in policy.mailboxes for address in box.addresses]
    again = parse(
        raw, received_at=held.at, channel=held.channel, recipients=held.recipients, origin=held.origin,
        own_addresses=own, envelope_sender=held.envelope_sender,
        trusted_hosts=policy.mailbox(held.channel.removeprefix("mail:")).trusted_hosts,
    )  # fmt: skip
    return replace(again, key=held.key)


def of_message(work: UnitOfWork, message: Message, policy: Policy) -> Situation:
    """What bears on one message."""
    if message.channel == CHAT:
        return counting.counted(work, message, for_chat(work, message), message.sender.email, policy.secret)
    mailboxes = [box.name for box in policy.mailboxes]
    asked = unwrapped(message, policy)
    customer = decide.customer_address(asked, policy).email
    found = situations.for_message(work, message, mailboxes, customer)
    if policy.staff_by_email(message.sender.email):
        found = recalled_for_staff(work, found)
    return counting.counted(work, asked, found, customer, policy.secret)


def of_command(work: UnitOfWork, command: Command, policy: Policy, again: ReadAgain) -> Situation:
    """What bears on one command: its ticket, and what else it is about."""
    if command.name in ABOUT_HELD_MAIL:
        return _of_word(work, command, policy, again)
    if command.name in ("block", "unblock"):
        return situations.for_tally(work, command.ticket, loops.meant(command))
    if command.name in ("merge", "belongs"):
        goal = goal_of(command)
        return situations.for_merge(work, command.ticket, int(goal) if goal.isdecimal() and len(goal) < 10 else None)
    if command.name == "split":
        found = situations.for_split(work, command.ticket)
        entry = splitting.meant(command, found.story)
        return replace(found, customer=work.customer(entry.author.key) if entry else None)
    if command.name in ABOUT_WORDS:
        return situations.for_words(work, command.ticket)
    if command.name == "reply":
        return situations.for_words(work, command.ticket, LAST_LINES)
    return situations.for_ticket(work, command.ticket)


def _of_word(work: UnitOfWork, command: Command, policy: Policy, again: ReadAgain) -> Situation:
    held = situations.waiting(work, command.args.get("value", ""))
    if held is None:
        return situations.for_ticket(work, command.ticket)
    message = again(policy, held, work.raw(held.key))
    mailboxes = [box.name for box in policy.mailboxes]
    # What a colleague passed on becomes the request of whoever wrote it first, if it is let in.
    asked = unwrapped(message, policy) if command.name == "admit" else message
    customer = decide.customer_address(asked, policy).email
    found = situations.for_word(work, held, message, mailboxes, customer)
    return counting.counted(work, asked, found, customer, policy.secret)
