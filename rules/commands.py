"""What staff may ask for, who may ask for it, and what is refused (R-DA-3). Every door comes through here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rules import (
    admitting,
    asked,
    handling,
    junk,
    loops,
    lost_mail,
    merging,
    ordering,
    pinging,
    replying,
    saying,
    splitting,
    survey,
)
from rules.draft import Draft
from rules.errors import IllegalTransitionError
from rules.lifecycle import LIVE
from rules.model import (
    Actor,
    Author,
    AuthorKind,
    Command,
    Decision,
    Entry,
    EntryKind,
    Refusal,
    Role,
    Situation,
    Status,
    SurveyScore,
    Ticket,
)
from rules.policy import Policy, Staff

_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One command: the least role that may give it, what it does, and its name for people.

    ``act`` changes the draft of the command's ticket and returns nothing, or a refusal. What is not about one ticket
    has ``decide`` in its place, which makes the whole decision of the situation.
    """

    role: Role
    tells: str
    act: Callable[[Draft, Command, Staff], Refusal | None] = lambda draft, command, person: None
    decide: Callable[[Command, Situation, Policy, Staff, datetime], Decision | Refusal] | None = None


DEEDS: Mapping[str, Deed] = {
    "reply": Deed(role=Role.AGENT, act=replying.reply, tells="answer the customer"),
    "edit": Deed(role=Role.AGENT, act=replying.edit, tells="change a reply that is still held"),
    "send_now": Deed(role=Role.AGENT, act=replying.send_now, tells="send a held reply at once"),
    "withdraw": Deed(role=Role.AGENT, act=replying.withdraw, tells="keep a held reply inside"),
    "say": Deed(role=Role.AGENT, act=saying.say, tells="say something in a ticket's thread"),
    "send": Deed(role=Role.AGENT, act=saying.send, tells="send words that were said in the thread"),
    "correct": Deed(role=Role.AGENT, act=saying.correct, tells="mail a correction of what was mailed before"),
    "note": Deed(role=Role.AGENT, act=handling.note, tells="leave a note that stays inside"),
    "claim": Deed(role=Role.AGENT, act=handling.claim, tells="take the ticket"),
    "taken": Deed(role=Role.AGENT, act=handling.taken, tells="answer an escalation: I have it"),
    "snooze": Deed(role=Role.AGENT, act=pinging.snooze, tells="put its pings off for a while"),
    "assign": Deed(role=Role.AGENT, act=handling.assign, tells="give the ticket to somebody"),
    "priority": Deed(role=Role.AGENT, act=handling.priority, tells="change the priority"),
    "category": Deed(role=Role.AGENT, act=handling.category, tells="change the category"),
    "wait": Deed(role=Role.AGENT, act=handling.wait, tells="wait for the customer"),
    "hold": Deed(role=Role.AGENT, act=handling.hold, tells="put it off until an agreed time"),
    "follow_up": Deed(role=Role.AGENT, act=handling.follow_up, tells="follow it up at a time"),
    "resume": Deed(role=Role.AGENT, act=handling.resume, tells="go on with it"),
    "resolve": Deed(role=Role.AGENT, act=handling.resolve, tells="say that it is solved, and how"),
    "reopen": Deed(role=Role.AGENT, act=handling.reopen, tells="open it again"),
    "close": Deed(role=Role.AGENT, act=handling.close, tells="close a resolved ticket without waiting"),
    "drop_participant": Deed(role=Role.AGENT, act=handling.drop_participant, tells="take somebody off a ticket"),
    "by_mail": Deed(role=Role.AGENT, act=asked.by_mail, tells="answer who asked in chat by mail too"),
    "detail": Deed(role=Role.AGENT, act=asked.detail, tells="fill in what the category's form asks"),
    "spam": Deed(role=Role.AGENT, act=junk.spam, tells="close it as spam, without a word to the sender"),
    "resend": Deed(role=Role.AGENT, decide=lost_mail.resend, tells="send a mail again that was lost"),
    "leave": Deed(role=Role.AGENT, decide=lost_mail.leave, tells="leave a lost mail as it is"),
    "unblock": Deed(role=Role.AGENT, decide=loops.unblock, tells="let automatic answers pass for an hour"),
    "block": Deed(role=Role.AGENT, decide=loops.block, tells="give no automatic answer there any more"),
    "merge": Deed(role=Role.AGENT, decide=merging.merge, tells="let a ticket live on in another one"),
    "split": Deed(role=Role.AGENT, decide=splitting.split, tells="make one message a ticket of its own"),
    "admit": Deed(role=Role.AGENT, decide=admitting.admit, tells="believe the sender of a mail that waits"),
    "separate": Deed(role=Role.AGENT, decide=admitting.separate, tells="make a mail that waits a ticket of its own"),
}

