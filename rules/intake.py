"""A message comes in: which ticket it belongs to, whether it opens one, and what the customer hears at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rules import files, letters, survey
from rules.answers import Answer, read_answer
from rules.classify import Classification, classify, facts
from rules.draft import Draft
from rules.effects import Button, Mail
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
from rules.threading import REFERENCE, Verdict, follows_key, judge, message_key, opens_new, people

# Machine mail that no person waits for an answer to; without a ticket of ours it is kept, counted, and opens nothing.
_NO_TICKET = frozenset({"bounce", "out_of_office", "read_receipt", "challenge", "own"})
_MOST_PARTICIPANTS = 20
_MOST_REFERENCES = 10
_MOST_LINKS = 50
_LONGEST_SUBJECT = 300
_LONGEST_NAME = 100
_LONGEST_REASON = 80

# A person may ask many things in an hour, but not ten that each get an answer before the next one comes (complaint 23).
_MOST_IN_A_ROW = 10
_CLOSELY = timedelta(hours=1)


def on_message(message: Message, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """Decide what one message changes (R-IN-1, -2, -3, -6)."""
    if policy.is_own(message.sender.email):
        return Decision(because=("sender: one of our own addresses, so nobody asks anything",), outcome="own")
    staff = (person.email for person in policy.staff)
    verdict = judge(message, situation.candidates, policy.secret, staff)
    ticket = verdict.ticket
    message = replace(message, subject=_line(message.subject, _LONGEST_SUBJECT), sender=_named(message.sender))
    if ticket is not None and verdict.same_message:
        return _also_received(message, ticket, verdict, situation, policy, now)
    if message.automatic.is_automatic and message.automatic.kind in _NO_TICKET:
        return _machine_mail(message, ticket, verdict, situation, policy, now)
    if ticket is None:
        return _open(message, verdict, situation, policy, now)
    fresh = opens_new(ticket, message, now, policy.habits.reopen_within)
    if fresh and not _settles(ticket, message):
        because = (*verdict.because, f"thread: {fresh}, so it opens a new, linked one")
        follows = Verdict(related=ticket, related_why=fresh, follows=True, because=because)
        return _open(message, follows, situation, policy, now)
    return _join(message, ticket, verdict, situation, policy, now)


def _settles(ticket: Ticket, message: Message) -> bool:
    """Whether a late message only thanks, confirms or scores, so that nobody has anything to do about it."""
    return survey.answers(ticket, message) is not None or _said(message) in (Answer.THANKS, Answer.SOLVED)


def _said(message: Message) -> Answer:
    """What a message says about a ticket that was done; a file is always more than a short answer (complaint 26)."""
    if any(not attachment.inline for attachment in message.attachments):
        return Answer.MORE
    return read_answer(message.reply_text or message.text)


def _line(text: str, longest: int) -> str:
    """A text that somebody else wrote as one line without control characters, cut to a length that fits everywhere."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _named(address: Address) -> Address:
    return replace(address, name=_line(address.name, _LONGEST_NAME))


def _draft(ticket: Ticket, message: Message, situation: Situation, policy: Policy, now: datetime) -> Draft:
    return Draft(ticket, policy, situation, now, source=message.channel)


def author_of(message: Message, ticket: Ticket, policy: Policy) -> Author:
    """Whose words a message are: staff are never shown as the customer, but for their own requests (complaint 33)."""
    person = policy.staff_by_email(message.sender.email)
    if person and message.sender.email != ticket.customer.email:
        return Author(kind=AuthorKind.STAFF, key=person.key, name=person.name)
    kind = AuthorKind.ROBOT if message.automatic.is_automatic else AuthorKind.CUSTOMER
    return Author(kind=kind, key=message.sender.email, name=message.sender.name or message.sender.email)


