"""What somebody who asked in chat is told in their own thread, in place of a mail or beside it (R-IN-3, R-CO-2).

Every letter to a customer is owed through here, so that no letter needs to know how its reader is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rules.effects import Button, Mail, OutboxEntry, OwedFile, Post, Upload
from rules.hours import is_open, next_opening
from rules.model import Status, Target, Ticket
from rules.parting import parted
from rules.policy import Policy
from rules.sla import calendar_of
from rules.subjects import plain_subject
from rules.tokens import message_id, return_address
from rules.wording import Texts, moment

CHAT = "chat"

_SIGNATURE = "\n\n-- \n"
_FILES_MOST = 20
_PART_MOST = 6000
"""So much of our own text, escaped, one message of chat surely shows: the first of its paragraphs may be half empty."""

_PARTS_MOST = 20
OTHERS_MOST = 5
"""So many threads of others one ticket answers in besides its asker's."""

_FOR_ALL = ("reply", "resolved")
_SCORES = (1, 2, 3, 4, 5)
_NO_BUTTONS: tuple[Button, ...] = ()


def lane_of(number: int) -> str:
    """The lane of what an asker is told: it waits for nothing that staff are told."""
    return f"room:{number}"


def deliveries(entry: OutboxEntry, ticket: Ticket, policy: Policy) -> tuple[OutboxEntry, ...]:
    """What is owed in place of a letter to a customer who asked in chat; any other effect is owed as it is.

    It is a post in their thread under the letter's own name and, where they wish it, the mail under a second one.
    """
    mail = entry.content
    if not isinstance(mail, Mail) or entry.lane != f"mail:{ticket.number}":
        return (entry,)
    # Who is answered in a thread of their own gets no mail that they did not wish.
    if mail.cc and ticket.also_asked_in:
        mail = replace(mail, cc=tuple(email for email in mail.cc if email not in ticket.also_asked_in.values()))
        entry = replace(entry, content=mail)
    others = _to_others(entry, mail, ticket, policy)
    if not ticket.asked_in:
        return (entry, *others)
    said = _in_parts(replace(entry, channel=CHAT, lane=lane_of(ticket.number)), _spoken(entry, mail, ticket, policy))
    return (*said, *_uploads(said[0], mail.files, ticket.asked_in), *_by_mail_too(entry, mail, ticket, policy), *others)


def _by_mail_too(entry: OutboxEntry, mail: Mail, ticket: Ticket, policy: Policy) -> tuple[OutboxEntry, ...]:
    """The mail beside the post: to the asker where they wish it, and to those who take part by mail."""
    if ticket.by_mail and ticket.customer.takes_mail:
        return (twin(entry, policy),)
    if not mail.cc:
        return ()
    return (twin(replace(entry, content=replace(mail, to=mail.cc[:1], cc=mail.cc[1:])), policy),)


def _to_others(entry: OutboxEntry, mail: Mail, ticket: Ticket, policy: Policy) -> tuple[OutboxEntry, ...]:
    """An answer in the threads of those whose requests were merged into this one; nothing that asks the asker."""
    kind = entry.key.split(":")[1]
    if kind not in _FOR_ALL or entry.meta.get("copies") == "no":
        return ()
    post = replace(_spoken(entry, mail, ticket, policy), buttons=())
    owed: list[OutboxEntry] = []
    for place, room in enumerate(ticket.also_asked_in, start=1):
        also = replace(
            entry, key=also_key(entry.key, place), channel=CHAT, lane=f"{lane_of(ticket.number)}:{place}", meta={}
        )
        said = _in_parts(also, replace(post, room=room))
        owed += [*said, *_uploads(said[0], mail.files, room)]
    return tuple(owed)


def also_key(key: str, place: int) -> str:
    """The name of an answer in the thread of the so manieth of those who asked too."""
    return f"{key}:also:{place}"


def _in_parts(said: OutboxEntry, post: Post) -> tuple[OutboxEntry, ...]:
    """The post, and behind it what a message of chat has no room for; its buttons stand under the end."""
    parts = parted(post.text, _PART_MOST, _PARTS_MOST)
    if len(parts) == 1:
        return (replace(said, content=post),)
    first = replace(said, content=replace(post, text=parts[0], buttons=()))
    following = tuple(
        replace(said, key=f"{said.key}:part:{place}", meta={}, content=replace(post, text=part, buttons=(), files=()))
        for place, part in enumerate(parts[1:], start=2)
    )
    last = replace(following[-1], content=replace(post, text=parts[-1], files=()))
    return (first, *following[:-1], last)


def twin(entry: OutboxEntry, policy: Policy) -> OutboxEntry:
    """The letter itself, beside the post that says the same; nothing follows from how it ends but a word to staff."""
    mail, key = entry.content, twin_key(entry.key)
    assert isinstance(mail, Mail)
    box = policy.mailbox(mail.mailbox)
    back = return_address(policy.secret, box.address, key) if box.signed_replies else ""
    letter = replace(mail, message_id=message_id(policy.secret, key, box.domain), return_path=back)
    return replace(entry, key=key, lane=f"twin:{entry.ticket}", content=letter, meta={"twin": entry.key})


