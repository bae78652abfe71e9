"""Staff talk in a ticket's thread: what becomes of their words, of edits of them and of their deletion (R-HA-2).

Decided from the journal alone. Chat tells of words dropped, doubled, in any order and days late; the newest edition
of each decides, and whatever the order, the same words end up held, inside or taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rules import collision, editions, files
from rules.draft import Draft, staff_author
from rules.editions import ASKED, CORRECTS, KEPT, LATE, LOCKED, ORDERED, UNSENT, WAITS, State, Word
from rules.effects import Button, OwedFile
from rules.model import Command, EntryKind, Refusal
from rules.policy import Staff
from rules.replying import INSIDE, Answer, answered_at, hold_answer, take_back, unfit
from rules.spoken import Spoken, spoken

DRAFT = "draft"
"""The mark on words that wait inside for an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """One edition of words in a ticket's thread."""

    place: str
    edition: str
    user: str
    words: Spoken
    files: tuple[OwedFile, ...]
    via: str

    @property
    def ts(self) -> str:
        """When the words were written first, as chat names it."""
        return self.place.rpartition(":")[2]


def say(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Take in what somebody on the staff list said in a ticket's thread, edited or deleted.

    ``args`` say where (``target``), what ``happened``, which ``edition`` it is and whose (``user``). An edition that
    is not newer than the one we know changes nothing. An edition with an ``order`` in it is no answer any more.
    """
    args = command.args
    known = editions.word(draft.situation, args.get("target", ""))
    if not editions.is_news(args, known):
        draft.because.append("said: as new an edition is known already")
        return None
    if args.get("happened") == editions.DELETED:
        _unsay(draft, command, person, known)
        return None
    if known and known.ordered:
        return None
    if refusal := files.problem_with(command, draft.chat):
        return refusal
    attached = files.attached(command) or (known.files if known else ())
    words = spoken(command.text)
    said = _Said(
        place=args.get("target", ""), edition=args.get("edition", ""), user=args.get("user", ""), files=attached,
        words=replace(words, text=words.text.strip()), via=command.actor.via,
    )  # fmt: skip
    if args.get("order"):
        return _became_an_order(draft, person, said, known)
    if not said.words.text and not attached:
        return None
    return _take(draft, person, said, known)


def _take(draft: Draft, person: Staff, said: _Said, known: Word | None) -> Refusal | None:
    """What words become, by what is known of their earlier editions."""
    if known and known.left and (said.words.inside or not known.held):
        _too_late(draft, person, said, known)
        return None
    if said.words.inside:
        _keep(draft, person, said, known, LOCKED)
        return None
    if known and known.held:
        return _hold_anew(draft, person, said, known)
    if known and known.state is State.INSIDE:
        _keep(draft, person, said, known, KEPT)
        return None
    if draft.policy.chat.replies == "explicit":
        _tell_how(draft, person, said)
        _keep(draft, person, said, known, UNSENT)
        return None
    return _answer(draft, person, said, known)


def _answer(draft: Draft, person: Staff, said: _Said, known: Word | None) -> Refusal | None:
    """Hold the words for the customer; while somebody else is answering, ask first."""
    answer = _as_answer(said)
    if refusal := unfit(draft, answer):
        return refusal
    if why := collision.with_reply(draft, person, ts=said.ts):
        _note(draft, person, said, known, ASKED)
        collision.ask(draft, person, said.place, said.place, why)
        return None
    collision.give_way(draft, person, said.ts)
    return hold_answer(draft, person, answer)


def _hold_anew(draft: Draft, person: Staff, said: _Said, known: Word) -> Refusal | None:
    """Words edited in their hold: the old ones are taken back, the hold begins anew (complaint 68)."""
    assert known.held is not None
    meta = known.held.meta
    corrects = "corrects" in meta
    answer = replace(_as_answer(said), corrects=corrects, because=(CORRECTS,) if corrects else ())
    if refusal := unfit(draft, answer):
        return refusal
    take_back(draft, known.held, person, ("edited while held",))
    return hold_answer(draft, person, replace(answer, sure="sure" in meta, copies="copies" not in meta))


def _keep(draft: Draft, person: Staff, said: _Said, known: Word | None, why: str) -> None:
    """Leave words inside: they are marked so, or they wait for an order. A mail made of them is taken back."""
    if known and known.held:
        take_back(draft, known.held, person, ("locked while held",) if why == LOCKED else ())
    _note(draft, person, said, known, why)
    if why != KEPT:
        draft.mark(said.place, INSIDE if why == LOCKED else DRAFT, f"mark:said:{said.place}:{said.edition}")


def _note(draft: Draft, person: Staff, said: _Said, known: Word | None, why: str) -> None:
    because = (why, WAITS) if said.words.then else (why,)
    draft.note(
        EntryKind.EDITED if known else EntryKind.NOTED, said.words.text, author=staff_author(person), because=because,
        attachments=files.listed(said.files), place=said.place, edition=said.edition,
    )  # fmt: skip


def _as_answer(said: _Said) -> Answer:
    return Answer(
        text=said.words.text, files=said.files, place=said.place, edition=said.edition, target=said.place,
        user=said.user, then=said.words.then, via=said.via,
    )  # fmt: skip


def _too_late(draft: Draft, person: Staff, said: _Said, known: Word) -> None:
    """An edit after the mail left changes nothing there; its author may have a correction mailed."""
    if known.held:
        # A correction in its hold is given up when the words are locked now.
        take_back(draft, known.held, person, ("locked while held",))
    why = LOCKED if said.words.inside else LATE
    draft.note(
        EntryKind.EDITED, said.words.text, author=staff_author(person), because=(why,), place=said.place,
        edition=said.edition, attachments=files.listed(said.files),
    )  # fmt: skip
    label = draft.chat.say("button_correct")
    offer = (Button(command="correct", label=label, value=said.place, style="primary"),)
    told = draft.chat.say("chat_edited_late" if why == LATE else "chat_locked_late", to=answered_at(draft))
    draft.whisper(
        said.user, told, name=f"late:{said.place}:{said.edition}", buttons=offer if why == LATE else ()
    )  # fmt: skip


def _unsay(draft: Draft, command: Command, person: Staff, known: Word | None) -> None:
    """Words were deleted: a mail in its hold is taken back; of one that left, the author is told that it did."""
    place, user = command.args.get("target", ""), command.args.get("user", "")
    if known and known.held:
        take_back(draft, known.held, person, ("deleted while held",))
    left = known.left.outbox_key if known and known.left else ""
    draft.note(EntryKind.UNSAID, author=staff_author(person), place=place, outbox_key=left)
    if left:
        draft.whisper(user, draft.chat.say("chat_unsaid_late", to=answered_at(draft)), name=f"unsaid:{place}")


def _became_an_order(draft: Draft, person: Staff, said: _Said, known: Word | None) -> Refusal | None:
    """Words that name the bot are an order and not for the customer; as an edit they order nothing."""
    if known and (known.held or known.state is State.INSIDE):
        _keep(draft, person, said, known, LOCKED)
    return None


def _tell_how(draft: Draft, person: Staff, said: _Said) -> None:
    """Tell a staff member, at their first words on a ticket, that these stay inside and how to send them."""
    if editions.has_spoken(draft.situation.story, person.key):
        return
    send = Button(command="send", label=draft.chat.say("button_send"), value=said.place, style="primary")
    told = draft.chat.say("chat_explicit_how", to=answered_at(draft))
    draft.whisper(said.user, told, name=f"how:{person.key}", buttons=(send,))


def send(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Send words that were said: those named, the author's newest unsent ones, or those that the order brings.

    ``value`` or ``target`` names words, a text brings its own. Only their author may have them sent (complaint 62).
    """
    args = command.args
    if command.text.strip() or command.files:
        return _send_text(draft, command, person)
    name = args.get("value") or (args.get("target", "") if args.get("about") == "words" else "")
    found = editions.word(draft.situation, name) if name else editions.unsent(draft.situation, person.key)
    if found is None:
        return Refusal(code="words", text=draft.chat.say("refused_no_words" if name else "refused_nothing_unsent"))
    if refusal := _unsendable(draft, found, person):
        return refusal
    if found.held:
        # In explicit mode the order is in its hold already, and an order repeated is one order.
        if draft.policy.chat.replies != "explicit":
            draft.hasten(found.held.key)
        return None
    sure = found.asked or bool(args.get("sure") or args.get("now"))
    target = found.place if _in_chat(found.place) else ""
    answer = Answer(
        text=found.text, files=found.files, place=found.place, edition=found.edition, target=target, then=found.then,
        user=args.get("user", ""), via=command.actor.via, sure=sure, now=bool(args.get("now")), copies=not found.alone,
    )  # fmt: skip
    return _send(draft, person, answer)


def _send(draft: Draft, person: Staff, answer: Answer) -> Refusal | None:
    if refusal := unfit(draft, answer):
        return refusal
    why = None if answer.sure else collision.with_reply(draft, person)
    if why is None:
        return hold_answer(draft, person, answer)
    draft.note(EntryKind.WITHDRAWN, author=staff_author(person), because=(ASKED,), place=answer.place)
    collision.ask(draft, person, answer.place, answer.target, why)
    return None


def _send_text(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """An order that brings its own words: its place is theirs, and edits of it change nothing."""
    if refusal := files.problem_with(command, draft.chat):
        return refusal
    args, place = command.args, command.args.get("target", "")
    words = spoken(command.text.strip())
    if words.inside:
        return Refusal(code="locked", text=draft.chat.say("refused_locked"))
    answer = Answer(
        text=words.text.strip(), files=files.attached(command), place=place, target=place, user=args.get("user", ""),
        then=words.then, via=command.actor.via, because=(ORDERED,), sure=bool(args.get("sure") or args.get("now")),
        now=bool(args.get("now")),
    )  # fmt: skip
    if refusal := unfit(draft, answer):
        return refusal
    why = None if answer.sure else collision.with_reply(draft, person)
    if why is None:
        return hold_answer(draft, person, answer)
    if not place:
        return Refusal(code="ask", text=why.told(draft, person))
    draft.note(
        EntryKind.NOTED, answer.text, author=staff_author(person), because=(ASKED, ORDERED), place=place,
        attachments=files.listed(answer.files),
    )  # fmt: skip
    collision.ask(draft, person, place, place, why)
    return None


def _unsendable(draft: Draft, found: Word, person: Staff) -> Refusal | None:
    """Why words cannot be sent: somebody else's, marked to stay inside, deleted, or sent before."""
    if found.author != person.key:
        author = draft.policy.person(found.author)
        name = author.name if author else found.author
        return Refusal(code="author", text=draft.chat.say("refused_author", name=name))
    if found.state is State.UNSAID:
        return Refusal(code="words", text=draft.chat.say("refused_no_words"))
    if found.locked:
        return Refusal(code="locked", text=draft.chat.say("refused_locked"))
    if found.state is State.LEFT:
        return Refusal(code="sent", text=draft.chat.say("refused_sent", to=answered_at(draft)))
    return None


def correct(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Mail the newest edition of words that were mailed before, as a correction, once per edition."""
    found = editions.word(draft.situation, command.args.get("value", ""))
    if found is None or found.state is State.UNSAID or found.left is None:
        return Refusal(code="words", text=draft.chat.say("refused_no_words"))
    if found.author != person.key or found.locked:
        return _unsendable(draft, replace(found, state=State.INSIDE), person)
    newest = editions.moment_of(found.edition)
    if found.held or newest <= max(map(editions.moment_of, (found.left.edition, found.corrected))):
        return Refusal(code="sent", text=draft.chat.say("refused_corrected"))
    answer = Answer(
        text=found.text, files=(), place=found.place, edition=found.edition, via=command.actor.via, corrects=True,
        target=found.place if _in_chat(found.place) else "", user=command.args.get("user", ""), because=(CORRECTS,),
        sure=True, copies=not found.alone,
    )  # fmt: skip
    return hold_answer(draft, person, answer)


def _in_chat(name: str) -> bool:
    """Whether words are named by where they stand in chat, and not by the effect they were written for."""
    return ":reply:" not in name