def _received(draft: Draft, message: Message, verdict: Verdict) -> None:
    """Put a message's words into the journal, and let later answers to it find the ticket."""
    draft.note(
        EntryKind.RECEIVED,
        message.reply_text or message.text,
        author=author_of(message, draft.ticket, draft.policy),
        quoted_text=message.quoted_text,
        because=(*verdict.because, *message.automatic.because, *message.notes),
        message_key=message.key,
        message_id=message.message_id,
        attachments=message.attachments,
    )
    known = dict.fromkeys((message.message_id, *message.in_reply_to, *reversed(message.references)))
    for message_id in tuple(known)[:_MOST_LINKS]:
        if message_id and len(message_id) < 1000:
            draft.link(message_key(message_id))


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
            known.setdefault(person.email, _named(person))
    return tuple(known.values())[:_MOST_PARTICIPANTS]


def _open(message: Message, verdict: Verdict, situation: Situation, policy: Policy, now: datetime) -> Decision:
    on_file = policy.on_file(message.sender.email)
    customer = customer_address(message, policy)
    known = situation.customer if situation.customer and situation.customer.email == customer.email else None
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
        customer=customer,
        language=policy.wording.best(on_file.language or message.language or (known.language if known else "")),
        timezone=on_file.timezone or _zone_of(message) or (known.timezone if known else "") or policy.timezone,
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
    reasons = tuple(_line(reason, _LONGEST_REASON) for reason in found.because)
    draft.note(EntryKind.CLASSIFIED, f"{found.priority} · {found.category}", because=reasons)
    if sent := files.of_message(message):
        # The card has the words; files stand under it.
        name = author_of(message, ticket, policy).name
        told = draft.chat.say("chat_files_came", name=name)
        draft.post(told, name="message:1", quote_author=name, mark="customer", files=sent)
        files.show(draft, f"{ticket.number}:message:1", sent)
    if verdict.related:
        _tell_related(draft, verdict.related, verdict)
    seen = _seen(known, message, ticket)
    if _acknowledge(draft, message, found, seen):
        seen = replace(seen, acknowledged_at=now, acknowledged=_in_a_row(seen, policy, now) + 1)
    if "@" in seen.email:
        draft.remember(seen)
    return draft.decision("opened")


def customer_address(message: Message, policy: Policy) -> Address:
    """Who gets our answers: the Reply-To if the sender named exactly one that is not ours, else the sender."""
    if len(message.reply_to) == 1 and "@" in message.reply_to[0].email:
        reply_to = _named(message.reply_to[0])
        if not policy.is_own(reply_to.email):
            return replace(reply_to, name=reply_to.name or message.sender.name)
    return message.sender


def _zone_of(message: Message) -> str:
    """The customer's zone as a fixed offset, from the Date header (R-CU-1); an offset of zero tells nothing."""
    offset = message.sent_at.utcoffset() if message.sent_at else None
    if not offset or offset % timedelta(hours=1) or not timedelta(hours=-12) <= offset <= timedelta(hours=14):
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


def _in_a_row(customer: Customer, policy: Policy, now: datetime) -> int:
    """How many automatic answers to this sender followed each other closely, up to now.

    After too many of them the sender looks like a machine, which is answered again only after
    ``automatic_answer_every``.
    """
    if customer.acknowledged_at is None:
        return 0
    is_loop = customer.acknowledged >= _MOST_IN_A_ROW
    rest = policy.habits.automatic_answer_every if is_loop else _CLOSELY
    return customer.acknowledged if now - customer.acknowledged_at < rest else 0


def _acknowledge(draft: Draft, message: Message, found: Classification, customer: Customer) -> bool:
    """The automatic answer, unless a machine wrote or a rule says no; either way the journal says why."""
    refused = None
    if not message.automatic.may_answer:
        refused = f"not acknowledged: {message.automatic.kind} mail is never answered automatically (RFC 3834)"
    elif "@" not in draft.ticket.customer.email:
        refused = "not acknowledged: the mail has no usable sender address"
    elif not found.acknowledge:
        refused = "not acknowledged: a rule says so"
    elif _in_a_row(customer, draft.policy, draft.now) >= _MOST_IN_A_ROW:
        refused = f"not acknowledged: {_MOST_IN_A_ROW} automatic answers in a row look like a loop with a machine"
    if refused:
        draft.note(EntryKind.NOT_ACKNOWLEDGED, because=(refused,))
        draft.because.append(refused)
        return False
    letter = letters.acknowledgement(draft.ticket, draft.policy, draft.now)
    draft.owe(letter)
    assert isinstance(letter.content, Mail)
    draft.note(EntryKind.ACKNOWLEDGED, letter.content.text, outbox_key=letter.key)
    return True


