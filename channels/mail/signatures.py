"""What stands below somebody's own words in every mail: signatures, "Sent from my iPhone", the footer of a list."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A signature delimiter with more below it than this is taken for a rule that the writer drew.
_STRICT_LINES = 30
_LOOSE_LINES = 12
_RULED_LINES = 8
# A tag line below a signature below a name: looked for this often.
_LAYERS = 3
_PROSE_WORDS = 10
_PROSE_LETTERS = 90
_LONG_LINE = 110
_MAX_TAG = 120
_LINK = re.compile(
    r"\s?(?:<(?:https?|mailto|ms-|www)[^<>]{1,600}>?|\[(?:https?|www|cid:)[^\[\]]{1,600}\]|\((?:https?"
    r"|www)[^()]{1,600}\))"
)
_ONLY_LINK = re.compile(
    r"[<\[(]?\s?(?:https?://|www\.)[^\s]{1,800}\s?[>\])]?|\[(?:cid:|image|logo|avast)[^\[\]]{0,300}\]", re.IGNORECASE
)

# "Sent from my iPhone" in many languages: the whole line, without a final stop.
_TAGS = (
    r"(?:sent|written|typed|composed|posted|tapped|thumbed|mailed|dictated|swiped|shared|message sent) "
    r"(?:from|via|using|with|on|by|through)\b.{2,70}",
    r"(?:this (?:e-?mail|message) (?:was|has been) )?sent (?:from|via|using|with|on|by)\b.{2,70}",
    r"from my (?:iphone|ipad|ipod|android|samsung|galaxy|blackberry|huawei|pixel|phone|mobile)\b.{0,30}",
    r"get (?:the )?[\w.]{3,20}(?: [\w.]{3,20})? (?:for|app|on) .{1,30}|envoyez.{0,30}outlook.{1,30}",
    r"(?:gesendet|versendet|verschickt|geschickt|geschrieben|getippt) (?:von|mit|aus|über|via|per|vom|auf"
    r"|mittels)\b.{2,70}",
    r"von mein\w{0,2} .{2,50}(?:gesendet|geschickt|verschickt|versendet|geschrieben)",
    r"(?:diese|die) (?:nachricht|e-?mail|mail) wurde (?:von|mit|aus|über|vom) .{2,60} (?:gesendet|verschickt"
    r"|versendet)",
    r"envoy[ée]e? (?:de|depuis|à partir d\w{0,2}|par|avec|via|du|d['’]|sur|gr[âa]ce)\b.{2,70}",
    r"(?:enviado|enviada|escrito|mandado) (?:desde|con|por|mediante|do|da|de|a partir d\w{1,2}|pelo|pela|via|vía"
    r"|com|no|através)\b.{2,70}",
    r"(?:inviat[oa]|scritto|spedito) (?:da|dal|dall['’]|dalla|dall|con|tramite|via|col)\b.{2,70}|enviat (?:des|amb"
    r"|del|de)\b.{2,60}",
    r"(?:verstuurd|verzonden|gestuurd) (?:vanaf|vanuit|via|met|van|vanop|door)\b.{2,70}",
    r"(?:sendt|skickat|sänt|skrevet|skrivet) (?:fra|från|via|med|på)\b.{2,70}|hämta outlook.{1,30}",
    r"lähetetty .{2,70}|sent úr .{2,60}|sent frá .{2,60}",
    r"(?:wysłan[eoy]|wysłano|napisane) (?:z|ze|za pomocą|przy użyciu|przez|od|poprzez)\b.{2,70}",
    r"(?:odesláno|odoslané|odoslane|poslané|posláno) (?:z|ze|zo|pomocou|pomocí|přes|s)\b.{2,70}|poslano (?:s|z|sa"
    r"|iz|preko)\b.{2,60}",
    r"trimis (?:de pe|din|cu|de la|prin|de)\b.{2,70}",
    r"(?:отправлено|послано|написано|отправил) (?:с|со|из|через|от|при помощи|с помощью)\b.{2,70}",
    r"(?:надіслано|відправлено) (?:з|із|зі|через|за допомогою|від)\b.{2,70}|изпратен[ао]? (?:от|чрез|с)\b.{2,70}",
    r"(?:στάλθηκε|εστάλη|απεστάλη) (?:από|με|μέσω)\b.{2,70}|послато са .{2,60}|saadetud .{2,60}|išsiųsta iš .{2,60}",
    r"(?:đã )?(?:được )?gửi từ .{2,70}|(?:dikirim|terkirim) (?:dari|melalui|menggunakan)\b.{2,70}|ส่งจาก.{2,60}"
    r"|ส่งด้วย.{2,60}",
    r"(?:发自|發自|发送自|傳送自|寄自|發送自|本邮件发自|邮件发自|我的邮件发自).{1,40}",
    r"(?:从|從|由|用|通过|透過).{1,40}(?:发送|傳送|寄出|發送|发出|定制)|(?:来自|來自).{1,30}(?:手机|手機|邮箱|郵箱"
    r"|iphone|ipad|客户端|邮件|mail|android|大师)",
    r"(?:获取|取得|下载|獲取).{0,20}outlook.{0,20}|签名由|定制|随时随地收发邮件.{0,20}|网易邮箱大师",
    r"(?:virus-?free|virenfrei|libre de virus|sans virus|garanti sans virus|privo di virus|virusvrij)\.?.{0,40}",
    r"this e-?mail has been checked for viruses by .{2,60}|diese e-?mail wurde von avast .{2,60}",
    r"(?:please )?excuse (?:the |my |any )?(?:brevity|typos?|typing|spelling).{0,60}|sent with one (?:thumb"
    r"|finger).{0,30}",
)
# The same where every match holds a letter outside ASCII, most behind any words at all: a costly search.
_FAR_TAGS = (
    r"(?:elküldve|küldve)\b.{2,60}|.{2,50}(?:ról|ről|mról|mről) (?:küldve|küldtem|küldött)",
    r".{2,60}(?:dan|den|tan|ten|dan/den) gönderildi|.{2,40} (?:ile|üzerinden) gönderildi",
    r".{2,50}(?:から送信(?:されました|しています|しました)?|より送信|から送付|で送信|を入手|を取得)",
    r".{2,50}(?:에서|으로|로) (?:보냄|보낸 메일(?:입니다)?|전송|전송됨|발송|보냈습니다|다운로드)"
    r"|.{2,40}용 outlook.{0,20}",
    r"(?:أُرسلت|أرسلت|تم الإرسال|مرسل|مُرسل|أرسل|تم إرسالها) (?:من|عبر|باستخدام)\b.{2,70}|נשלח (?:מ|באמצעות"
    r"|דרך).{2,60}|.{2,40} से भेजा गया",
)
_ASCII_TAG = re.compile(r"(?:" + "|".join(_TAGS) + r")", re.IGNORECASE)
_TAG = re.compile(r"(?:" + "|".join(_TAGS + _FAR_TAGS) + r")", re.IGNORECASE)
_OUTLOOK = re.compile(r"\b(?:ios|android|iphone|ipad|windows|mac|mobile)\b|ios|iphone", re.IGNORECASE)
_DEVICE = re.compile(
    r"iphon|发自|發自|发送自|从我的|從我的|微信|wechat|ipad|ipod|android|blackberry|windows|galaxy|samsung|huawei"
    r"|honor|xiaomi|redmi|nokia|lumia|htc|motorola"
    r"|sony"
    r"|xperia|oneplus|pixel|nexus|oppo|vivo|phone|mobile|mobil|móvil|movil|celular|telefon|téléphone|telefoon|telefono"
    r"|teléfono|puhelim|tablet|handy|smartphone|mac\b|macbook|imac|outlook|mail|yahoo|gmail|gmx|web\.de|thunderbird"
    r"|proton|spark|zoho|aol|airmail|mailbird|fastmail|tutanota|hotmail|live|orange|free|laposte|apparaat|device"
    r"|appareil"
    r"|dispositivo|urządzeni|телефон|айфон|смартфон|устройств|пристро|почт|пошт|手机|手機|邮|郵|スマート|携帯"
    r"|メール|메일"
    r"|アプリ|client|app\b|app$|t-mobile|verizon|at&t|vodafone|sprint|wireless|handheld|treo|palm|surface|pc\b"
    r"|laptop|computer"
    r"|modem|desk phone|watch|cloud|teléf|smart|vivo|lg\b|torch",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"https?://|www\.|@|mailing list|unsubscribe|subscri|abmelden|abbestellen|désabonner|listinfo|\b(?:tel|phone"
    r"|mobile|fax|cell)"
    r"\b|\+\d{2}|\d{3}[-. ]\d{3,4}|confidential|vertraulich|电话|手机|地址|邮箱",
    re.IGNORECASE,
)
# "Sent via the Galaxy S21, an … 5G smartphone": what a mobile network adds.
_BRANDED = re.compile(
    r"sent (?:via|from|on) (?:the |my )?[^,]{2,50}, an? [^,]{2,40}(?:phone|tablet|device)", re.IGNORECASE
)
_EXCUSE = re.compile(r"excuse|brevity|typo|entschuld|désolé|disculp|scus|ursäkta", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:is|are|was|were|but|because|which|that|so|will|please|i|we|you|ist|war|aber|weil|bitte|est|mais|pero|es"
    r"|ma)\b",
    re.IGNORECASE,
)
_DASHED_NAME = re.compile(r"(?:[-~]|(?:--|[–—]) ?)[^\W\d_][\w.'’-]{0,24}(?: [^\W\d_][\w.'’-]{0,24}){0,2}")


def is_tag(line: str) -> bool:
    """A line such as ``Sent from my iPhone`` or ``发自我的iPhone`` that a device adds, or a scanner's advertisement.

    "Sent from my desk, is much easier than my phone." is a sentence.
    """
    if len(line) > 1_000:
        return False
    bare = _LINK.sub("", line).strip(" \t*_[]()<>|-–—~=\xa0\u200b\u200e\u200f\u2063\u3000\"'").rstrip(".。 !")
    if not 2 < len(bare) <= _MAX_TAG:
        return False
    if "outlook" in bare.casefold() and len(bare) <= 70 and len(bare.split()) <= 9 and _OUTLOOK.search(bare):
        return not {"?", ","} & set(bare)
    if bare[-1] in "?？,，:：;" or (_ASCII_TAG if bare.isascii() else _TAG).fullmatch(bare) is None:
        return False
    if ", " in bare or ". " in bare:
        return (_EXCUSE.search(bare) or _BRANDED.fullmatch(bare)) is not None or (
            _DEVICE.search(bare[:60]) is not None and _CLAUSE.search(bare) is None and len(bare.split()) <= 9
        )
    return len(bare.split()) <= 14


def may_belong(line: str) -> bool:
    """Whether the last line of a text may be part of a signature that no delimiter stands above."""
    return is_tag(line) or _is_dashes(line) or _ONLY_LINK.fullmatch(line) is not None


def names_device(line: str) -> bool:
    """Whether a tag line names a device or a mail program, so that it needs no empty line above it."""
    return _DEVICE.search(line) is not None


def start_of(lines: Sequence[str]) -> int:
    """Where in some lines of new text the signature begins; their number when there is none.

    Closings ("Best regards, Mei") are part of what somebody writes and stay (requirement: nothing new is lost).
    """
    end = len(lines)
    for _ in range(_LAYERS):
        start = _delimited(lines, _without_tags(lines, end))
        if start == end:
            break
        end = start
    return end


def _without_tags(lines: Sequence[str], end: int) -> int:
    """The end of the lines without the tag lines at their end, and the links and rules between those."""
    keep = index = end
    while index > 0:
        line = lines[index - 1].strip()
        if not line or _ONLY_LINK.fullmatch(line) or _is_dashes(line):
            index -= 1
            continue
        if not is_tag(line):
            break
        alone = index < 2 or not lines[index - 2].strip() or _is_dashes(lines[index - 2].strip())
        if not (alone or names_device(line)):
            break
        index -= 1
        keep = index
    while keep < end and keep > 0 and (not lines[keep - 1].strip() or _is_dashes(lines[keep - 1].strip())):
        keep -= 1
    return keep


def _is_dashes(line: str) -> bool:
    return 0 < len(line) <= 120 and not line.strip("-–—_=*~ ")


def _delimited(lines: Sequence[str], end: int) -> int:
    """The line of the signature delimiter (RFC 3676 §4.3), or of a rule with a footer below it."""
    first = max(0, end - _STRICT_LINES - 1)
    for index in range(first, end):
        line = lines[index]
        bare = line.strip(" \t\xa0")
        if not bare or bare[0] not in "-–—_=*~" or (len(bare) > 3 and not _is_dashes(bare)):
            continue
        below = [text for text in lines[index + 1 : end] if text.strip()]
        if _begins_signature(line, bare, below):
            return index
    last = end
    while last > 0 and not lines[last - 1].strip():
        last -= 1
    if last > 1 and not lines[last - 2].strip() and _is_signed(lines[last - 1].strip()):
        return last - 1
    return end


def _is_signed(line: str) -> bool:
    """A line such as ``-Ana Lopez``: every word begins with a capital, so it is no item of a list."""
    return _DASHED_NAME.fullmatch(line) is not None and all(word[:1].isupper() for word in line.strip("-–—~ ").split())


def _is_prose(below: Sequence[str]) -> bool:
    """Whether a rule is followed by whole sentences, so that it only parts what the writer says."""
    first = below[0]
    if len(first.split()) < _PROSE_WORDS and len(first) < _PROSE_LETTERS:
        return False
    return not is_tag(first) and not any(_FOOTER.search(text) for text in below[:3])


def _begins_signature(line: str, bare: str, below: Sequence[str]) -> bool:
    if bare in ("--", "—", "––", "- -", "—-", "-—") and below and _is_prose(below):
        return False
    if bare == "--" and line.endswith(("-- ", "--\xa0", "-- \t")):
        return True
    if bare in ("--", "—", "––", "- -", "—-", "-—") and not line.startswith("    "):
        return len(below) <= _LOOSE_LINES and all(len(text) <= 200 for text in below[:4])
    if len(bare) < 2 or not _is_dashes(bare) or not below or len(below) > _RULED_LINES:
        return False
    if bare in ("__", "___", "~~", "==", "**"):
        return len(below) <= 5 and all(len(text) <= _LONG_LINE for text in below)
    footed = sum(_FOOTER.search(text) is not None for text in below)
    return footed * 2 >= len(below) and all(len(text) <= _LONG_LINE * 2 for text in below)
