"""What those who asked in chat may press and fill in, in their own thread (R-CO-2, R-CO-3, R-DA-3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from rules import merging
from rules.draft import Draft
from rules.identities import one_line
from rules.model import Author, AuthorKind, Command, Decision, EntryKind, Refusal, Situation, Ticket
from rules.policy import FormField, Policy, Staff
from rules.wording import Texts

DETAIL = "detail:"
"""What the name of an argument begins with that fills in a field of a form."""

_LONGEST = 1000


def is_asker(command: Command, ticket: Ticket) -> bool:
    """Whether a command comes from whoever asked for the ticket in chat."""
    return bool(ticket.asker) and command.actor.user == ticket.asker


def as_on_page(command: Command) -> Command:
    """A press of a button in chat as the click on a page that means the same; ``2/5`` is a round and a score."""
    round_, _, score = command.args.get("value", "").partition("/")
    args = {"round": round_ or command.args.get("round", ""), "overall": score, **command.args}
    return replace(command, args={name: value for name, value in args.items() if value and name != "value"})


def by_mail(draft: Draft, command: Command, person: Staff | None = None) -> Refusal | None:
    """Send answers by mail too from now on."""
    ticket = draft.ticket
    if not ticket.customer.takes_mail:
        return Refusal(code="address", text=draft.chat.say("refused_no_address", name=str(ticket.customer)))
    if ticket.by_mail or not ticket.asked_in:
        return None
    draft.ticket = replace(ticket, by_mail=True)
    author = _author(command, ticket, person)
    draft.note(EntryKind.CHANGED, "answers by mail too", author=author)
    draft.post(draft.chat.say("chat_asker_mail", name=author.name, number=ticket.number), mark="status")
    texts = draft.policy.wording.of(ticket.language)
    told = texts.say("room_by_mail", number=ticket.number, email=ticket.customer.email)
    draft.tell_asker(told, name="by_mail")
    return None


def detail(draft: Draft, command: Command, person: Staff | None = None) -> Refusal | None:
    """Keep what was filled in of the form of the ticket's category."""
    ticket, form = draft.ticket, draft.policy.forms.get(draft.ticket.category, ())
    texts = draft.chat if person else draft.policy.wording.of(ticket.language)
    if not form:
        return Refusal(code="details", text=texts.say("refused_details_none", number=ticket.number))
    known = {**ticket.details, **given(command.args, form)}
    if refusal := problem_with(known, form, texts):
        return refusal
    if known == dict(ticket.details):
        return None
    author = _author(command, ticket, person)
    draft.ticket = replace(ticket, details=known)
    told = "\n".join(in_words(known, form, draft.chat))
    draft.note(EntryKind.DETAILED, told, author=author)
    draft.post(
        draft.chat.say("chat_detailed", name=author.name), quote=told, quote_author=author.name, mark="customer",
        mentions=() if person else draft.responsible,
    )  # fmt: skip
    if not person:
        draft.tell_asker(texts.say("room_details_kept", number=ticket.number), name=f"details_kept:{draft.round}")
    return None


def belongs(
    command: Command, ticket: Ticket, situation: Situation, policy: Policy, now: datetime
) -> Decision | Refusal:
    """Make what was just asked part of an earlier request of the same person, who says that it is."""
    other = situation.other
    if other is None or other.asker != ticket.asker:
        texts = policy.wording.of(ticket.language)
        return Refusal(code="merge", text=texts.say("refused_merge_number", value=merging.goal_of(command)))
    return merging.merged(command, situation, policy, _author(command, ticket, None), now)


def given(args: Mapping[str, str], form: tuple[FormField, ...]) -> dict[str, str]:
    """What was filled in, by field, of decent length."""
    said = {field.name: args[DETAIL + field.name].strip()[:_LONGEST] for field in form if DETAIL + field.name in args}
    return {name: value for name, value in said.items() if value}


def problem_with(details: Mapping[str, str], form: tuple[FormField, ...], texts: Texts) -> Refusal | None:
    """Why what was filled in is not enough, in words."""
    missing = [label_of(field, texts) for field in form if field.required and not details.get(field.name)]
    if missing:
        return Refusal(code="details", text=texts.say("refused_details_missing", names=", ".join(missing)))
    for field in form:
        value = details.get(field.name, "")
        if value and field.choices and value not in field.choices:
            shown = one_line(value, 60)
            told = texts.say("refused_details_choice", value=shown, name=label_of(field, texts))
            return Refusal(code="details", text=told)
    return None


def in_words(details: Mapping[str, str], form: tuple[FormField, ...], texts: Texts) -> tuple[str, ...]:
    """What was filled in, a line for each field that the form has."""
    filled = ((label_of(field, texts), details.get(field.name, "")) for field in form)
    return tuple(f"{label}: {value}" for label, value in filled if value)


def label_of(field: FormField, texts: Texts) -> str:
    """What a field is called in a language; in its first one where it has no name in that."""
    return field.label.get(texts.language) or next(iter(field.label.values()), field.name)


def _author(command: Command, ticket: Ticket, person: Staff | None) -> Author:
    if person:
        return Author(kind=AuthorKind.STAFF, key=person.key, name=person.name)
    return Author(kind=AuthorKind.CUSTOMER, key=ticket.customer.email, name=str(ticket.customer))
