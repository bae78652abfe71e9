"""How much automatic mail goes one way: loops with other machines are seen, broken and shown (complaints 23, 27, 28).

Every automatic answer that an incoming mail would cause is asked for here first (docs/adr/0009). What a person wrote
gets its ticket and its line in the thread whatever is said here; only the machine's own words are held back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from rules import machine_words
from rules.copies import changed
from rules.draft import CHAT, Draft, staff_author
from rules.effects import Button, OutboxEntry, OutboxState, Post
from rules.model import Command, Decision, Entry, EntryKind, Message, Refusal, Situation, Tally
from rules.policy import Policy, Staff
from rules.subjects import SUBJECT_NUMBER, plain_subject
from rules.threading import same_house
from rules.tokens import is_our_message_id, read_message_id, read_reply_address
from rules.wording import Texts, moment

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FREE_FOR = HOUR

_KEPT = 20
_MOST_KEPT = 500
_RALLY = 2
"""The same words that come back promptly after our answer make a rally at once, later ones from the second time on."""

_PROMPTLY, _SOON = timedelta(minutes=2), HOUR
_SHOWN_FROM = 3
_SHORT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Whether an automatic answer may go out. ``refused`` is why not, in words; ``tripped`` is the busy key.

    ``tallies`` are what is counted now that the message was heard, before any answer.
    """

    refused: str = ""
    tripped: str = ""
    tallies: tuple[Tally, ...] = ()


def address_key(email: str) -> str:
    """Under which key the answers to one address are counted."""
    return f"address:{email.lower()}"


def domain_key(email: str) -> str:
    """Under which key the answers to one domain are counted."""
    return f"domain:{email.lower().rpartition('@')[2]}"


def ticket_key(number: int) -> str:
    """Under which key what happens by itself on one ticket is counted."""
    return f"ticket:{number}"


def rule_on(draft: Draft, message: Message) -> Ruling:
    """Whether a message may have an automatic answer to its ticket's customer, and what is counted either way."""
    email, now = draft.ticket.customer.email, draft.now
    mine, house = _tally(draft, address_key(email)), _tally(draft, domain_key(email))
    page = _tally(draft, ticket_key(draft.ticket.number))
    mine = _heard(mine, draft, message)
    counted = (mine, house, page)
    for tally in (mine, house):
        if tally.blocked and not _is_free(tally, now):
            reason = f"a person said that {named(tally.key)} gets no automatic answer any more"
            return Ruling(refused=reason, tallies=counted)
    if any(_is_free(tally, now) for tally in counted):
        return Ruling(tallies=counted)
    if reason := _not_new(mine, message, draft.policy, now):
        return Ruling(refused=reason, tripped=mine.key, tallies=counted)
    if over := _over_budget(counted, draft.policy, now):
        return Ruling(refused=over[1], tripped=over[0], tallies=counted)
    return Ruling(tallies=counted)


def answered(draft: Draft, ruling: Ruling, message: Message) -> None:
    """Count the automatic answer that goes out now."""
    limits = draft.policy.limits
    mine, house, page = ruling.tallies
    mark = fingerprint(message)
    kept = max(_KEPT, limits.answers_per_address or 0)
    mine = changed(
        mine, answered_at=_last(mine.answered_at, draft.now, kept), hashes=(*mine.hashes, mark)[-kept:],
    )  # fmt: skip
    house = changed(house, answers=_within_hour(house, draft.now) + 1, since_at=_hour_of(house, draft.now))
    page = changed(page, answered_at=_last(page.answered_at, draft.now, max(_KEPT, limits.answers_per_ticket or 0)))
    for tally in (mine, house, page) if _counts_house(draft.policy, mine, house) else (mine, page):
        draft.count(tally)


