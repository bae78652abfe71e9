"""The few header lines (From, Sent, To, Subject) that mail clients put above a quoted mail, in many languages."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LABEL = 30
_MAX_BLANKS = 4
_MAX_LINES = 40
_MAX_CONTINUED = 4
_EDGES = " \t>|*_\u3000\xa0\u200b\u200e\u200f\u202a\u202b\u202c\ufeff\u2060#"
_SPREAD = re.compile(r"(?<=[\u3400-\u9fff])[ \u3000]+(?=[\u3400-\u9fff])")
_LATE_LABELS = (
    (" From:", " Sent:", " To:", " Subject:"),
    (" From:", " Date:", " To:", " Subject:"),
    (" Von:", " Gesendet:", " An:", " Betreff:"),
    (" De :", " Envoyé :", " À :", " Objet :"),
    (" De:", " Enviado:", " Para:", " Asunto:"),
    (" 发件人", "发送时间", "收件人", "主题"),
)
_MAX_LATE = 20_000
_MAX_VALUE = 400
_UNKNOWN = re.compile(r"[\s>*_]{0,8}[^\W\d_][^\W\d_]{1,18}(?: [^\W\d_]{1,14}){0,2}\*?\s?[:：]\*?(?:\s|$)")
_MAX_UNKNOWN = 2
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}")
_INNER = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,12}(?: [^\W\d_]{2,12})?)\s?[:：]")
_DATED = re.compile(r"\d{1,4}[-./年월]|\d{1,2}[:.h]\d{2}|\d{1,2}\.? [^\W\d_]{3,12}|[^\W\d_]{3,12} \d{1,2}")

SENDER, SENT, TO, COPY, SUBJECT, OTHER = "from", "sent", "to", "cc", "subject", "other"
_WORDS = {
    SENDER: (
        "from, von, absender, poslal, пошиљалац, de, da, van, från, fra, lähettäjä, frá, od, nadawca, feladó, de la, "
        "expeditor, от, від, від кого, "
        "от кого, από, kimden, gönderen, 差出人, 送信元, 送信者, 发件人, 寄件人, 寄件者, 发信人, 發件人, 發信人, "
        "보낸 사람, 보낸사람, 보낸이, 发自, từ, người gửi, dari, pengirim, จาก, من, מאת, expéditeur, remitente, "
        "remetente, "
        "mittente, afzender, avsändare, avsender, afsender, odesílatel, odosielateľ, отправитель, відправник, подател, "
        "αποστολέας, saatja, nuo, no, šalje, pošiljatelj, del, d', fm, sender, sent by, 寄信人, 来自, প্রেরক, از, "
        "प्रेषक, "
        "kellelt"
    ),
    SENT: (
        "ارسال شده, भेजा गया, gönderilme tarihi, αποστολή, saatmisaeg, nosūtīts, išsiųsta, послато, "
        "sent, date, sent at, sent on, date sent, received, received on, gesendet, gesendet am, datum, envoyé, "
        "envoyé le, envoyée, "
        "date d'envoi, date d’envoi, enviado, enviado el, enviado em, enviada em, enviada, enviat, fecha, data, "
        "inviato, "
        "inviato il, data invio, data di invio, verzonden, verzonden op, skickat, sendt, lähetetty, päiväys, pvm, "
        "wysłano, "
        "wysłane, wysłany, odesláno, odoslané, dátum, küldve, elküldve, trimis, дата, отправлено, дата отправки, "
        "дата и время, надіслано, відправлено, изпратено, ημερομηνία, στάλθηκε, απεστάλη, εστάλη, tarih, gönderildi, "
        "gönderme tarihi, "
        "gönderilme, gönderilen, 送信日時, 日時, 日付, 送信日, 发送时间, 发送日期, 日期, 时间, 時間, 發送時間, "
        "寄件日期, "
        "傳送時間, 發送日期, 傳送日期, 发件时间, 发信时间, 보낸 날짜, 날짜, 보낸날짜, 보낸 시간, 보낸시간, 일시, ngày, "
        "đã gửi, thời gian, gửi, gửi lúc, ngày gửi, tanggal, dikirim, terkirim, ส่ง, วันที่, ส่งเมื่อ, تاريخ الإرسال, "
        "التاريخ, تم الإرسال, أرسلت, مرسل, נשלח, תאריך, dato, dags, dagsetning, sent date, poslano, sendingsdato, "
        "saadetud, तारीख, تاریخ, sent time, send time, sendedatum"
    ),
    TO: (
        "mottagare, adresat, příjemce, adressaat, prima, per a, коме, "
        "to, an, à, a, para, aan, till, til, vastaanottaja, kenelle, do, komu, pre, címzett, către, кому, до, "
        "получатель, "
        "на, до кого, προς, kime, alıcı, 宛先, 收件人, 收件者, 收信人, 받는 사람, 받는사람, 받는이, đến, tới, "
        "người nhận, "
        "kepada, untuk, ถึง, إلى, אל, destinataire, destinataires, destinatario, destinatário, per, empfänger, za, "
        "kam, "
        "kellele, recipient, recipients, 致, प्रति, به"
    ),
    COPY: (
        "κοιν., cc, bcc, kopie, copie, copia, kopia, kopi, kopio, másolatot kap, másolat, dw, do wiadomości, udw, "
        "копия, "
        "копія, "
        "копие, κοιν, κοινοποίηση, bilgi, 抄送, 抄送至, 抄送人, 副本, 密送, 副本抄送, 参照, 참조, tembusan, สำเนา, "
        "نسخة, עותק, "
        "cópia, c.c, "
        "cc., ccn, cco, cci, kopija, gizli, kopie (cc), copie à, 密件副本, 숨은참조, با عنوان, इसकी प्रति, "
        "đồng kính gửi, "
        "kópia, afrit, v kopii, bilgi (cc)"
    ),
    SUBJECT: (
        "subject, betreff, betr, thema, objet, sujet, asunto, assunto, oggetto, onderwerp, ämne, emne, aihe, efni, "
        "temat, "
        "předmět, predmet, tárgy, subiect, тема, относно, θέμα, konu, 件名, 主题, 主旨, 標題, 标题, 主題, 제목, "
        "chủ đề, "
        "tiêu đề, perihal, subjek, judul, เรื่อง, หัวเรื่อง, الموضوع, נושא, assumpte, zadeva, teema, tēma, tema, विषय, "
        "موضوع, subj, ang, re"
    ),
    OTHER: (
        "importance, priority, attachments, attachment, reply-to, reply to, organization, wichtigkeit, priorität, "
        "anlagen, "
        "anhänge, antwort an, importancia, prioridad, pièces jointes, pièce jointe, adjuntos, datos adjuntos, anexos, "
        "allegati, priorità, bijlagen, bilagor, bifogade filer, vedhæftede filer, vedlegg, liitteet, załączniki, "
        "ważność, "
        "附件, 重要性, 优先级, 添付ファイル, 첨부, 첨부파일, вложения, вложение, прикачени файлове, ekler, přílohy, "
        "prílohy, "
        "message-id, mailing list, when, where, wann, wo, quand, où, organizer, required attendees, sensitivity, 信头, "
        "reply-to address, antworten an, resent-from, company, delivered-to"
    ),
}
_ROLES = {word.strip().casefold(): role for role, words in _WORDS.items() for word in words.split(",")}
_NOTES_LINES = 12
_NOTES_DATE_FORM = (
    r"(?:[^\W\d]{2,12},? )?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},?(?: um"
    r"| at)? \d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp]\.?[Mm]\.?)?(?: [A-Z]{2,5})?"
)
_NOTES_DATE = re.compile(_NOTES_DATE_FORM)
_NOTES_SENDER = re.compile(
    r"([^:：]{1,80}?(?:<[^<>\s]{1,120}@[^<>\s]{1,120}>|/[^:：]{1,60}))\s?(" + _NOTES_DATE_FORM + r")?(?: >>>)?"
)


class Block(NamedTuple):
    """A header block: the line after its last one, and what its labels say."""

    end: int
    fields: dict[str, str]


def field_of(line: str) -> tuple[str, str]:
    """Which role a line's label has and its value; two empty texts when it has no known label."""
    bare = line[:400].lstrip(_EDGES)
    ends = [place for place in (bare.find(":", 0, MAX_LABEL + 6), bare.find("：", 0, MAX_LABEL + 6)) if place > 0]
    if "|" in line:
        bar = bare.find("|", 0, MAX_LABEL + 6)
        ends += [bar] if bar > 0 else []
    if not ends and "\t" in bare:
        # The cells of a table.
        ends = [bare.index("\t")]
    if not ends:
        return "", ""
    label = bare[: min(ends)].strip(_EDGES).casefold()
    if len(label) > MAX_LABEL:
        return "", ""
    role = _ROLES.get(label) or _ROLES.get(_SPREAD.sub("", label), "")
    return (role, bare[min(ends) + 1 :].strip(_EDGES)) if role else ("", "")


