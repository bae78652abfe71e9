"""The mails a customer gets, worded in the customer's language and addressed so that the answer finds its ticket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from rules.effects import Mail, OutboxEntry, PageLink, Quoted
from rules.hours import WEEKDAYS, Calendar, is_open, next_opening
from rules.model import Entry, Status, Target, Ticket
from rules.policy import Mailbox, Policy, QuickLink
from rules.prepared import tidy, worded
from rules.quoting import quote
from rules.sla import calendar_of
from rules.threading import plain_subject
from rules.tokens import link_token, message_id, reply_address, return_address
from rules.wording import Texts, moment

_LONGEST_NAME = 60
_LONGEST_SUBJECT = 200
# A subject with an address in it would be mailed to somebody who never asked for it.
_ADVERTISES = re.compile(
    r"://|www\.|[^\s@]@[^\s@]"
    r"|[a-z0-9]\.(?:com|net|org|info|biz|cn|ru|io|co|me|top|xyz|shop|site|online|club|link|click|live|app|vip)\b",
    re.IGNORECASE,
)
_MARKS = (".", "@", "://")
_NO_NAME = re.compile(r"[@/<>]|www\.", re.IGNORECASE)


def to_customer(
    ticket: Ticket,
    policy: Policy,
    *,
    effect: str,
    text: str,
    at: datetime,
    automatic: bool = True,
    from_name: str = "",
    meta: Mapping[str, str] | None = None,
    subject: str = "",
    quoted: tuple[Quoted, ...] = (),
    page: PageLink | None = None,
) -> OutboxEntry:
    """A mail to the ticket's customer, owed under ``<number>:<effect>`` and not sent before ``at``."""
    box = policy.mailbox(ticket.mailbox)
    key = f"{ticket.number}:{effect}"
    reading = [person.email for person in ticket.participants if person.takes_mail and not automatic]
    others = tuple(email for email in reading if not policy.is_own(email))
    mail = Mail(
        mailbox=box.name,
        to=(ticket.customer.email,),
        cc=others,
        subject=subject or subject_line(ticket),
        text=text,
        message_id=message_id(policy.secret, key, box.domain),
        from_name=from_name or box.display_name or policy.desk_name,
        reply_to=_reply_to(ticket, policy, box),
        in_reply_to=ticket.last_message_id,
        references=ticket.references,
        automatic=automatic,
        return_path=_return_path(policy, box, key),
        language=policy.wording.best(ticket.language),
        quoted=quoted,
        reply_line=policy.wording.of(ticket.language).say("reply_marker") if quoted else "",
        page=page,
    )
    return OutboxEntry(
        key=key,
        channel=f"mail:{box.name}",
        lane=f"mail:{ticket.number}",
        content=mail,
        due_at=at,
        ticket=ticket.number,
        meta=meta or {},
    )


def to_staff(
    policy: Policy,
    *,
    key: str,
    to: str,
    subject: str,
    text: str,
    at: datetime,
    html: str = "",
    ticket: int | None = None,
    urgency: int = 1,
    meta: Mapping[str, str] | None = None,
    quoted: tuple[Quoted, ...] = (),
) -> OutboxEntry:
    """A mail from the desk to somebody who works here; about a ticket, it can be answered from their own mail client.

    The answer goes to an address that is signed for this person, which proves little by itself: whoever takes it in
    looks at who sent it (complaint 33).
    """
    box = policy.mailboxes[0]
    reply_to = reply_line = ""
    if ticket is not None and box.signed_replies and (person := policy.staff_by_email(to)):
        texts = policy.wording.of(person.language or policy.languages[0])
        reply_to = reply_address(policy.secret, box.address, ticket, person.email, inside=True)
        text = f"{text.rstrip()}\n\n{texts.say('staff_answer_hint')}\n"
        reply_line = texts.say("reply_marker") if quoted else ""
    mail = Mail(
        mailbox=box.name, to=(to,), subject=" ".join(subject.split())[:_LONGEST_SUBJECT], text=text, html=html,
        from_name=policy.desk_name, reply_to=reply_to, return_path=_return_path(policy, box, key),
        message_id=message_id(policy.secret, key, box.domain), quoted=quoted, reply_line=reply_line,
    )  # fmt: skip
    return OutboxEntry(
        key=key,
        channel=f"mail:{box.name}",
        lane=f"staff:{key}",
        content=mail,
        due_at=at,
        ticket=ticket,
        urgency=urgency,
        meta=meta or {},
    )


def subject_line(ticket: Ticket) -> str:
    """The subject of our answers: the customer's own, with the number (complaint 39)."""
    return f"Re: [#{ticket.number}] {plain_subject(ticket.last_subject or ticket.subject)}".rstrip()


