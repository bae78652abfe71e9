"""A message joins a ticket we have: told in its thread, and the ticket moved by what it says (R-IN-6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules import collision, files, greeted, lateness, loops, survey
from rules.answers import Answer, read_answer
from rules.draft import CHAT, Draft
from rules.effects import Button
from rules.holding import handle_of
from rules.identities import author_of, names_of, participants
from rules.lifecycle import LIVE, Event
from rules.model import Author, AuthorKind, Decision, EntryKind, Message, Situation, Status, Ticket
from rules.policy import Policy
from rules.receiving import draft_of, record_words, tell_calendar, tell_protected, warn, with_message
from rules.staff_mail import take_staff_mail
from rules.subjects import is_new_topic, plain_subject
from rules.threading import Verdict


def settles(ticket: Ticket, message: Message) -> bool:
    """Whether a late message only thanks, confirms or scores, so that nobody has anything to do about it."""
    return survey.answers(ticket, message) is not None or said(message) in (Answer.THANKS, Answer.SOLVED)


def said(message: Message) -> Answer:
    """What a message says about a ticket that was done; a file is always more than a short answer (complaint 26)."""
    if any(not attachment.inline for attachment in message.attachments):
        return Answer.MORE
    return read_answer(message.reply_text or message.text)


def join(
    message: Message, ticket: Ticket, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """A message on a ticket we have: told in its thread, and moved by what it says."""
    draft = draft_of(ticket, message, situation, policy, now)
    draft.late = lateness.arrived_late(message, policy) is not None
    draft.because += verdict.because
    author = author_of(message, ticket, policy)
    person = policy.person(author.key) if author.kind is AuthorKind.STAFF else None
    inside = ""
    if person and not message.automatic.is_automatic:
        inside = take_staff_mail(draft, message, verdict, person)
        if not inside:
            return draft.decision("joined")
    record_words(draft, message, verdict)
    # Who guessed a number and made up a sender must not have the answers sent to themselves.
    copies = message.authentication.proven or not verdict.guessable
    if author.kind is AuthorKind.CUSTOMER:
        draft.ticket = with_message(draft.ticket, message, policy, copies=copies)
        greeted.take_up(draft, message)
    draft.ticket = replace(draft.ticket, received=ticket.received + 1)
    _tell_thread(draft, message, author)
    if author.kind is AuthorKind.CUSTOMER:
        _tell_copies(draft, message, ticket)
    tell_calendar(draft, message)
    tell_protected(draft, message)
    warn(draft, message)
    if inside and person:
        told = draft.chat.say("chat_stays_inside", name=person.name, why=inside)
        draft.post(told, mark="inside", mentions=(person.key,))
    if author.kind is AuthorKind.CUSTOMER:
        _follow_subject(draft, message)
        if message.channel != CHAT or message.sender.email == ticket.customer.email or ticket.status in LIVE:
            # Of what is done, only whoever asked says in a channel whether it is.
            answer_customer(draft, message, author)
        if not message.automatic.is_automatic:
            collision.reconsider(draft, message.reply_text or message.text, author.name)
    return lateness.summed_up(draft, draft.decision("joined"))


def _follow_subject(draft: Draft, message: Message) -> None:
    """Answers go out under the customer's last subject; a wholly new one may be a request of its own (complaint 39)."""
    ticket, subject = draft.ticket, plain_subject(message.subject)
    before = ticket.last_subject or ticket.subject
    if not subject or not is_new_topic(before, subject):
        return
    if message.sender.email == ticket.customer.email:
        # Whoever else takes part does not rename the conversation for its customer.
        draft.ticket = replace(ticket, last_subject=subject if subject != plain_subject(ticket.subject) else "")
    if ticket.status in LIVE:
        split = Button(command="split", label=draft.chat.say("button_split"), value=handle_of(message.key))
        draft.post(draft.chat.say("chat_new_topic", subject=subject), buttons=(split,), mark="linked")


def _tell_copies(draft: Draft, message: Message, before: Ticket) -> None:
    """Whoever answers knows who reads it: who gets the answers from now on, and who was in copy and does not."""
    everybody = participants(before, message, draft.policy)
    added = [person for person in draft.ticket.participants if person not in before.participants]
    left_out = [person for person in everybody if person not in draft.ticket.participants]
    for people, words in ((added, "chat_copies_added"), (left_out, "chat_copies_left_out")):
        if people:
            draft.post(draft.chat.say(words, people=names_of(people, draft.chat)), mark="linked")


def _tell_thread(draft: Draft, message: Message, author: Author) -> None:
    sent, name = files.of_message(message), f"message:{draft.ticket.received}"
    said = draft.chat.say("chat_customer_wrote", name=author.name)
    draft.post(
        f"{said} ({by})" if (by := lateness.told(message, draft.policy)) else said,
        name=name,
        quote=message.reply_text or message.text,
        quote_author=author.name,
        mark="customer",
        mentions=draft.responsible,
        files=sent,
    )
    files.show(draft, f"{draft.ticket.number}:{name}", sent)


def answer_customer(draft: Draft, message: Message, author: Author) -> None:
    """What a customer's words do to the state of a ticket."""
    ticket = draft.ticket
    score = survey.answers(ticket, message)
    if score is not None:
        survey.scored(draft, score, author)
        return
    if ticket.status in LIVE:
        draft.move(Event.CUSTOMER_WROTE, author=author)
        return
    answer = said(message)
    if answer is Answer.THANKS or (answer is Answer.SOLVED and ticket.status is Status.CLOSED):
        reopen = Button(command="reopen", label=draft.chat.say("button_reopen"))
        draft.post(draft.chat.say("chat_thanks", name=author.name), buttons=(reopen,), mark="thanks")
    elif answer is Answer.SOLVED:
        if ticket.confirmed_at is None:
            survey.confirmed(draft, author)
    elif not loops.may_reopen(draft):
        return
    elif answer is Answer.NOT_SOLVED:
        survey.not_solved(draft, author)
    else:
        draft.move(Event.CUSTOMER_WROTE, author=author, why="an answer to a ticket that was done reopens it")
        why = draft.chat.say("chat_customer_wrote", name=author.name)
        draft.post(draft.chat.say("chat_reopened", number=ticket.number, why=why), mark="reopened")


def also_received(
    message: Message, ticket: Ticket, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """One mail to two of our addresses is one ticket with both noted (complaints 18, 19)."""
    draft = draft_of(ticket, message, situation, policy, now)
    box = policy.mailbox(message.channel.removeprefix("mail:"))
    draft.note(EntryKind.ALSO_RECEIVED, box.address, because=verdict.because, message_key=message.key)
    draft.post(draft.chat.say("chat_also_received", mailbox=box.address), mark="linked")
    return draft.decision("also_received")