def read_block(lines: list[str], start: int) -> Block | None:
    """The header block that begins in line ``start``: a sender and two more of date, recipient, copy and subject."""
    block = read_fields(lines, start)
    return block if block is not None and _is_whole(block.fields) else None


def read_fields(lines: list[str], start: int) -> Block | None:
    """Whatever labelled lines begin in line ``start``, whole or not; ``None`` when it has no label."""
    role, value = field_of(lines[start])
    if not role or role == OTHER:
        return None
    fields = {role: value}
    _inner(lines[start], fields)
    end, blanks, continued, last, unknown = start + 1, 0, 0, role, 0
    for index in range(start + 1, min(start + _MAX_LINES, len(lines))):
        line = lines[index]
        if not line.strip(_EDGES):
            blanks += 1
            if blanks > _MAX_BLANKS:
                break
            continue
        role, value = field_of(line)
        if role and (role not in fields or role in (COPY, OTHER, TO)):
            fields.setdefault(role, value)
            end, blanks, continued, last = index + 1, 0, 0, role
        elif not role and blanks <= 1 and continued < _MAX_CONTINUED and _continues(line, fields, last, blanks):
            fields[last] = line.strip(_EDGES) if last in (TO, COPY) else fields[last] or line.strip(_EDGES + ";")
            end, blanks, continued = index + 1, 0, continued + 1
        elif unknown < _MAX_UNKNOWN and _UNKNOWN.match(line):
            # A label of a language or client that nobody told us of counts when a known one follows.
            unknown += 1
        else:
            break
    return Block(end, fields)


