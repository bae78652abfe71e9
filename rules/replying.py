"""A staff member answers the customer: held for a moment so that it can be undone, then owed as a mail (R-HA-2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from rules import files, letters
from rules.draft import Draft, staff_author
from rules.effects import Mail, OutboxEntry, OutboxState, OwedFile
from rules.lifecycle import Event
from rules.model import DESK, Command, EntryKind, Refusal, Status
from rules.policy import Staff

HELD, SENT, FAILED, INSIDE = "held", "sent", "failed", "inside"


def reply(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Hold a reply for the undo time, then owe it.

    Nothing counts as answered yet: the first response and the status follow when the relay has taken the mail
    (``delivered``), so withdrawing or failing has nothing to undo. A reply may be a file alone.
    """
    return _hold(draft, command, person, ())


def reply_with(draft: Draft, command: Command, person: Staff, carried: tuple[OwedFile, ...]) -> Refusal | None:
    """Hold a reply whose files are kept already, such as those of a staff member's mail."""
    return _hold(draft, command, person, carried)


def _hold(draft: Draft, command: Command, person: Staff, carried: tuple[OwedFile, ...]) -> Refusal | None:
    text = command.text.strip()
    refusal = files.problem_with(command, draft.chat)
    if refusal:
        return refusal
    attached = (*carried, *files.attached(command))
    if not text and not attached:
        return Refusal(code="empty", text=draft.chat.say("refused_empty"))
    if "@" not in draft.ticket.customer.email:
        return Refusal(code="address", text=draft.chat.say("refused_address", value=draft.ticket.customer.email))
    draft.ticket = replace(draft.ticket, drafted=draft.ticket.drafted + 1)
    hold = timedelta() if command.args.get("now") else draft.policy.habits.undo_hold
    target = command.args.get("target", "")
    meta = {
        "by": person.key,
        "written_at": draft.now.isoformat(),
        "target": target,
        "then": command.args.get("then", ""),
        "text": text,
    }
    # A mail may name several tickets; only what was said on this one is its reader's to see.
    history = tuple(entry for entry in draft.situation.history if entry.ticket == draft.ticket.number)
    entry = letters.staff_reply(
        draft.ticket, draft.policy, text=text, name=person.name, at=draft.now + hold, meta=meta, history=history
    )
    assert isinstance(entry.content, Mail)
    entry = replace(entry, content=replace(entry.content, files=attached))
    draft.owe(entry)
    draft.note(
        EntryKind.REPLIED, text, author=staff_author(person), outbox_key=entry.key, attachments=files.listed(attached)
    )
    if target:
        draft.mark(target, HELD, f"mark:{draft.ticket.drafted}:{HELD}")
    else:
        told = draft.chat.say("chat_reply_elsewhere", name=person.name, via=command.actor.via, text=text)
        name = f"reply:{draft.ticket.drafted}:told"
        draft.post(told, name=name, mark="reply", files=attached)
        files.show(draft, f"{draft.ticket.number}:{name}", attached)
    return None


def _held(draft: Draft, command: Command) -> OutboxEntry | None:
    """The held reply that a command is about: named by its key or by the chat message it was written in."""
    wanted, target = command.args.get("reply", ""), command.args.get("target", "")
    for entry in draft.situation.held:
        if entry.state is OutboxState.QUEUED and (
            entry.key == wanted or (target and entry.meta.get("target") == target)
        ):
            return entry
    return None


def _gone(draft: Draft) -> Refusal:
    return Refusal(code="not_held", text=draft.chat.say("refused_nothing_held"))


def send_now(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """End the hold."""
    entry = _held(draft, command)
    if entry is None:
        return _gone(draft)
    draft.hasten(entry.key)
    return None


def withdraw(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Take a held reply back; it stays in the thread as an inside word. Without the mail that resolves, it is open."""
    entry = _held(draft, command)
    if entry is None:
        return _gone(draft)
    if "resolved_by" in entry.meta:
        _unresolve(draft, entry, person)
        return None
    draft.withdraw(entry.key)
    draft.note(EntryKind.WITHDRAWN, author=staff_author(person), outbox_key=entry.key)
    draft.mark(entry.meta.get("target", ""), INSIDE, f"mark:{_round(entry)}:{INSIDE}")
    return None


def _unresolve(draft: Draft, entry: OutboxEntry, person: Staff) -> None:
    """A customer who was not told what was done must not be reminded of it, and then closed."""
    draft.withdraw(entry.key)
    draft.note(EntryKind.WITHDRAWN, author=staff_author(person), outbox_key=entry.key)
    if draft.can(Event.STAFF_REOPENED):
        draft.move(Event.STAFF_REOPENED, author=staff_author(person), why="the resolution was taken back")
        told = draft.chat.say("chat_reopened", number=draft.ticket.number, why=person.name)
        draft.post(told, mark="reopened")


def edit(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Change a held reply: the old one is withdrawn, a new one with its files is held from now (complaint 68)."""
    entry = _held(draft, command)
    if entry is None or "resolved_by" in entry.meta:
        return _gone(draft)
    draft.withdraw(entry.key)
    draft.note(EntryKind.WITHDRAWN, author=staff_author(person), outbox_key=entry.key, because=("edited while held",))
    kept: Mapping[str, str] = {"target": entry.meta.get("target", ""), "then": entry.meta.get("then", "")}
    carried = entry.content.files if isinstance(entry.content, Mail) else ()
    return _hold(draft, replace(command, args=kept), person, carried)


def _round(entry: OutboxEntry) -> str:
    return entry.key.rpartition(":")[2]


def resolution_delivered(draft: Draft, entry: OutboxEntry) -> None:
    """The relay took the mail that says what was done."""
    draft.first_response(datetime.fromisoformat(entry.meta["written_at"]), entry.meta["resolved_by"])
    draft.note(EntryKind.DELIVERED, entry.receipt, outbox_key=entry.key)


def delivered(draft: Draft, entry: OutboxEntry) -> None:
    """The relay took a staff reply: the customer has been answered."""
    by = entry.meta.get("by", "")
    written_at = datetime.fromisoformat(entry.meta["written_at"])
    draft.first_response(written_at, by)
    author = draft.policy.person(by)
    event = Event.STAFF_WAITS if entry.meta.get("then") == "wait" else Event.STAFF_REPLIED
    if draft.can(event):
        draft.move(event, author=staff_author(author) if author else DESK)
    if draft.ticket.status is Status.WAITING:
        draft.wait_anew()
    if author and draft.ticket.assignee is None:
        draft.give(author, DESK, why="the first to answer is responsible until somebody else is")
    mail = entry.content
    assert isinstance(mail, Mail)
    draft.note(EntryKind.DELIVERED, entry.receipt, outbox_key=entry.key)
    chain = (*draft.ticket.references, mail.message_id)
    # The first one names the thread, the last ones its end (RFC 5322 §3.6.4, complaint 36).
    references = (*chain[:1], *chain[1:][-10:])
    draft.ticket = replace(draft.ticket, references=references, replies=draft.ticket.replies + 1)
    draft.mark(entry.meta.get("target", ""), SENT, f"mark:{_round(entry)}:{SENT}")
