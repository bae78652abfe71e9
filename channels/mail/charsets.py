"""Bytes to text, whatever the mail says about its charset and however wrong it is."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import chardet

# A label is read as its superset: what senders call gb2312 is gb18030 in practice (complaint 45).
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "hz",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis_620": "cp874",
    "ascii": "utf-8",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
}
_ALIASES = {
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "gb_2312-80": "gb18030",
    "gb2312-80": "gb18030",
    "x-sjis": "cp932",
    "shift-jis": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "cp-850": "cp850",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "windows-874": "cp874",
    "x-mac-roman": "mac_roman",
    "mac": "mac_roman",
    "apple-roman": "mac_roman",
    "x-mac-ce": "mac_latin2",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-greek": "mac_greek",
    "x-mac-turkish": "mac_turkish",
    "x-mac-japanese": "cp932",
    "x-mac-simp-chinese": "gb18030",
    "gb-2312": "gb18030",
    "cn-gb": "gb18030",
    "windows-936": "gb18030",
    "windows-949": "cp949",
    "windows-950": "big5hkscs",
    "x-windows-949": "cp949",
    "x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "x-cp1250": "cp1250",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
    "win-1251": "cp1251",
    "koi8": "koi8_r",
    "x-unknown": "",
    "unknown": "",
    "unknown-8bit": "",
    "default": "",
    "default_charset": "",
}
# For each superset the charset of everyday words within it.
_EVERYDAY = {
    "gb18030": "gb2312",
    "big5hkscs": "big5",
    "cp949": "euc_kr",
    "cp932": "shift_jis",
    "euc_jp": "euc_jp",
}
_RARE = re.compile("[\u0370-\u04ff\u2500-\u25ff\u3100-\u312f\uff61-\uff9f]")
_SEVEN_BIT = frozenset({"iso2022_jp_ext", "iso2022_jp_2", "iso2022_kr", "hz", "utf-7"})
_CANDIDATES = (
    "utf-8",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "koi8-r",
    "iso-8859-2",
    "iso-8859-15",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
)
# Charsets that mail without a label is seldom in: a few bytes are too little to say so.
_SELDOM = ("cp866", "iso-8859-5", "cp855", "tis-620", "iso-8859-6")
# Detection looks at this much: enough to be sure, little enough to be quick on a megabyte.
_DETECTED_BYTES = 16_384
_FEW_HIGH_BYTES = 6
# One detection takes milliseconds, and a hostile mail can ask for a hundred thousand of them.
_MOST_DETECTIONS = 100
_detections_left: ContextVar[int | None] = ContextVar("detections_left", default=None)
_SHORT_HIGH_BYTES = 60
# The syllables of everyday Korean office mail; a Chinese word read as Korean hits few of them.
_COMMON_HANGUL = frozenset(
    "이다는을의에가를로고하지한은기사리도서자인대그아어시수나만해부일정보전스과여라적제들것면주장있었했습니까요네세계안"
    "녕문감회원청구견발송배달확오류고장프린터컴퓨메일입니드립답변회의공연락처무업구매신청번호비밀카결제영수증급첨파내용관련건"
    "방식품질상담교환반환불지연좋당신게될및후더년월개중동생성학국외모두위해소유조각으못않았좀등바치"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_IN_WORD = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]|[\x80-\xff](?=[A-Za-z])")
_FOREIGN_WORD = re.compile(rb"[\x80-\xff]{3}")
# A capital alpha with its accent, which only ISO 8859-7 has at this byte: in windows-1253 it is a paragraph sign.
_ISO_GREEK = re.compile(rb"(?<![\x80-\xff])\xb6[\xdc-\xfe]")
_WESTERN = frozenset("àâäçéèêëîïíìôöóòùûüúñßáãõåæøœÀÂÄÇÉÈÊÎÔÖÜÑÅØ’“”–€".encode("cp1252"))
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "charmap"})
_JAPANESE_ESCAPE = re.compile(rb"\x1b(\$B|\$@|\$\(D|\(B|\(J|\(I)")


@lru_cache(maxsize=512)
def codec_of(label: str) -> str:
    """The Python codec for a charset label, as its superset; empty when nobody knows the label."""
    name = label.strip().strip("\"'").lower()
    if name in _ALIASES:
        return _ALIASES[name]
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    # Codecs such as base64 or rot13 are not charsets.
    if not getattr(known, "_is_text_encoding", True) or known.name in _NO_CHARSETS:
        return ""
    return _SUPERSETS.get(known.name, known.name)


@contextmanager
def bounded_detection() -> Iterator[None]:
    """For reading one mail: after a hundred charsets had to be guessed from the bytes, the rest is read as cp1252."""
    before = _detections_left.set(_MOST_DETECTIONS)
    try:
        yield
    finally:
        _detections_left.reset(before)


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """Decode a body or a header and say what was odd about it (empty when nothing was). Never raises."""
    if data.isascii() and b"\x1b" not in data:
        return _decode_ascii(data, label)
    codec = codec_of(label) if label else ""
    if codec in _SEVEN_BIT or b"\x1b$" in data:
        return _decode_escaped(data, codec)
    if codec.startswith(("utf-16", "utf-32")):
        return _scrubbed(_wide(data, codec)), ""
    text = _as_utf8(data, codec)
    if text is not None:
        wrong = codec not in ("", "utf-8") or (bool(label) and not codec)
        return text, f"the text is UTF-8 although it is labelled {label[:40]}" if wrong else ""
    return _decode_labelled(data, codec, label)


def _decode_ascii(data: bytes, label: str) -> tuple[str, str]:
    codec = codec_of(label) if label else ""
    wide = codec.startswith(("utf-16", "utf-32"))
    if wide and b"\x00" not in data and len(data) >= _FEW_HIGH_BYTES:
        # A line end alone would have a zero byte.
        return data.decode("ascii"), f"the text is ASCII although it is labelled {label[:40]}"
    if codec in _SEVEN_BIT or wide:
        return _scrubbed(_wide(data, codec) if wide else data.decode(codec, "replace")), ""
    return data.decode("ascii"), ""


def _wide(data: bytes, codec: str) -> str:
    """UTF-16 or UTF-32; a sign that was cut off at the end is left out."""
    return data[: len(data) // 2 * 2 if codec.startswith("utf-16") else len(data) // 4 * 4].decode(codec, "replace")


def _as_utf8(data: bytes, codec: str) -> str | None:
    """The text if it is valid UTF-8, unless it is so short that the label is the better witness."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if codec in _EVERYDAY and len(data) - len(text) < _FEW_HIGH_BYTES:
        # Rare signs speak against the label: text that is labelled rightly is seldom made of them.
        labelled = _strictly(data, _EVERYDAY[codec])
        if labelled is not None and not _RARE.search(labelled):
            return None
    return text