def _reply_to(ticket: Ticket, policy: Policy, box: Mailbox) -> str:
    if not box.signed_replies:
        return box.address
    return reply_address(policy.secret, box.address, ticket.number, ticket.customer.email)


def _return_path(policy: Policy, box: Mailbox, key: str) -> str:
    """Where a bounce of this mail goes, so that it names the mail; nothing where plus-addresses do not work."""
    return return_address(policy.secret, box.address, key) if box.signed_replies else ""


def greeting(ticket: Ticket, texts: Texts) -> str:
    """How a mail begins."""
    name = ticket.customer.name
    # Whoever writes can put an advertisement where a name belongs and have it mailed to somebody else.
    is_name = name and len(name) <= _LONGEST_NAME and not _NO_NAME.search(name)
    return texts.say("hello_name", name=name) if is_name else texts.say("hello")


def acknowledgement(ticket: Ticket, policy: Policy, now: datetime, *, apologises: bool = False) -> OutboxEntry:
    """The automatic answer to a new request: its number, what happens next and by when, hours, contacts (R-IN-3).

    It goes to whoever the mail says it is from, so it repeats nothing of the mail, and of its subject nothing that
    would be an advertisement. For one that reached us late it ``apologises``, and promises nothing that is past.
    """
    texts = policy.wording.of(ticket.language)
    level = policy.level(ticket.priority)
    clock = ticket.clock(Target.FIRST_RESPONSE)
    due_at = clock.due_at if clock and clock.due_at and clock.due_at > now else None
    subject = plain_subject(ticket.subject)
    tells = not _advertises(subject)
    shared = (
        ("desk", policy.desk_name),
        ("priority", level.labels.get(texts.language, level.name)),
        ("closed", _closed_note(ticket, policy, texts, clock.calendar if clock else policy.calendar, now)),
        ("hours", hours_in_words(policy.calendars[policy.calendar], texts)),
        ("contacts", policy.contacts or policy.mailbox(ticket.mailbox).address),
        ("links", _links(ticket, policy, texts)),
    )
    own = {
        "greeting": greeting(ticket, texts) + (_apology(ticket, texts) if apologises else ""),
        "number": str(ticket.number),
        "subject": (subject or texts.say("no_subject")) if tells else texts.say("not_repeated"),
        "next": texts.say("next_by", due=moment(texts, due_at, ticket.timezone)) if due_at else texts.say("next_soon"),
    }
    body = worded(texts, "acknowledgement", shared, own)
    shown = "" if tells else f"Re: [#{ticket.number}] {texts.say('your_request')}"
    return to_customer(ticket, policy, effect="acknowledgement", text=body, at=now, subject=shown)


def _advertises(subject: str) -> bool:
    """Whether a subject has an address in it; there is none without one of three marks."""
    return any(mark in subject for mark in _MARKS) and _ADVERTISES.search(subject) is not None


def _apology(ticket: Ticket, texts: Texts) -> str:
    return "\n\n" + texts.say("late_apology", at=moment(texts, ticket.opened_at, ticket.timezone))


def _closed_note(ticket: Ticket, policy: Policy, texts: Texts, calendar: str, now: datetime) -> str:
    """Out of hours, when work resumes (R-IN-7); nothing for a level that is served round the clock."""
    hours = calendar_of(policy.calendars, calendar)
    if is_open(hours, now):
        return ""
    return texts.say("closed_now", opens=moment(texts, next_opening(hours, now), ticket.timezone))


def _links(ticket: Ticket, policy: Policy, texts: Texts) -> str:
    fitting = [link for link in policy.quick_links if _fits(link, ticket, texts.language)]
    if not fitting:
        return ""
    lines = "\n".join(f"- {link.title}: {link.url}" for link in fitting)
    return texts.say("quick_links", links=lines)


def _fits(link: QuickLink, ticket: Ticket, language: str) -> bool:
    return link.language in ("", language) and link.category in ("", ticket.category)


