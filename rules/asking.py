"""Somebody asks for help in chat, or goes on about what they asked: the thread tells which ticket it is (R-IN-1).

A person's words in a channel of requests, to the desk itself, or with a ticket opened of them, are a message like any
mail: classified, dated, told to staff, answered (R-IN-3). What proves that words belong to a ticket is the thread in
which they stand; of words outside of one, who said them and when (R-IN-6).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rules import files, letters, rooms
from rules.draft import Draft, staff_author
from rules.editions import LOCKED
from rules.effects import Mail
from rules.identities import author_of, named, one_line
from rules.joining import join, said
from rules.lifecycle import Event
from rules.model import AuthorKind, Decision, Entry, EntryKind, Message, Situation, Status, Ticket
from rules.opening import LONGEST_SUBJECT, Opening, open_ticket
from rules.policy import Policy, Staff
from rules.receiving import draft_of, keep_place
from rules.spoken import spoken
from rules.survey import answers
from rules.threading import LATELY, ROOM, Verdict, opens_new

_AN_EDIT = timedelta(hours=1)
"""An edit of words that we never heard is taken for the words, if they were that new."""


def on_said(message: Message, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """Decide what words in chat change, or an edit or the deletion of them."""
    message = _tidy(message, policy)
    ticket, because = _ticket_of(message, situation, policy)
    known = _known(message, situation.story)
    if ticket is not None and message.in_chat.by:
        return Decision(because=(f"chat: #{ticket.number} is about this thread already",), outcome="already")
    if known is not None and ticket is not None:
        return _again(message, ticket, known, situation, policy, now)
    if message.in_chat.unsaid or (message.in_chat.edition and not _is_young(message)):
        return Decision(because=("chat: nothing was made of these words, so nothing of what became of them",))
    if ticket is None:
        return _opened(message, Verdict(because=because), situation, policy, now)
    person = policy.staff_by_email(message.sender.email)
    if person is not None and author_of(message, ticket, policy).kind is AuthorKind.STAFF:
        return _answered_there(message, ticket, person, because, situation, policy, now)
    fresh = opens_new(ticket, replace(message, subject=""), now, policy.habits.reopen_within)
    if fresh and not _only_settles(message, ticket):
        follows = (*because, f"thread: {fresh}, so it opens a new, linked one")
        verdict = Verdict(related=ticket, related_why=fresh, follows=True, because=follows)
        return _opened(message, verdict, situation, policy, now)
    return join(replace(message, subject=""), ticket, Verdict(ticket=ticket, because=because), situation, policy, now)


def _tidy(message: Message, policy: Policy) -> Message:
    shown = files.shared(message, policy.wording.of(policy.languages[0])) if message.files else message.attachments
    subject = one_line(message.subject, LONGEST_SUBJECT)
    return replace(message, subject=subject, sender=named(message.sender), attachments=shown)


def _ticket_of(message: Message, situation: Situation, policy: Policy) -> tuple[Ticket | None, tuple[str, ...]]:
    """The ticket that words in chat belong to, and why."""
    here, lately = situation.candidates.get(ROOM), situation.candidates.get(LATELY)
    if here is not None:
        return here, (f"thread: it stands in the thread of #{here.number}",)
    if lately is None or lately.asker != message.asker or message.in_chat.by:
        return None, ("thread: it stands in no ticket's thread, so it opens a new one",)
    if _in_burst(message, situation.story, policy):
        return lately, (f"thread: the same person wrote it right after other words on #{lately.number}",)
    if message.in_chat.direct and lately.status is Status.WAITING:
        return lately, (f"thread: #{lately.number} waits for the one who wrote it",)
    if _only_settles(message, lately):
        return lately, (f"thread: it says that #{lately.number} is done and asks nothing",)
    return None, (f"thread: it goes on with nothing that was said on #{lately.number}, so it opens a new one",)


def _only_settles(message: Message, ticket: Ticket) -> bool:
    """Whether words only thank, confirm or score: such words ask for nothing, wherever they are said."""
    return answers(ticket, message) is not None or said(message) in ("thanks", "solved")


def _in_burst(message: Message, story: tuple[Entry, ...], policy: Policy) -> bool:
    mine = [entry.place for entry in story if entry.place and entry.author.key == message.sender.email]
    moment = _moment(message.in_chat.place)
    return any(abs(moment - _moment(place)) <= policy.chat.burst.total_seconds() for place in mine)


def _moment(place: str) -> float:
    """When words were said, in seconds, as the time stamp in their place tells it."""
    ts = place.rpartition(":")[2]
    return float(ts) if ts.replace(".", "", 1).isdecimal() else 0.0


def _is_young(message: Message) -> bool:
    edited = _moment(message.in_chat.edition)
    return 0 <= edited - _moment(message.in_chat.place) <= _AN_EDIT.total_seconds()


def _known(message: Message, story: tuple[Entry, ...]) -> Entry | None:
    """The newest edition that the journal has of the words at a place."""
    place = message.in_chat.place
    return next((entry for entry in reversed(story) if place and entry.place == place), None)


def _again(
    message: Message, ticket: Ticket, known: Entry, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """Words that we have: a newer edition of them or their deletion is told to staff, anything older is nothing."""
    gone, in_chat = known.kind is EntryKind.UNSAID, message.in_chat
    older = not in_chat.unsaid and _moment(in_chat.edition) <= _moment(known.edition)
    if gone or older:
        return Decision(because=("chat: as new an edition of these words is known",), outcome="known")
    draft = draft_of(ticket, message, situation, policy, now)
    author, text = author_of(message, ticket, policy), "" if in_chat.unsaid else message.text
    key = "chat_asker_unsaid" if in_chat.unsaid else "chat_asker_edited"
    kind = EntryKind.UNSAID if in_chat.unsaid else EntryKind.EDITED
    draft.note(kind, text, author=author, message_key=message.key, place=in_chat.place, edition=in_chat.edition)
    if in_chat.unsaid:
        draft.withdraw(_name_of_mail(draft, in_chat.place))
    draft.post(
        draft.chat.say(key, name=author.name), quote=text, quote_author=author.name if text else "", mark="customer",
        name=f"{in_chat.place}:{in_chat.edition or 'gone'}",
    )  # fmt: skip
    if not in_chat.unsaid and ticket.status is Status.WAITING and author.kind is AuthorKind.CUSTOMER:
        draft.move(Event.CUSTOMER_WROTE, author=author)
    return draft.decision("edited")


def _opened(message: Message, verdict: Verdict, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """A new ticket, answered where it was asked; what its category still needs is asked there too."""
    how = Opening()
    if person := policy.person(message.in_chat.by):
        texts = policy.wording.of(policy.languages[0])
        how = Opening(hint=texts.say("chat_opened_for", by=person.name, name=str(message.sender)))
    return open_ticket(message, verdict, situation, policy, now, how)


def _answered_there(
    message: Message, ticket: Ticket, person: Staff, because: tuple[str, ...], situation: Situation, policy: Policy,
    now: datetime,
) -> Decision:  # fmt: skip
    """A staff member's word in the asker's own thread is an answer that the asker has seen already."""
    draft, author = draft_of(ticket, message, situation, policy, now), staff_author(person)
    sent = files.of_message(message)
    draft.because += because
    if spoken(message.text).inside:
        return _locked_there(draft, message, person)
    draft.note(
        EntryKind.REPLIED, message.text, author=author, attachments=message.attachments, message_key=message.key,
        because=("said in the asker's own thread",), place=message.in_chat.place, edition=message.in_chat.edition,
    )  # fmt: skip
    keep_place(draft, message)
    draft.ticket = replace(draft.ticket, drafted=ticket.drafted + 1)
    if _reads(ticket, message, situation):
        _count(draft, person)
        _mail_too(draft, message, person)
    name = f"reply:{draft.ticket.drafted}:told"
    told = draft.chat.say("chat_answered_there", name=person.name)
    draft.post(told, name=name, quote=message.text, quote_author=person.name, mark="reply", files=sent)
    files.show(draft, f"{ticket.number}:{name}", sent)
    return draft.decision("answered")


def _reads(ticket: Ticket, message: Message, situation: Situation) -> bool:
    """Whether the thread is the ticket's own; in that of a request merged into it another person reads."""
    wrote = (entry for entry in situation.story if entry.kind is EntryKind.RECEIVED)
    return ticket.asked_in == message.room or any(entry.place == message.room for entry in wrote)