def refused(draft: Draft, ruling: Ruling, message: Message) -> None:
    """Count what was heard and, once a day, show staff the loop that was broken, with its evidence."""
    by_key = {tally.key: tally for tally in ruling.tallies}
    mine = ruling.tallies[0]
    tally = by_key.get(ruling.tripped)
    heard = [at for at in mine.heard_at if draft.now - at < DAY]
    draft.count(mine)
    if tally is None or (tally.told_at and draft.now - tally.told_at < DAY):
        return
    if tally.key == mine.key and len(heard) < _SHOWN_FROM and "budget" not in ruling.refused:
        # The same question sent twice is a person's slip, not a loop to call anybody for.
        return
    draft.count(replace(tally, told_at=draft.now))
    _show(draft, tally.key, heard, message, ruling.refused)


def may_reopen(draft: Draft) -> bool:
    """Whether a message may open its ticket again today; the message is in its thread either way (complaint 27)."""
    limit = draft.policy.limits.reopenings_per_ticket
    tally = _tally(draft, ticket_key(draft.ticket.number))
    if _is_free(tally, draft.now):
        return True
    recent = [at for at in tally.reopened_at if draft.now - at < DAY]
    if limit is None or len(recent) < limit:
        kept = max(_KEPT, limit or 0)
        draft.count(replace(tally, reopened_at=_last(tally.reopened_at, draft.now, kept)))
        return True
    if tally.told_at is None or draft.now - tally.told_at >= DAY:
        draft.count(replace(tally, told_at=draft.now))
        told = draft.chat.say("chat_reopened_too_often", number=draft.ticket.number, count=len(recent))
        draft.post(told, buttons=_buttons(draft.chat, tally.key)[:1], mark="alarm", mentions=draft.responsible)
    draft.note(EntryKind.AUTOMATIC, because=(f"not reopened: it was opened again {len(recent)} times within a day",))
    return False


def passes(draft: Draft) -> bool:
    """Whether nobody has said that nothing automatic goes to the ticket's customer any more."""
    email = draft.ticket.customer.email
    tallies = (_tally(draft, address_key(email)), _tally(draft, domain_key(email)))
    return not any(tally.blocked and not _is_free(tally, draft.now) for tally in tallies)


def fingerprint(message: Message) -> str:
    """What a mail said, short: exactly, by its words without numbers, by its subject without numbers and marks."""
    return _fingerprint(message.subject, message.reply_text or message.text, message.content_hash)


@lru_cache(maxsize=8)
def _fingerprint(subject: str, text: str, content_hash: str) -> str:
    """Asked for several times for each message."""
    exact = sha256(f"{subject}\n{text}".encode("utf-8", "replace")).hexdigest()[:_SHORT]
    bare = _bare_subject(subject)
    about = sha256(bare.encode("utf-8", "replace")).hexdigest()[:_SHORT] if bare else ""
    return f"{exact}:{content_hash[:_SHORT]}:{about}"


def named(key: str) -> str:
    """A key for people: the address, the domain or the ticket."""
    kind, _, name = key.partition(":")
    return f"#{name}" if kind == "ticket" else name


def _tally(draft: Draft, key: str) -> Tally:
    return draft.counted(key) or Tally(key=key)


def _is_free(tally: Tally, now: datetime) -> bool:
    return tally.free_until_at is not None and now < tally.free_until_at


def _last(times: tuple[datetime, ...], now: datetime, most: int) -> tuple[datetime, ...]:
    return (*times, now)[-min(most, _MOST_KEPT) :]


def _heard(tally: Tally, draft: Draft, message: Message) -> Tally:
    """The tally with this message heard: whether it goes on a rally of the same words and our answers."""
    volleys = tally.volleys
    if not _alike(tally, fingerprint(message), draft.policy, draft.now):
        volleys = 0
    elif volleys < _RALLY:
        volleys = _returned(volleys, draft.situation.last_answer, message)
    return changed(tally, heard_at=_last(tally.heard_at, draft.now, _KEPT), volleys=volleys)


