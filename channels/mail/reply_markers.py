"""How mail clients and help desks draw the line above a quoted or forwarded mail: titles by language."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum

MAX_LINE = 300

# Our own line in outgoing mails; whatever language it was sent in, it is found again.
REPLY_MARKER = "-- reply above this line --"


class Mark(Enum):
    """What a line that looks like a title says: below is a forwarded mail, a quoted one, or the end of the reply."""

    FORWARD = "forward"
    ORIGINAL = "original"
    REPLY_ABOVE = "reply above"
    TITLE = "title"


_ORIGINAL_TITLES = (
    "original message, original email, original e-mail, original appointment, original mail, original, "
    "original text, original sender, originalnachricht, original-nachricht, original nachricht, originalmeldung, "
    "ursprüngliche nachricht, ursprüngliche e-mail, ursprüngliche mail, ursprünglicher termin, original-mail, "
    "message d'origine, message d’origine, message original, message initial, mail original, e-mail d'origine, "
    "courriel original, courriel d'origine, mail d'origine, rendez-vous d'origine, mensaje original, "
    "mensaje inicial, "
    "correo original, mensagem original, e-mail original, email original, messaggio originale, "
    "oorspronkelijk bericht, oorspronkelijke bericht, origineel bericht, originele bericht, originalmeddelande, "
    "ursprungligt meddelande, ursprungligt mejl, originalmelding, originalt meddelande, opprinnelig melding, "
    "original melding, oprindelig meddelelse, oprindelig besked, oprindelig mail, original besked, "
    "alkuperäinen viesti, upprunaleg skilaboð, upprunalegu skilaboðin, wiadomość oryginalna, oryginalna wiadomość, "
    "wiadomość pierwotna, treść oryginalnej wiadomości, původní zpráva, původní e-mail, pôvodná správa, "
    "eredeti üzenet, mesaj original, mesajul original, mesaj initial, исходное сообщение, оригинальное сообщение, "
    "первоначальное сообщение, исходное письмо, вихідне повідомлення, оригінальне повідомлення, "
    "початкове повідомлення, оригинално съобщение, първоначално съобщение, αρχικό μήνυμα, "
    "πρωτότυπο μήνυμα, özgün ileti, orijinal ileti, orijinal mesaj, 原始邮件, 原始郵件, 原邮件, 原郵件, 原始信息, "
    "原始訊息, 原始消息, 原件, 原邮件信息, 原邮件内容, 回复的原邮件, 回复的邮件, 回复的邮件信息, 回复邮件信息, "
    "回复邮件, 回覆的郵件, 答复邮件, "
    "答复的邮件, 邮件原件, 邮件原文, 元のメッセージ, 元のメール, オリジナルメッセージ, 元の予定, 원본 메시지, "
    "원본 메일, "
    "원본메일, 원본메시지, 원본 이메일, 원본 내용, tin nhắn gốc, thư gốc, thư ban đầu, pesan asli, pesan orisinal, "
    "ข้อความต้นฉบับ, ข้อความเดิม, الرسالة الأصلية, رسالة أصلية, הודעה מקורית, ההודעה המקורית, reply message, "
    "replied message, replied mail, reply to message, origin message, missatge original, originalna poruka, "
    "izvorna poruka, izvirno sporočilo, algne kiri, algne sõnum, quoted message, previous message, "
    "previous messages, previous replies, previous reply, "
    "previous conversation, conversation history, message history, "
    "oryginalny e-mail, antwortnachricht, raw message, message reply, original message follows, मूल संदेश, "
    "پیام اصلی"
)
_ORIGINAL = frozenset(title.strip().casefold() for title in _ORIGINAL_TITLES.split(","))
# No letter becomes shorter by casefold.
_LONGEST_TITLE = max(map(len, _ORIGINAL))
_FORWARDED = re.compile(
    r"(?:begin |original )?forwarded (?:message|by|mail|e-?mail|letter)\b|forwarded$"
    r"|(?:anfang der )?weitergeleitete\w? (?:nachricht|e-?mail|mail)"
    r"|(?:début du )?(?:message|mail|courriel|e-mail) (?:transféré|transmis|réexpédié|suivi)"
    r"|(?:inicio del |início d[ae] )?(?:mensaje|correo|mensagem|e-?mail) (?:reenviad|encaminhad|reencaminhad)[oa]"
    r"|(?:inizio )?(?:messaggio|e-?mail) inoltrat[oa]|inoltrato da\b|(?:begin )?(?:doorgestuurd"
    r"|doorgezonden)e? (?:bericht|e-?mail)"
    r"|vidarebefordra(?:t|de) (?:meddelande|mejl|brev|e-post)|(?:start på )?videresend(?:t|te|ing)? ?(?:meddelelse"
    r"|besked|melding|e-?mail|mail)"
    r"|(?:välitetty|edelleenlähetetty|edelleen lähetetty) viesti|(?:początek )?(?:przekaz\w{2,8}"
    r"|przesłan\w{1,3}) (?:dalej )?wiadomoś\w{1,2}"
    r"|wiadomość (?:przekazana|przesłana)|treść przekazanej wiadomości|(?:začátek )?(?:přepos[lí]\w{2,5}"
    r"|předan[áé]) zpráv\w"
    r"|(?:začiatok )?prepos[lí]\w{2,6} správ\w|továbbított (?:üzenet|levél)|mesaj(?:ul)? redirec[țt]ionat"
    r"|(?:начало )?(?:пересылаемо[ег]о?|пересланн?о[ег]о?|переадресованно[ег]о?) (?:сообщени|письм)\w"
    r"|(?:початок )?(?:переслан|перенаправлен)\w{1,3} (?:повідомлення|лист)|препратено (?:съобщение|писмо)"
    r"|προωθημένο μήνυμα"
    r"|αρχή προωθημένου|(?:yönlendirilmiş|iletilen|iletilmiş|yönlendirilen) (?:ileti|mesaj|e-posta)|áframsend"
    r"|(?:以下是|下面是|开始)?(?:被)?(?:转发|轉寄|轉發|已轉寄|已转发)的?(?:邮件|郵件|訊息|信息|消息)"
    r"|転送(?:された)?(?:メッセージ|メール)|전달(?:된|하는)? ?(?:메시지|메일)|(?:bắt đầu )?(?:thư"
    r"|tin nhắn)(?: đã)?(?: được)? chuyển tiếp"
    r"|(?:mulai )?pesan (?:terusan|yang diteruskan)|(?:เริ่ม)?ข้อความที่ส่งต่อ"
    r"|(?:بدء )?(?:ال)?رسالة (?:ال)?(?:محولة|معاد توجيهها|معاد إرسالها)"
    r"|הודעה שהועברה|missatge reenviat|proslijeđena poruka|posredovano sporočilo|edastatud (?:kiri|sõnum)",
    re.IGNORECASE,
)
_APPLE_FORWARD = re.compile(r"begin forwarded |anfang der |début du message |in[ií]cio d|inizio |begin doorgestuurd")
_REPLY_ABOVE = re.compile(
    r"(?:(?:please )?(?:type|write|enter|put|add|make|post)?(?: ?(?:in )?(?:your|a|any))?(?: ?(?:reply|repl(?:y"
    r"|ies)|response|answer|comments?))?"
    r" ?(?:reply|respond|replies)?(?: to this (?:message|e-?mail|mail))?(?: only)? ?(?:ABOVE|over) this line\b"
    r"|(?:please )?(?:reply|respond|answer|write|type|add|enter)\b.{0,60}above this line"
    r"|(?:请|請)?(?:在|于|於)?(?:此|这|這)(?:线|線|行)(?:以上|上方|之上)|この(?:行|線)より上"
    r"|이 줄 위에|(?:bitte )?.{0,40}(?:über|oberhalb) dieser (?:zeile|linie)|.{0,40}au[- ]dessus de cette ligne"
    r"|.{0,40}(?:por encima de|arriba de|encima de|sobre) esta línea|.{0,40}acima (?:desta|dessa|da) linha"
    r"|.{0,40}(?:sopra di|sopra|al di sopra di) questa (?:riga|linea)|.{0,40}boven deze (?:regel|lijn)"
    r"|.{0,40}(?:ovanför|ovenfor|over) (?:den här|denne|denna) (?:raden|linje|linjen|linjan)"
    r"|.{0,40}tämän rivin yläpuolelle"
    r"|.{0,40}(?:powyżej|nad) tej? (?:lini[ię]|linij\w)|.{0,40}nad (?:tento|tímto|touto) (?:řádek|řádkem|čarou)"
    r"|.{0,40}(?:над|выше) (?:этой|этим|цим) (?:строк\w{1,2}|лин\w{1,3}|рядком)|.{0,40}bu (?:satırın|çizginin) üst"
    r"|.{0,40}(?:phía )?trên dòng này|.{0,40}di atas baris ini)",
    re.IGNORECASE,
)
# One of these is in whatever that pattern matches.
_ABOVE_WORDS = (
    *("this line", "线", "線", "行", "이 줄 위에", "dieser", "cette ligne", "esta línea", "linha", "questa", "deze"),
    *("den", "rivin", "lini", "nad t", "этой", "этим", "цим", " üst", "trên dòng", "baris ini"),
)
_LONGEST_UNFRAMED = 90
_UNFRAMED_ENDS = frozenset(("line", "eile", "igne", "ínea", "inha", "riga", "egel", "linj", "以上回复", "上方回复"))
_FRAME = " \t>-–—_=*#~+<|.:：\u3000\xa0"
_RULE = frozenset("-–—_=*#~+")


def title_of(line: str) -> tuple[str, bool]:
    """The words of a title line without its dashes, in lower case, and whether it has dashes."""
    bare = line[:MAX_LINE].replace("&nbsp;", " ").replace("\xa0", " ").strip(" \t>*|\u200b\ufeff")
    framed = bare[:2] != "" and set(bare[:2]) <= _RULE and bare[0] != "." and len(bare) > 2
    words = bare.strip(_FRAME)
    return " ".join(words.split()).casefold().replace("\u0307", ""), framed or (
        bare[-3:] != "" and set(bare[-3:]) <= _RULE
    )


def may_be_unframed(line: str) -> bool:
    """Whether a line without dashes can be a title; quick, because most lines are none."""
    if len(line) > _LONGEST_UNFRAMED:
        return False
    if line[-1] in ":：" or line[-4:].casefold() in _UNFRAMED_ENDS:
        return True
    return len(line) <= _LONGEST_TITLE and line.casefold() in _ORIGINAL


def any_unframed(lines: Collection[str], tails: Collection[str]) -> bool:
    """The same of many lines at once, none of which ends in a colon, with their last four letters.

    It says yes to long lines too, which are none.
    """
    if not _UNFRAMED_ENDS.isdisjoint([tail.casefold() for tail in tails]):
        return True
    return not _ORIGINAL.isdisjoint([line.casefold() for line in lines if len(line) <= _LONGEST_TITLE])


def mark_of(line: str) -> Mark | None:
    """What a title line such as ``-----Original Message-----`` or ``---原始邮件---`` says; ``None`` for other lines.

    ``ORIGINAL`` without dashes and ``TITLE`` (dashes round unknown words) count only above a header block.
    """
    if len(line) > MAX_LINE:
        return None
    words, framed = title_of(line)
    if not words or len(words) > 120:
        return None
    if framed and words in _ORIGINAL:
        return Mark.ORIGINAL
    if _says_forward(line, words, framed=framed):
        return Mark.FORWARD
    if _is_reply_above(line, words, framed=framed):
        return Mark.REPLY_ABOVE
    closed = set(line.rstrip(" \t>|\xa0")[-2:]) <= _RULE
    return Mark.TITLE if (framed and closed and len(words) <= 60) or words in _ORIGINAL else None


def is_forward(line: str) -> bool:
    """The line under which a mail is passed on: what follows is the point of the mail, not a quote."""
    if len(line) > MAX_LINE:
        return False
    words, framed = title_of(line)
    return _says_forward(line, words, framed=framed)


def _says_forward(line: str, words: str, *, framed: bool) -> bool:
    if len(words) > 120 or _FORWARDED.match(words) is None:
        return False
    return framed or (line.rstrip()[-1:] in ":：" and len(words) <= 60 and _is_apple(words))


def _is_apple(words: str) -> bool:
    """Apple Mail's title has no dashes: it must be the whole line."""
    return _APPLE_FORWARD.match(words) is not None or len(words.split()) <= 5


def _is_reply_above(line: str, words: str, *, framed: bool) -> bool:
    found = _REPLY_ABOVE.match(words) if any(word in words for word in _ABOVE_WORDS) else None
    if found is None:
        return False
    if framed:
        return True
    # Without a frame it must be the whole line: "Reply above this line is what your mail says" is a sentence.
    return found.end() == len(words) and line.strip()[-1:] not in "?.!"


def is_rule(line: str) -> bool:
    """Whether a line is nothing but dashes, underscores or the like, as clients draw them above a header block."""
    bare = line.strip(" \t>\xa0")
    return len(bare) >= 3 and set(bare) <= _RULE