def read_notes_block(lines: list[str], start: int) -> Block | None:
    """Lotus Notes' block: who wrote and when, without labels, then ``To`` and ``Subject`` in lines of their own."""
    match = _NOTES_SENDER.fullmatch(lines[start].strip(" \t\xa0*_"))
    if match is None:
        return None
    index = start + 1
    if not match.group(2):
        if index >= len(lines) or _NOTES_DATE.fullmatch(lines[index].strip(_EDGES)) is None:
            return None
        index += 1
    fields = {SENDER: match.group(1), SENT: match.group(2) or lines[index - 1].strip(_EDGES)}
    for at in range(index, min(index + _NOTES_LINES, len(lines))):
        bare = lines[at].strip(_EDGES)
        role = field_of(lines[at])[0] or _ROLES.get(bare.casefold(), "") if len(bare) < 200 else ""
        if role in (TO, COPY, SUBJECT):
            below = lines[at + 1].strip(_EDGES) if at + 1 < len(lines) else ""
            fields[role] = field_of(lines[at])[1] or below
        if SUBJECT in fields and TO in fields:
            return Block(min(at + (2 if fields[SUBJECT] and not field_of(lines[at])[1] else 1), len(lines)), fields)
    return None


def _inner(line: str, fields: dict[str, str]) -> None:
    """Labels that a client put into one line: ``From: … Sent: … To: … Subject: …``."""
    if len(line) < 40 or not {SENDER, SENT} & fields.keys():
        return
    known = [label for match in _INNER.finditer(line[:600]) if (label := _label(match))[2]]
    if len({role for _, _, role in known}) < 3:
        return
    for (_, end, role), (following, _, _) in zip(known, [*known[1:], (600, 600, "")], strict=True):
        fields[role] = line[end:following].strip(_EDGES)


def _label(match: re.Match[str]) -> tuple[int, int, str]:
    """Where a label within a line begins and ends, and its role; the word before it may be the end of a value."""
    label = match.group(1).casefold()
    role = _ROLES.get(label, "")
    if role:
        return match.start(), match.end(), role
    last = label.rpartition(" ")[2]
    return match.end(1) - len(last), match.end(), _ROLES.get(last, "")


def _continues(line: str, fields: dict[str, str], last: str, blanks: int) -> bool:
    """Whether a line without a label belongs to the one above it: a folded list of recipients, a long subject."""
    if not fields[last]:
        return blanks == 0
    if blanks:
        return last in (TO, COPY) and "@" in line and (fields[last].endswith((",", ";")) or line.rstrip().endswith(","))
    if last in (TO, COPY, SENDER):
        return (
            line[:1] in " \t" or "@" in line or fields[last].endswith((",", ";")) or line.rstrip().endswith((";", ">"))
        )
    return line[:1] in " \t" and len(line) < 120


def _is_whole(fields: dict[str, str]) -> bool:
    if SENDER not in fields:
        return False
    roles = fields.keys() - {OTHER}
    if len(roles) >= 4:
        return True
    signs = bool(_ADDRESS.search(fields[SENDER])) + bool(_DATED.search(fields.get(SENT, "")))
    signs += "@" in fields.get(TO, "")
    if len(roles) == 3:
        return SENT in fields or signs > 0
    return len(roles) == 2 and SENT in fields and signs == 2


def late_start(line: str) -> int | None:
    """Where in a line a header block begins behind words of the reply: ``Thanks. From: … Sent: … To: … Subject: …``."""
    for labels in _LATE_LABELS:
        first = place = line.find(labels[0], 1, _MAX_LATE)
        for label in labels[1:]:
            place = line.find(label, place + 1, place + _MAX_VALUE) if place > 0 else -1
        if place > 0:
            return first + 1
    return None
