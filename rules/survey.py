"""Is it solved, and how did we do: confirmations and satisfaction scores, by reply or on a page (R-CO-2, R-CO-3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules import letters, loops
from rules.answers import read_score
from rules.draft import Draft
from rules.hours import WORKING_DAY, add
from rules.lifecycle import Event
from rules.model import Author, Customer, EntryKind, Message, Role, Status, SurveyScore, Ticket
from rules.policy import Policy


def answers(ticket: Ticket, message: Message) -> SurveyScore | None:
    """The score in a mail that answers a survey we sent; ``None`` for any other mail."""
    asked = ticket.status is Status.CLOSED and ticket.surveyed_round == ticket.rounds and ticket.rounds > 0
    if not asked or ticket.score is not None:
        return None
    ours = f"<{ticket.number}.survey.{ticket.rounds}."
    return read_score(
        message.reply_text or message.text, asked=any(id_.startswith(ours) for id_ in message.in_reply_to)
    )


def confirmed(draft: Draft, author: Author) -> None:
    """The customer says that it is solved: closed now, or after the observation time."""
    draft.ticket = replace(draft.ticket, confirmed_at=draft.now)
    if not draft.policy.habits.observation:
        draft.move(Event.CUSTOMER_CONFIRMED, author=author)
    told = draft.chat.say("chat_confirmed", name=author.name, number=draft.ticket.number)
    draft.post(told, name=f"confirmed:{draft.ticket.rounds}", mark="closed")
    draft.tell_asker(_said(draft, "room_confirmed"), name=f"confirmed_told:{draft.ticket.rounds}")


def not_solved(draft: Draft, author: Author) -> None:
    """The customer says that it is not solved: open again, with its history."""
    rounds = draft.ticket.rounds
    draft.move(Event.CUSTOMER_REFUSED, author=author)
    told = draft.chat.say("chat_not_solved", name=author.name)
    draft.post(told, name=f"not_solved:{rounds}", mentions=draft.responsible, mark="reopened")
    draft.tell_asker(_said(draft, "room_not_solved"), name=f"not_solved_told:{rounds}")


def _said(draft: Draft, key: str) -> str:
    return draft.policy.wording.of(draft.ticket.language).say(key, number=draft.ticket.number)


def scored(draft: Draft, score: SurveyScore, author: Author) -> None:
    """A score arrives; a low one reaches the manager at once and opens a follow-up (R-CO-3)."""
    draft.ticket = replace(draft.ticket, score=replace(score, answered_at=draft.now))
    told = f"{score.overall}/5" + (f": {score.comment}" if score.comment else "")
    draft.note(EntryKind.SCORED, told, author=author)
    if loops.passes(draft) and not draft.late:
        draft.owe(letters.thanks_for_score(draft.ticket, draft.policy, draft.now))
    if score.overall > draft.policy.habits.low_score:
        said = draft.chat.say("chat_scored", name=author.name, score=score.overall, comment="")
        draft.post(said, quote=score.comment, quote_author=author.name, mark="scored")
        return
    _low_score(draft, score, author)


def _low_score(draft: Draft, score: SurveyScore, author: Author) -> None:
    policy, ticket = draft.policy, draft.ticket
    managers = policy.contacts_for(Role.MANAGER, ticket.assignee, ticket.second)
    line, said = (
        draft.chat.say(
            "chat_low_score", name=author.name, score=score.overall, number=ticket.number, comment=comment,
            subject=" ".join(ticket.subject.split())[:60],
        )
        for comment in (score.comment, "")
    )  # fmt: skip
    draft.post(
        said.strip(),
        quote=score.comment, quote_author=author.name, mentions=tuple(person.key for person in managers), mark="alarm",
        broadcast=True, name=f"low_score:{ticket.rounds}",
    )  # fmt: skip
    for person in managers:
        draft.owe(
            letters.to_staff(
                policy, key=f"{ticket.number}:low_score:{ticket.rounds}:{person.key}", to=person.email,
                subject=line[:150],
                text=line, at=draft.now, ticket=ticket.number,
            )
        )  # fmt: skip
    if not draft.can(Event.SCORED_LOW):
        return
    # A follow-up has an owner and a date (R-HA-1).
    owner = ticket.assignee or ticket.resolved_by or (managers[0].key if managers else None)
    draft.move(Event.SCORED_LOW, why="a low score opens a follow-up")
    next_day = add(policy.calendars[policy.calendar], draft.now, WORKING_DAY)
    draft.ticket = replace(draft.ticket, until_at=next_day, assignee=owner)


def send(draft: Draft) -> None:
    """Ask for a score, unless this customer was asked lately or had no person's answer (complaint 78)."""
    ticket, policy, now = draft.ticket, draft.policy, draft.now
    draft.ticket = replace(ticket, surveyed_round=ticket.rounds)
    reason = _not_asked(ticket, draft.situation.customer, policy, now)
    if reason:
        draft.note(EntryKind.SURVEYED, because=(f"survey: not sent, {reason}",))
        return
    letter = letters.survey(ticket, policy, now)
    draft.owe(letter)
    draft.note(EntryKind.SURVEYED, outbox_key=letter.key, because=("survey: sent after closing",))
    known = draft.situation.customer or Customer(email=ticket.customer.email)
    draft.remember(replace(known, surveyed_at=now))


def _not_asked(ticket: Ticket, customer: Customer | None, policy: Policy, now: datetime) -> str | None:
    if ticket.score is not None:
        return "the customer has scored this ticket already"
    if ticket.replies == 0 and ticket.first_response_at is None and ticket.resolved_by is None:
        return "no person ever answered this ticket"
    if not ticket.reaches or policy.is_own(ticket.customer.email):
        return "there is no address to send it to"
    last = customer.surveyed_at if customer else None
    if last is not None and now - last < policy.habits.survey_every:
        return f"the customer was asked less than {policy.habits.survey_every.days} days ago"
    return None