def a_word(text: str, room: str, number: int, *, name: str, now: datetime) -> OutboxEntry:
    """A line in the thread of somebody who asked in chat; ``name`` names the effect."""
    return OutboxEntry(
        key=f"{number}:{name}", channel=CHAT, lane=lane_of(number), content=Post(text=text, ticket=number, room=room),
        due_at=now, ticket=number,
    )  # fmt: skip


def is_told(ticket: Ticket) -> bool:
    """Whether somebody reads a ticket's answers in chat."""
    return bool(ticket.asked_in or ticket.also_asked_in)


def twin_key(key: str) -> str:
    """The name of the mail that goes beside a post to an asker."""
    return f"{key}:mail"


def parts_of(key: str) -> tuple[str, ...]:
    """The names of all that a letter to an asker may be owed as."""
    others = (also_key(key, place) for place in range(1, OTHERS_MOST + 1))
    return (twin_key(key), *(name for said in (key, *others) for name in _pieces_of(said)))


def _pieces_of(key: str) -> tuple[str, ...]:
    files = (f"{key}:file:{place}" for place in range(1, _FILES_MOST + 1))
    return (key, *files, *(f"{key}:part:{place}" for place in range(2, _PARTS_MOST + 1)))


def _uploads(said: OutboxEntry, files: Sequence[OwedFile], room: str) -> tuple[OutboxEntry, ...]:
    fitting = [file for file in files if file.size and not file.held][:_FILES_MOST]
    return tuple(
        replace(
            said, key=f"{said.key}:file:{place}", meta={},
            content=Upload(ticket=said.ticket or 0, file=file, after=said.key, room=room),
        )
        for place, file in enumerate(fitting, start=1)
    )  # fmt: skip


def _spoken(entry: OutboxEntry, mail: Mail, ticket: Ticket, policy: Policy) -> Post:
    """The letter as a short line of chat, worded by what it is about."""
    texts = policy.wording.of(ticket.language)
    kind = entry.key.split(":")[1]
    text, buttons = mail.text, _NO_BUTTONS
    if kind == "acknowledgement":
        text, buttons = _acknowledged(ticket, policy, texts, entry.due_at), _by_mail(ticket, policy, texts)
    elif kind == "resolved":
        done = ticket.resolution.text if ticket.resolution else texts.say("waiting_resolved").strip()
        text, buttons = texts.say("room_resolved", number=ticket.number, text=done), _solved(ticket, texts)
    elif kind in ("waiting_reminder", "resolved_reminder"):
        text = texts.say(f"room_{kind}", number=ticket.number, subject=plain_subject(ticket.subject))
        buttons = _solved(ticket, texts) if ticket.status is Status.RESOLVED else ()
    elif kind == "survey":
        text, buttons = texts.say("room_survey", number=ticket.number), _scores(ticket)
    elif kind == "score_thanks":
        text = texts.say("room_score_thanks")
    elif not mail.automatic:
        text = _signed(entry, mail, policy, texts)
    return Post(text=text, ticket=ticket.number, room=ticket.asked_in, buttons=buttons, files=mail.files)


def _signed(entry: OutboxEntry, mail: Mail, policy: Policy, texts: Texts) -> str:
    """What a staff member wrote, with their name in place of a mail's signature."""
    words = mail.text.rpartition(_SIGNATURE)[0] if _SIGNATURE in mail.text else ""
    person = policy.person(entry.meta.get("by"))
    return texts.say("room_reply", text=words, name=person.name if person else mail.from_name).strip()


def _acknowledged(ticket: Ticket, policy: Policy, texts: Texts, now: datetime) -> str:
    level, clock = policy.level(ticket.priority), ticket.clock(Target.FIRST_RESPONSE)
    due_at = clock.due_at if clock and clock.due_at and clock.due_at > now else None
    following = texts.say("room_next_by", due=moment(texts, due_at, ticket.timezone)) if due_at else ""
    told = texts.say(
        "room_acknowledgement", number=ticket.number, priority=level.labels.get(texts.language, level.name),
        next=following or texts.say("room_next_soon"),
    )  # fmt: skip
    hours = calendar_of(policy.calendars, clock.calendar if clock else policy.calendar)
    if is_open(hours, now):
        return told
    return f"{told}\n{texts.say('closed_now', opens=moment(texts, next_opening(hours, now), ticket.timezone))}"


def _by_mail(ticket: Ticket, policy: Policy, texts: Texts) -> tuple[Button, ...]:
    asks = policy.chat.answers_by_mail == "ask" and ticket.customer.takes_mail and not ticket.by_mail
    return (Button(command="by_mail", label=texts.say("button_by_mail"), value="yes"),) if asks else ()


def _solved(ticket: Ticket, texts: Texts) -> tuple[Button, ...]:
    round_ = str(ticket.rounds)
    return (
        Button(command="confirm", label=texts.say("button_solved"), value=round_, style="primary"),
        Button(command="not_solved", label=texts.say("button_not_solved"), value=round_),
    )


def _scores(ticket: Ticket) -> tuple[Button, ...]:
    """One button for each score; its value names the round that it is about, so that an old one scores nothing new."""
    return tuple(Button(command="score", label=str(score), value=f"{ticket.rounds}/{score}") for score in _SCORES)
