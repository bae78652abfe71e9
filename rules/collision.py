"""Two people answer one customer, or the customer writes while somebody answers: asked about before anything is sent.

Nothing is sent twice over, and nothing is lost: the words stay in the journal until their author says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from rules.draft import Draft, staff_author
from rules.editions import ASKED, moment_of
from rules.effects import Button, OutboxEntry, OutboxState
from rules.journal import AuthorKind, Entry, EntryKind
from rules.policy import Staff
from rules.quoting import LAST_LINES

_LONGEST_QUOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanwhile:
    """What happened while somebody wrote an answer: somebody's words, by name; ``key`` says what it is."""

    key: str
    name: str
    words: str

    def told(self, draft: Draft, person: Staff) -> str:
        """It in words for the person who is asked."""
        words = " ".join(self.words.split())[:_LONGEST_QUOTE]
        return draft.chat.say(f"refused_ask_{self.key}", name=self.name, words=words, person=person.name)


def with_reply(draft: Draft, person: Staff, seen: str = "", ts: str = "") -> Meanwhile | None:
    """What speaks against sending an answer unasked: another person's, or a message that its author had not seen.

    ``seen`` is how many messages of the customer there were when the author began to write, ``ts`` when the words were
    written in chat: who answers after them gives way (``give_way``).
    """
    if seen.isdecimal() and int(seen) < draft.ticket.received:
        return _unseen(draft)
    for entry in draft.situation.held:
        by, later = entry.meta.get("by", ""), _is_later(entry, ts)
        if by and by != person.key and not later:
            return Meanwhile(key="answering", name=_name(draft, by), words=entry.meta.get("text", ""))
    return _just_answered(draft, person)


def give_way(draft: Draft, person: Staff, ts: str) -> None:
    """Ask those whose words came first though they were written after these: chat may tell of words in any order."""
    for entry in list(draft.situation.held):
        by = entry.meta.get("by", "")
        if by and by != person.key and _is_later(entry, ts) and _may_be_asked(draft, entry):
            ask_held(draft, entry, Meanwhile(key="answering", name=person.name, words=""))


def reconsider(draft: Draft, words: str, name: str) -> None:
    """A message of the customer joins: whoever has a reply in its hold did not know of it, and is asked."""
    why = Meanwhile(key="unseen", name=name, words=words)
    for entry in draft.situation.held:
        if entry.ticket == draft.ticket.number and _may_be_asked(draft, entry):
            ask_held(draft, entry, why)


def ask_held(draft: Draft, entry: OutboxEntry, why: Meanwhile) -> None:
    """Take a held reply back and ask its author what to do with it."""
    person = draft.policy.person(entry.meta.get("by"))
    if person is None:
        return
    draft.withdraw(entry.key)
    place = entry.meta.get("place", "")
    draft.note(
        EntryKind.WITHDRAWN, author=staff_author(person), outbox_key=entry.key, because=(ASKED,), place=place
    )  # fmt: skip
    ask(draft, person, place or entry.key, entry.meta.get("target", ""), why)


def ask(draft: Draft, person: Staff, name: str, target: str, why: Meanwhile) -> None:
    """Ask somebody in the thread whether their words, which have this name, are to be sent all the same."""
    buttons = (
        Button(command="send", label=draft.chat.say("button_send_anyway"), value=name, style="primary"),
        Button(command="withdraw", label=draft.chat.say("button_withdraw"), value=name),
    )
    told = draft.chat.say(f"chat_ask_{why.key}", name=why.name)
    draft.post(
        told, name=f"ask:{draft.round}:{name}", quote=why.words[:_LONGEST_QUOTE], quote_author=why.name,
        mentions=(person.key,), buttons=buttons, mark="asked",
    )  # fmt: skip
    draft.mark(target, "asked", f"mark:ask:{draft.round}:{name}")


def _may_be_asked(draft: Draft, entry: OutboxEntry) -> bool:
    """Whether a reply still waits for the end of its hold, and nobody said that it goes all the same."""
    waits = entry.state is OutboxState.QUEUED and not entry.attempts and entry.due_at > draft.now
    return waits and bool(entry.meta.get("by")) and "sure" not in entry.meta


def _is_later(entry: OutboxEntry, ts: str) -> bool:
    """Whether a held reply was written in chat after the moment ``ts``."""
    written = entry.meta.get("target", "").rpartition(":")[2]
    return bool(ts and written) and moment_of(written) > moment_of(ts)


def _just_answered(draft: Draft, person: Staff) -> Meanwhile | None:
    here = (entry for entry in draft.situation.story if entry.ticket == draft.ticket.number)
    story = tuple(here)[-LAST_LINES:]
    since = draft.now - draft.policy.chat.ask_again
    fresh = {e.outbox_key for e in story if e.kind is EntryKind.DELIVERED and e.at > since}
    said = (e for e in reversed(story) if e.kind is EntryKind.REPLIED and e.outbox_key in fresh)
    found: Entry | None = next((e for e in said if e.author.key != person.key), None)
    return Meanwhile(key="answered", name=found.author.name, words=found.text) if found else None


def _unseen(draft: Draft) -> Meanwhile:
    """What the customer wrote last."""
    received = (
        e for e in reversed(draft.situation.story)
        if e.kind is EntryKind.RECEIVED and e.author.kind is AuthorKind.CUSTOMER
    )  # fmt: skip
    last = next(received, None)
    name = last.author.name if last else str(draft.ticket.customer)
    return Meanwhile(key="unseen", name=name, words=last.text if last else "")


def _name(draft: Draft, key: str) -> str:
    person = draft.policy.person(key)
    return person.name if person else key
