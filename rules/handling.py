"""What staff do with a ticket besides answering: claim, assign, classify anew, put off, resolve, close (R-HA-1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rules import files, letters, pinging, sla
from rules.draft import Draft, staff_author
from rules.errors import IllegalTransitionError
from rules.hours import parse_duration
from rules.lifecycle import LIVE, Event
from rules.model import Command, EntryKind, Refusal, Resolution, Ticket
from rules.policy import Staff
from rules.wording import moment


def note(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Keep a word, or a file, inside."""
    text = command.text.strip()
    refusal = files.problem_with(command, draft.chat)
    if refusal:
        return refusal
    attached = files.attached(command)
    if not text and not attached:
        return Refusal(code="empty", text=draft.chat.say("refused_empty"))
    target = command.args.get("target", "")
    draft.note(
        EntryKind.NOTED, text, author=staff_author(person), attachments=files.listed(attached), place=target
    )  # fmt: skip
    if target:
        draft.mark(target, "inside", f"mark:note:{target}")
    else:
        name = f"note:{draft.round}"
        draft.post(
            draft.chat.say("chat_note_kept", name=person.name, text=text), name=name, mark="inside", files=attached
        )
        files.show(draft, f"{draft.ticket.number}:{name}", attached)
    return None


def drop_participant(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Take somebody off a ticket: from now on they get no answers, unless the customer adds them again."""
    wanted = command.args.get("value", "").strip().lower()
    gone = next((each for each in draft.ticket.participants if each.email.lower() == wanted), None)
    if gone is None:
        known = ", ".join(each.email for each in draft.ticket.participants) or "-"
        return Refusal(code="participant", text=draft.chat.say("refused_participant", value=wanted, known=known))
    left = tuple(each for each in draft.ticket.participants if each is not gone)
    draft.ticket = replace(draft.ticket, participants=left)
    draft.note(EntryKind.CHANGED, f"participant {gone.email} -> nobody", author=staff_author(person))
    draft.post(draft.chat.say("chat_participant_dropped", name=person.name, who=gone), mark="changed")
    return None


def claim(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Take the ticket: the claimer is responsible from now on."""
    draft.move(Event.STAFF_CLAIMED, author=staff_author(person))
    if draft.ticket.assignee != person.key:
        before = draft.responsible
        draft.give(person, staff_author(person))
        called = tuple(key for key in before if key != person.key)
        draft.post(draft.chat.say("chat_claimed", name=person.name), mentions=called, mark="assigned")
    return None


def assign(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Give the ticket to somebody on the staff list."""
    wanted = command.args.get("to", "").strip()
    goal = next((p for p in draft.policy.staff if wanted and wanted in (p.key, p.name, p.email, p.slack)), None)
    if goal is None:
        known = ", ".join(p.key for p in draft.policy.staff)
        return Refusal(code="staff", text=draft.chat.say("refused_staff", value=wanted, known=known))
    if draft.ticket.assignee != goal.key:
        # Whoever had it is told as well, so that never two believe that the other has it (R-AS-2).
        before, why = draft.responsible, command.text.strip()
        draft.give(goal, staff_author(person), why=why)
        gaps = {"by": person.name, "name": goal.name}
        told = draft.chat.say("chat_assigned_why", **gaps, why=why) if why else draft.chat.say("chat_assigned", **gaps)
        called = tuple(key for key in (goal.key, *before) if key != person.key)
        draft.post(told, mentions=called, mark="assigned")
    return None


def taken(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Answer an escalation: pings stop, the ladder rests for one more first-response time (complaint 61)."""
    if draft.ticket.status not in LIVE:
        raise IllegalTransitionError("nothing escalates on a ticket that is done")
    if _has_taken(draft.ticket, person):
        return None
    draft.ticket = replace(draft.ticket, taken_by=person.key, taken_at=draft.now)
    pinging.withdraw_queued(draft)
    until = sla.rests_until(draft.ticket, draft.policy, draft.now)
    draft.note(EntryKind.TAKEN, author=staff_author(person))
    told = draft.chat.say("chat_taken", name=person.name, until=moment(draft.chat, until, draft.policy.timezone))
    draft.post(told, mark="assigned")
    if draft.ticket.assignee is None:
        draft.give(person, staff_author(person))
    return None


def _has_taken(ticket: Ticket, person: Staff) -> bool:
    """Whether this person has taken it since it rang last: a second click changes nothing."""
    rung = [clock.rung_at for clock in ticket.clocks if clock.rung_at]
    taken_at = ticket.taken_at
    return ticket.taken_by == person.key and taken_at is not None and taken_at >= max(rung, default=taken_at)


def priority(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Change the priority; the change, the person and the reason are kept (R-CL-2), the clocks follow."""
    wanted = command.args.get("value", "").strip()
    levels = {level.name: level for level in draft.policy.levels}
    if wanted not in levels:
        known = ", ".join(levels)
        return Refusal(code="priority", text=draft.chat.say("refused_priority", value=wanted, known=known))
    before = draft.ticket.priority
    if wanted == before:
        return None
    policy, now = draft.policy, draft.now
    changed = sla.change_level(draft.ticket, levels[wanted], policy.calendars, now)
    clocks = sla.bundled(changed, sla.ladders(policy, wanted), policy.calendars, now)
    draft.ticket = replace(draft.ticket, priority=wanted, clocks=clocks, snoozed_until_at=None)
    why = command.text.strip()
    because = (f"said: {why}",) if why else ()
    draft.note(EntryKind.CHANGED, f"priority {before} -> {wanted}", author=staff_author(person), because=because)
    gaps = {"name": person.name, "old": before, "new": wanted}
    told = draft.chat.say("chat_priority", **gaps, why=why) if why else draft.chat.say("chat_priority_only", **gaps)
    draft.post(told, mark="changed")
    return None


def category(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Change the category."""
    wanted = command.args.get("value", "").strip()
    if wanted not in draft.policy.categories:
        known = ", ".join(draft.policy.categories)
        return Refusal(code="category", text=draft.chat.say("refused_category", value=wanted, known=known))
    before = draft.ticket.category
    if wanted == before:
        return None
    draft.ticket = replace(draft.ticket, category=wanted)
    draft.note(EntryKind.CHANGED, f"category {before} -> {wanted}", author=staff_author(person))
    draft.post(draft.chat.say("chat_category", name=person.name, old=before, new=wanted), mark="changed")
    return None


def wait(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Wait for the customer: the resolution clock stands still, silence is reminded, then settled."""
    draft.move(Event.STAFF_WAITS, author=staff_author(person))
    draft.post(draft.chat.say("chat_waiting", name=person.name), mark="status")
    return None


def hold(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Put the ticket off until an agreed time; it wakes up by itself (R-AS-5)."""
    return _put_off(draft, command, person, Event.STAFF_HOLDS, "chat_on_hold")


def follow_up(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Set an owner and a date; unlike on hold, the clock runs on."""
    if draft.ticket.assignee is None:
        draft.give(person, staff_author(person))
    return _put_off(draft, command, person, Event.STAFF_FOLLOWS_UP, "chat_follow_up")


def _put_off(draft: Draft, command: Command, person: Staff, event: Event, key: str) -> Refusal | None:
    given = command.args.get("until", "").strip()
    until = read_until(given, draft.now, draft.policy.timezone)
    if until is None:
        return Refusal(code="until", text=draft.chat.say("refused_until", value=given))
    why = command.text.strip() or "-"
    draft.move(event, author=staff_author(person), why=why)
    draft.ticket = replace(draft.ticket, until_at=until)
    draft.note(
        EntryKind.CHANGED, f"until {until:%Y-%m-%d %H:%M} UTC", author=staff_author(person), because=(f"said: {why}",)
    )
    told = moment(draft.chat, until, draft.policy.timezone)
    draft.post(draft.chat.say(key, name=person.name, until=told, why=why), mark="status")
    return None


def read_until(given: str, now: datetime, zone: str) -> datetime | None:
    """A moment to come: ISO 8601 (in the desk's zone when it names none) or a length of wall time such as ``3d``."""
    try:
        at = datetime.fromisoformat(given)
        at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        try:
            at = now + parse_duration(given)
        except (ValueError, OverflowError):
            return None
    return at.astimezone(UTC) if now < at < now + timedelta(days=3660) else None


def resume(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Go on with a ticket that waits or is put off."""
    draft.move(Event.STAFF_RESUMES, author=staff_author(person))
    draft.post(draft.chat.say("chat_resumed", number=draft.ticket.number), mark="status")
    return None


def resolve(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Say that it is solved, with cause and what was done (R-CO-1); the customer is asked to confirm (R-CO-2)."""
    text = command.text.strip()
    if not text:
        return Refusal(code="resolution", text=draft.chat.say("refused_resolution"))
    wanted = command.args.get("category", "")
    if wanted and (refusal := category(draft, replace(command, args={"value": wanted}), person)):
        return refusal
    draft.move(Event.STAFF_RESOLVED, author=staff_author(person))
    record = Resolution(
        text=text,
        root_cause=command.args.get("root_cause", "").strip(),
        fault_type=command.args.get("fault_type", "").strip(),
    )
    assignee = draft.ticket.assignee or person.key
    draft.ticket = replace(draft.ticket, resolution=record, resolved_by=person.key, assignee=assignee)
    draft.post(draft.chat.say("chat_resolved", name=person.name, text=text), mark="resolved")
    if command.args.get("tell") == "no":
        # They have said already that it is solved: they are neither told nor reminded, and it closes by itself.
        draft.ticket = replace(draft.ticket, confirmed_at=draft.now)
        draft.because.append("resolved: the customer is not told, as they said so themselves")
        return None
    hold = timedelta() if command.args.get("now") else draft.policy.habits.undo_hold
    _say_resolved(draft, text, person, hold)
    return None


def _say_resolved(draft: Draft, text: str, person: Staff, hold: timedelta) -> None:
    """Mail the customer what was done. If nobody answered before, this is the first response once it is delivered."""
    if not draft.ticket.reaches:
        draft.note(EntryKind.REPLIED, text, author=staff_author(person))
        draft.first_response(draft.now, person.key)
        return
    meta = {"resolved_by": person.key, "written_at": draft.now.isoformat()}
    letter = letters.resolved(
        draft.ticket, draft.policy, text, draft.now + hold, person.name, meta, draft.situation.history
    )
    draft.owe(letter)
    draft.note(EntryKind.REPLIED, text, author=staff_author(person), outbox_key=letter.key)


def reopen(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Open a ticket that was done again; a resolution mail still held is taken back."""
    draft.move(Event.STAFF_REOPENED, author=staff_author(person), why=command.text.strip())
    why = command.text.strip() or person.name
    draft.post(draft.chat.say("chat_reopened", number=draft.ticket.number, why=why), mark="reopened")
    return None


def close(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Close a resolved ticket without waiting for the customer."""
    draft.move(Event.STAFF_CLOSED, author=staff_author(person))
    why = draft.chat.say("chat_why_staff", name=person.name)
    draft.post(draft.chat.say("chat_closed", number=draft.ticket.number, why=why), mark="closed")
    return None