def _tell_related(draft: Draft, related: Ticket, verdict: Verdict) -> None:
    """Say on both tickets that they have to do with each other, and why (R-CO-2)."""
    because = (f"thread: {verdict.related_why}",)
    draft.note(EntryKind.LINKED, f"#{related.number}", because=because)
    draft.note_on(related.number, EntryKind.LINKED, f"#{draft.ticket.number}", because=because)
    key = "chat_linked" if verdict.follows else "chat_related"
    draft.post(draft.chat.say(key, number=related.number, why=verdict.related_why), mark="linked")
    closed_at = related.closed_at
    if verdict.follows and closed_at and draft.now - closed_at > draft.policy.habits.reopen_within:
        draft.link(follows_key(related.number))


def _join(
    message: Message, ticket: Ticket, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """A message on a ticket we have: told in its thread, and moved by what it says."""
    draft = _draft(ticket, message, situation, policy, now)
    draft.because += verdict.because
    _received(draft, message, verdict)
    author = author_of(message, ticket, policy)
    if author.kind is AuthorKind.CUSTOMER:
        draft.ticket = _with_message(draft.ticket, message, policy)
    draft.ticket = replace(draft.ticket, received=ticket.received + 1)
    _tell_thread(draft, message, author)
    if author.kind is AuthorKind.CUSTOMER:
        answer_customer(draft, message, author)
    return draft.decision("joined")


def _tell_thread(draft: Draft, message: Message, author: Author) -> None:
    sent, name = files.of_message(message), f"message:{draft.ticket.received}"
    draft.post(
        draft.chat.say("chat_customer_wrote", name=author.name),
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
    answer = _said(message)
    if answer is Answer.THANKS or (answer is Answer.SOLVED and ticket.status is Status.CLOSED):
        reopen = Button(command="reopen", label=draft.chat.say("button_reopen"))
        draft.post(draft.chat.say("chat_thanks", name=author.name), buttons=(reopen,), mark="thanks")
    elif answer is Answer.SOLVED:
        if ticket.confirmed_at is None:
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
    ticket = ticket or situation.candidates.get("bounced") or situation.candidates.get(REFERENCE)
    if ticket is None:
        return Decision(because=(*verdict.because, *message.automatic.because), outcome=f"automatic:{kind}")
    draft = _draft(ticket, message, situation, policy, now)
    draft.because += [*verdict.because, *message.automatic.because]
    author = Author(kind=AuthorKind.ROBOT, key=message.sender.email, name=str(message.sender) or "?")
    draft.note(
        EntryKind.AUTOMATIC, message.reply_text or message.text, author=author, because=message.automatic.because,
        message_key=message.key, message_id=message.message_id,
    )  # fmt: skip
    ours = {*people(ticket), *(person.email for person in policy.staff)}
    failed = [bounce for bounce in message.bounces if bounce.permanent and bounce.recipient.lower() in ours]
    for bounce in failed if kind == "bounce" else ():
        told = draft.chat.say("chat_bounced", number=ticket.number, recipient=bounce.recipient, status=bounce.status)
        calls = draft.responsible
        draft.post(told, mentions=calls, mark="failed", broadcast=not calls, urgency=0)
    if kind != "bounce" or not failed:
        draft.post(draft.chat.say("chat_automatic", name=author.name, kind=kind), mark="automatic")
    return draft.decision(f"automatic:{kind}")