def _alike(tally: Tally, mark: str, policy: Policy, now: datetime) -> bool:
    """Whether a mail says, numbers aside, what another one said that was answered lately."""
    _, words, subject = mark.split(":")
    for at, known in zip(reversed(tally.answered_at), reversed(tally.hashes), strict=False):
        if now - at >= policy.habits.automatic_answer_every:
            break
        _, known_words, known_subject = known.split(":")
        if (words and words == known_words) or (subject and subject == known_subject):
            return True
    return False


def _returned(volleys: int, last: OutboxEntry | None, message: Message) -> int:
    """How far a rally has come with this mail, by when our last answer to its sender had gone out.

    Somebody who sends many mails at once does not wait for our answers; a robot that answers them does.
    """
    if last is None or last.state is not OutboxState.ACCEPTED or last.settled_at is None:
        return 0
    after = message.received_at - last.settled_at
    if not timedelta() <= after < _SOON:
        return 0
    return _RALLY if after < _PROMPTLY else volleys + 1


def _not_new(tally: Tally, message: Message, policy: Policy, now: datetime) -> str:
    """Why a mail is not plainly a new request of its own, so that one answer a day is enough (complaint 28)."""
    every = policy.habits.automatic_answer_every
    lately = [
        (at, mark) for at, mark in zip(tally.answered_at, tally.hashes, strict=False) if now - at < every
    ]  # fmt: skip
    if not lately:
        return ""
    exact = fingerprint(message).partition(":")[0]
    if any(mark.partition(":")[0] == exact for _, mark in lately):
        return "the very same words were answered automatically within a day"
    if tally.volleys >= _RALLY:
        return (
            "it looks like a loop with a machine: right after an automatic answer the same subject or words came again"
        )
    if answers_ours(message, policy):
        return "it answers an automatic mail of ours, and its sender had one within a day"
    if machine_words.PROGRAM.match(message.sender.email.partition("@")[0]):
        return "its sender looks like a program and had an automatic answer within a day"
    return ""


def answers_ours(message: Message, policy: Policy) -> bool:
    """Whether a mail answers one that we sent: by its Message-ID, our signed reply address, or our ticket number."""
    if any(is_ours(id_, policy) for id_ in (*message.in_reply_to, *message.references)):
        return True
    addressed = (*message.recipients, *(person.email for person in (*message.to, *message.cc)))
    if any(read_reply_address(address) for address in addressed):
        return True
    return SUBJECT_NUMBER.search(message.subject[:500]) is not None


def is_ours(message_id: str, policy: Policy) -> bool:
    """Whether a Message-ID is of a mail that this desk sent about a ticket."""
    number = read_message_id(message_id)
    return number is not None and is_our_message_id(policy.secret, message_id, number)


def _over_budget(tallies: tuple[Tally, ...], policy: Policy, now: datetime) -> tuple[str, str] | None:
    limits = policy.limits
    mine, house, page = tallies
    budgets = (
        (mine, limits.answers_per_address, _within_day(mine, now), "a day"),
        (house, limits.answers_per_domain, _within_hour(house, now), "an hour"),
        (page, limits.answers_per_ticket, _within_day(page, now), "a day"),
    )
    for tally, limit, count, span in budgets:
        if limit is None or count < limit or (tally is house and not _counts_house(policy, mine, house)):
            continue
        return tally.key, f"the budget of {limit} automatic answers to {named(tally.key)} within {span} is used up"
    return None


def _within_day(tally: Tally, now: datetime) -> int:
    return sum(1 for at in tally.answered_at if now - at < DAY)


def _within_hour(tally: Tally, now: datetime) -> int:
    """How many answers one hour has had so far; the hour begins with its first one."""
    return tally.answers if _hour_of(tally, now) == tally.since_at else 0


def _hour_of(tally: Tally, now: datetime) -> datetime:
    since = tally.since_at
    return since if since is not None and timedelta() <= now - since < HOUR else now


