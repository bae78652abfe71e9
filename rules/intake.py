"""A message comes in: which ticket it belongs to, whether it opens one, and what the customer hears at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rules import letters, survey
from rules.answers import Answer, read_answer
from rules.classify import Classification, classify, facts
from rules.draft import Draft
from rules.effects import Button, OwedFile
from rules.hours import is_open
from rules.lifecycle import LIVE, Event
from rules.model import (
    Address,
    Author,
    AuthorKind,
    Customer,
    Decision,
    EntryKind,
    Message,
    Situation,
    Status,
    Ticket,
)
from rules.policy import Policy
from rules.sla import start_clocks
from rules.threading import Verdict, judge, message_key, opens_new, people

# Machine mail that no person waits for an answer to; without a ticket of ours it is kept, counted, and opens nothing.
_NO_TICKET = frozenset({"bounce", "out_of_office", "read_receipt", "challenge", "own"})
_MOST_PARTICIPANTS = 20
_MOST_REFERENCES = 10


def on_message(message: Message, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """Decide what one message changes (R-IN-1, -2, -3, -6)."""
    if policy.is_own(message.sender.email):
        return Decision(because=("sender: one of our own addresses, so nobody asks anything",), outcome="own")
    staff = (person.email for person in policy.staff)
    verdict = judge(message, situation.candidates, policy.secret, staff)
    ticket = verdict.ticket
    if ticket is not None and verdict.same_message:
        return _also_received(message, ticket, verdict, situation, policy, now)
    if message.automatic.is_automatic and message.automatic.kind in _NO_TICKET:
        return _machine_mail(message, ticket, verdict, situation, policy, now)
    if ticket is None:
        return _open(message, verdict, situation, policy, now)
    fresh = opens_new(ticket, message, now, policy.habits.reopen_within)
    if fresh and survey.answers(ticket, message) is None:
        because = (*verdict.because, f"thread: {fresh}, so it opens a new, linked one")
        return _open(message, Verdict(related=ticket, because=because), situation, policy, now)
    return _join(message, ticket, verdict, situation, policy, now)


def _draft(ticket: Ticket, message: Message, situation: Situation, policy: Policy, now: datetime) -> Draft:
    return Draft(ticket, policy, situation, now, source=message.channel)


def author_of(message: Message, policy: Policy) -> Author:
    """Whose words a message are (complaint 33)."""
    person = policy.staff_by_email(message.sender.email)
    if person:
        return Author(kind=AuthorKind.STAFF, key=person.key, name=person.name)
    kind = AuthorKind.ROBOT if message.automatic.is_automatic else AuthorKind.CUSTOMER
    return Author(kind=kind, key=message.sender.email, name=message.sender.name or message.sender.email)


def _received(draft: Draft, message: Message, verdict: Verdict) -> None:
    """Put a message's words into the journal, and let later answers to it find the ticket."""
    draft.note(
        EntryKind.RECEIVED,
        message.reply_text or message.text,
        author=author_of(message, draft.policy),
        quoted_text=message.quoted_text,
        because=(*verdict.because, *message.automatic.because, *message.notes),
        message_key=message.key,
        message_id=message.message_id,
        attachments=message.attachments,
    )
    for known in (message.message_id, *message.references, *message.in_reply_to):
        if known and len(known) < 1000:
            draft.link(message_key(known))


def _with_message(ticket: Ticket, message: Message, policy: Policy) -> Ticket:
    """The ticket knowing what it must to answer this message: its Message-ID, its references, who takes part."""
    chain = dict.fromkeys((*message.references, message.message_id))
    return replace(
        ticket,
        last_message_id=message.message_id or ticket.last_message_id,
        references=tuple(chain)[:1] + tuple(chain)[1:][-_MOST_REFERENCES:] if message.message_id else ticket.references,
        participants=_participants(ticket, message, policy),
    )


def _participants(ticket: Ticket, message: Message, policy: Policy) -> tuple[Address, ...]:
    known = {person.email: person for person in ticket.participants}
    for person in (message.sender, *message.to, *message.cc):
        ours = policy.is_own(person.email) or policy.staff_by_email(person.email) is not None
        if person.email and not ours and person.email != ticket.customer.email:
            known.setdefault(person.email, person)
    return tuple(known.values())[:_MOST_PARTICIPANTS]