def _decode_labelled(data: bytes, codec: str, label: str) -> tuple[str, str]:
    if codec and codec != "utf-8":
        text = _strictly(data, codec)
        if text is not None:
            return text, ""
        text = data.decode(codec, "replace")
        if text.count("�") * 50 <= len(text):
            return text, f"a few bytes are not {label[:40]}"
    detected = _detected(data)
    if codec == "utf-8":
        text = data.decode("utf-8", "replace")
        if text.count("�") * 50 <= len(text):
            return text, "a few bytes are not UTF-8"
    reason = f"labelled {label[:40]}" if label else "without a charset"
    return _scrubbed(data.decode(detected, "replace")), f"the text is {reason}; read as {detected}"


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return None


def _detected(data: bytes) -> str:
    left = _detections_left.get()
    if left is not None:
        if left == 0:
            return "cp1252"
        _detections_left.set(left - 1)
    sample = data if len(data) <= _DETECTED_BYTES else _around_high_bytes(data)
    if _is_shift_jis(sample):
        return "cp932"
    if _is_few_hanzi(sample):
        return "euc_jp" if _has_kana(sample) else "gb18030"
    many = _FOREIGN_WORD.search(sample) and len(_HIGH.findall(sample)) >= _FEW_HIGH_BYTES
    found = chardet.detect(sample, include_encodings=_CANDIDATES + _SELDOM if many else _CANDIDATES)
    codec = codec_of(str(found.get("encoding") or "")) or "cp1252"
    if codec == "cp1253" and _ISO_GREEK.search(sample):
        return "iso8859-7"
    return "cp1252" if codec == "utf-8" or _is_western(sample) else codec


def _is_western(sample: bytes) -> bool:
    """Whether a few bytes are letters of Western Europe, which detection takes for Czech or Arabic ones.

    A letter that others write in whole words of their own stands beside an ASCII letter.
    """
    high = _HIGH.findall(sample)
    return (
        len(high) < _FEW_HIGH_BYTES
        and all(byte[0] in _WESTERN for byte in high)
        and len(high) == len(_IN_WORD.findall(sample))
    )


