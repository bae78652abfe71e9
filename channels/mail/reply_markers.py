"""How mail clients say "here the quoted mail begins": one table, by language. Every pattern runs on one short line."""

from __future__ import annotations

import re

MAX_LINE = 500

# Our own line in outgoing mails; whatever language it was sent in, it is found again.
REPLY_MARKER = "-- reply above this line --"
_OWN = re.compile(
    r"[\s>]*[-–—#=*]{2,}\s*(?:please\s+)?(?:reply above this line|请在此线以上回复|請在此線以上回覆"
    r"|请在此行以上回复|bitte über dieser zeile antworten"
    r"|répondez au-dessus de cette ligne|responda por encima de esta línea)",
    re.IGNORECASE,
)
# Begin and end of "On … wrote:"; between them must stand a date or an address.
_ATTRIBUTION_START = re.compile(
    r"[\s>*]*(?:on|am|le|el|em|il|op|den|dne|w dniu|dnia|пн|вт|ср|чт|пт|сб|вс|в|at|pada|vào|tarihinde"
    r"|\d{1,4}[-./年]|\w{2,9}[., ]"
    r"|在|于|於|[\"“<]?[^\s<>]{1,80}@|.{1,80}<[^<>\s]{1,120}@)",
    re.IGNORECASE,
)
_ATTRIBUTION_END = re.compile(
    r"(?:wrote|writes|schrieb(?: .{1,120})?|a écrit|écrit|escribió|escreveu|ha scritto|schreef(?: .{1,120})?"
    r"|skrev(?: .{1,120})?"
    r"|kirjoitti|napisał(?:\(a\)|a)?|napsal(?:\(a\)|a)?|написал(?:\(а\)|а)?|пишет|napísal|a scris|írta|yazdı"
    r"|έγραψε|写道|寫道|写到"
    r"|のメール|書きました|님이 작성|작성)\s*[:：]\s*$",
    re.IGNORECASE,
)
# Some languages put no verb behind the sender: "пн, 2 мар. 2026 г. в 10:00, Support <support@example.com>:".
_NAMED_SENDER = re.compile(r"\d{1,2}[:.]\d{2}[^<>]{1,120}<[^<>\s]{1,200}@[^<>\s]{1,200}>\s*[:：]$")
_DATE_OR_ADDRESS = re.compile(r"@|\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}[./-]\d{1,2}")
_STRONG_START = re.compile(
    r"[\s>*]*(?:(?:on|am|le|el|em|il|op|den|dne|w dniu|dnia|pada|vào)\s|在|于|於|\d{1,4}[-./年]"
    r"|(?:пн|вт|ср|чт|пт|сб|вс)\W)",
    re.IGNORECASE,
)
_IN_A_MARK = (":", ">", "：", "＞")
_RULES = frozenset("-–—_=#*|")
_SEPARATOR = re.compile(
    r"[\s>]*(?:[-–—_=]{2,}|\|)\s*(?:original (?:message|email|appointment)|ursprüngliche (?:nachricht|e-mail)"
    r"|original-?nachricht|message d'origine"
    r"|message original|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht"
    r"|originalmeddelande|ursprungligt meddelande"
    r"|opprinnelig melding|oprindelig (?:meddelelse|besked)|alkuperäinen viesti|wiadomość oryginalna"
    r"|původní zpráva|исходное сообщение"
    r"|原始邮件|原始郵件|原邮件|回复的原邮件|回复的邮件|原邮件信息|元のメッセージ|원본 메(?:시지"
    r"|일))\s*(?:[-–—_=]{2,}|\||[:：]|$)",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"[\s>]*(?:[-–—_=]{2,}\s*(?:forwarded (?:message|by)|weitergeleitete nachricht|message transféré"
    r"|mensaje reenviado|mensagem encaminhada"
    r"|messaggio inoltrato|doorgestuurd bericht|转发的?邮件|轉寄郵件|转发邮件信息|転送メッセージ"
    r"|пересылаемое сообщение)|begin forwarded message"
    r"|anfang der weitergeleiteten)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"[\s>|*_]*(?P<label>from|sent|date|to|cc|subject|von|gesendet|datum|an|betreff|de|envoyé|envoyé le|date|à"
    r"|objet|enviado|enviado el"
    r"|enviada em|para|asunto|assunto|da|inviato|data|a|oggetto|van|verzonden|aan|onderwerp|från|skickat|till"
    r"|ämne|fra|sendt|til|emne|lähettäjä"
    r"|lähetetty|vastaanottaja|aihe|od|wysłano|do|temat|odesláno|komu|předmět|от|отправлено|кому|тема|дата"
    r"|发件人|寄件人|寄件者|发送时间|发送日期"
    r"|寄件日期|日期|收件人|收件者|抄送|抄送人|副本|主题|主旨|主題|差出人|送信日時|送信元|日時|宛先|件名"
    r"|보낸 ?사람|보낸 ?날짜|받는 ?사람|날짜|제목)"
    r"[ \u3000*_|]{0,4}[:：]",
    re.IGNORECASE,
)
_SENDER_LABELS = frozenset(
    (
        *("from", "von", "de", "da", "van", "från", "fra", "lähettäjä", "od", "от", "差出人", "送信元"),
        *("发件人", "寄件人", "寄件者", "보낸사람", "보낸 사람"),
    )
)


_NAMED_WRITER = re.compile(
    r"\S.{0,100}\s?(?:wrote|writes|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|skrev|kirjoitti"
    r"|napisał(?:\(a\))?|napsal(?:\(a\))?|писал(?:\(а\))?|пишет|写道|寫道|写到|さんの書き込み|님이 작성)\s?[:：]",
    re.IGNORECASE,
)


def names_writer(line: str) -> bool:
    """A line such as ``Acme Support wrote:``, without a date: a mark only right above quoted lines."""
    return _NAMED_WRITER.fullmatch(line.strip()[:MAX_LINE]) is not None


def may_mark(line: str) -> bool:
    """Whether a line can be any of the marks below; quick, because most lines are none."""
    return any(mark in line for mark in _IN_A_MARK) or line.lstrip()[:1] in _RULES


def begins_attribution(line: str) -> bool:
    """Whether the line begins as "On … wrote:" does, with a word for a day or a date."""
    return _STRONG_START.match(line) is not None


def is_own_marker(line: str) -> bool:
    """Our own "reply above this line"."""
    return _OWN.match(line[:MAX_LINE]) is not None


def is_separator(line: str) -> bool:
    """A line such as ``-----Original Message-----`` or ``---原始邮件---``."""
    return _SEPARATOR.match(line[:MAX_LINE].replace("&nbsp;", " ")) is not None


def is_forward(line: str) -> bool:
    """The line under which a mail is passed on: what follows is the point of the mail, not a quote."""
    return _FORWARD.match(line[:MAX_LINE]) is not None


def is_attribution(line: str) -> bool:
    """A line such as ``On Mon, 2 Mar 2026, Ana <ana@example.org> wrote:``; a sentence that says "he wrote" is none."""
    line = line.strip()
    if not 8 <= len(line) <= MAX_LINE or line[-1] not in ":：":
        return False
    if not (_ATTRIBUTION_END.search(line[-140:]) or _NAMED_SENDER.search(line)) or not _DATE_OR_ADDRESS.search(line):
        return False
    return _ATTRIBUTION_START.match(line) is not None


def label_of(line: str) -> str:
    """The label of a header-block line (``From``, ``发件人`` …) in lower case, or nothing."""
    match = _LABEL.match(line[:MAX_LINE])
    return match.group("label").lower() if match else ""


def is_sender_label(label: str) -> bool:
    """Whether a header block can begin with this label."""
    return label in _SENDER_LABELS
