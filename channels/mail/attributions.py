"""The line above a quote that says who wrote it and when ("On … wrote:"), in the languages of the world."""

from __future__ import annotations

import re
from enum import IntEnum

MAX_LINE = 500
# Mail clients break such a line into at most this many.
MAX_WRAPPED = 5


class Attribution(IntEnum):
    """How surely a line introduces a quote: not at all, only right above quoted lines, or wherever it stands."""

    NONE = 0
    ABOVE_QUOTE = 1
    PLAIN = 2
    STRONG = 3


_VERBS = (
    *(r"wrote", r"writes", r"has written", r"schrieb(?:en)?", r"schreibt", r"geschrieben", r"a écrit", r"écrit"),
    *(r"escribi[óo]", r"escribe", r"escreveu", r"escreve", r"ha scritto", r"scrisse", r"scrive", r"va escriure"),
    *(r"ha escrit", r"schreef", r"geschreven", r"skrev", r"skriver", r"kirjoitti", r"skrifaði", r"napisał(?:\(a\)|a)?"),
    *(r"pisze", r"napsal(?:\(a\)|a)?", r"píše", r"napísal(?:\(a\)|a)?", r"írta", r"a scris", r"написал(?:\(а\)|а)?"),
    *(r"писал(?:\(а\)|а)?", r"пишет", r"написа(?:в|ла|в\(ла\)|в\(-ла\))?", r"пише", r"έγραψε", r"yazdı", r"yazmış"),
    *(
        r"napisao(?: je)?",
        r"napisala(?: je)?",
        r"napisao/la",
        r"rašė",
        r"parašė",
        r"rakstīja",
        r"kirjutas",
        r"napisana przez",
    ),
    *(r"menulis", r"đã viết", r"viết", r"escribiu", r"sumulat", r"на писао", r"написао(?: је)?", r"ने लिखा", r"نوشت"),
    *(r"كتب(?:ت)?", r"تمت كتابة ما يلي", r"כתב(?:ה|/ה)?", r"מאת"),
)
_TIGHT_VERBS = (
    *(
        r"写道",
        r"寫道",
        r"写到",
        r"寫到",
        r"写",
        r"提到",
        r"来信",
        r"來信",
        r"のメール",
        r"のメッセージ",
        r"書きました",
    ),
    *(r"書き込み", r"님이 작성", r"님이 쓴 글", r"작성", r"썼습니다", r"เขียนว่า", r"เขียน"),
)
_VERB = re.compile(r"(?<!\w)(?:" + "|".join(_VERBS) + r")(?!\w)|" + "|".join(_TIGHT_VERBS), re.IGNORECASE)
_AT_END = re.compile(
    r"(?:(?<!\w)(?:" + "|".join(_VERBS) + ")|" + "|".join(_TIGHT_VERBS) + r")\s?[*_]{0,2}\s?[:：]?\s?$", re.IGNORECASE
)
_QUOTING = re.compile(
    r"(?:quoting|zitat von|zitiere|citando(?: a)?|citation de|cytowanie|cytat|citeren|selon|citerar|message from"
    r"|missatge de|contacto|in (?:article|message)|em mensagem)\s",
    re.IGNORECASE,
)
_PREPOSITION = (
    *("on", "am", "at", "le", "el", "em", "il", "op", "den", "dne", "dňa", "w dniu", "dnia", "pada", "vào", "în", "pe"),
    *(
        "la data",
        "στις",
        "την",
        "þann",
        "els",
        "el dia",
        "u",
        "v",
        "på",
        "fra",
        "il giorno",
        "a",
        "noong",
        "na",
        "στις",
    ),
    *("на", "в", "во", "у", "ден", "در", "في", "بتاريخ", "בתאריך", "ב-", "missatge de", "kontakt", "op de"),
)
_WORD_START = re.compile(r"(?:" + "|".join(dict.fromkeys(_PREPOSITION)) + r")[ ,]", re.IGNORECASE)
_DATE_START = re.compile(
    r"[(\[]?\d{1,4}(?:[-./年월]|\s?[^\W\d]{1,12}[.,]?\s|\. )|(?:在|于|於|ในวันที่|วันที่|เมื่อ|בתאריך)"
    r"|[^\W\d]{2,14}[.,]{0,2}\s(?:de\s)?(?:[^\W\d]{2,14}[.,]?\s)?(?:den\s)?\d{1,4}\b",
    re.IGNORECASE,
)
_NAMED_START = re.compile(r"[\"“'«]?[^<>\n]{1,100}[<(\[]|[^\s<>]{1,80}@|.{1,40}(?:在|于|於)")
_NAME_FIRST = re.compile(
    r"(?!(?:The|This|That|My|Our|Your|Der|Die|Das|Mein|Unser|Ihr|Le|La|El|Mon|Notre|Den|Det|Il|Lo)\w{0,3}\s)"
    r"(?:[A-ZÀ-ÞА-Я\"“][^\W\d_.'’-]{0,24}[.,\"”]{0,2}\s){1,4}(?:wrote on|schrieb am|a écrit le|skrev den|schreef op"
    r"|ha scritto il)\s"
)
_TIME = re.compile(r"\d{1,2}\s?[:.h時点时점시]\s?\d{2}|\d{1,2}\s?(?:時|时|点|點|시)")
_DATE = re.compile(
    r"(?<!\d)\d{4}(?!\d)|\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2,4}|\d{1,2}\s?[月월]|\d{1,2}[/.]\d{1,2}(?![\d.])"
)
_ADDRESS = re.compile(r"[<(\[](?:mailto:)?[^<>()\[\]\s]{1,120}@[^<>()\[\]\s]{1,120}[>)\]]")
_BARE_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,100}")
_ADDRESS_LAST = re.compile(r"<[^<>\s]{1,200}@[^<>\s]{1,200}>\s?[:：]?$")
_SPEECH = re.compile(
    r"\b(?:(?:he|she|they|i|we|you|somebody|someone|nobody|my \w{1,20}|your \w{1,20}|our \w{1,20})\s(?:also |once )?"
    r"(?:wrote|writes)|schrieb(?:en)? (?:ich|er|sie|wir|mir|uns|ihr|ihnen|man|mein\w{0,2}|ihr\w{0,2})\b"
    r"|(?:il|elle|on|j'|nous) (?:m')?a écrit|(?:me|nos|le) escribió|skrev (?:jag|jeg|han|hun|hon)\b)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[!?。！？]\s|[^\W\d_]{4,30}\.\s[^\W\d_]{2,30}\s[^\W\d_]{2,30}\s")
