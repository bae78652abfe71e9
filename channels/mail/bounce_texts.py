"""Bounces told in prose: whom a mail did not reach and why, from the words that mail systems write to people.

Only asked of a mail that a machine is known to have sent: an ordinary answer that quotes a header block has addresses
and codes too (notes/mail.md). Every look is over at most ``MAX_TEXT`` characters and linear in them.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from rules.model import Bounce

MAX_TEXT = 60_000
MAX_RECIPIENTS = 200
# Exim names this many failed recipients in its header field and no more.
_ALL_TOLD = 50

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,8}", re.ASCII
)
_QUOTED = ".'*`|{}/=?!#$%&^~-"
_ENHANCED = re.compile(r"(?<![\d.])([245])\.\d{1,3}\.\d{1,3}(?![\d]|\.\d)")
_BASIC = re.compile(r"(?:(?<![\d.\-:\w])|(?<=\s:))(?:4[2-7][0-9]|5(?:0[0-4]|1[0-5]|[23457][0-9]))(?![\d.\w])")

# Where the returned mail begins: a line that says so, or its own header.
_COPY = re.compile(
    r"^[ \t>]{0,8}(?:"
    r"[-=_*]{2,80} ?(?:this is a copy|below this line|original (?:message|mail|e-?mail)"
    r"|message (?:headers?|text|follows)"
    r"|returned (?:message|mail)|undelivered message|(?:start|beginning|copy) of|unsent message|headers? of|forwarded"
    r"|the header|enclosed|ursprüngliche|message d['’]origine|mensaje original|исходное|原始邮件|原邮件|元のメッセージ)"
    r"|(?:the )?(?:original|returned|failed|undelivered|rejected) (?:message|mail|e-?mail)"
    r"(?: headers?| text)? (?:follows|is (?:attached|included|below)|was:|header)"
    r"|(?:the )?(?:message|original) (?:headers?|text)(?: of the original)? (?:follows?|are|is)\b"
    r"|original message (?:headers?|details?):|ursprüngliche nachrichtenkopf"
    r"|en-têtes de message d['’]origine|原始邮件(?:头|标头)"
    r"|encabezados de mensajes originales|(?:received|return-path|dkim-signature): ?\S)",
    re.IGNORECASE | re.MULTILINE,
)
_MESSAGE_ID = re.compile(r"^[ \t>]{0,8}message-id:[ \t]{0,20}(?:\r?\n[ \t]{1,20})?(<[^<>\s]{1,900}>)", re.I | re.M)

# A line that is about somebody else than the recipient: who wrote, whom to ask, what was said to which server.
_OTHERS = re.compile(
    r"^[ \t>|*\-]{0,12}(?:from|sender|reply-to|message-?id|return-path|in-reply-to|references|subject|reporting-mta"
    r"|x-[\w\-]{1,60}|mail from|>>> mail|von|absender|de|remitente|remetente|expéditeur|mittente|afzender"
    r"|发件人|寄件者|差出人|отправитель|보낸 ?사람)\b[^\S\n]{0,5}[:：<]"
    r"|\b(?:please (?:contact|send|forward|e-?mail|write|include)"
    r"|contact (?:your|the|us|me)"
    r"|for (?:further|more|any) (?:assistance|help|information|questions)|send mail to"
    r"|problem report|further assistance|wenden sie sich|kontaktieren"
    r"|veuillez contacter)|mail from:|(?:mail|messages?) from|(?:mail|message) sent by|请联系|請聯絡",
    re.IGNORECASE,
)
_ALONE = re.compile(r"^[ \t>|*\-•·]{0,12}[<(\"'\[]{0,2}(?:mailto:)?$")
# What says that the recipients are named below it: an address above it is about the mail, not about its fate.
_ANNOUNCED = re.compile(
    r"(?:did not reach|(?:could|can) ?not be delivered to|(?:was|were) not delivered to"
    r"|not deliver(?:ed)? (?:.{1,40} )?to"
    r"|failed (?:.{1,40} )?for|address\(?(?:es)?\)? failed)[^\n]{0,40}[:：][ \t]{0,5}$",
    re.IGNORECASE | re.MULTILINE,
)
_AFTER = re.compile(r"^[>)\"'\]]{0,3}[ \t]{0,5}(?:$|on (?:mon|tue|wed|thu|fri|sat|sun)[, ]|[:：;,(（<\[\-–—…]|\.{2,3})")
_LABEL = re.compile(
    r"(?:\bto|recipients?|rcpt to|addressee|user|users|account|mailbox|address|addresses|rcpt|an"
    r"|empfänger|à|destinataires?"
    r"|destinatario|destinatário|para|a|aan"
    r"|geadresseerde|til|modtager|mottagare|odbiorca|кому"
    r"|получател[ьюя]|收件人|收信人|收件者|收件人地址|收件地址|宛先|受信者|받는 ?사람|수신자)(?: address| was| is| to)?"
    r"[ \t]{0,5}[:：=(（]?[ \t]{0,5}[<\"'(\[]{0,2}(?:mailto:|smtp:|rfc822;)?$",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"(?:not yet been delivered|has been delayed|delivery (?:is )?delayed|delivery incomplete|temporar(?:y|ily)"
    r"|(?:will|shall) (?:be )?(?:retr|keep trying|continue (?:to )?(?:try|attempt))|still (?:being|trying)"
    r"|delivery attempts will continue|will be attempted|no action is required|you do not need to resend"
    r"|warning(?: only|: message)|this is (?:only )?a warning|queued for"
    r"|verzögert|wird weiter(?:hin)? versucht|retard|reintent|adiad|ritard|vertraag"
    r"|задерж|延迟|延遲|稍后(?:会)?(?:再次|继续|重)|将继续尝试"
    r"|遅延|지연)",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"(?:permanent(?:ly)?|given up|giving up|fatal|retry time(?:out)? (?:not|exceeded)|too long|no longer|endgültig"
    r"|définiti|permanente|永久|被退回|退信)",
    re.IGNORECASE,
)


def told_fates(text: str, *, told: Collection[str] = (), others: Collection[str] = ()) -> tuple[Bounce, ...]:
    """Whom a bounce in prose names, in its order, each with the code that stands nearest after the name.

    ``told`` are recipients that a header field names already; ``others`` are addresses that cannot be meant: who sent
    the bounce and to whom it came back. The status is the enhanced code (RFC 3463), else the class of the basic one,
    else nothing. Class 5 is for good, class 4 is not; without a code the words decide.
    """
    text = text[:MAX_TEXT]
    copy = _COPY.search(text)
    report = text[: copy.start()] if copy else text
    places = _places(_below_announcement(report, told, others), told, others)
    if not places and copy:
        places = dict(list(_places(text, told, others).items())[:1])
        report = text
    delayed = bool(_DELAYED.search(report)) and not _FINAL.search(report)
    if 0 < len(told) < _ALL_TOLD:
        places = {name: place for name, place in places.items() if name in told}
    names = list(dict.fromkeys((*places, *(name for name in told if name not in places))))
    original = original_id(text, copy.start() if copy else 0)
    bounces: list[Bounce] = []
    for index, name in enumerate(names[:MAX_RECIPIENTS]):
        start = places.get(name, 0)
        end = next((places[after] for after in names[index + 1 :] if after in places), len(report))
        status = _status(report[start:end]) or (_status(report[:start]) if index == 0 else "")
        if not status and index:
            status = bounces[0].status if _status(report[: next(iter(places.values()), 0)]) else ""
        # Exim and Gmail name in their header field only whom they gave up on.
        status = status or ("5.0.0" if name in told else "")
        permanent = status.startswith("5") if status else not delayed
        bounces.append(
            Bounce(
                recipient=name, status=status, permanent=permanent and not delayed, original_message_id=original
            )
        )  # fmt: skip
    return tuple(bounces)


def _below_announcement(report: str, told: Collection[str], others: Collection[str]) -> str:
    """The report with all blanked that stands above where it begins to name recipients, if it does."""
    announced = _ANNOUNCED.search(report)
    if announced is None or not _places(report[announced.end() :], told, others):
        return report
    return re.sub(r"[^\n]", " ", report[: announced.end()]) + report[announced.end() :]


def original_id(text: str, start: int = 0) -> str:
    """The Message-ID of the mail that came back, from the copy below the report; nothing when there is none."""
    match = _MESSAGE_ID.search(text[:MAX_TEXT], start)
    return match.group(1) if match else ""


def _status(text: str) -> str:
    enhanced = _ENHANCED.search(text)
    if enhanced and enhanced.group(1) != "2":
        return enhanced.group()
    basic = _BASIC.search(_ADDRESS.sub("@", text))
    return f"{basic.group()[0]}.0.0" if basic else ""


def _places(report: str, told: Collection[str], others: Collection[str]) -> dict[str, int]:
    """Where each failed recipient is named first: on a line of its own or behind a label, else anywhere."""
    sure: dict[str, int] = {}
    maybe: dict[str, int] = {}
    position = 0
    for line in report.split("\n"):
        if "@" in line[:1000]:
            aside = _OTHERS.search(line[:300]) is not None
            for match in _ADDRESS.finditer(line[:1000]):
                address = match.group().strip(_QUOTED).lower().removeprefix("smtp=")
                if "@" not in address or address in others or _is_machine(address):
                    continue
                if address in told or (not aside and _is_named(line, match)):
                    sure.setdefault(address, position + match.start())
                elif not aside:
                    maybe.setdefault(address, position + match.start())
        position += len(line) + 1
    return sure or dict(list(maybe.items())[:1])


def _is_named(line: str, match: re.Match[str]) -> bool:
    before, after = line[max(0, match.start() - 60) : match.start()], line[match.end() :]
    if _ALONE.match(line[: match.start()]) and _AFTER.match(after):
        return True
    return _LABEL.search(before) is not None


def _is_machine(address: str) -> bool:
    return address.partition("@")[0] in ("mailer-daemon", "postmaster", "mail-daemon", "abuse")
