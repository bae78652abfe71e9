"""What failed, or may have: told to people with two buttons, and done as one of them says (complaint 21)."""

from __future__ import annotations

from datetime import datetime

from rules.draft import CHAT, staff_author
from rules.effects import Button, Mail, OutboxEntry, OutboxState, Post, is_answer
from rules.model import Author, AuthorKind, Command, Decision, Entry, EntryKind, Refusal, Situation, Ticket
from rules.policy import Policy, Staff
from rules.wording import Texts

LOST = (OutboxState.FAILED, OutboxState.UNCERTAIN)
"""The states in which an effect waits for a person."""


def loss(entry: OutboxEntry, ticket: Ticket | None, policy: Policy) -> str:
    """A lost or doubtful mail in words for the chat."""
    texts, problem = policy.wording.of(policy.languages[0]), entry.problem[:300]
    if entry.state is OutboxState.UNCERTAIN:
        return texts.say("chat_uncertain", problem=problem, key=entry.key)
    if isinstance(entry.content, Post):
        return texts.say("chat_failed", problem=problem)
    to = entry.content.to if isinstance(entry.content, Mail) else ()
    if ticket is not None and ticket.customer.email in to:
        return texts.say("chat_failed", problem=problem)
    return texts.say("chat_failed_staff", to=", ".join(to), problem=problem)


def buttons(entry: OutboxEntry, texts: Texts) -> tuple[Button, ...]:
    """What can be done about a mail that was lost."""
    if not isinstance(entry.content, Mail) and not is_answer(entry):
        return ()
    return (
        Button(command="resend", label=texts.say("button_resend"), value=entry.key),
        Button(command="leave", label=texts.say("button_leave"), value=entry.key),
    )


def resend(command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime) -> Decision | Refusal:
    """Send it again, under the same Message-ID, so that whoever has it already may see that it is the same."""
    return _chosen(command, situation, policy, person, now)


def leave(command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime) -> Decision | Refusal:
    """Never send it again."""
    return _chosen(command, situation, policy, person, now)


def _chosen(command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime) -> Decision | Refusal:
    """What one click does; the second click of two finds nothing that waits, so a mail goes out once for it."""
    texts = policy.wording.of(policy.languages[0])
    key = command.args.get("value", "")
    entry = next((one for one in situation.lost if one.key == key and one.state in LOST), None)
    if entry is None:
        return Refusal(code="not_lost", text=texts.say("refused_not_lost"))
    post = OutboxEntry(
        key=f"lost:{entry.key}:{entry.attempts}:{command.name}", channel=CHAT, due_at=now, ticket=entry.ticket,
        lane=CHAT if entry.ticket is None else f"chat:{entry.ticket}",
        content=Post(text=texts.say(f"chat_{command.name}", name=person.name), ticket=entry.ticket, mark="status"),
    )  # fmt: skip
    again = command.name == "resend"
    return _decision(entry, staff_author(person), command.actor.via, now, again=again, owed=(post,))


def on_choice(entry: OutboxEntry, choice: OutboxState, by: str, now: datetime) -> Decision:
    """The same word by the command line: ``queued`` sends it again, ``withdrawn`` never."""
    author = Author(kind=AuthorKind.STAFF, name=by)
    return _decision(entry, author, "cli", now, again=choice is OutboxState.QUEUED)


def _decision(
    entry: OutboxEntry, author: Author, via: str, now: datetime, *, again: bool, owed: tuple[OutboxEntry, ...] = ()
) -> Decision:
    choice = OutboxState.QUEUED if again else OutboxState.WITHDRAWN
    because = (f"outbox: {entry.key} was {entry.state} ({entry.problem[:200]}), now {choice}, by {author.name}",)
    journal: tuple[Entry, ...] = ()
    if entry.ticket is not None:
        line = Entry(
            ticket=entry.ticket, at=now, kind=EntryKind.CHANGED, author=author, text=f"{entry.key} {choice}",
            because=because, source=via, outbox_key=entry.key,
        )  # fmt: skip
        journal = (line,)
    keys = (entry.key,)
    return Decision(
        requeue=keys if again else (), drop=() if again else keys, journal=journal, outbox=owed, because=because,
        outcome=choice,
    )  # fmt: skip