def _counts_house(policy: Policy, mine: Tally, house: Tally) -> bool:
    """Whether the domain has a budget: not a public provider's, nor one that the owner knows as a customer's.

    When a customer's whole company writes in an hour, each of them is told that they were heard (R-IN-3).
    """
    return not _is_public(house.key) and not policy.on_file(mine.key.partition(":")[2]).pattern


def _show(draft: Draft, key: str, heard: list[datetime], message: Message, why: str) -> None:
    minutes = max(1, round((draft.now - heard[0]).total_seconds() / 60)) if heard else 1
    told = draft.chat.say(
        "chat_loop_broken", name=named(key), count=len(heard), minutes=minutes, subject=message.subject[:150], why=why
    )
    draft.post(told, buttons=_buttons(draft.chat, key), mark="alarm", mentions=draft.responsible)


def _buttons(texts: Texts, key: str) -> tuple[Button, ...]:
    return (
        Button(command="unblock", label=texts.say("button_unblock"), value=key),
        Button(command="block", label=texts.say("button_block"), value=key, style="danger"),
    )


def _bare_subject(subject: str) -> str:
    kept = (letter for letter in plain_subject(subject).casefold() if letter.isalpha() or letter == " ")
    return " ".join("".join(kept).split())


def _is_public(key: str) -> bool:
    """Whether a domain says nothing about who stands behind its addresses, so that each counts for itself."""
    domain = key.partition(":")[2]
    return not same_house(domain, domain)


def block(command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime) -> Decision | Refusal:
    """Give no automatic answer to an address, a domain or on a ticket any more."""
    tally = Tally(key=meant(command), blocked=True, told_at=now)
    known = situation.tallies.get(tally.key)
    if known and known.blocked:
        texts = policy.wording.of(policy.languages[0])
        return Refusal(code="loop", text=texts.say("refused_loop_block", key=named(tally.key)))
    return _word(command, policy, person, now, tally)


def unblock(command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime) -> Decision | Refusal:
    """Let automatic answers pass for an hour, whatever was counted; an end to a person's block as well."""
    tally = Tally(key=meant(command), free_until_at=now + FREE_FOR)
    known = situation.tallies.get(tally.key)
    if known and known.free_until_at and known.free_until_at > now:
        texts = policy.wording.of(policy.languages[0])
        at = moment(texts, known.free_until_at, policy.timezone)
        return Refusal(code="loop", text=texts.say("refused_loop_unblock", key=named(tally.key), at=at))
    return _word(command, policy, person, now, tally)


def meant(command: Command) -> str:
    """The key that a person means; an address by itself is enough."""
    value = command.args.get("value", "").strip().lower()
    return address_key(value) if "@" in value and ":" not in value else value


def _word(command: Command, policy: Policy, person: Staff, now: datetime, tally: Tally) -> Decision | Refusal:
    """What a person's word on a loop comes to; what was counted before is forgotten with it."""
    texts = policy.wording.of(policy.languages[0])
    kind, _, name = tally.key.partition(":")
    if kind not in ("address", "domain", "ticket") or not name:
        return Refusal(code="loop", text=texts.say("refused_loop", value=tally.key))
    told = texts.say(f"chat_{command.name}", name=person.name, key=named(tally.key))
    number = command.ticket
    post = OutboxEntry(
        key=f"loop:{tally.key}:{command.name}:{now.isoformat()}", channel=CHAT, due_at=now, ticket=number,
        lane=CHAT if number is None else f"chat:{number}", content=Post(text=told, ticket=number, mark="status"),
    )  # fmt: skip
    because = (f"command: {command.name} {tally.key} by {person.name} via {command.actor.via}",)
    line = () if number is None else (
        Entry(
            ticket=number, at=now, kind=EntryKind.CHANGED, author=staff_author(person), text=told, because=because,
            source=command.actor.via,
        ),
    )  # fmt: skip
    return Decision(tallies=(tally,), outbox=(post,), journal=line, because=because, outcome=command.name)