def _has_kana(sample: bytes) -> bool:
    """Whether Japanese syllables, which GB2312 has in the same place, show that these bytes are EUC-JP."""
    return any("\u3040" <= character <= "\u30ff" for character in _strictly(sample, "euc_jp") or "")


def _is_shift_jis(sample: bytes) -> bool:
    """Whether bytes are Japanese in Shift_JIS, which detection takes for Cyrillic or Chinese when they are few."""
    text = _strictly(sample[: len(sample) & ~1], "cp932") or _strictly(sample, "cp932") or ""
    foreign = [character for character in text if character > "\x7f"]
    if not foreign or not all("\u3000" <= character <= "\u9fff" for character in foreign):
        return False
    kana = sum("\u3040" <= character <= "\u30ff" for character in foreign)
    if kana >= 2 and kana * 4 >= len(foreign):
        return True
    # Kanji alone: most begin with bytes that no other charset has a letter at. A typewriter's quotation mark in
    # windows-1252 also does, but an ASCII letter follows it.
    high = sum(byte > 0x7F for byte in sample)
    low_leads = sum(character.encode("cp932")[0] < 0xA0 for character in foreign)
    return len(foreign) >= 2 and high * 2 >= len(foreign) * 3 and low_leads * 2 > len(foreign)


def _is_few_hanzi(sample: bytes) -> bool:
    """Whether a few bytes are everyday Chinese in GB2312, which detection takes for rare Korean syllables."""
    high = sum(byte > 0x7F for byte in sample)
    if not 4 <= high <= _SHORT_HIGH_BYTES:
        return False
    chinese, korean = _strictly(sample, "gb2312"), _strictly(sample, "euc_kr")
    if chinese is None or korean is None:
        return False
    syllables = [character for character in korean if character > "\x7f"]
    common = sum(character in _COMMON_HANGUL for character in syllables)
    everyday = all(character.encode("gb2312")[0] < 0xD8 for character in chinese if character > "\x7f")
    return everyday and common * 2 < len(syllables)


def _around_high_bytes(data: bytes) -> bytes:
    """A sample that begins where the first byte over 127 is: the ASCII before it says nothing."""
    start = re.search(rb"[\x80-\xff]", data)
    begin = start.start() if start else 0
    return data[begin : begin + _DETECTED_BYTES]


def _decode_escaped(data: bytes, codec: str) -> tuple[str, str]:
    """ISO-2022-JP with the vendors' extra characters (CP50221), or another seven-bit charset (RFC 1468, 1557)."""
    if codec in _SEVEN_BIT and not codec.startswith("iso2022_jp"):
        return _scrubbed(data.decode(codec, "replace")), ""
    if not codec and b"\x1b$)C" in data:
        return _scrubbed(data.decode("iso2022_kr", "replace")), "Korean escapes without a charset label"
    text = _strictly(data, "iso2022_jp_ext")
    if text is None:
        text = _japanese(data)
    return text, "" if codec else "Japanese escapes without a charset label"


def _japanese(data: bytes) -> str:
    pieces = _JAPANESE_ESCAPE.split(data)
    text = [pieces[0].decode("cp932", "replace")]
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=False):
        if escape in (b"$B", b"$@"):
            text.append(_jis_to_cp932(piece).decode("cp932", "replace"))
        elif escape == b"$(D":
            text.append((b"\x1b$(D" + piece + b"\x1b(B").decode("iso2022_jp_ext", "replace"))
        elif escape == b"(I":
            text.append(bytes(byte | 0x80 for byte in piece).decode("cp932", "replace"))
        else:
            text.append(piece.decode("cp932", "replace"))
    return "".join(text)


def _jis_to_cp932(piece: bytes) -> bytes:
    """Two-byte JIS to Shift_JIS, which knows the vendors' rows that Python's ISO-2022-JP does not."""
    out = bytearray()
    for row, cell in zip(piece[::2], piece[1::2], strict=False):
        if row < 0x21 or cell < 0x21:
            out += bytes((row, cell))
            continue
        lead = (row - 0x21) // 2 + 0x81
        lead += 0x40 if lead > 0x9F else 0
        trail = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
        out += bytes((lead & 0xFF, trail & 0xFF))
    return bytes(out)


def _scrubbed(text: str) -> str:
    """Without lone surrogates, which no file and no chat takes."""
    return text.encode("utf-8", "replace").decode("utf-8", "replace")
