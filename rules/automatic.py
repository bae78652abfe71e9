"""Whether a machine wrote a mail, what kind of machine, and whether it may get an automatic answer (RFC 3834).

The one judge of this question. It errs towards a person: taking a human for a machine costs an answer, taking a
machine for a human costs at most one acknowledgement, because budgets stop loops (complaints 23, 25, 28, 29).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from rules import machine_words as words
from rules.machine_headers import (
    BOUNCE,
    BOUNCE_BY_WORDS,
    CHALLENGE,
    LIST,
    LOOP_HEADER,
    NOTICE_BY_WORDS,
    NOTIFICATION,
    OUT_OF_OFFICE,
    OWN,
    PERSON,
    READ_RECEIPT,
    Evidence,
    Headers,
    asks_for_silence,
    content_evidence,
    header_evidence,
    null_sender,
    values,
)
from rules.model import AutomaticVerdict

__all__ = ["LOOP_HEADER", "judge"]

_ANSWERS = frozenset({"in-reply-to", "references"})

# The kind shown is the first of these that anything in the mail speaks for.
_STRONGEST_FIRST = (OWN, BOUNCE, READ_RECEIPT, CHALLENGE, OUT_OF_OFFICE, LIST, NOTIFICATION)

_READ_TEXT = 3_000
_LONGEST_ABSENCE = 1_500
_FIRST_WORDS = 250


@dataclass(frozen=True)
class _Mail:
    """What the judge looks at besides the header fields. ``daemon`` is surely a mail system, ``postman`` maybe one.

    ``said`` is the beginning of its text in small letters, ``text`` the same on one line.
    """

    subject: str
    said: str
    local: str
    answers: bool
    daemon: bool
    postman: bool
    bulk: bool
    known: frozenset[str]

    @cached_property
    def text(self) -> str:
        """Most mails are judged without it."""
        return " ".join(self.said.split())

    @property
    def machine(self) -> bool:
        """Whether something other than a list's own fields says that no person wrote it."""
        return self.daemon or bool(self.known - {LIST})

    @property
    def asks(self) -> bool:
        """Whether the text asks something, as programs rarely do but to name a deputy."""
        asked = words.QUESTION.findall(words.LINK.sub(" ", self.text))
        return any(not words.DEPUTY_QUESTION.match(question) for question in asked)


def judge(
    headers: Headers,
    *,
    sender: str,
    envelope_sender: str | None,
    subject: str,
    own_addresses: Collection[str] = (),
    text: str = "",
    parts: Sequence[str] = (),
    arrived: bool = False,
) -> AutomaticVerdict:
    """What kind of mail this is. ``headers`` has lower-case names; ``envelope_sender`` is empty for the null sender
    and ``None`` when nobody knows it; ``own_addresses`` are ours, in lower case; ``text`` is what the writer said and
    ``parts`` the MIME types in the mail. What stands in the text counts only beside other evidence. ``arrived`` says
    that the report in it is good news: what we sent was delivered."""
    local = sender.lower().partition("@")[0]
    null = null_sender(headers, envelope_sender)
    daemon = null or bool(words.DAEMON.match(local)) or _named_postman(headers) or _returns_to_daemon(headers)
    evidence = [*header_evidence(headers), *_sender_evidence(local, null), *_rejection(headers)]
    evidence += content_evidence(headers, parts, daemon or any(kind != LIST for kind, _ in evidence))
    mail = _Mail(
        subject[:500].lstrip(words.DECORATION),
        text[:_READ_TEXT].lower(),
        local,
        bool(_ANSWERS & headers.keys()),
        daemon,
        daemon or bool(words.POSTMAN.match(local)),
        _only_precedence(evidence),
        frozenset(kind for kind, _ in evidence),
    )
    evidence += _subject_evidence(mail) or _text_evidence(mail)
    if arrived:
        evidence = [(NOTIFICATION if kind in (BOUNCE, OUT_OF_OFFICE) else kind, reason) for kind, reason in evidence]
    kinds = {kind for kind, _ in evidence}
    kind = next((name for name in _STRONGEST_FIRST if name in kinds), PERSON)
    because = [reason for _, reason in evidence]
    quiet = _wishes(headers, sender.lower(), own_addresses)
    return AutomaticVerdict(
        is_automatic=kind != PERSON,
        kind=kind,
        may_answer=kind == PERSON and not quiet,
        because=tuple(because + quiet),
    )