def _open(message: Message, verdict: Verdict, situation: Situation, policy: Policy, now: datetime) -> Decision:
    on_file = policy.on_file(message.sender.email)
    known = situation.customer
    open_now = is_open(policy.calendars[policy.calendar], now)
    found = classify(facts(message, on_file, business_hours=open_now), policy)
    ticket = Ticket(
        number=situation.next_number,
        subject=message.subject,
        status=Status.NEW,
        priority=found.priority,
        impact=found.impact,
        urgency=found.urgency,
        category=found.category,
        customer=_customer_address(message),
        language=policy.wording.best(on_file.language or message.language or (known.language if known else "")),
        timezone=on_file.timezone or _zone_of(message) or policy.timezone,
        mailbox=message.channel.removeprefix("mail:"),
        opened_at=now,
        updated_at=now,
        status_at=now,
        clocks=start_clocks(policy.level(found.priority), policy.calendars, now, by_mail=True),
        assignee=found.assign or None,
        linked=(verdict.related.number,) if verdict.related else (),
    )
    ticket = _with_message(ticket, message, policy)
    draft = _draft(ticket, message, situation, policy, now)
    draft.because += [*verdict.because, *found.because]
    _received(draft, message, verdict)
    draft.note(EntryKind.CLASSIFIED, f"{found.priority} · {found.category}", because=found.because)
    if verdict.related:
        _tell_related(draft, verdict.related, verdict.because[-1])
    _acknowledge(draft, message, found)
    draft.remember(_seen(known, message, ticket))
    return draft.decision("opened")


def _customer_address(message: Message) -> Address:
    """Who gets our answers: the Reply-To if the sender named exactly one, else the sender."""
    if len(message.reply_to) == 1 and "@" in message.reply_to[0].email:
        reply_to = message.reply_to[0]
        return replace(reply_to, name=reply_to.name or message.sender.name)
    return message.sender


def _zone_of(message: Message) -> str:
    """The customer's zone as a fixed offset, from the Date header (R-CU-1); an offset of zero tells nothing."""
    offset = message.sent_at.utcoffset() if message.sent_at else None
    if not offset or offset % timedelta(hours=1) or abs(offset) > timedelta(hours=14):
        return ""
    hours = int(offset / timedelta(hours=1))
    # The zone database counts west of Greenwich as positive in these names.
    return f"Etc/GMT{-hours:+d}"


def _seen(known: Customer | None, message: Message, ticket: Ticket) -> Customer:
    customer = known or Customer(email=ticket.customer.email)
    return replace(
        customer,
        name=ticket.customer.name or customer.name,
        language=message.language or customer.language,
        timezone=ticket.timezone,
        tickets=(*customer.tickets, ticket.number)[-50:],
    )


def _acknowledge(draft: Draft, message: Message, found: Classification) -> None:
    """The automatic answer, unless a machine wrote or a rule says no; either way the journal says why."""
    refused = None
    if not message.automatic.may_answer:
        refused = f"not acknowledged: {message.automatic.kind} mail is never answered automatically (RFC 3834)"
    elif "@" not in draft.ticket.customer.email:
        refused = "not acknowledged: the mail has no usable sender address"
    elif draft.policy.is_own(draft.ticket.customer.email):
        refused = "not acknowledged: the answer would go to one of our own addresses"
    elif not found.acknowledge:
        refused = "not acknowledged: a rule says so"
    if refused:
        draft.note(EntryKind.NOT_ACKNOWLEDGED, because=(refused,))
        draft.because.append(refused)
        return
    letter = letters.acknowledgement(draft.ticket, draft.policy, draft.now)
    draft.owe(letter)
    draft.note(EntryKind.ACKNOWLEDGED, letter.content.text, outbox_key=letter.key)  # type: ignore[union-attr]


def _tell_related(draft: Draft, related: Ticket, why: str) -> None:
    reason = why.removeprefix("thread: ")
    draft.note(EntryKind.LINKED, f"#{related.number}", because=(why,))
    draft.post(draft.chat.say("chat_related", number=related.number, why=reason), mark="linked")


