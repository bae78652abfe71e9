"""The form in which staff write an answer, with an exact preview: what is shown is what is sent, to whom it is shown.

It is one view. Sent in for the first time, or after something was changed, it shows below the words the very mail that
the rules would make of them; sent in as it was shown, it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from channels.chat import blocks
from channels.chat import form_parts as parts
from channels.chat.blocks import Block
from channels.chat.form_parts import Asked, Scene, Step
from rules import letters, rooms
from rules.effects import Mail, OutboxEntry, OutboxState, Post
from rules.files import size_in_words
from rules.model import Ticket
from rules.policy import Staff
from rules.quoting import public

EVERYBODY, CUSTOMER = "all", "customer"
WAIT, SURE = "wait", "sure"
ASK = "ask"
"""The code of a refusal that may be overruled by whoever wrote the answer."""


def reply_view(scene: Scene) -> Block:
    """The words, who gets them, and what else is to happen; an answer that is still held comes with its words."""
    held = held_reply(scene)
    text = scene.filled.one("words") or (held.meta.get("text", "") if held else "")
    if blocks.units(text) > parts.INPUT_MOST:
        # A field holds less than a message does: what does not fit must not be cut off unseen.
        return parts.modal("reply", scene, parts.told((scene.texts.say("form_too_long"),)), "")
    then = scene.filled.many("options") or ((WAIT,) if held and held.meta.get("then") == WAIT else ())
    return _view(scene, text, _recipient(scene, held), then, [], "form_preview")


def reply_read(scene: Scene) -> Step:
    """The preview, until it shows what was entered; then the answer."""
    filled, texts = scene.filled, scene.texts
    text = filled.one("words")
    if scene.person is None:
        return Step(errors={"words": texts.say("refused_stranger", name="?")})
    if not text:
        return Step(errors={"words": texts.say("refused_empty")})
    to, options = filled.one("recipients") or _recipient(scene, held_reply(scene)), filled.many("options")
    shown = _name_of(text, to)
    if shown != scene.memory.shown:
        changed = bool(scene.memory.shown)
        scene = parts.with_memory(scene, shown=shown)
        return Step(view=_view(scene, text, to, options, _preview(scene, text, to, changed=changed), "form_send"))
    args = {"then": WAIT if WAIT in options else "", "copies": "no" if to == CUSTOMER else "yes"}
    if held_reply(scene):
        args |= {"value": scene.memory.value}
        return Step(asked=(Asked(command="edit", under="words", args=args, text=text),))
    args = {name: value for name, value in args.items() if value not in ("", "yes")} | {"seen": str(scene.memory.seen)}
    args |= {SURE: "yes"} if SURE in filled.many("sure") else {}
    return Step(asked=(Asked(command="reply", under="words", args=args, text=text),))


def ask_again(scene: Scene, why: str) -> Block:
    """The form once more, with what somebody else said meanwhile and a box that says: send it all the same."""
    filled, texts = scene.filled, scene.texts
    text, to = filled.one("words"), filled.one("recipients") or EVERYBODY
    scene = replace(parts.with_memory(scene, shown=_name_of(text, to)), told=(why, *scene.told))
    box = parts.ticks("sure", texts.say("form_options"), [(texts.say("form_sure"), SURE)])
    preview = _preview(scene, text, to, changed=False)
    return _view(scene, text, to, filled.many("options"), [box, *preview], "form_send")


def held_reply(scene: Scene) -> OutboxEntry | None:
    """The answer that the form was opened to change, while it is held."""
    wanted = scene.memory.value
    if not wanted:
        return None
    return next(
        (
            entry
            for entry in scene.owed
            if entry.state is OutboxState.QUEUED
            and wanted in (entry.key, entry.meta.get("target"), entry.meta.get("place"))
        ),
        None,
    )


def _view(scene: Scene, text: str, to: str, options: Sequence[str], below: list[Block], submit: str) -> Block:
    ticket, texts = scene.ticket, scene.texts
    hint = texts.say("form_words_hint", name=ticket.customer if ticket else "")
    made = [parts.written("words", texts, hint=hint, multiline=True, initial=text)]
    if ticket and ticket.participants:
        made.append(_recipients(scene, ticket, to))
    wait = (texts.say("form_then_wait"), WAIT)
    made.append(parts.ticks("options", texts.say("form_options"), [wait], chosen=options))
    return parts.modal("reply", scene, [*made, *below], submit, watched=True)


def _recipients(scene: Scene, ticket: Ticket, to: str) -> Block:
    """Who gets it; with a copy to everybody who takes part, or not (complaint 49)."""
    texts = scene.texts
    people = ", ".join(person.email for person in ticket.participants)
    options = [
        (texts.say("form_with_copies", name=ticket.customer, people=people), EVERYBODY),
        (texts.say("form_only_customer", name=ticket.customer), CUSTOMER),
    ]
    return parts.choices("recipients", texts.say("form_recipients"), options, chosen=to)


def _recipient(scene: Scene, held: OutboxEntry | None) -> str:
    if held and isinstance(held.content, Mail) and not held.content.cc:
        return CUSTOMER
    return EVERYBODY


def _preview(scene: Scene, text: str, to: str, *, changed: bool) -> list[Block]:
    """The mail as the rules make it, part by part: sender, recipients, subject, words, files and what is quoted."""
    ticket, texts = scene.ticket, scene.texts
    if ticket is None:
        return []
    hold = scene.policy.habits.undo_hold
    lead = texts.say("form_changed") if changed else _when(scene, hold)
    mail = as_mailed(scene, ticket, text, to)
    made: list[Block] = [{"type": "divider"}, blocks.section(blocks.escape(lead))]
    made.append(blocks.context(*(blocks.plain(line, 1500) for line in _heads(scene, ticket, mail))))
    only_there = ticket.asked_in and not _is_mailed(ticket)
    made.append(blocks.words(as_posted(scene, ticket, text) if only_there else mail.text))
    if mail.files:
        names = ", ".join(f"{file.filename} ({size_in_words(file.size)})" for file in mail.files)
        made.append(blocks.context(blocks.plain(texts.say("form_shown_files", names=names), 1500)))
    if mail.quoted and not only_there:
        lines = (texts.say("form_shown_below"), mail.reply_line)
        made.append(blocks.context(*(blocks.plain(line, 300) for line in lines if line)))
        for one in mail.quoted:
            made += [blocks.context(blocks.plain(one.intro, 600)), blocks.quote(one.text)]
    return made


def as_mailed(scene: Scene, ticket: Ticket, text: str, to: str) -> Mail:
    """The mail that the rules would owe for these words now."""
    mail, held = _letter(scene, ticket, text).content, held_reply(scene)
    assert isinstance(mail, Mail)
    files = getattr(held.content, "files", ()) if held else ()
    return replace(mail, files=files, cc=() if to == CUSTOMER else mail.cc)


def as_posted(scene: Scene, ticket: Ticket, text: str) -> str:
    """What stands in the thread of whoever asked in chat: the words and a name, with nothing quoted below them."""
    post = rooms.deliveries(_letter(scene, ticket, text), ticket, scene.policy)[0].content
    assert isinstance(post, Post)
    return post.text


def _letter(scene: Scene, ticket: Ticket, text: str) -> OutboxEntry:
    person = scene.person or Staff(key="", name="?", email="")
    return letters.staff_reply(
        replace(ticket, drafted=ticket.drafted + 1), scene.policy, text=text, name=person.name, at=scene.at,
        meta={"by": person.key}, history=public(scene.entries),
    )  # fmt: skip


def _is_mailed(ticket: Ticket) -> bool:
    """Whether answers reach the customer by mail, if only beside their thread."""
    return not ticket.asked_in or bool(ticket.by_mail and ticket.customer.takes_mail)


def _when(scene: Scene, hold: timedelta) -> str:
    seconds = round(hold.total_seconds())
    return scene.texts.say("form_exactly", seconds=seconds) if seconds else scene.texts.say("form_exactly_now")


def _heads(scene: Scene, ticket: Ticket, mail: Mail) -> list[str]:
    texts = scene.texts
    room = [texts.say("form_shown_room", name=ticket.customer)] if ticket.asked_in else []
    if ticket.asked_in and not _is_mailed(ticket):
        return room
    heads = [
        texts.say("form_shown_from", name=mail.from_name, address=scene.policy.mailbox(mail.mailbox).address),
        texts.say("form_shown_to", people=", ".join(mail.to)),
    ]
    heads += [texts.say("form_shown_cc", people=", ".join(mail.cc))] if mail.cc else []
    return [*room, *heads, texts.say("form_shown_subject", subject=mail.subject)]


def _name_of(text: str, to: str) -> str:
    """A short name for what a preview shows."""
    return sha256(f"{to}\0{text}".encode("utf-8", "replace")).hexdigest()[:16]