def _sender_evidence(local: str, null: bool) -> list[Evidence]:
    found = []
    if null:
        found.append((NOTIFICATION, "the envelope sender is empty"))
    if words.DAEMON.match(local):
        found.append((BOUNCE if local.startswith(("mail", "mdaemon")) else NOTIFICATION, f"the sender is {local[:60]}"))
    elif words.RESPONDER.search(local):
        found.append((OUT_OF_OFFICE, f"the sender is {local[:60]}"))
    elif words.ROBOT.search(local):
        found.append((NOTIFICATION, f"the sender is {local[:60]}"))
    return found


def _named_postman(headers: Headers) -> bool:
    return any(words.POSTMAN_NAME.search(value[:200]) for value in values(headers, "from"))


def _returns_to_daemon(headers: Headers) -> bool:
    """Some servers write the null sender as their daemon's name."""
    return any(value.strip("<> ").startswith("mailer-daemon") for value in values(headers, "return-path"))


def _rejection(headers: Headers) -> list[Evidence]:
    """A mailbox that refuses a mail by a rule says so in the form of a receipt (RFC 5429 §2.2)."""
    rejected = any("(rejected)" in value for value in values(headers, "auto-submitted"))
    return [(BOUNCE, "Auto-Submitted says that the mail was rejected")] if rejected else []


def _only_precedence(evidence: Sequence[Evidence]) -> bool:
    reasons = [reason for kind, reason in evidence if kind == LIST]
    return bool(reasons) and all(reason.startswith("Precedence") for reason in reasons)


def _subject_evidence(mail: _Mail) -> list[Evidence]:
    """What the subject says; where a person could have written it, only beside other evidence."""
    if _has_absence_subject(mail.subject):
        return _absent(mail)
    if found := _bounce_subject(mail):
        return found
    if words.COMPLAINT_SUBJECT.match(mail.subject):
        return [(NOTIFICATION, "the subject is that of a provider's complaint about a mail")]
    if _challenges(mail):
        return [(CHALLENGE, "it asks us to prove that we are no machine: a challenge")]
    if mail.machine:
        is_receipt = words.READ_SUBJECT.match(mail.subject) and not words.ROBOT.search(mail.local)
        return [(READ_RECEIPT, "the subject is that of a read receipt")] if is_receipt else []
    if words.PROGRAM.match(mail.local) and not mail.answers and words.NOTICE_SUBJECT.match(mail.subject):
        return [(NOTIFICATION, f"the sender is {mail.local[:60]}, and the subject is that of a notice")]
    away = words.AWAY_SUBJECT.match(mail.subject) or (mail.answers and words.ABSENCE_HINT.match(mail.subject))
    if away and _speaks_of_absence(mail):
        return [(OUT_OF_OFFICE, "the subject and the text are those of an automatic reply")]
    return []


def _has_absence_subject(subject: str) -> bool:
    marked = words.ABSENCE_SUBJECT.match(subject) or words.ABSENCE_MARK.search(subject)
    return marked is not None or words.AUTO_AWAY.match(subject) is not None


def _absent(mail: _Mail) -> list[Evidence]:
    reason = "the subject is an automatic reply's"
    if mail.machine or mail.answers or mail.bulk:
        return [(OUT_OF_OFFICE, reason)]
    generated = words.ABSENCE_WORDS.search(mail.text[:_FIRST_WORDS]) and words.GENERATED_WORDS.search(mail.text)
    if generated or _speaks_of_absence(mail) or (_is_short(mail) and words.COURTESY_WORDS.search(mail.text)):
        return [(OUT_OF_OFFICE, f"{reason}, and so is the text")]
    if mail.asks or mail.known:
        # Somebody asks about such replies, or a list carries the mail.
        return []
    return [(NOTIFICATION, f"{reason}, but it answers nothing: a person may have written it")]