# Every sentence has one of these.
_STOP = re.compile(r"[!?.。！？]\s")
_LATE_START = re.compile(
    r"(?:[.!?。！？,)]\s{1,3}|\s(?=On (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov"
    r"|Dec|\d)))"
    r"(?=(?:On|Am|Le|El|Em|Il giorno|Op|Den|W dniu|Dne|At)\s[^:]{0,40}\d|(?:在|于|於)\s?\d{4})"
)
_INLINE = re.compile(
    r"[<(]\s?[^<>()\s]{1,120}@[^<>()\s]{1,120}\s?[>)]?,?\s?(?:wrote|a écrit|escribió|escreveu|ha scritto)\s?[:：]"
    r"|(?:schrieb|schreef|skrev) [^:<>]{1,80}<[^<>\s]{1,120}@[^<>\s]{1,120}>\s?:|@[^<>\s]{1,120}>?\s?(?:写道"
    r"|寫道)\s?[:：]"
)
_MAX_LATE_LINE = 20_000
_MAX_HEAD = 300
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
CLOSING_SIGNS = ":：>-)*\u202c\u200f\u200e"
OPEN_ENDS = (
    "wrote",
    "schrieb",
    "écrit",
    "escribió",
    "escreveu",
    "scritto",
    "schreef",
    "skrev",
    "写道",
    "寫道",
    "작성",
)
_ZONED = re.compile(r"\d{1,2}:\d{2} (?:GMT|UTC)[+-]\d{1,2}(?::\d{2})?\s")
_EDGES = " \t-–—*_>|"
_DRESSED = re.compile(r"\[(?:mailto:|https?:)[^\]\s]{1,200}\]|<(?:mailto:|https?:)[^<>\s]{1,200}>")


def judge(line: str, *, quote_below: bool = False) -> Attribution:
    """How surely the line, with its wrapped pieces joined by blanks, says "On … wrote:".

    ``quote_below`` says that quoted lines follow, which makes a thinner form enough. A sentence that merely says
    "he wrote:" is none.
    """
    if not line.isascii():
        line = _UNSEEN.sub("", line)
    bare = line.lstrip(_EDGES + "\u3000").rstrip(" \t-–—*_|\u3000")
    dashed = line.lstrip().startswith("--") and line.rstrip().endswith("--")
    if not 6 <= len(bare) <= MAX_LINE:
        return Attribution.NONE
    if len(bare) > 30:
        bare = _DRESSED.sub("", bare).replace("< ", "<")
    if _SPEECH.search(bare):
        answered = quote_below and bare.endswith("you wrote:") and _DATE.search(bare) is not None
        return Attribution.ABOVE_QUOTE if answered else Attribution.NONE
    if line.startswith("---") and bare.endswith(("wrote:", "wrote :")):
        return Attribution.STRONG
    closed = dashed or bare.endswith((":", "：", ":<br>"))
    verb = " wrote:" in bare or _VERB.search(bare) is not None
    if not (verb or closed or quote_below):
        return Attribution.NONE
    return _weigh(bare, verb=verb, closed=closed, quote_below=quote_below)