def _join(
    message: Message, ticket: Ticket, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """A message on a ticket we have: told in its thread, and moved by what it says."""
    draft = _draft(ticket, message, situation, policy, now)
    draft.because += verdict.because
    _received(draft, message, verdict)
    author = author_of(message, policy)
    if author.kind is not AuthorKind.STAFF:
        draft.ticket = _with_message(draft.ticket, message, policy)
    draft.ticket = replace(draft.ticket, received=ticket.received + 1)
    _tell_thread(draft, message, author)
    if author.kind is AuthorKind.CUSTOMER and not message.automatic.is_automatic:
        answer_customer(draft, message, author)
    return draft.decision("joined")


def _tell_thread(draft: Draft, message: Message, author: Author) -> None:
    files = tuple(
        OwedFile(filename=a.filename, content_type=a.content_type, message_key=message.key, part=a.part)
        for a in message.attachments
        if not a.inline
    )
    draft.post(
        draft.chat.say("chat_customer_wrote", name=author.name),
        name=f"message:{draft.ticket.received}",
        quote=message.reply_text or message.text,
        quote_author=author.name,
        mark="customer",
        mentions=(draft.ticket.assignee,) if draft.ticket.assignee else (),
        files=files,
    )


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
    answer = read_answer(message.reply_text or message.text)
    if answer is Answer.THANKS or (answer is Answer.SOLVED and ticket.status is Status.CLOSED):
        reopen = Button(command="reopen", label=draft.chat.say("button_reopen"))
        draft.post(draft.chat.say("chat_thanks", name=author.name), buttons=(reopen,), mark="thanks")
    elif answer is Answer.SOLVED:
        survey.confirmed(draft, author)
    elif answer is Answer.NOT_SOLVED:
        survey.not_solved(draft, author)
    else:
        draft.move(Event.CUSTOMER_WROTE, author=author, why="an answer to a ticket that was done reopens it")
        why = draft.chat.say("chat_customer_wrote", name=author.name)
        draft.post(draft.chat.say("chat_reopened", number=ticket.number, why=why), mark="reopened")


def _also_received(
    message: Message, ticket: Ticket, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """One mail to two of our addresses is one ticket with both noted (complaints 18, 19)."""
    draft = _draft(ticket, message, situation, policy, now)
    box = policy.mailbox(message.channel.removeprefix("mail:"))
    draft.note(EntryKind.ALSO_RECEIVED, box.address, because=verdict.because, message_key=message.key)
    draft.post(draft.chat.say("chat_also_received", mailbox=box.address), mark="linked")
    return draft.decision("also_received")


def _machine_mail(
    message: Message, ticket: Ticket | None, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """Bounces, absences and receipts: told in the ticket's thread, never moving it (complaints 25, 29)."""
    kind = message.automatic.kind
    ticket = ticket or situation.candidates.get("bounced")
    if ticket is None:
        return Decision(because=(*verdict.because, *message.automatic.because), outcome=f"automatic:{kind}")
    draft = _draft(ticket, message, situation, policy, now)
    draft.because += [*verdict.because, *message.automatic.because]
    author = Author(kind=AuthorKind.ROBOT, key=message.sender.email, name=str(message.sender))
    draft.note(
        EntryKind.AUTOMATIC, message.reply_text or message.text, author=author, because=message.automatic.because,
        message_key=message.key, message_id=message.message_id,
    )  # fmt: skip
    failed = [bounce for bounce in message.bounces if bounce.permanent]
    if kind == "bounce" and failed and failed[0].recipient.lower() in people(ticket):
        told = draft.chat.say(
            "chat_bounced", number=ticket.number, recipient=failed[0].recipient, status=failed[0].status
        )
        mentions = (ticket.assignee,) if ticket.assignee else ()
        draft.post(told, mentions=mentions, mark="failed")
    else:
        draft.post(draft.chat.say("chat_automatic", name=author.name, kind=kind), mark="automatic")
    return draft.decision(f"automatic:{kind}")
