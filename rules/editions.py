"""What the journal knows of words in chat: which edition is the newest, and whether they have left for the customer.

Chat tells of words dropped, doubled, in any order and days late; only what was written down here counts, never what
chat says that a message said before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rules.effects import OutboxEntry, OutboxState, OwedFile
from rules.files import source_of
from rules.journal import Entry, EntryKind
from rules.model import Situation

POSTED, EDITED, DELETED = "posted", "edited", "deleted"
"""What may have happened to words in chat."""

UNSENT = "explicit: nothing leaves without an order"
LOCKED = "locked: marked to stay inside"
ASKED = "asked: somebody else is answering, or the customer wrote meanwhile"
KEPT = "kept: edited while it stays inside"
LATE = "late: edited after it was mailed"
CORRECTS = "corrects: the words that were mailed before"
ORDERED = "ordered: sent by an order that names the words"
WAITS = "wait: the customer is waited for once it is sent"
ALONE = "copies: for the customer alone"
"""What the journal gives as the reason beside words; the next decision reads it there."""

_WORDS = frozenset({EntryKind.REPLIED, EntryKind.NOTED, EntryKind.EDITED, EntryKind.UNSAID})
_OPEN = frozenset({UNSENT, ASKED, KEPT, LATE})


class State(StrEnum):
    """Where words stand. What is ``inside`` may be sent by an order; what is ``locked`` may not."""

    INSIDE = "inside"
    LOCKED = "locked"
    HELD = "held"
    LEFT = "left"
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A staff member's words under one name, in their newest edition.

    ``held`` is the mail that waits for the end of its hold, ``left`` the edition that the customer got. ``asked`` says
    that their author was asked whether to send them, ``locked`` that the newest edition is marked to stay inside,
    ``then`` what follows once they are sent (``wait``), ``alone`` that nobody else is to get them.
    """

    place: str
    author: str
    text: str
    edition: str
    state: State
    files: tuple[OwedFile, ...] = ()
    held: OutboxEntry | None = None
    left: Entry | None = None
    asked: bool = False
    locked: bool = False
    ordered: bool = False
    corrected: str = ""
    then: str = ""
    alone: bool = False


def moment_of(ts: str) -> tuple[int, int]:
    """A time stamp of chat as something that can be compared; whatever is none comes first."""
    seconds, _, parts = ts.partition(".")
    return (int(seconds) if seconds.isdecimal() else 0, int(parts) if parts.isdecimal() else 0)


def word(situation: Situation, name: str) -> Word | None:
    """The words at a place in chat, or those that an outbox entry was first made of; None when none are known."""
    entries = _about(situation.story, name)
    said = [entry for entry in entries if entry.kind in _WORDS]
    if not name or not said:
        return None
    newest = max(enumerate(said), key=lambda each: (*_rank(each[1]), each[0]))[1]
    replied = [entry for entry in said if entry.kind is EntryKind.REPLIED and entry.outbox_key]
    held = next((each for each in situation.held if _holds(each, name, replied, situation)), None)
    left = _left(replied, situation, held)
    locked = newest.kind in (EntryKind.NOTED, EntryKind.EDITED) and not _OPEN & set(newest.because)
    return Word(
        place=name,
        author=newest.author.key,
        text=newest.text,
        edition=newest.edition,
        state=_state(newest, held, left, locked=locked),
        files=tuple(source_of(each, newest.message_key) for each in newest.attachments),
        held=held,
        left=left,
        asked=_is_asked(entries),
        locked=locked,
        ordered=any(ORDERED in entry.because for entry in said),
        then="wait" if WAITS in newest.because else "",
        alone=any(ALONE in entry.because for entry in replied[-1:]),
        corrected=next((entry.edition for entry in replied[::-1] if _corrects(entry, situation.story)), ""),
    )


def _corrects(entry: Entry, story: Sequence[Entry]) -> bool:
    return CORRECTS in entry.because and entry.outbox_key not in _withdrawn(story)


def is_news(args: Mapping[str, str], known: Word | None) -> bool:
    """Whether what happened to words is newer than all that is known of them."""
    if known is None:
        return True
    if known.state is State.UNSAID:
        return False
    return args.get("happened") == DELETED or moment_of(args.get("edition", "")) > moment_of(known.edition)


def unsent(situation: Situation, author: str) -> Word | None:
    """The newest words of somebody that have not left and may: inside, or held."""
    mine = {entry.place for entry in situation.story if entry.place and entry.author.key == author}
    for place in sorted(mine, key=lambda each: moment_of(each.rpartition(":")[2]), reverse=True):
        found = word(situation, place)
        if found and found.author == author and found.state in (State.INSIDE, State.HELD):
            return found
    return None


def has_spoken(story: Sequence[Entry], author: str) -> bool:
    """Whether somebody has said anything in a ticket's thread before."""
    return any(entry.place and entry.author.key == author for entry in story)


def _about(story: Sequence[Entry], name: str) -> list[Entry]:
    placed = [entry for entry in story if entry.place == name]
    first = [entry for entry in story if entry.outbox_key == name and entry.kind is EntryKind.REPLIED]
    return [*first, *placed]


def _rank(entry: Entry) -> tuple[bool, tuple[int, int]]:
    return entry.kind is EntryKind.UNSAID, moment_of(entry.edition)


def is_held(entry: OutboxEntry, situation: Situation) -> bool:
    """Whether nothing of an answer has left: neither it nor, where an asker is mailed too, the mail beside it."""
    return entry.state is OutboxState.QUEUED and entry.key not in situation.mailed


def _holds(entry: OutboxEntry, name: str, replied: Sequence[Entry], situation: Situation) -> bool:
    if not is_held(entry, situation):
        return False
    return any(entry.key == each.outbox_key for each in replied) or entry.meta.get("target") == name


def _left(replied: Sequence[Entry], situation: Situation, held: OutboxEntry | None) -> Entry | None:
    """The newest of the mails made of the words that is on its way or arrived."""
    story = situation.story
    failed = {entry.outbox_key for entry in story if entry.kind is EntryKind.FAILED}
    arrived = {entry.outbox_key for entry in story if entry.kind is EntryKind.DELIVERED}
    gone = _withdrawn(story) | (failed - arrived - situation.mailed) | ({held.key} if held else set())
    return next((entry for entry in reversed(replied) if entry.outbox_key not in gone), None)


def _withdrawn(story: Sequence[Entry]) -> set[str]:
    return {entry.outbox_key for entry in story if entry.kind is EntryKind.WITHDRAWN}


def _state(newest: Entry, held: OutboxEntry | None, left: Entry | None, *, locked: bool) -> State:
    if newest.kind is EntryKind.UNSAID:
        return State.UNSAID
    if held is not None:
        return State.HELD
    if left is not None:
        return State.LEFT
    return State.LOCKED if locked else State.INSIDE


def _is_asked(entries: Sequence[Entry]) -> bool:
    """Whether the last that was decided about the words is the question whether to send them."""
    decided = [entry for entry in entries if entry.kind in _WORDS | {EntryKind.WITHDRAWN} and KEPT not in entry.because]
    return bool(decided) and ASKED in decided[-1].because
