"""A staff member answers the customer: held for a moment so that it can be undone, then owed as a mail (R-HA-2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules import collision, editions, files, letters
from rules.draft import Draft, staff_author
from rules.editions import ALONE, CORRECTS, ORDERED, WAITS
from rules.effects import Button, Mail, OutboxEntry, OwedFile, Post
from rules.lifecycle import Event
from rules.model import DESK, Command, EntryKind, Refusal, Status
from rules.policy import Staff
from rules.spoken import spoken

HELD, SENT, FAILED, INSIDE = "held", "sent", "failed", "inside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a staff member says to the customer, from whichever door.

    ``place`` is where the words stand in chat, or the effect they were first written for, ``edition`` which edition of
    them this is; marks go on ``target``, a whisper on the hold to ``user``. ``corrects`` says that it corrects what was
    mailed before, ``sure`` that its author knows of what others said meanwhile, ``copies`` that those who take part get
    it too (complaint 49).
    """

    text: str
    files: tuple[OwedFile, ...] = ()
    place: str = ""
    edition: str = ""
    target: str = ""
    user: str = ""
    then: str = ""
    via: str = "chat"
    because: tuple[str, ...] = ()
    corrects: bool = False
    sure: bool = False
    now: bool = False
    copies: bool = True


def reply(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Hold a reply for the undo time, then owe it.

    Nothing counts as answered yet: the first response and the status follow when the relay has taken the mail
    (``delivered``), so withdrawing or failing has nothing to undo. A reply may be a file alone. While somebody else is
    answering, or when the customer wrote meanwhile, it is refused with the code ``ask`` until its author is sure.
    """
    return reply_with(draft, command, person, ())


def reply_with(draft: Draft, command: Command, person: Staff, carried: tuple[OwedFile, ...]) -> Refusal | None:
    """Hold a reply whose files are kept already, such as those of a staff member's mail."""
    refusal = files.problem_with(command, draft.chat)
    if refusal:
        return refusal
    if command.args.get("order") and spoken(command.text).inside:
        return Refusal(code="locked", text=draft.chat.say("refused_locked"))
    args, attached = command.args, (*carried, *files.attached(command))
    answer = Answer(
        text=command.text.strip(), files=attached, place=args.get("target", ""), target=args.get("target", ""),
        edition=args.get("edition", ""), then=args.get("then", ""), via=command.actor.via, now=bool(args.get("now")),
        sure=bool(args.get("sure") or args.get("now")), user=args.get("user", ""),
        because=(ORDERED,) if args.get("order") else (), copies=args.get("copies") != "no",
    )  # fmt: skip
    if not answer.sure and (why := collision.with_reply(draft, person, args.get("seen", ""))):
        return Refusal(code="ask", text=why.told(draft, person))
    return hold_answer(draft, person, answer)


def unfit(draft: Draft, answer: Answer) -> Refusal | None:
    """Why an answer can be sent to nobody, in words."""
    if not answer.text and not answer.files:
        return Refusal(code="empty", text=draft.chat.say("refused_empty"))
    if draft.ticket.junk:
        return Refusal(code="spam", text=draft.chat.say("refused_spam", number=draft.ticket.number))
    if not draft.ticket.reaches:
        return Refusal(code="address", text=draft.chat.say("refused_address", value=draft.ticket.customer.email))
    return None


def hold_answer(draft: Draft, person: Staff, answer: Answer) -> Refusal | None:
    """Hold an answer for the undo time, then owe it; its author is told where it goes and how to stop it."""
    refusal = unfit(draft, answer)
    if refusal:
        return refusal
    draft.ticket = replace(draft.ticket, drafted=draft.ticket.drafted + 1)
    length = timedelta() if answer.now else draft.policy.habits.undo_hold
    meta = {"by": person.key, "written_at": draft.now.isoformat(), "target": answer.target, "then": answer.then}
    meta |= {"text": answer.text, "place": answer.place, "edition": answer.edition}
    meta |= {"sure": "yes"} if answer.sure else {}
    meta |= {"corrects": "yes"} if answer.corrects else {}
    meta |= {} if answer.copies else {"copies": "no"}
    # A mail may name several tickets; only what was said on this one is its reader's to see.
    history = tuple(entry for entry in draft.situation.history if entry.ticket == draft.ticket.number)
    entry = letters.staff_reply(
        draft.ticket, draft.policy, text=_as_mailed(draft, answer), name=person.name, at=draft.now + length, meta=meta,
        history=history,
    )  # fmt: skip
    assert isinstance(entry.content, Mail)
    mail = replace(entry.content, files=answer.files, cc=entry.content.cc if answer.copies else ())
    draft.owe(replace(entry, content=mail))
    draft.note(
        EntryKind.REPLIED, answer.text, author=staff_author(person), outbox_key=entry.key, because=_because(answer),
        attachments=files.listed(answer.files), place=answer.place, edition=answer.edition,
    )  # fmt: skip
    _show(draft, person, answer)
    if answer.user and length:
        _tell_author(draft, answer, entry.key, length)
    return None


def _because(answer: Answer) -> tuple[str, ...]:
    """What the next order about these words must know of them."""
    waits = (WAITS,) if answer.then == "wait" else ()
    return (*answer.because, *waits, *(() if answer.copies else (ALONE,)))


def _as_mailed(draft: Draft, answer: Answer) -> str:
    """The words as the customer gets them; a correction says, in their language, that it is one."""
    if not answer.corrects:
        return answer.text
    return f"{draft.policy.wording.of(draft.ticket.language).say('mail_correction')}\n\n{answer.text}"


def _show(draft: Draft, person: Staff, answer: Answer) -> None:
    """Mark the words in the thread as held; words from elsewhere are told there."""
    if answer.target:
        draft.mark(answer.target, HELD, f"mark:{draft.ticket.drafted}:{HELD}")
        return
    told = draft.chat.say("chat_reply_elsewhere", name=person.name, via=answer.via, text=answer.text)
    name = f"reply:{draft.ticket.drafted}:told"
    draft.post(told, name=name, mark="reply", files=answer.files)
    files.show(draft, f"{draft.ticket.number}:{name}", answer.files)


def _tell_author(draft: Draft, answer: Answer, key: str, length: timedelta) -> None:
    """Tell the author where their words go and when, with buttons that send them now or keep them (complaint 62)."""
    name = answer.place or key
    buttons = (
        Button(command="send_now", label=draft.chat.say("button_send_now"), value=name),
        Button(command="withdraw", label=draft.chat.say("button_withdraw"), value=name),
        Button(command="open:reply", label=draft.chat.say("button_edit"), value=name),
    )
    told = draft.chat.say("chat_held", to=answered_at(draft), seconds=round(length.total_seconds()))
    draft.whisper(answer.user, told, name=f"reply:{draft.ticket.drafted}:hold", buttons=buttons)


def answered_at(draft: Draft) -> str:
    """Where an answer reaches the customer, in words: their address, or the thread in which they asked."""
    ticket, customer = draft.ticket, draft.ticket.customer
    if ticket.asked_in:
        return draft.chat.say("chat_to_thread_and_mail" if ticket.by_mail else "chat_to_thread", name=customer)
    return customer.email if customer.takes_mail else str(customer)


def _held(draft: Draft, command: Command) -> OutboxEntry | None:
    """The held reply that a command is about: named by its key, by its words' name, or by where they were written."""
    wanted = set(filter(None, (command.args.get("reply"), command.args.get("target"), command.args.get("value"))))
    for entry in draft.situation.held:
        names = {entry.key, entry.meta.get("target", ""), entry.meta.get("place", "")}
        if editions.is_held(entry, draft.situation) and wanted & names:
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
        return _keep(draft, command, person)
    if command.args.get("about") == "words" and entry.meta.get("by") != person.key:
        return None
    if "resolved_by" in entry.meta:
        _unresolve(draft, entry, person)
        return None
    take_back(draft, entry, person)
    draft.mark(entry.meta.get("target", ""), INSIDE, f"mark:{_round(entry)}:{INSIDE}")
    return None


def _keep(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Leave words inside that are not held: their author was asked, or took an order back that was not obeyed yet."""
    name = command.args.get("target") or command.args.get("reply") or command.args.get("value", "")
    found = editions.word(draft.situation, name)
    if found and found.asked:
        draft.note(EntryKind.WITHDRAWN, author=staff_author(person), because=("kept inside by order",), place=name)
        draft.mark(command.args.get("target", ""), INSIDE, f"mark:kept:{draft.round}:{name}")
        return None
    is_taken_back = command.args.get("about") == "words" and (found is None or found.left is None)
    return None if is_taken_back else _gone(draft)


def take_back(draft: Draft, entry: OutboxEntry, person: Staff, because: tuple[str, ...] = ()) -> None:
    """Withdraw a held reply; its words stay in the journal, and may be sent by another order."""
    draft.withdraw(entry.key)
    draft.note(
        EntryKind.WITHDRAWN, author=staff_author(person), outbox_key=entry.key, because=because,
        place=entry.meta.get("place", ""),
    )  # fmt: skip


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
    text = command.text.strip()
    carried = entry.content.files if isinstance(entry.content, Mail | Post) else ()
    answer = answer_of(entry, text=text, files=(*carried, *files.attached(command)), via=command.actor.via)
    args = command.args
    answer = replace(
        answer, then=args.get("then", answer.then), user=args.get("user", ""),
        copies=args["copies"] != "no" if "copies" in args else answer.copies,
    )  # fmt: skip
    refusal = files.problem_with(command, draft.chat) or unfit(draft, answer)
    if refusal:
        return refusal
    take_back(draft, entry, person, ("edited while held",))
    return hold_answer(draft, person, answer)


def answer_of(entry: OutboxEntry, *, text: str, files: tuple[OwedFile, ...], via: str) -> Answer:
    """A held answer in other words, under the same name."""
    meta = entry.meta
    corrects = "corrects" in meta
    return Answer(
        text=text, files=files, place=meta.get("place", ""), edition=meta.get("edition", ""), then=meta.get("then", ""),
        target=meta.get("target", ""), via=via, corrects=corrects, sure="sure" in meta,
        because=(CORRECTS,) if corrects else (), copies="copies" not in meta,
    )  # fmt: skip


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
    draft.note(EntryKind.DELIVERED, entry.receipt, outbox_key=entry.key)
    sent = (entry.content.message_id,) if isinstance(entry.content, Mail) else ()
    chain = (*draft.ticket.references, *sent)
    # The first one names the thread, the last ones its end (RFC 5322 §3.6.4, complaint 36).
    references = (*chain[:1], *chain[1:][-10:])
    draft.ticket = replace(draft.ticket, references=references, replies=draft.ticket.replies + 1)
    draft.mark(entry.meta.get("target", ""), SENT, f"mark:{_round(entry)}:{SENT}")
