"""Staff answer from their own mail client: to the customer if it is surely theirs, else inside (complaint 33)."""

from __future__ import annotations

import re

from rules import collision, files, replying
from rules.draft import Draft, staff_author
from rules.editions import ASKED, ORDERED
from rules.effects import OwedFile
from rules.holding import handle_of
from rules.model import Actor, Command, EntryKind, Message
from rules.policy import Policy, Staff
from rules.receiving import link_words
from rules.threading import Verdict

_NOTE = re.compile(r"(?:#note\b|note\s{0,3}[:：]|🔒\ufe0f?)[:：]?", re.IGNORECASE)
_VIA = "mail"


def take_staff_mail(draft: Draft, message: Message, verdict: Verdict, person: Staff) -> str:
    """Let a staff member's mail do what it says: reply to the customer, or leave a note.

    Gives why it must stay inside instead, in words; empty when it was taken. It goes out only when it came to the
    address that was signed for this person, nothing speaks against the sender, and, where a mail server of ours checks
    senders, it vouches for them.
    """
    why = _stays_inside(draft, message, verdict, person)
    if why:
        return why
    text = (message.reply_text or message.text).strip()
    note = _NOTE.match(text)
    if note:
        _note(draft, message, text[note.end() :].strip(), person)
    elif (meanwhile := collision.with_reply(draft, person)) and draft.ticket.reaches and (text or _attached(message)):
        _ask(draft, message, text, person, meanwhile)
    else:
        actor = Actor(name=person.name, staff=person.key, via=_VIA)
        command = Command(
            key=message.key, name="reply", actor=actor, at=draft.now, ticket=draft.ticket.number, text=text
        )
        refusal = replying.reply_with(draft, command, person, _attached(message))
        if refusal:
            return refusal.text
    link_words(draft, message)
    return ""


def _ask(draft: Draft, message: Message, text: str, person: Staff, why: collision.Meanwhile) -> None:
    """Somebody else is answering: the words wait inside, and their author is asked in the thread, as in chat."""
    attached, number = _attached(message), draft.ticket.number
    name = f"{number}:reply:{handle_of(message.key)}"
    draft.note(
        EntryKind.NOTED, text, author=staff_author(person), message_key=message.key, message_id=message.message_id,
        attachments=files.listed(attached), because=(ASKED, ORDERED), place=name,
    )  # fmt: skip
    told = draft.chat.say("chat_reply_elsewhere", name=person.name, via=_VIA, text=text)
    said = f"asked:{handle_of(message.key)}"
    draft.post(told, name=said, mark="inside", files=attached)
    files.show(draft, f"{number}:{said}", attached)
    collision.ask(draft, person, name, "", why)


def _stays_inside(draft: Draft, message: Message, verdict: Verdict, person: Staff) -> str:
    if not verdict.inside or verdict.owner != person.email:
        return draft.chat.say("inside_no_key")
    if not is_authentic(message, draft.policy):
        return draft.chat.say("inside_not_proven")
    if _quotes_us(message.reply_text or message.text, draft.policy):
        return draft.chat.say("inside_quotes")
    return ""


def is_authentic(message: Message, policy: Policy) -> bool:
    """Whether a mail in the name of staff is theirs, as far as the mail server that we trust was asked to check it."""
    found, box = message.authentication, policy.mailbox(message.channel.removeprefix("mail:"))
    return not found.failed and (found.proven or not box.trusted_hosts)


def _quotes_us(text: str, policy: Policy) -> bool:
    """Whether our own mail to staff still stands in the answer: what is meant for colleagues must not go out."""
    said = " ".join(text.split())
    hints = (texts.texts["staff_answer_hint"] for texts in policy.wording.languages.values())
    return any(hint[:40] in said for hint in hints)


def _attached(message: Message) -> tuple[OwedFile, ...]:
    """The files that go with it; a picture in the text is taken for the logo of a signature."""
    inline = {file.part for file in message.attachments if file.inline}
    return tuple(file for file in files.of_message(message) if file.part not in inline)


def _note(draft: Draft, message: Message, text: str, person: Staff) -> None:
    attached = _attached(message)
    draft.note(
        EntryKind.NOTED, text, author=staff_author(person), message_key=message.key, message_id=message.message_id,
        attachments=files.listed(attached),
    )  # fmt: skip
    name = f"note:{draft.round}"
    told = draft.chat.say("chat_note_kept", name=person.name, text=text)
    draft.post(told, name=name, mark="inside", files=attached)
    files.show(draft, f"{draft.ticket.number}:{name}", attached)