def _weigh(bare: str, *, verb: bool, closed: bool, quote_below: bool) -> Attribution:
    start = _start(bare)
    dated, timed = _DATE.search(bare) is not None, _TIME.search(bare) is not None
    addressed = _ADDRESS.search(bare) is not None or (timed and _BARE_ADDRESS.search(bare) is not None)
    if (
        _STOP.search(bare)
        and _SENTENCE.search(bare)
        and not (addressed and (dated or timed) and start is Attribution.STRONG)
    ):
        return Attribution.NONE
    if verb and closed:
        return _with_verb(bare, start, dated=dated, timed=timed, addressed=addressed)
    if verb and dated and timed and (quote_below or (addressed and _AT_END.search(bare))):
        return start
    if start is Attribution.STRONG and addressed and dated and (closed or quote_below) and (timed or quote_below):
        return start if closed or _ADDRESS_LAST.search(bare) else Attribution.NONE
    if start is Attribution.STRONG and closed and dated and _ZONED.search(bare):
        return start
    if addressed and closed and _QUOTING.match(bare):
        return Attribution.PLAIN
    if closed and quote_below and (_QUOTING.match(bare) or (addressed and len(bare) < 160)):
        return Attribution.ABOVE_QUOTE
    if quote_below and closed and dated and timed and len(bare) < 120:
        return Attribution.ABOVE_QUOTE
    return Attribution.NONE


def _with_verb(bare: str, start: Attribution, *, dated: bool, timed: bool, addressed: bool) -> Attribution:
    if (addressed or (dated and timed)) and start is not Attribution.NONE:
        return start
    if dated and timed and _NAME_FIRST.match(bare):
        return Attribution.PLAIN
    if dated and (timed or start is not Attribution.NONE):
        return Attribution.ABOVE_QUOTE
    if _AT_END.search(bare) and len(bare) <= 120:
        return Attribution.ABOVE_QUOTE
    return Attribution.ABOVE_QUOTE if addressed else Attribution.NONE


def _start(bare: str) -> Attribution:
    """How well the line begins: with a word for a day or a date, or with whoever wrote."""
    if _WORD_START.match(bare) or _DATE_START.match(bare):
        return Attribution.STRONG
    if _QUOTING.match(bare):
        return Attribution.STRONG
    return Attribution.PLAIN if _NAMED_START.match(bare) else Attribution.NONE


def is_complete(line: str) -> bool:
    """Whether a line names both a date and an address, so that nothing above it is needed."""
    return _ADDRESS.search(line) is not None and _DATE.search(line) is not None


def names_sender(line: str) -> bool:
    """Whether a line is nothing but a name and an address: the first half of a line that a client broke there."""
    return len(line) <= 160 and _ADDRESS_LAST.search(line) is not None and not _SENTENCE.search(line)


def may_be(line: str) -> bool:
    """Whether a line can be the last one of an attribution; quick, because most lines are none."""
    return line[-1] in CLOSING_SIGNS or line.endswith(OPEN_ENDS)


def late_start(line: str) -> int | None:
    """Where in a line an attribution begins behind words of the reply, when its client broke no line before it."""
    if len(line) > _MAX_LATE_LINE or ("@" not in line and "写" not in line and "wrote" not in line):
        return None
    head = _INLINE.search(line)
    if head is None and len(line) > MAX_LINE:
        return None
    end = head.end() if head else len(line)
    first = max(0, end - _MAX_HEAD)
    for match in _LATE_START.finditer(line, first, end):
        if judge(line[match.end() : end]) is Attribution.STRONG:
            return match.end()
    return None


def runs_on(line: str) -> bool:
    """Whether a line begins as "On … <address> wrote:" does and goes straight on with the quoted words."""
    if "@" not in line or len(line) < 30:
        return False
    head = _INLINE.search(line[:MAX_LINE])
    if head is None or not line[head.end() :].strip(_EDGES):
        return False
    return judge(line[: head.end()]) is Attribution.STRONG