@lru_cache(maxsize=64)
def hours_in_words(calendar: Calendar, texts: Texts) -> str:
    """A calendar's weekly hours for people: ``Mon-Fri 09:00-18:00 (Asia/Shanghai)``."""
    if calendar.always:
        return texts.say("always_open")
    names = texts.texts["weekdays"].split()
    groups: list[tuple[int, int, str]] = []
    for day in range(len(WEEKDAYS)):
        spans = (f"{_clock(start)}-{_clock(end)}" for start, end in calendar.hours.get(day, ()))
        told = texts.say("hours_and").join(spans)
        if not told:
            continue
        if groups and groups[-1][2] == told and groups[-1][1] == day - 1:
            groups[-1] = (groups[-1][0], day, told)
        else:
            groups.append((day, day, told))
    days = []
    for a, b, told in groups:
        which = texts.say("hours_days", first=names[a], last=names[b]) if b > a else names[a]
        days.append(f"{which} {told}")
    return texts.say("hours_zone", hours=texts.say("hours_then").join(days), zone=calendar.timezone.key)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def resolved(
    ticket: Ticket,
    policy: Policy,
    text: str,
    at: datetime,
    by: str,
    meta: Mapping[str, str] | None = None,
    history: Sequence[Entry] = (),
) -> OutboxEntry:
    """The mail that says what was done and asks whether it is solved (R-CO-2); ``history`` is quoted below."""
    texts = policy.wording.of(ticket.language)
    page = _page(ticket, policy, texts, "confirm")
    body = texts.say(
        "resolved",
        greeting=greeting(ticket, texts),
        number=ticket.number,
        text=text,
        days=_days(policy.habits.resolved_close),
        link=_or_click(page, texts),
        desk=policy.desk_name,
        name=by,
    )
    return to_customer(
        ticket, policy, effect=f"resolved:{ticket.rounds}", text=tidy(body), at=at, meta=meta, page=page,
        quoted=quote(history, texts, ticket.timezone),
    )  # fmt: skip


def reminder(ticket: Ticket, policy: Policy, now: datetime, effect: str, key: str, days: timedelta) -> OutboxEntry:
    """A mail that asks again: for an answer we wait for, or whether it is solved."""
    texts = policy.wording.of(ticket.language)
    # Only a ticket that is resolved can be confirmed; what we wait for is an answer.
    page = _page(ticket, policy, texts, "confirm") if ticket.status is Status.RESOLVED else None
    body = texts.say(
        key, greeting=greeting(ticket, texts), number=ticket.number, days=_days(days), desk=policy.desk_name,
        subject=plain_subject(ticket.subject), link=_or_click(page, texts),
    )  # fmt: skip
    return to_customer(ticket, policy, effect=effect, text=tidy(body), at=now, page=page)


def survey(ticket: Ticket, policy: Policy, now: datetime) -> OutboxEntry:
    """The satisfaction survey, answered by replying or on a page (R-CO-3)."""
    texts = policy.wording.of(ticket.language)
    page = _page(ticket, policy, texts, "survey")
    body = texts.say(
        "survey", greeting=greeting(ticket, texts), number=ticket.number, desk=policy.desk_name,
        subject=plain_subject(ticket.subject), link=_or_click(page, texts),
    )  # fmt: skip
    return to_customer(ticket, policy, effect=f"survey:{ticket.rounds}", text=tidy(body), at=now, page=page)


def thanks_for_score(ticket: Ticket, policy: Policy, now: datetime) -> OutboxEntry:
    """One line that says the answer to the survey has arrived."""
    texts = policy.wording.of(ticket.language)
    body = texts.say("score_thanks", greeting=greeting(ticket, texts), number=ticket.number, desk=policy.desk_name)
    return to_customer(ticket, policy, effect=f"score_thanks:{ticket.rounds}", text=tidy(body), at=now)


def staff_reply(
    ticket: Ticket,
    policy: Policy,
    *,
    text: str,
    name: str,
    at: datetime,
    meta: Mapping[str, str],
    history: Sequence[Entry] = (),
) -> OutboxEntry:
    """What a staff member wrote, as the mail the customer gets, held back until ``at``; ``history`` is quoted below."""
    texts = policy.wording.of(ticket.language)
    signed = f"{text.rstrip()}\n\n-- \n{name}\n{policy.desk_name}\n".lstrip("\n")
    entry = to_customer(
        ticket, policy, effect=f"reply:{ticket.drafted}", text=signed, at=at, automatic=False,
        from_name=f"{name} ({policy.desk_name})", meta=meta, quoted=quote(history, texts, ticket.timezone),
    )  # fmt: skip
    return replace(entry, urgency=0)


def _page(ticket: Ticket, policy: Policy, texts: Texts, purpose: str) -> PageLink | None:
    if not policy.public_url:
        return None
    token = link_token(policy.secret, ticket.number, purpose, ticket.rounds)
    return PageLink(url=f"{policy.public_url.rstrip('/')}/r/{token}", label=texts.say(f"mail_link_{purpose}"))


def _or_click(page: PageLink | None, texts: Texts) -> str:
    return texts.say("or_click", link=page.url) if page else ""


def _days(business: timedelta) -> int:
    return max(1, round(business / timedelta(hours=8)))
