"""A clock runs out: the responsible is reminded before, and the ladder is climbed after (R-SLA-3).

Every step is looked at when it is due, on the ticket as it is then: an answered or resolved ticket rings nobody
(complaints 56, 61), and each step rings once however late the desk is (complaints 57, 60). Whom it calls at once and
who is told later is judged by ``rules/pinging.py``.
"""

from __future__ import annotations

from dataclasses import replace

from rules import letters, pinging, sla
from rules.draft import Draft
from rules.effects import URGENT, Button, OutboxState
from rules.model import EntryKind, SlaClock, Target, Timer
from rules.policy import Staff, Step
from rules.quoting import quote
from rules.wording import moment, span


def on_clock(draft: Draft, timer: Timer, target: Target, what: str) -> str:
    """A timer of one clock is due; says what came of it."""
    clock = draft.ticket.clock(target)
    assert clock is not None, "only a clock the ticket has is watched by a timer"
    if target is Target.FIRST_RESPONSE and _on_its_way(draft):
        draft.because.append("escalation: a reply is on its way, so this waits a minute")
        draft.defer(timer.key)
        return "deferred"
    if what == "due":
        return _breach(draft, clock)
    kind, _, index = what.partition(":")
    if kind == "again":
        return _ring_again(draft, clock)
    return _ring(draft, clock, int(index))


def _on_its_way(draft: Draft) -> bool:
    """Whether a reply is held or being sent. One that the relay keeps refusing helps nobody, so the ladder goes on."""
    return any(entry.state is OutboxState.SENDING or not entry.attempts for entry in draft.situation.held)


def _change(draft: Draft, clock: SlaClock) -> None:
    clocks = tuple(clock if one.target == clock.target else one for one in draft.ticket.clocks)
    draft.ticket = replace(draft.ticket, clocks=clocks)


def _breach(draft: Draft, clock: SlaClock) -> str:
    _change(draft, replace(clock, breached_at=clock.due_at, fired=(*clock.fired, "due")))
    draft.note(EntryKind.CHANGED, f"{clock.target} breached", because=(_arithmetic(clock),))
    return "breached"


def _arithmetic(clock: SlaClock) -> str:
    ran = ", ".join(f"{s.started_at:%Y-%m-%d %H:%M} to {f'{s.stopped_at:%Y-%m-%d %H:%M}' if s.stopped_at else 'now'}"
                    for s in clock.spans)  # fmt: skip
    due = f"{clock.due_at:%Y-%m-%d %H:%M}" if clock.due_at else "open"
    return f"sla: {clock.target} allows {clock.allowed} of calendar {clock.calendar}; it ran {ran} (UTC); due {due}"


def _ring(draft: Draft, clock: SlaClock, index: int) -> str:
    steps = sla.ladder(draft.policy, clock.target, draft.ticket.priority)
    _change(draft, replace(clock, fired=(*clock.fired, f"step:{index}"), rung_at=draft.now, rung=0))
    return _ping(draft, clock, steps[index], index)


def _ring_again(draft: Draft, clock: SlaClock) -> str:
    steps = sla.ladder(draft.policy, clock.target, draft.ticket.priority)
    rang = sla.last_rung(clock, steps)
    assert rang is not None, "a step that asks again has rung before"
    _change(draft, replace(clock, rung_at=draft.now, rung=clock.rung + 1))
    return _ping(draft, clock, steps[rang], rang)


def _ping(draft: Draft, clock: SlaClock, step: Step, index: int) -> str:
    """Owe one step's ping: a line in the thread and the channel, and a mail where the step says so.

    The line stands whomever it calls. Of those whom the step means, some may be spared for now (``rules/pinging.py``).
    """
    ticket, policy = draft.ticket, draft.policy
    people = policy.contacts_for(step.to, ticket.assignee, ticket.second)
    before = clock.due_at is not None and draft.now < clock.due_at
    steps = sla.ladder(policy, clock.target, ticket.priority)[index:]
    groups = tuple(policy.contacts_for(one.to, ticket.assignee, ticket.second) for one in steps)
    calling = pinging.call(draft, groups, f"{ticket.number}:{clock.target}:{index}")
    line = _line(draft, clock, step, index, calling.called or people, before=before)
    # Each step is fired once by its clock. The version tells its ring from one before a reopening or another priority,
    # which would otherwise be taken for the same effect and never be sent.
    effect = f"escalation:{clock.target}:{index}:{draft.round}"
    if "chat" in step.by:
        draft.post(
            _with_spared(draft, line, calling.spared), name=effect, urgency=URGENT, buttons=_buttons(draft),
            mentions=tuple(person.key for person in calling.called), mark="before" if before else "alarm",
            broadcast=not before and not calling.bundled,
        )  # fmt: skip
    if "mail" in step.by:
        for person in calling.called:
            _mail(draft, f"{ticket.number}:{effect}:{person.key}", person, clock, line)
    kind = EntryKind.REMINDED if before else EntryKind.ESCALATED
    names = ", ".join(person.key for person in people) or "nobody"
    meant = f"escalation: step {index + 1} of {clock.target}, to {step.to}: {names}"
    because = (meant, *calling.because, _arithmetic(clock))
    draft.note(kind, line, because=because)
    return "reminded" if before else "escalated"


def _buttons(draft: Draft) -> tuple[Button, ...]:
    length = span(draft.chat, draft.policy.chat.snooze)
    return (
        Button(command="taken", label=draft.chat.say("button_taken"), style="primary"),
        Button(command="snooze", label=draft.chat.say("button_snooze", span=length)),
    )


def _with_spared(draft: Draft, line: str, spared: tuple[str, ...]) -> str:
    return f"{line}\n{draft.chat.say('ping_not_called', list=', '.join(spared))}" if spared else line


def _line(draft: Draft, clock: SlaClock, step: Step, index: int, people: tuple[Staff, ...], *, before: bool) -> str:
    ticket, texts = draft.ticket, draft.chat
    level = draft.policy.level(ticket.priority)
    due = moment(texts, clock.due_at, draft.policy.timezone) if clock.due_at else ""
    return texts.say(
        "chat_step_before" if before else "chat_step_after",
        number=ticket.number,
        priority=f"{level.name} {level.labels.get(texts.language, '')}".strip(),
        target=texts.texts[f"target_{clock.target}"],
        due=due,
        step=index + 1,
        who=", ".join(person.name for person in people) or texts.say("nobody"),
        subject=ticket.subject[:150],
    )


def _mail(draft: Draft, key: str, person: Staff, clock: SlaClock, line: str) -> None:
    ticket, policy = draft.ticket, draft.policy
    texts = policy.wording.of(person.language or policy.languages[0])
    responsible = policy.person(ticket.assignee)
    target = texts.texts[f"target_{clock.target}"]
    subject = texts.say(
        "staff_step_subject",
        number=f"#{ticket.number}",
        priority=ticket.priority,
        target=target,
        subject=ticket.subject,
    )
    text = texts.say(
        "staff_step_text",
        line=line,
        customer=str(ticket.customer),
        responsible=responsible.name if responsible else texts.say("nobody"),
        opened=moment(texts, ticket.opened_at, person.timezone or policy.timezone),
    )
    draft.owe(
        letters.to_staff(
            policy,
            key=key,
            to=person.email,
            subject=subject[:200],
            text=text,
            at=draft.now,
            ticket=ticket.number,
            urgency=0,
            quoted=quote(draft.situation.history, texts, person.timezone or policy.timezone),
        )
    )