def _bounce_subject(mail: _Mail) -> list[Evidence]:
    """A mail system that is sure to be one needs the subject alone; of anybody else the text must say the same."""
    if not words.BOUNCE_SUBJECT.match(mail.subject):
        return []
    if mail.daemon:
        return [(BOUNCE, "the subject is that of a bounce")]
    likely = mail.postman or words.PROGRAM.match(mail.local) or mail.known & {BOUNCE, OUT_OF_OFFICE, NOTIFICATION}
    if likely and not words.ROBOT.search(mail.local) and words.BOUNCE_WORDS.search(mail.text) and not mail.asks:
        return [(BOUNCE, BOUNCE_BY_WORDS)]
    if not mail.answers and LIST not in mail.known and _is_notice(mail):
        return [(BOUNCE, NOTICE_BY_WORDS)]
    return []


def _is_notice(mail: _Mail) -> bool:
    """Whether a text tells of a failure as a mail system does, naming somebody, without a word of its own writer."""
    beginning = mail.text[:_FIRST_WORDS]
    told = words.BOUNCE_NOTICE.search(beginning) is not None and "@" in mail.text
    told = told or "automatically by mail delivery software" in beginning
    return told and words.OWN_VOICE.search(beginning) is None and not mail.asks


def _challenges(mail: _Mail) -> bool:
    """A machine that holds our mail until we prove that we are no machine; a shop that asks to confirm is none."""
    if (
        "protected" in mail.said
        and "is protected by" in mail.text
        and "http" in mail.text
        and words.CHALLENGE_TEXT.search(mail.text[:1000])
    ):
        return True
    if not words.CHALLENGE_SUBJECT.search(mail.subject):
        return False
    if words.CHALLENGE_WORDS.search(mail.text):
        return not words.ROBOT.search(mail.local) or mail.answers
    return mail.machine and not mail.text


def _text_evidence(mail: _Mail) -> list[Evidence]:
    """What the text says, where something else already says that a machine may have written it."""
    if not mail.text:
        return []
    if mail.daemon and BOUNCE not in mail.known and words.BOUNCE_WORDS.search(mail.text):
        return [(BOUNCE, "a mail system says that it could not deliver")]
    if mail.machine:
        if words.READ_WORDS.search(mail.text[:500]):
            return [(READ_RECEIPT, "the text is that of a read receipt")]
        if mail.daemon and _speaks_of_absence(mail):
            return [(OUT_OF_OFFICE, "the text is that of an automatic reply")]
        return []
    if mail.answers and LIST not in mail.known:
        return _hidden_responder(mail)
    if words.PROGRAM.match(mail.local) and words.GENERATED_WORDS.search(mail.text):
        return [(NOTIFICATION, f"the sender is {mail.local[:60]}, and the text says that a machine wrote it")]
    return []


def _hidden_responder(mail: _Mail) -> list[Evidence]:
    """An answer without any mark of a machine that only says who is away and whom to ask, or that a machine wrote."""
    if len(mail.text) > _LONGEST_ABSENCE:
        return []
    # Every human answer comes through here: only its beginning is searched for what a program would begin with.
    beginning = mail.text[:_FIRST_WORDS]
    absent = words.ABSENCE_WORDS.search(beginning)
    generated = words.GENERATED_WORDS.search(beginning)
    if not (absent or generated) or not _is_short(mail):
        return []
    if absent and words.DEPUTY_WORDS.search(mail.text):
        return [(OUT_OF_OFFICE, "it answers a mail and says nothing but that somebody is away")]
    return [(NOTIFICATION, "it answers a mail and says that a machine wrote it")] if generated else []


def _is_short(mail: _Mail) -> bool:
    """Whether the text is as short as an automatic reply and asks nothing."""
    return len(mail.text) <= _LONGEST_ABSENCE and not mail.asks


def _speaks_of_absence(mail: _Mail) -> bool:
    return _is_short(mail) and bool(words.ABSENCE_WORDS.search(mail.text) or words.GENERATED_WORDS.search(mail.text))


def _wishes(headers: Headers, sender: str, own_addresses: Collection[str]) -> list[str]:
    """Why a person's mail gets no automatic answer all the same."""
    reasons = []
    if asks_for_silence(headers):
        reasons.append("X-Auto-Response-Suppress asks for no automatic answer")
    if sender in own_addresses:
        reasons.append("the sender is one of our own addresses")
    if sender.partition("@")[0] == "postmaster":
        reasons.append("the sender is a postmaster")
    if not sender:
        reasons.append("there is no sender to answer")
    return reasons