PAGE_DEEDS = ("confirm", "not_solved", "score")
"""What a customer may do on a signed page or, if they asked in chat, in their thread; nobody else may."""

ASKER_DEEDS = ("by_mail", "detail", "belongs")
"""What else whoever asked in chat may do about their own request; customers may do nothing else."""


def on_command(command: Command, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """Decide what one staff command, or one click of a customer on a signed page, changes."""
    command = _legible(command)
    texts = policy.wording.of(policy.languages[0])
    ticket, deed = situation.ticket, DEEDS.get(command.name)
    if deed and deed.decide:
        return _decided(deed.decide, command, situation, policy, now)
    if ticket is None:
        return _refused("ticket", texts.say("refused_unknown_ticket", number=command.ticket or 0), command, None, now)
    if command.name in PAGE_DEEDS or (command.name in ASKER_DEEDS and ticket.asker and not command.actor.staff):
        return _by_customer(command, ticket, situation, policy, now)
    refusal = _entitled(command, policy)
    if refusal:
        return _refused(refusal.code, refusal.text, command, ticket, now)
    if ordering.is_stale(command, ticket):
        return _overtaken(command, ticket, now)
    person = policy.person(command.actor.staff)
    assert person is not None, "entitled people are on the staff list"
    draft = Draft(ticket, policy, situation, now, source=command.actor.via)
    draft.because.append(f"command: {command.name} by {person.name} ({person.role}) via {command.actor.via}")
    try:
        refusal = DEEDS[command.name].act(draft, command, person)
    except IllegalTransitionError:
        refusal = Refusal(code="move", text=_no_move(draft, ticket, command.name))
    if refusal:
        return _refused(refusal.code, refusal.text, command, ticket, now)
    draft.ticket = replace(draft.ticket, said=ordering.remembered(command, draft.ticket))
    return draft.decision(command.name)


def _overtaken(command: Command, ticket: Ticket, now: datetime) -> Decision:
    """An order that came late, after a newer one on the same part: written down, and told to nobody."""
    because = (f"stale: a newer order on {ordering.part_of(command)} came first", f"command: {command.name}")
    line = Entry(
        ticket=ticket.number, at=now, kind=EntryKind.REFUSED, author=_author(command.actor), because=because,
        text=command.name, source=command.actor.via,
    )  # fmt: skip
    return Decision(journal=(line,), because=because, outcome="stale")


def _decided(
    decide: Callable[[Command, Situation, Policy, Staff, datetime], Decision | Refusal],
    command: Command, situation: Situation, policy: Policy, now: datetime,
) -> Decision:  # fmt: skip
    """What a command comes to that makes the whole decision itself."""
    found = _entitled(command, policy)
    person = policy.person(command.actor.staff)
    if found is None and person is not None:
        told = decide(command, situation, policy, person, now)
        if isinstance(told, Decision):
            return told
        found = told
    assert found is not None, "whoever is no staff member was refused"
    return _refused(found.code, found.text, command, situation.ticket, now)


def _legible(command: Command) -> Command:
    """The words without NUL and lone surrogates, which JSON can carry but no mail, file or database takes."""
    args = {name: _UNWRITABLE.sub("", value) for name, value in command.args.items()}
    actor = replace(command.actor, name=_UNWRITABLE.sub("", command.actor.name))
    return replace(command, text=_UNWRITABLE.sub("", command.text), args=args, actor=actor)


def _no_move(draft: Draft, ticket: Ticket, name: str) -> str:
    state = draft.chat.texts[f"state_{ticket.status}"]
    return draft.chat.say("refused_move", number=ticket.number, status=state, command=name)


_SPEAKS = frozenset({"reply", "say", "send", "correct"})
"""What is meant for the customer: whoever may not do it must know that nothing went there."""


def _entitled(command: Command, policy: Policy) -> Refusal | None:
    """Roles are enforced here and nowhere else, so every door refuses alike (law 2)."""
    texts = policy.wording.of(policy.languages[0])
    deed = DEEDS.get(command.name)
    if deed is None:
        return Refusal(code="command", text=texts.say("refused_command", value=command.name))
    person = policy.person(command.actor.staff)
    if person is None:
        key = "refused_stranger" if command.name in _SPEAKS else "refused_not_staff"
        return Refusal(code="stranger", text=texts.say(key, name=command.actor.name))
    if person.role.rank < deed.role.rank:
        text = texts.say("refused_role", name=person.name, command=command.name, role=deed.role)
        return Refusal(code="role", text=text)
    return None


def _refused(code: str, text: str, command: Command, ticket: Ticket | None, now: datetime) -> Decision:
    """Refusals are told and recorded (R-DA-3); the ticket stays as it is."""
    entries: tuple[Entry, ...] = ()
    if ticket is not None:
        author = _author(command.actor)
        because = (f"refused: {code}", f"command: {command.name} via {command.actor.via}")
        entries = (
            Entry(
                ticket=ticket.number, at=now, kind=EntryKind.REFUSED, author=author, text=text, because=because,
                source=command.actor.via, place=command.args.get("target", "") if command.name == "say" else "",
            ),
        )  # fmt: skip
    return Decision(
        journal=entries, refusal=Refusal(code=code, text=text), because=(f"refused: {code}",), outcome="refused"
    )


def _author(actor: Actor) -> Author:
    kind = AuthorKind.STAFF if actor.staff else AuthorKind.CUSTOMER
    return Author(kind=kind, key=actor.staff or "", name=actor.name)


def _by_customer(command: Command, ticket: Ticket, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """What a customer may say by a click: on a page that only they have, or in chat, where anybody sees the button."""
    if command.actor.via == "page" and command.name in PAGE_DEEDS:
        return _on_page(command, ticket, situation, policy, now)
    texts = policy.wording.of(ticket.language)
    if not asked.is_asker(command, ticket):
        # Of a ticket that lives on in another one, nobody is told whose that is.
        merged = command.ticket not in (None, ticket.number)
        told = texts.say("refused_settled") if merged else texts.say("refused_asker", name=ticket.customer)
        return _refused("asker", told, command, ticket, now)
    if command.name in PAGE_DEEDS:
        return _on_page(asked.as_on_page(command), ticket, situation, policy, now)
    if command.name == "belongs":
        found = asked.belongs(command, ticket, situation, policy, now)
        return found if isinstance(found, Decision) else _refused(found.code, found.text, command, ticket, now)
    draft = Draft(ticket, policy, situation, now, source=command.actor.via)
    draft.because.append(f"command: {command.name} by who asked, via {command.actor.via}")
    refusal = asked.by_mail(draft, command) if command.name == "by_mail" else asked.detail(draft, command)
    return _refused(refusal.code, refusal.text, command, ticket, now) if refusal else draft.decision(command.name)


def _on_page(command: Command, ticket: Ticket, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """A customer's click on a signed page. What no longer fits the ticket's state changes nothing."""
    draft = Draft(ticket, policy, situation, now, source=command.actor.via)
    author = Author(kind=AuthorKind.CUSTOMER, key=ticket.customer.email, name=str(ticket.customer))
    texts = policy.wording.of(ticket.language)
    stale = texts.say("page_gone_title" if command.actor.via == "page" else "refused_settled")
    if command.args.get("round", str(ticket.rounds)) != str(ticket.rounds):
        return _refused("stale", stale, command, ticket, now)
    if command.name == "score":
        score = _score(command.args)
        if score is None:
            return _refused("score", texts.say("refused_score"), command, ticket, now)
        if ticket.score is None and ticket.surveyed_round:
            survey.scored(draft, score, author)
    elif ticket.status not in LIVE:
        _written_beside(draft, command.text, author)
        _answer_on_page(draft, command.name, author)
    elif command.name == "confirm":
        # It was opened again meanwhile. "Not solved" is no news then, but "solved" comes too late.
        return _refused("stale", stale, command, ticket, now)
    return draft.decision(command.name)


def _answer_on_page(draft: Draft, name: str, author: Author) -> None:
    if name == "not_solved":
        survey.not_solved(draft, author)
    elif draft.ticket.status is Status.RESOLVED and draft.ticket.confirmed_at is None:
        survey.confirmed(draft, author)


def _written_beside(draft: Draft, text: str, author: Author) -> None:
    """What a customer wrote beside the click is kept and told like any of their words."""
    if words := text.strip():
        draft.note(EntryKind.RECEIVED, words, author=author)
        told = draft.chat.say("chat_customer_wrote", name=author.name)
        draft.post(told, quote=words, quote_author=author.name, mark="customer", mentions=draft.responsible)


def _score(args: Mapping[str, str]) -> SurveyScore | None:
    given = {name: args.get(name, "") for name in ("overall", "solved", "attitude", "communication")}
    if given["overall"] == "" or any(value not in ("", "1", "2", "3", "4", "5") for value in given.values()):
        return None
    numbers = {name: int(value) for name, value in given.items() if value}
    return SurveyScore(
        overall=numbers["overall"], solved=numbers.get("solved"), attitude=numbers.get("attitude"),
        communication=numbers.get("communication"), comment=args.get("comment", "")[:2000],
    )  # fmt: skip