def _count(draft: Draft, person: Staff) -> None:
    """The customer has been answered."""
    author = staff_author(person)
    draft.first_response(draft.now, person.key)
    if draft.can(Event.STAFF_REPLIED):
        draft.move(Event.STAFF_REPLIED, author=author)
    if draft.ticket.status is Status.WAITING:
        draft.wait_anew()
    if draft.ticket.assignee is None:
        draft.give(person, author, why="the first to answer is responsible until somebody else is")
    draft.ticket = replace(draft.ticket, replies=draft.ticket.replies + 1)


def _locked_there(draft: Draft, message: Message, person: Staff) -> Decision:
    """A line for colleagues, typed where the asker reads it too: it travels no further, and its author is told."""
    words, sent = spoken(message.text).text, files.of_message(message)
    draft.note(
        EntryKind.NOTED, words, author=staff_author(person), attachments=message.attachments, message_key=message.key,
        because=(LOCKED,), place=message.in_chat.place, edition=message.in_chat.edition,
    )  # fmt: skip
    keep_place(draft, message)
    name = f"locked_there:{message.in_chat.place}"
    told = draft.chat.say("chat_locked_there", name=person.name)
    draft.post(
        told, name=name, quote=words, quote_author=person.name, mark="inside", mentions=(person.key,), files=sent
    )  # fmt: skip
    return draft.decision("noted")


def _mail_too(draft: Draft, message: Message, person: Staff) -> None:
    """The same words by mail, after the hold, where the asker wishes it and nothing waits for an order."""
    wished = draft.ticket.by_mail and draft.ticket.customer.takes_mail
    if not wished or draft.policy.chat.replies == "explicit":
        return
    letter = letters.staff_reply(
        draft.ticket, draft.policy, text=message.text, name=person.name,
        at=draft.now + draft.policy.habits.undo_hold, meta={}, history=(),
    )  # fmt: skip
    assert isinstance(letter.content, Mail)
    letter = replace(
        letter, key=_name_of_mail(draft, message.in_chat.place),
        content=replace(letter.content, files=files.of_message(message)),
    )  # fmt: skip
    draft.owe(rooms.twin(letter, draft.policy))


def _name_of_mail(draft: Draft, place: str) -> str:
    """The name of what goes by mail of words in the asker's own thread: deleted in time, it is taken back."""
    return f"{draft.ticket.number}:there:{place}"
